"""One call to the Hive Metastore in its own protocol: Thrift's strict binary protocol, unframed.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md; the method is `list<string> get_all_databases()` of
hive_metastore.thrift. Reached by a forwarded port, as the metastore has no endpoint outside the cluster.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from typing import BinaryIO

from bdc.errors import BdcError
from bdc.kube import Kube

PORT = 9083
METHOD = b"get_all_databases"
_VERSION, _CALL, _REPLY = 0x80010000, 1, 2
_STOP, _STRING, _LIST = 0, 11, 15
_MOST = 1_000_000


def databases(kube: Kube, namespace: str, labels: Mapping[str, str], timeout_seconds: float) -> list[str]:
    """The names of all databases. Raises BdcError or OSError when the metastore doesn't answer, ValueError for another answer."""
    from bdc.kube.portforward import forward  # it brings an event loop and its HTTP client, a quarter of a second

    with forward(kube, namespace, labels, PORT) as (host, port), socket.create_connection((host, port), timeout_seconds) as connection:
        connection.settimeout(timeout_seconds)
        connection.sendall(request())
        with connection.makefile("rb") as answer:
            return read(answer)


def request() -> bytes:
    """The call: header, method, sequence number, no arguments."""
    return struct.pack(">Ii", _VERSION | _CALL, len(METHOD)) + METHOD + struct.pack(">iB", 1, _STOP)


def read(answer: BinaryIO) -> list[str]:
    """The reply's list. Raises ValueError for anything else, BdcError when the metastore reports a failure."""
    version, length = struct.unpack(">Ii", _exactly(answer, 8))
    if version & 0xFFFF0000 != _VERSION or not 0 <= length <= _MOST:
        msg = "not a Thrift reply"
        raise ValueError(msg)
    _exactly(answer, length + 4)
    kind, field = struct.unpack(">Bh", _exactly(answer, 3))
    if version & 0xFF != _REPLY or (kind, field) != (_LIST, 0):
        raise BdcError("the metastore can't list its databases", "look at its log: bdc logs metastore")
    element, count = struct.unpack(">Bi", _exactly(answer, 5))
    if element != _STRING or not 0 <= count <= _MOST:
        msg = "not a list of names"
        raise ValueError(msg)
    return [_string(answer) for _ in range(count)]


def _string(answer: BinaryIO) -> str:
    (length,) = struct.unpack(">i", _exactly(answer, 4))
    return _exactly(answer, length).decode()


def _exactly(answer: BinaryIO, count: int) -> bytes:
    data = answer.read(count)
    if len(data) != count:
        raise BdcError("the metastore closed the connection", "look at its log: bdc logs metastore")
    return data

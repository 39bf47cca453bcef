"""One call to the Hive Metastore in its own protocol: Thrift's strict binary protocol, unframed.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md; the method is `list<string> get_all_databases()` of
hive_metastore.thrift. Reached through the Kubernetes API, as the metastore has no endpoint outside the cluster.
"""

from __future__ import annotations

import socket
import struct
from typing import Protocol

from bdc.config.names import selector
from bdc.errors import BdcError
from bdc.kube import Kube
from bdc.kube.portstream import connect

PORT = 9083
METHOD = b"get_all_databases"
_VERSION, _CALL, _REPLY = 0x80010000, 1, 2
_STOP, _STRING, _LIST = 0, 11, 15
_MOST = 1_000_000


class Answer(Protocol):
    """What the metastore answers."""

    def read(self, count: int, /) -> bytes:
        """The next bytes; fewer at its end."""


def databases(kube: Kube, namespace: str, pod: str, timeout_seconds: float) -> list[str]:
    """The names of all databases. Raises BdcError or OSError when the metastore doesn't answer, ValueError for another answer."""
    if kube.access.proxy_url:
        return _forwarded(kube, namespace, timeout_seconds)
    with connect(kube, namespace, pod, PORT, timeout_seconds) as connection:
        connection.send(request())
        return read(connection)


def _forwarded(kube: Kube, namespace: str, timeout_seconds: float) -> list[str]:
    """By a forwarded port, whose client also goes through a kubeconfig's proxy; it brings an event loop, a quarter of a second."""
    from bdc.kube.portforward import forward

    labels = selector(namespace, "metastore")
    with forward(kube, namespace, labels, PORT) as address, socket.create_connection(address, timeout_seconds) as connection:
        connection.sendall(request())
        with connection.makefile("rb") as answer:
            return read(answer)


def request() -> bytes:
    """The call: header, method, sequence number, no arguments."""
    return struct.pack(">Ii", _VERSION | _CALL, len(METHOD)) + METHOD + struct.pack(">iB", 1, _STOP)


def read(answer: Answer) -> list[str]:
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


def _string(answer: Answer) -> str:
    (length,) = struct.unpack(">i", _exactly(answer, 4))
    return _exactly(answer, length).decode()


def _exactly(answer: Answer, count: int) -> bytes:
    data = answer.read(count)
    if len(data) != count:
        raise BdcError("the metastore closed the connection", "look at its log: bdc logs metastore")
    return data

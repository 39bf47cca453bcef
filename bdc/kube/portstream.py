"""One connection to a port of a pod through the Kubernetes API, for a question and its answer: in the protocol of `portforward`, without
its local port and its event loop, which take longer to import than most commands to run.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bdc.errors import BdcError
from bdc.kube.client import Kube
from bdc.kube.rest import tls_context

if TYPE_CHECKING:
    from websocket import WebSocket

_PROTOCOL = "v4.channel.k8s.io"
_DATA = 0


class PortStream:
    """What goes to a pod's port, and what comes from there."""

    def __init__(self, stream: WebSocket) -> None:
        self._stream = stream
        self._started: set[int] = set()
        self._rest = b""
        self._ended = False

    def send(self, data: bytes) -> None:
        """To the pod."""
        self._stream.send_binary(bytes([_DATA]) + data)

    def read(self, count: int) -> bytes:
        """The next bytes, fewer where the pod has closed the connection before. Raises TimeoutError."""
        while len(self._rest) < count and not self._ended:
            self._receive()
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def _receive(self) -> None:
        import websocket

        try:
            _, message = self._stream.recv_data()
        except websocket.WebSocketTimeoutException:
            raise TimeoutError("timed out") from None
        except (websocket.WebSocketException, ConnectionError):
            message = b""
        channel = message[0] if message else None
        if channel is not None and channel not in self._started:  # the port's number
            self._started.add(channel)
        elif channel == _DATA:
            self._rest += message[1:]
        else:  # it was closed, or the kubelet says on the channel of errors why it closes it
            self._ended = True


@contextmanager
def connect(kube: Kube, namespace: str, pod: str, port: int, timeout_seconds: float) -> Iterator[PortStream]:
    """Connect to a port of a pod; not through a proxy. Raises BdcError where the API server refuses, OSError where nobody answers."""
    import websocket

    access = kube.access
    where, header = urlsplit(access.server), access.credentials.header()
    secure = where.scheme == "https"
    raw = socket.create_connection((where.hostname or "", where.port or (443 if secure else 80)), timeout_seconds)
    try:
        if secure:
            raw = tls_context(access).wrap_socket(raw, server_hostname=access.tls_server_name or where.hostname)
        url = f"{access.server.replace('http', 'ws', 1)}/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={port}"
        headers = {"Authorization": header} if header else {}
        stream = websocket.create_connection(
            url, timeout_seconds, socket=raw, header=headers, subprotocols=[_PROTOCOL], suppress_origin=True
        )
        yield PortStream(stream)
    except websocket.WebSocketTimeoutException:
        raise TimeoutError("timed out") from None
    except websocket.WebSocketException as error:
        raise BdcError(f"can't connect to port {port} of the pod {pod}: {str(error).splitlines()[0]}") from error
    finally:
        raw.close()

"""The standard streams of a container, through the Kubernetes API: what its main process reads and prints, or its terminal.

A message is one byte of channel and bytes: 0 to stdin, 1 from stdout (and the terminal), 2 from stderr, 3 how it ended (a Status), 4 to
the terminal's size. kubernetes/kubernetes staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand/websocket.go.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from bdc.errors import BdcError, UnreachableError
from bdc.kube import websocket
from bdc.kube.client import Kube

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse

STDOUT, STDERR = 1, 2
_STDIN, _STATUS, _RESIZE = 0, 3, 4
_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_OPEN_SECONDS = 30.0
_SEND_SECONDS = 60.0
_WAITING_MESSAGES = 64
_Output = tuple[int, bytes]


class Attachment:
    """A container's streams. `send`, `resize` and `read` may be called from different threads."""

    def __init__(self, kube: Kube, path: str, query: dict[str, str]) -> None:
        self._kube, self._path, self._query = kube, path, query
        self._loop = asyncio.new_event_loop()
        self._read: Queue[_Output | BdcError | None] = Queue(_WAITING_MESSAGES)
        self._thread = threading.Thread(target=self._loop.run_forever, name="attach", daemon=True)
        self._session: ClientSession | None = None
        self._stream: ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Connect. Raises BdcError."""
        self._thread.start()
        self._run(self._open(), _OPEN_SECONDS)

    def close(self) -> None:
        """End the connection; the container goes on."""
        with suppress(Exception):
            self._run(self._close(), _OPEN_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._loop.is_running():
            self._loop.close()

    def send(self, data: bytes) -> None:
        """To stdin. Raises UnreachableError when the connection is gone."""
        self._run(self._send(_STDIN, data), _SEND_SECONDS)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the terminal its size."""
        self._run(self._send(_RESIZE, json.dumps({"Width": columns, "Height": rows}).encode()), _SEND_SECONDS)

    def read(self, timeout_seconds: float | None = None) -> _Output | None:
        """What is printed next, with its channel; None at the end. Raises TimeoutError, and UnreachableError when the connection broke."""
        try:
            found = self._read.get(timeout=timeout_seconds)
        except Empty:
            raise TimeoutError from None
        if found is None or isinstance(found, BdcError):
            self._read.put(found)  # and again to whoever asks again
        if isinstance(found, BdcError):
            raise found
        return found

    def _run(self, coroutine: Coroutine[Any, Any, None], timeout_seconds: float) -> None:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            future.result(timeout_seconds)
        except TimeoutError:
            future.cancel()
            raise UnreachableError(self._kube.server, "the stream to the pod stands still") from None

    async def _open(self) -> None:
        import aiohttp

        self._session = websocket.http(self._kube)
        try:
            self._stream = await websocket.connect(self._session, self._kube, self._path, self._query, _PROTOCOLS)
        except aiohttp.ClientError as error:
            raise BdcError(f"can't attach to the pod: {websocket.refusal(error, 'pods/attach')}") from error
        self._reader = asyncio.create_task(self._receive(self._stream))

    async def _close(self) -> None:
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._stream:
            await self._stream.close()
        if self._session:
            await self._session.close()

    async def _send(self, channel: int, data: bytes) -> None:
        if self._stream is None or self._stream.closed:
            raise UnreachableError(self._kube.server, "the stream to the pod has ended")
        try:
            await self._stream.send_bytes(bytes([channel]) + data)
        except (ConnectionError, OSError) as error:
            raise UnreachableError(self._kube.server, str(error) or "the stream to the pod broke") from error

    async def _receive(self, stream: ClientWebSocketResponse) -> None:
        ended: BdcError | None = UnreachableError(self._kube.server, "the stream to the pod broke")
        async for message in stream:
            data = message.data
            if not isinstance(data, bytes) or len(data) < 2:
                continue  # an empty message only opens its channel
            if data[0] in (STDOUT, STDERR):
                await self._put((data[0], data[1:]))
            elif data[0] == _STATUS:
                ended = _verdict(data[1:])
        await self._put(ended)

    async def _put(self, item: _Output | BdcError | None) -> None:
        while self._read.full():
            await asyncio.sleep(0.005)
        self._read.put_nowait(item)


@contextmanager
def attach(kube: Kube, namespace: str, pod: str, container: str, *, tty: bool) -> Iterator[Attachment]:
    """Attach to a running container whose `stdin` is open. What it printed before is in its log, not here. Raises BdcError."""
    query = {"container": container, "stdin": "true", "stdout": "true", "stderr": str(not tty).lower(), "tty": str(tty).lower()}
    attachment = Attachment(kube, f"/api/v1/namespaces/{namespace}/pods/{pod}/attach", query)
    try:
        attachment.open()
        yield attachment
    finally:
        attachment.close()


def _verdict(data: bytes) -> BdcError | None:
    """A container's end is no error here, whatever its exit code: its pod's status says that."""
    try:
        status = json.loads(data)
    except ValueError:
        status = {"message": data.decode(errors="replace").strip()}
    if status.get("status") == "Success" or status.get("reason") == "NonZeroExitCode":
        return None
    return BdcError(f"the stream to the pod ended: {status.get('message') or status}")

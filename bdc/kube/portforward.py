"""Local ports that lead to pods through the Kubernetes API, with the kubeconfig's rights and nothing exposed.

Each connection gets a ready pod of its own choosing, so a forwarded port outlives its pods. It travels on a WebSocket with
subprotocol `v4.channel.k8s.io`: a message is one byte of channel (0 data, 1 error) and bytes; the first message on a channel is the
port's number. https://kubernetes.io/docs/reference/using-api/api-concepts/, kubernetes/kubernetes pkg/kubelet/cri/streaming/portforward.

The official client has a forwarder too, but it takes what the pod sends faster than the local side reads it (memory grows with
the transfer), and drops the answer when the local side has said its last word (half-close). Here both sides wait for each other. The
protocol can't tell the pod of a half-close: after it, the connection stays until the pod closes it or is silent for a minute.
"""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from bdc.errors import BdcError, UnhealthyError
from bdc.kube import websocket
from bdc.kube.client import Kube
from bdc.kube.selector import label_selector

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse

PIECE_BYTES = 1 << 16
_PROTOCOL = "v4.channel.k8s.io"
_READY_SECONDS = 15.0
_SILENCE_SECONDS = 60.0


@contextmanager
def forward(
    kube: Kube,
    namespace: str,
    selector: Mapping[str, str],
    port: int,
    *,
    local_port: int = 0,
    bind: str = "127.0.0.1",
    on_error: Callable[[str], None] | None = None,
) -> Iterator[tuple[str, int]]:
    """Listen at `bind`:`local_port` (0: any free port) and lead every connection to `port` of a ready pod with these labels.

    Yields the host and port. `on_error` hears, from another thread, of connections that could not be made. Raises BdcError when the
    local port can't be had.
    """
    listener = _listen(bind, local_port)
    forwarder = _Forwarder(kube, namespace, selector, port, on_error or (lambda _: None))
    thread = threading.Thread(target=forwarder.run, args=(listener,), name=f"forward-{port}", daemon=True)
    thread.start()
    try:
        yield bind, listener.getsockname()[1]
    finally:
        forwarder.stop()
        thread.join(10)


class _Forwarder:
    """An event loop in a thread of its own."""

    def __init__(self, kube: Kube, namespace: str, selector: Mapping[str, str], port: int, on_error: Callable[[str], None]) -> None:
        self._kube, self._namespace, self._selector, self._port, self._on_error = kube, namespace, selector, port, on_error
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    def run(self, listener: socket.socket) -> None:
        asyncio.run(self._serve(listener))

    def stop(self) -> None:
        self._started.wait()
        if self._loop and self._end:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._end.set)

    async def _serve(self, listener: socket.socket) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._started.set()
        tasks: set[asyncio.Task[None]] = set()
        async with websocket.http(self._kube) as session:

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.create_task(self._connection(session, reader, writer))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

            server = await asyncio.start_server(accept, sock=listener, limit=PIECE_BYTES)
            await self._end.wait()
            server.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, session: ClientSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            stream = await self._open(session)
            try:
                await _join(stream, reader, writer)
            finally:
                await stream.close()
        except (BdcError, OSError) as error:
            self._on_error(str(error))
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _open(self, session: ClientSession) -> ClientWebSocketResponse:
        """A WebSocket to a ready pod; waits a little for one, as pods restart."""
        import aiohttp

        loop = asyncio.get_running_loop()
        deadline = loop.time() + _READY_SECONDS
        while True:
            try:
                pod = await asyncio.to_thread(ready_pod, self._kube, self._namespace, self._selector)
                path = f"/api/v1/namespaces/{self._namespace}/pods/{pod}/portforward"
                return await websocket.connect(session, self._kube, path, {"ports": str(self._port)}, (_PROTOCOL,))
            except (UnhealthyError, aiohttp.ClientError) as error:
                status = getattr(error, "status", None)
                if status in (401, 403) or loop.time() > deadline:
                    raise BdcError(websocket.refusal(error, "pods/portforward")) from error
                await asyncio.sleep(0.5)


def ready_pod(kube: Kube, namespace: str, selector: Mapping[str, str]) -> str:
    """The name of one of the ready pods with these labels; raises UnhealthyError when there is none."""
    labels = label_selector(dict(sorted(selector.items())))
    pods = kube.request("GET", f"/api/v1/namespaces/{namespace}/pods", query={"labelSelector": labels}, timeout=10)["items"]
    ready = [pod["metadata"]["name"] for pod in pods if _is_ready(pod)]
    if not ready:
        state = f"{len(pods)} not ready" if pods else "there is none"
        raise UnhealthyError(f"no ready pod with {labels} in namespace {namespace}: {state}", "bdc status says what it waits for")
    return str(random.choice(ready))  # noqa: S311 spreads load


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return "deletionTimestamp" not in pod["metadata"] and any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions
    )


async def _join(stream: ClientWebSocketResponse, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes both ways until the pod's side ends. Raises BdcError with the pod's complaint."""
    heard = asyncio.Event()
    up = asyncio.create_task(_up(stream, reader))
    down = asyncio.create_task(_down(stream, writer, heard))
    try:
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        while not down.done():
            heard.clear()
            await asyncio.wait((down,), timeout=_SILENCE_SECONDS)
            if not heard.is_set():
                break
        if down.done():
            down.result()
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _up(stream: ClientWebSocketResponse, reader: asyncio.StreamReader) -> None:
    while data := await reader.read(PIECE_BYTES):
        await stream.send_bytes(b"\0" + data)


async def _down(stream: ClientWebSocketResponse, writer: asyncio.StreamWriter, heard: asyncio.Event) -> None:
    started: set[int] = set()
    async for message in stream:
        heard.set()
        data = message.data
        if not isinstance(data, bytes) or not data:
            continue
        channel = data[0]
        if channel not in started:  # the port's number
            started.add(channel)
        elif channel == 0:
            writer.write(memoryview(data)[1:])
            await writer.drain()
        else:
            raise BdcError(data[1:].decode(errors="replace").strip())


def _listen(bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((bind, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise BdcError(
            f"can't listen at {bind}:{port}: {error.strerror}", "choose another local port, or end what uses this one"
        ) from error
    return listener

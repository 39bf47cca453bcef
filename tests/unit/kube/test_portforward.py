"""Port forwarding, and single connections, against an API server of our own that speaks the WebSocket protocol, and real TCP behind it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web

from bdc.errors import BdcError, UnhealthyError
from bdc.kube import Kube, portstream
from bdc.kube.credentials import PlainCredentials
from bdc.kube.kubeconfig import Access
from bdc.kube.portforward import forward, ready_pod

SELECTOR = {"app": "x"}


def pod(name: str, *, ready: bool = True, leaving: bool = False) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name} | ({"deletionTimestamp": "now"} if leaving else {})
    return {"metadata": metadata, "status": {"conditions": [{"type": "Ready", "status": str(ready)}]}}


class Api:
    """Pods and what answers at their ports. `complaint` is sent on the error channel instead."""

    def __init__(self) -> None:
        self.pods = [pod("one")]
        self.servers: dict[str, tuple[str, int]] = {}
        self.asked: list[tuple[str, str]] = []
        self.complaint: str | None = None
        self.refuse: int | None = None
        self.port = 0

    async def list(self, request: web.Request) -> web.Response:
        assert request.query["labelSelector"] == "app=x"
        return web.json_response({"items": self.pods})

    async def forward(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.match_info["pod"], request.headers.get("Authorization", "")))
        if self.refuse:
            return web.json_response({}, status=self.refuse)
        websocket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",), max_msg_size=0)
        await websocket.prepare(request)
        port = int(request.query["ports"]).to_bytes(2, "little")
        await websocket.send_bytes(b"\0" + port)
        await websocket.send_bytes(b"\1" + port)
        if self.complaint:
            await websocket.send_bytes(b"\1" + self.complaint.encode())
            await websocket.close()
            return websocket
        reader, writer = await asyncio.open_connection(*self.servers[request.match_info["pod"]])
        down = asyncio.create_task(self._down(reader, websocket))
        async for message in websocket:
            assert message.data[0] == 0
            writer.write(message.data[1:])
            await writer.drain()
        down.cancel()
        writer.close()
        return websocket

    async def _down(self, reader: asyncio.StreamReader, websocket: web.WebSocketResponse) -> None:
        while data := await reader.read(1 << 15):
            await websocket.send_bytes(b"\0" + data)
        await websocket.close()


@contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """A TCP server with a thread for each connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with connection:
            handle(connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def echo(connection: socket.socket) -> None:
    while data := connection.recv(1 << 16):
        connection.sendall(data)


@pytest.fixture
def api() -> Iterator[Api]:
    made, started, loop = Api(), threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        application = web.Application()
        application.router.add_get("/api/v1/namespaces/ns/pods", made.list)
        application.router.add_get("/api/v1/namespaces/ns/pods/{pod}/portforward", made.forward)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        made.port = runner.addresses[0][1]
        started.set()
        await stop.wait()
        await runner.cleanup()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait()
    yield made
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


@pytest.fixture
def kube(api: Api) -> Kube:
    return Kube(Access(server=f"http://127.0.0.1:{api.port}", credentials=PlainCredentials("Bearer t0ken")))


def test_bytes_go_both_ways(api: Api, kube: Kube) -> None:
    with serving(echo) as api.servers["one"], forward(kube, "ns", SELECTOR, 8443) as local, socket.create_connection(local) as connection:
        connection.sendall(b"hello")
        assert connection.recv(100) == b"hello"
    assert api.asked == [("one", "Bearer t0ken")]


def test_many_connections_and_much_data(api: Api, kube: Kube) -> None:
    def through(local: tuple[str, int]) -> bool:
        data = os.urandom(3 << 20)
        with socket.create_connection(local) as connection:
            sender = threading.Thread(target=connection.sendall, args=(data,))
            sender.start()
            got = bytearray()
            while len(got) < len(data):
                got += connection.recv(1 << 16)
            sender.join()
        return hashlib.sha256(got).digest() == hashlib.sha256(data).digest()

    with serving(echo) as api.servers["one"], forward(kube, "ns", SELECTOR, 8443) as local, ThreadPoolExecutor(20) as pool:
        assert list(pool.map(through, [local] * 20)) == [True] * 20


def test_a_slow_reader_holds_the_pod_back(api: Api, kube: Kube) -> None:
    sent = 0

    def pour(connection: socket.socket) -> None:
        nonlocal sent
        connection.settimeout(2)
        try:
            while sent < 500 << 20:
                sent += connection.send(b"x" * 65536)
        except TimeoutError:
            return

    with serving(pour) as api.servers["one"], forward(kube, "ns", SELECTOR, 8443) as local, socket.create_connection(local) as connection:
        tracemalloc.start()
        assert connection.recv(10)
        time.sleep(3)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert sent < 64 << 20
    assert peak < 32 << 20


def test_the_answer_comes_after_the_last_word(api: Api, kube: Kube) -> None:
    """A client that shuts its sending side down still gets what the server says."""

    def slow_answer(connection: socket.socket) -> None:
        asked = connection.recv(100)
        time.sleep(0.5)
        connection.sendall(b"answer to " + asked)

    got = b""
    with (
        serving(slow_answer) as api.servers["one"],
        forward(kube, "ns", SELECTOR, 8443) as local,
        socket.create_connection(local) as client,
    ):
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        while data := client.recv(100):
            got += data
    assert got == b"answer to question"


def test_the_end_of_the_pods_side_ends_ours(api: Api, kube: Kube) -> None:
    def bye(connection: socket.socket) -> None:
        connection.sendall(b"bye")

    with serving(bye) as api.servers["one"], forward(kube, "ns", SELECTOR, 8443) as local, socket.create_connection(local) as connection:
        connection.settimeout(5)
        assert connection.recv(100) == b"bye"
        assert connection.recv(100) == b""


def test_a_restarted_pod_is_found(api: Api, kube: Kube) -> None:
    with serving(echo) as server, forward(kube, "ns", SELECTOR, 8443) as local:
        api.servers = {"one": server, "two": server}
        with socket.create_connection(local) as connection:
            connection.sendall(b"a")
            assert connection.recv(1) == b"a"
        api.pods = [pod("one", leaving=True), pod("two", ready=False)]
        threading.Timer(0.8, lambda: setattr(api, "pods", [pod("one", leaving=True), pod("two")])).start()
        with socket.create_connection(local) as connection:
            connection.settimeout(10)
            connection.sendall(b"b")
            assert connection.recv(1) == b"b"
    assert [name for name, _ in api.asked] == ["one", "two"]


@pytest.mark.parametrize(
    ("refuse", "complaint", "said"),
    [
        (403, None, 'the kubeconfig may not "create" pods/portforward'),
        (401, None, "the Kubernetes API does not accept the kubeconfig's credentials"),
        (None, "error forwarding port 8443: connection refused", "error forwarding port 8443: connection refused"),
    ],
)
def test_why_it_can_not_be_reached_is_said(api: Api, kube: Kube, refuse: int | None, complaint: str | None, said: str) -> None:
    api.refuse, api.complaint = refuse, complaint
    heard: list[str] = []
    with forward(kube, "ns", SELECTOR, 8443, on_error=heard.append) as local, socket.create_connection(local) as connection:
        connection.settimeout(5)
        assert connection.recv(10) == b""
    assert heard == [said]


def test_it_ends_with_connections_open(api: Api, kube: Kube) -> None:
    with serving(echo) as api.servers["one"]:
        with forward(kube, "ns", SELECTOR, 8443) as local:
            connection = socket.create_connection(local)
            connection.sendall(b"a")
            assert connection.recv(1) == b"a"
        connection.settimeout(5)
        assert connection.recv(1) == b""
        connection.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(local)


def test_a_taken_port_is_said(kube: Kube) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BdcError, match=f"can't listen at 127.0.0.1:{port}: Address already in use"):
            forward(kube, "ns", SELECTOR, 8443, local_port=port).__enter__()


def test_ready_pods_are_chosen(api: Api, kube: Kube) -> None:
    api.pods = [pod("no", ready=False), pod("yes"), pod("leaving", leaving=True)]
    assert {ready_pod(kube, "ns", SELECTOR) for _ in range(20)} == {"yes"}
    api.pods = []
    with pytest.raises(UnhealthyError, match="no ready pod with app=x in namespace ns: there is none"):
        ready_pod(kube, "ns", SELECTOR)


def test_one_connection_without_a_local_port(api: Api, kube: Kube) -> None:
    with serving(echo) as api.servers["one"], portstream.connect(kube, "ns", "one", 9083, 5) as connection:
        connection.send(b"question")
        assert connection.read(4) == b"ques"
        connection.send(b", and another")
        assert connection.read(17) == b"tion, and another"
    assert api.asked == [("one", "Bearer t0ken")]


def test_one_connection_that_the_pod_ends(api: Api, kube: Kube) -> None:
    with (
        serving(lambda connection: connection.sendall(b"bye")) as api.servers["one"],
        portstream.connect(kube, "ns", "one", 9083, 5) as connection,
    ):
        assert connection.read(100) == b"bye"
        assert connection.read(100) == b""
    api.complaint = "nobody listens"
    with portstream.connect(kube, "ns", "one", 9083, 5) as connection:
        assert connection.read(100) == b""


def test_one_connection_that_cannot_be_had(api: Api, kube: Kube) -> None:
    api.refuse = 403
    with pytest.raises(BdcError, match="can't connect to port 9083 of the pod one: Handshake status 403"):
        portstream.connect(kube, "ns", "one", 9083, 5).__enter__()


def test_one_connection_to_a_silent_pod(api: Api, kube: Kube) -> None:
    with (
        serving(lambda connection: time.sleep(1)) as api.servers["one"],
        portstream.connect(kube, "ns", "one", 9083, 0.2) as connection,
        pytest.raises(TimeoutError, match="timed out"),
    ):
        connection.read(1)

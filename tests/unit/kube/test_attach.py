"""Attaching to a container, against an API server of our own that speaks the WebSocket protocol."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from bdc.errors import BdcError, UnreachableError
from bdc.kube import Kube
from bdc.kube.attach import STDERR, STDOUT, attach
from bdc.kube.credentials import PlainCredentials
from bdc.kube.kubeconfig import Access

SUCCESS = json.dumps({"status": "Success"}).encode()


class Api:
    """A container that says hello, echoes what it hears, and ends when it hears `end`; `status` is how the stream ends."""

    def __init__(self) -> None:
        self.port = 0
        self.query: dict[str, str] = {}
        self.sizes: list[dict[str, int]] = []
        self.refuse: int | None = None
        self.status: bytes | None = SUCCESS
        self.flood = 0

    async def attach(self, request: web.Request) -> web.StreamResponse:
        self.query = dict(request.query)
        if self.refuse:
            return web.json_response({}, status=self.refuse)
        stream = web.WebSocketResponse(protocols=("v5.channel.k8s.io",), max_msg_size=0)
        await stream.prepare(request)
        for channel in (0, 1, 2, 3):
            await stream.send_bytes(bytes([channel]))
        await stream.send_bytes(b"\x01hello\n")
        for number in range(self.flood):
            await stream.send_bytes(b"\x01%d\n" % number)
        async for message in stream:
            channel, data = message.data[0], message.data[1:]
            if channel == 4:
                self.sizes.append(json.loads(data))
                await stream.send_bytes(b"\x02sized\n")
            elif data == b"end":
                if self.status is not None:
                    await stream.send_bytes(b"\x03" + self.status)
                await stream.close()
            else:
                await stream.send_bytes(b"\x01" + data)
        return stream


@pytest.fixture
def api() -> Iterator[Api]:
    one, started, loop = Api(), threading.Event(), asyncio.new_event_loop()
    runners: list[web.AppRunner] = []

    async def serve() -> None:
        application = web.Application()
        application.router.add_get("/api/v1/namespaces/bdc/pods/one/attach", one.attach)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        one.port = runner.addresses[0][1]
        started.set()

    thread = threading.Thread(target=lambda: (loop.run_until_complete(serve()), loop.run_forever()), daemon=True)
    thread.start()
    assert started.wait(10)
    yield one
    asyncio.run_coroutine_threadsafe(runners[0].cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def kube(api: Api) -> Kube:
    return Kube(Access(server=f"http://127.0.0.1:{api.port}", credentials=PlainCredentials()))


def everything(attachment: Any) -> list[tuple[int, bytes]]:
    return list(iter(attachment.read, None))


def test_what_is_sent_and_printed(api: Api) -> None:
    with attach(kube(api), "bdc", "one", "session", tty=False) as attachment:
        assert attachment.read(10) == (STDOUT, b"hello\n")
        attachment.send(b"abc")
        assert attachment.read(10) == (STDOUT, b"abc")
        attachment.resize(80, 24)
        assert attachment.read(10) == (STDERR, b"sized\n")
        with pytest.raises(TimeoutError):
            attachment.read(0.05)
        attachment.send(b"end")
        assert attachment.read(10) is None
        assert attachment.read(10) is None
    assert api.sizes == [{"Width": 80, "Height": 24}]
    assert api.query == {"container": "session", "stdin": "true", "stdout": "true", "stderr": "true", "tty": "false"}


def test_a_terminal_has_no_stderr_of_its_own(api: Api) -> None:
    with attach(kube(api), "bdc", "one", "session", tty=True):
        pass
    assert (api.query["tty"], api.query["stderr"]) == ("true", "false")


def test_nothing_is_lost_for_a_slow_reader(api: Api) -> None:
    api.flood = 1000
    with attach(kube(api), "bdc", "one", "session", tty=False) as attachment:
        attachment.send(b"end")
        assert everything(attachment) == [(STDOUT, b"hello\n"), *((STDOUT, b"%d\n" % number) for number in range(1000))]


def test_a_failed_process_is_an_end_like_any_other(api: Api) -> None:
    api.status = json.dumps({"status": "Failure", "reason": "NonZeroExitCode", "message": "exit code 3"}).encode()
    with attach(kube(api), "bdc", "one", "session", tty=False) as attachment:
        attachment.send(b"end")
        assert everything(attachment) == [(STDOUT, b"hello\n")]


def test_a_stream_that_fails_says_why(api: Api) -> None:
    api.status = json.dumps({"status": "Failure", "message": "container not running"}).encode()
    with attach(kube(api), "bdc", "one", "session", tty=False) as attachment:
        attachment.send(b"end")
        with pytest.raises(BdcError, match="container not running"):
            everything(attachment)


def test_a_broken_stream_is_told_from_an_end(api: Api) -> None:
    api.status = None
    with attach(kube(api), "bdc", "one", "session", tty=False) as attachment:
        attachment.send(b"end")
        with pytest.raises(UnreachableError, match="broke"):
            everything(attachment)
        with pytest.raises(UnreachableError, match="ended"):
            attachment.send(b"more")


@pytest.mark.parametrize(("status", "said"), [(403, 'may not "create" pods/attach'), (401, "does not accept"), (404, "404")])
def test_a_refusal(api: Api, status: int, said: str) -> None:
    api.refuse = status
    with pytest.raises(BdcError, match=said), attach(kube(api), "bdc", "one", "session", tty=False):
        pass

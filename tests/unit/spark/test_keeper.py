"""When a Spark Connect server starts, and when anew (manifests/spark/connect.py): on a clock of its own, with a process in the server's
place."""

from __future__ import annotations

import http.server
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bdc.config.paths import resources

SCRIPT = resources("manifests") / "spark" / "connect.py"
HOUR = 3600.0


@pytest.fixture
def module() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reason(module: dict[str, Any], clock: Clock) -> Callable[..., str | None]:
    keeper = module["Keeper"](24, 1000, clock)

    def at(hours: float, use: tuple[int, int] | None = (1, 1), kept: float = 0.1) -> str | None:
        clock.now = hours * HOUR
        return keeper.reason(use, kept)  # type: ignore[no-any-return]

    return at


def test_it_goes_on_until_its_time(reason: Callable[..., str | None]) -> None:
    assert reason(23.9, (0, 0)) is None
    assert reason(24.1, (1, 0)) is None, "somebody has a session"
    assert reason(24.2, (0, 0)) == "nobody has a session"


def test_sessions_without_a_request_are_waited_for_an_hour(reason: Callable[..., str | None]) -> None:
    assert reason(24.1) is None
    assert reason(24.9, (1, 1)) is None
    assert reason(25.8, (1, 0)) is None
    assert reason(26.0, (1, 0)) == "no request has run for an hour"


def test_requests_have_four_hours_to_end(reason: Callable[..., str | None]) -> None:
    assert reason(24.1) is None
    assert reason(28.0) is None
    assert reason(28.2) == "its sessions had four hours to end"


def test_a_full_heap_is_due_at_once_and_stays_so(reason: Callable[..., str | None]) -> None:
    assert reason(1, kept=0.79) is None
    assert reason(1.1, kept=0.85) is None
    assert reason(1.2, (0, 0), kept=0.5) == "nobody has a session"


def test_a_server_that_says_nothing_is_not_idle(reason: Callable[..., str | None]) -> None:
    assert reason(25, None) is None


def test_what_a_full_collection_left(module: dict[str, Any], tmp_path: Path) -> None:
    log = tmp_path / "gc.log"
    assert module["retained"](log, 400) == 0
    log.write_text(
        "[1.0s][info][gc] GC(3) Pause Young (Allocation Failure) 300M->250M(387M) 4.1ms\n"
        "[2.0s][info][gc] GC(4) Pause Full (Metadata GC Threshold) 250M->100M(387M) 90.0ms\n"
        "[3.0s][info][gc] GC(5) Pause Full (Ergonomics) 390M->360M(387M) 90.0ms\n"
        "[4.0s][info][gc] GC(6) Pause Young (Allocation Failure) 380M->370M(387M) 4.1ms\n"
    )
    assert module["retained"](log, 400) == 0.9


class Page(http.server.BaseHTTPRequestHandler):
    """Connect's page. Who asks for it has made all of its preparations."""

    asked = threading.Event()

    def do_GET(self) -> None:
        self.asked.set()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<h4>\n 0\n session(s) are online,\n running\n 0\n Request(s)\n</h4>")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def page() -> Iterator[str]:
    Page.asked.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/connect/"
    server.shutdown()
    server.server_close()


def started(page: str, hours: str, *command: str) -> subprocess.Popen[str]:
    environment = os.environ | {"CONNECT_PAGE": page, "CONNECT_POLL_SECONDS": "0.1"}
    return subprocess.Popen([sys.executable, str(SCRIPT), hours, *command], env=environment, stderr=subprocess.PIPE, text=True)


def test_what_its_page_says(module: dict[str, Any], page: str) -> None:
    assert module["use"](page) == (0, 0)
    assert module["use"]("http://127.0.0.1:9/") is None


class NameNode(http.server.BaseHTTPRequestHandler):
    """A NameNode's pages, which say one thing after the other, and the last for ever."""

    says: ClassVar[list[list[dict[str, str]]]] = []

    def do_GET(self) -> None:
        assert self.path == "/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"beans": self.says.pop(0) if len(self.says) > 1 else self.says[0]}).encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def namenode() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NameNode)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


OPEN, SAFE = [{"Safemode": ""}], [{"Safemode": "Safe mode is ON."}]


def test_it_waits_until_hdfs_takes_files(module: dict[str, Any], namenode: str, capfd: pytest.CaptureFixture[str]) -> None:
    NameNode.says = [[], SAFE, SAFE, OPEN]
    module["wait_for_hdfs"](namenode, pause=0.01)
    lines = capfd.readouterr().err.splitlines()
    assert lines == ["connect: waits for the NameNode: it reads its image", "connect: waits for the NameNode: it is in safe mode"]


def test_it_says_who_is_missing_when_it_gives_up(module: dict[str, Any], namenode: str) -> None:
    NameNode.says = [SAFE]
    with pytest.raises(SystemExit, match="HDFS takes no files after 0 s, see the NameNode: it is in safe mode"):
        module["wait_for_hdfs"](namenode, patience=0)
    with pytest.raises(SystemExit, match=r"see the NameNode: 127\.0\.0\.1:9: .*refused"):
        module["wait_for_hdfs"]("127.0.0.1:9", patience=0)


def test_an_answer_that_is_no_http_is_waited_out(module: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            accepted, _ = server.accept()
            with accepted:
                accepted.recv(1024)
                accepted.sendall(b"what\n")

        threading.Thread(target=answer, daemon=True).start()
        where = f"127.0.0.1:{server.getsockname()[1]}"
        assert module["missing"](where).startswith(f"{where}: what")


def test_a_server_starts_once_hdfs_takes_files(page: str, namenode: str) -> None:
    NameNode.says = [OPEN]
    started = subprocess.run(
        [sys.executable, str(SCRIPT), "24", sys.executable, "-c", "print('here')"],
        env=os.environ | {"CONNECT_PAGE": page, "NAMENODE": namenode}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert started.stdout == "here\n"


def test_the_server_is_ended_when_it_is_due_and_unused(page: str) -> None:
    keeper = started(page, "24", sys.executable, "-c", "import time; time.sleep(60)")
    assert Page.asked.wait(20)
    assert keeper.poll() is None
    keeper.send_signal(signal.SIGUSR1)
    _, said = keeper.communicate(timeout=20)
    assert (keeper.returncode, said) == (0, "connect: due: it has run for long enough\nconnect: starts anew: nobody has a session\n")


def test_sigterm_and_the_servers_own_end_pass_through(page: str) -> None:
    keeper = started(page, "24", sys.executable, "-c", "import time; time.sleep(60)")
    assert Page.asked.wait(20)
    keeper.terminate()
    keeper.communicate(timeout=20)
    assert keeper.returncode == 0
    ended = started(page, "24", sys.executable, "-c", "raise SystemExit(7)")
    ended.communicate(timeout=20)
    assert ended.returncode == 7

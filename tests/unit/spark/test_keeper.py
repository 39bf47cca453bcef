"""When a Spark Connect server starts anew (manifests/spark/connect.py): on a clock of its own, and with a process in the server's place."""

from __future__ import annotations

import http.server
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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

"""bdc's commands in a test host from one process that has its modules already: each runs in a fork of it, in half the time of a new one.

The suite runs some hundred commands, and each would read modules for half a second first. What a fork has more than a new process are
imported modules and nothing else; the program itself runs where a test is about processes: signals, other users, closed streams
(`TestHost.popen` and `TestHost.run`).

As a program (`python -m tests.e2e.support.forked SOCKET`, in the host's namespaces) this is the server. A request is one line of JSON with
arguments and environment, and three descriptors; the answer is the exit code.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_LONGEST = 1 << 20
_MODULES = (
    "bdc.cli.main",
    "bdc.cli.sql.statements",
    "bdc.cli.hdfs",
    "bdc.cli.spark.applications",
    "bdc.sql",
    "bdc.spark.client",
    "bdc.spark.following.follow",
    "bdc.spark.submission.submit",
    "bdc.health",
    "bdc.config.load",
    "kubernetes.client",
    "kubernetes.stream",
    "trino",
    "sqlglot",
    "requests",
    "websocket",
)


class Forked:
    """The server of one host, which is started when it is first needed, and again after it was killed."""

    def __init__(self, start: Callable[[list[str]], subprocess.Popen[str]], folder: Path) -> None:
        self._start, self._socket = start, folder / "bdc.socket"
        self._server: subprocess.Popen[str] | None = None

    def close(self) -> None:
        """End the server, if there is one."""
        if self._server:
            self._server.kill()
            self._server.wait()
            if self._server.stdout:
                self._server.stdout.close()
            self._server = None

    def run(
        self, arguments: Sequence[str], env: Mapping[str, str], stdin: str | None, timeout_seconds: float
    ) -> subprocess.CompletedProcess[str]:
        """`bdc ARGUMENTS`, as subprocess.run would give it."""
        with self._connected() as connection:
            out, err = _Reader(), _Reader()
            given, wanted = os.pipe()
            request = json.dumps({"arguments": list(arguments), "env": dict(env)}).encode() + b"\n"
            socket.send_fds(connection, [request], [given, out.end, err.end])
            for end in (given, out.end, err.end):
                os.close(end)
            threading.Thread(target=_write, args=(wanted, stdin or ""), daemon=True).start()
            connection.settimeout(timeout_seconds)
            try:
                code = connection.recv(64)
            except TimeoutError:
                connection.close()
                raise subprocess.TimeoutExpired(["bdc", *arguments], timeout_seconds) from None
            return subprocess.CompletedProcess(["bdc", *arguments], int(code or b"-9"), out.text(), err.text())

    def _connected(self) -> socket.socket:
        deadline = time.monotonic() + 60
        begun = False
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(self._socket))
            except OSError:
                connection.close()
                if not begun:
                    self._socket.unlink(missing_ok=True)
                    self.close()
                    self._server = self._start([sys.executable, "-m", "tests.e2e.support.forked", str(self._socket)])
                    begun = True
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return connection


class _Reader:
    """What is written to the pipe whose end is `end`."""

    def __init__(self) -> None:
        reading, self.end = os.pipe()
        self._text = ""
        self._thread = threading.Thread(target=self._read, args=(os.fdopen(reading, encoding="utf-8"),), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            self._text = stream.read()

    def text(self) -> str:
        self._thread.join(30)
        return self._text


def _write(descriptor: int, text: str) -> None:
    with suppress(BrokenPipeError), os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def serve(path: str) -> None:
    """Take requests for ever, each in a fork."""
    for module in _MODULES:
        __import__(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(16)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _answer(connection)
            os._exit(0)
        connection.close()


def _answer(connection: socket.socket) -> None:
    """Run one request in a fork, and say how it ended; it is killed when nobody waits for it any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    line, descriptors, _, _ = socket.recv_fds(connection, _LONGEST, 3)
    while not line.endswith(b"\n"):
        line += connection.recv(_LONGEST)
    request = json.loads(line)
    child = os.fork()
    if child == 0:
        connection.close()
        os.setsid()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os._exit(_command(request["arguments"], request["env"]))
    for descriptor in descriptors:
        os.close(descriptor)

    def watch() -> None:
        with suppress(OSError):
            if not connection.recv(1):
                os.killpg(child, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _command(arguments: list[str], env: dict[str, str]) -> int:
    """bdc's entry as its script calls it, on these streams and in this environment."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir("/")
    sys.argv = ["bdc", *arguments]
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace" if number == 2 else "surrogateescape"))
    from bdc.cli.main import main

    code: object = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
    # What an interpreter does at its end: wait for threads, then what was registered for it.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    return int(code) if isinstance(code, int) else 0


if __name__ == "__main__":
    serve(sys.argv[1])

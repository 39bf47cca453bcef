"""Sessions with a cluster's engines that stay open, one for each, for tests that ask hundreds of statements.

A statement is answered as `bdc -q sql query -o json` answers it, but for what each command does anew: a process, the credentials, the
connection; on Spark that is a pod. As a program (`python -m tests.e2e.support.sessions`, in the host's namespaces) this is the server, with
a line of JSON for each statement and for its answer.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import Any

_BROKEN = 5
"""The exit code of what a session doesn't outlive: its engine doesn't answer."""


class Sessions:
    """The server of one host, which is started when it is first needed, and again after it was killed."""

    def __init__(self, start: Callable[[list[str]], subprocess.Popen[str]]) -> None:
        self._start = start
        self._server: subprocess.Popen[str] | None = None

    def ask(self, engine: str, sql: str) -> subprocess.CompletedProcess[str]:
        """One statement: what `bdc -q sql query -e ENGINE -o json SQL` prints, and its exit code."""
        for _ in range(2):
            if self._server is None:
                self._server = self._start([sys.executable, "-m", "tests.e2e.support.sessions"])
            assert self._server.stdin
            assert self._server.stdout
            try:
                self._server.stdin.write(json.dumps([engine, sql]) + "\n")
                self._server.stdin.flush()
                if line := self._server.stdout.readline():
                    code, out, err = json.loads(line)
                    return subprocess.CompletedProcess(["bdc", "sql", "query", sql], code, out, err)
            except BrokenPipeError:
                pass
            self.close()
        raise RuntimeError("the server of sessions ends at once")

    def close(self) -> None:
        """End the server, if there is one, and with it its sessions."""
        if self._server:
            self._server.kill()
            self._server.communicate()
            self._server = None


def main() -> None:
    """Answer statements until stdin ends."""
    opened: dict[str, tuple[ExitStack, Any]] = {}
    for line in sys.stdin:
        engine, sql = json.loads(line)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = _answer(opened, engine, sql)
        if code == _BROKEN and engine in opened:
            opened.pop(engine)[0].close()
        print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)  # noqa: T201


def _answer(opened: dict[str, tuple[ExitStack, Any]], engine: str, sql: str) -> int:
    from bdc.cli.output import error
    from bdc.cli.sql import Printer
    from bdc.cli.sql_options import SqlFormat
    from bdc.errors import BdcError
    from bdc.settings import Settings
    from bdc.sql import Engine, connect, statements

    try:
        [statement] = statements(sql, Engine(engine))
        if engine not in opened:
            settings, stack = Settings(), ExitStack()
            opened[engine] = stack, stack.enter_context(connect(settings.kube(), settings.config, Engine(engine)))
        Printer(SqlFormat.json, quiet=True).run(opened[engine][1], statement)
    except BdcError as failure:
        error(failure.message, failure.hint)
        return failure.exit_code
    return 0


if __name__ == "__main__":
    main()

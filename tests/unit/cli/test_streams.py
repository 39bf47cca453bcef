"""Standard streams that are closed, and escape codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from bdc.cli.output import table
from bdc.cli.streams import styled

SEVERAL = """
import os
from bdc.cli.main import run
from bdc.cli.streams import open_closed
open_closed()
assert os.open("/etc/hostname", os.O_RDONLY) > 2  # no other file gets the number of a closed stream
assert run(["config", "schema"]) == 0
assert run(["context", "use", "nobody"]) == 3
"""
READING = """
import json
from bdc.cli.main import run
from bdc.cli.streams import open_closed
open_closed()
commands = ["context import -", "context revoke ann", "credentials rotate --password-stdin", "credentials rotate", "down", "node reset",
            "hdfs put - /x", "hdfs rm -r /x", "spark shell", "spark sql", "sql query -", "sql shell", "sql explain -"]
print(json.dumps({command: run(command.split()) for command in commands}))
"""


def closed(closing: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python whose streams a shell has closed; those that aren't are pipes."""
    shell = ["sh", "-c", f'exec "$@" {closing}', "sh", sys.executable, *arguments]
    environment = {**os.environ, "BDC_KUBECONFIG": "/nonexistent"}
    return subprocess.run(shell, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("closing", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_closed_streams_are_as_if_they_were_nothing(closing: str) -> None:
    done = closed(closing, "-c", SEVERAL)
    assert done.returncode == 0
    assert ("$schema" in done.stdout or '"properties"' in done.stdout) == (">&-" not in closing.split())
    assert ("error: " in done.stderr) == ("2>&-" not in closing.split())
    assert "internal error" not in done.stderr


def test_commands_that_read_or_ask_do_as_with_an_empty_standard_input() -> None:
    done, empty = closed("<&-", "-c", READING), closed("</dev/null", "-c", READING)
    assert (done.stdout, done.stderr) == (empty.stdout, empty.stderr)
    assert "internal error" not in done.stderr
    codes = json.loads(done.stdout.splitlines()[-1])
    assert set(codes.values()) <= {2, 3}, codes


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_escape_codes_are_for_terminals_that_want_them(variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    master, slave = pty.openpty()
    with os.fdopen(master), os.fdopen(slave, "w") as terminal:
        assert styled(terminal) is expected
        monkeypatch.setattr(sys, "stdout", terminal)
        assert ("\x1b" in table([["a"]], ["title"])) is expected
    with Path(os.devnull).open("w") as nothing:
        assert not styled(nothing)


def test_no_output_on_a_terminal_has_an_escape_code_where_no_color_is_set() -> None:
    """The live screen and bars move the cursor: there are lines instead."""
    code = """
from pathlib import Path
from bdc.cli.hdfs_progress import Copying
from bdc.cli.live import view
from bdc.cli.main import run
from bdc.cli.output import Format
from bdc.lifecycle import Step
with view(Format.table, False, "title") as report:
    report.step(Step("preflight", "all well", "done", 1.0))
with Copying(quiet=False) as copying:
    copying.progress("a", 1, 2)
run(["config", "show", "-o", "table"])
run(["config", "--bad"])
run([])
"""
    said = {}
    for name in ("", "1"):
        master, slave = pty.openpty()
        environment = {**os.environ, "NO_COLOR": name, "TERM": "xterm"}
        with subprocess.Popen([sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
            os.close(slave)
            said[name] = b""
            while piece := _read(master):
                said[name] += piece
            assert process.wait() == 0, said[name].decode()
        os.close(master)
    assert b"\x1b" in said[""]
    assert b"all well" in said["1"]
    assert b"\x1b" not in said["1"]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux says so when the last program has closed it
        return b""

"""Stops a running bdc as users, kernels and power cuts do: a signal as a terminal sends it, or SIGKILL to all that it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.e2e.support.host import TestHost


class Running:
    """A `bdc` that runs in a host, with what it has said so far: stdout and stderr in `text`, its JSON lines in `events`."""

    def __init__(self, host: TestHost, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        # As from a terminal, also where the tests run in a shell's background, which ignores SIGINT.
        self._process = host.popen(["env", "--default-signal=INT,HUP", "bdc", *arguments], env=env)
        self.pid = self._process.pid
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        return "".join(self._lines)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._lines if line.startswith("{")]

    def done(self) -> int:
        """How many objects are made."""
        return sum(event.get("state") == "done" and "resource" in event for event in self.events)

    def until(self, reached: Callable[[], object], seconds: float = 300) -> None:
        """Return as soon as `reached`; the run must still go on then."""
        deadline = time.monotonic() + seconds
        while not reached():
            assert self._process.poll() is None, f"it ended before, with {self._process.returncode}:\n{self.text[-4000:]}"
            assert time.monotonic() < deadline, f"not in {seconds:.0f} s:\n{self.text[-4000:]}"
            time.sleep(0.01)

    def kill(self) -> set[str]:
        """SIGKILL to it and everything that it started, detached or not, at once; names of the programs that ran."""
        programs = kill_family(self.pid)
        assert self.wait() == -signal.SIGKILL, self.text[-4000:]
        return programs

    def interrupt(self) -> int:
        """Ctrl-C on its terminal: SIGINT to its process group. Its exit code."""
        os.killpg(self.pid, signal.SIGINT)
        return self.wait()

    def terminate(self) -> int:
        """SIGTERM to bdc alone, as service managers do. Its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.wait()

    def wait(self, seconds: float = 900) -> int:
        """Its exit code."""
        code = self._process.wait(seconds)
        self._reader.join(30)
        if self._process.stdout:
            self._process.stdout.close()
        return code

    def _read(self) -> None:
        with suppress(ValueError):
            for line in self._process.stdout or ():
                self._lines.append(line)


def family(pid: int) -> set[int]:
    """A process and all that it started, their children included, in whatever session; not what has left it for init."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(stat.parent.name))
    found, new = set(), [pid] if Path(f"/proc/{pid}").exists() else []
    while new:
        found |= set(new)
        new = [child for parent in new for child in children.get(parent, ())]
    return found


def program(pid: int) -> str:
    """Name of the program that a process runs; empty when it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/exe").readlink().name
    return ""


def command_line(pid: int) -> str:
    """A process's arguments in one line; empty when it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def run_on_machine(argv: list[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a program on this machine itself, in a session of its own; its output goes to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(argv, env={**os.environ, **env}, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)


def kill_family(pid: int) -> set[str]:
    """SIGKILL to a process and everything that it started; names of the programs that ran."""
    killed: set[int] = set()
    while found := family(pid) - killed:
        for one in found:
            _send(one, signal.SIGSTOP)  # what is stopped starts no others
        killed |= found
    programs = {program(one) for one in killed}
    for one in killed:
        _send(one, signal.SIGKILL)
    return programs


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)

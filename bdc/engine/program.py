"""The pulumi program as a child process: found by the toolchain, in a session of its own, and stopped cleanly.

In its own session a Ctrl-C on the terminal reaches bdc only, which then asks pulumi to cancel once and waits until its state is
written. A run whose bdc was killed leaves its pulumi behind for a moment; the next run ends that first.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from bdc import toolchain
from bdc.errors import BdcError

_CANCEL_SECONDS = 60
OnOutput = Callable[[str], object]


class Pulumi(PulumiCommand):
    """Runs pulumi commands of one stack for the Automation API, one at a time. `running` is a file for the process's id."""

    def __init__(self, running: Path) -> None:
        program = toolchain.ensure("pulumi")
        self.command = str(program.path)
        self.version = VersionInfo.parse(program.version)
        self._running = running
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run one command; raises CommandError when it fails, KeyboardInterrupt after a clean cancel."""
        command = [self.command, "--non-interactive", *args]
        env = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        env["PATH"] = os.pathsep.join([str(Path(self.command).parent), env.get("PATH", os.defpath)])
        out: list[str] = []
        err: list[str] = []
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, env=env,
            encoding="utf-8", errors="replace", start_new_session=True,
        ) as process:  # fmt: skip
            self._process = process
            self._running.write_text(str(process.pid))
            readers = [_reader(process.stdout, out, on_output), _reader(process.stderr, err, on_error)]
            try:
                process.wait()
            except KeyboardInterrupt:
                self._cancel(process)
                raise
            finally:
                for reader in readers:
                    reader.join()
                self._process = None
                self._running.unlink(missing_ok=True)
        result = CommandResult(stdout="\n".join(out), stderr="\n".join(err), code=process.returncode)
        if process.returncode != 0:
            raise create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Ask the running command, if any, to cancel; safe from any thread."""
        if process := self._process:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)

    def end_left_over(self) -> None:
        """End the pulumi of a run that was killed; only one whose program really is pulumi. Call it with the lock held."""
        try:
            pid = int(self._running.read_text())
            is_pulumi = Path(f"/proc/{pid}/exe").readlink().name.startswith("pulumi")
        except (OSError, ValueError):
            is_pulumi, pid = False, 0
        if is_pulumi and not (_ended(pid, signal.SIGINT, 10) or _ended(pid, signal.SIGKILL, 5)):
            raise BdcError(f"the pulumi of an earlier run, process {pid}, does not end", f"kill -9 {pid}, then try again")
        self._running.unlink(missing_ok=True)

    @staticmethod
    def _cancel(process: subprocess.Popen[str]) -> None:
        """Cancel once and wait; at a second Ctrl-C, or after a minute, kill."""
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_CANCEL_SECONDS)
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _ended(pid: int, number: signal.Signals, seconds: float) -> bool:
    try:
        os.killpg(pid, number)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            os.killpg(pid, 0)
            time.sleep(0.1)
    except ProcessLookupError:
        return True
    return False


def _reader(stream: IO[str] | None, lines: list[str], callback: OnOutput | None) -> threading.Thread:
    def read() -> None:
        for line in stream or ():
            lines.append(line.rstrip())
            if callback:
                callback(line.rstrip())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread

"""Starts the host's and Kubernetes' programs with a deadline, and turns their failures into errors with their last lines."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bdc.config.disk import full_disk, says_full
from bdc.config.paths import NODE_DIR
from bdc.errors import BdcError, DeadlineError

_LAST_LINES = 8


def run(
    argv: Sequence[str | Path],
    *,
    what: str,
    deadline_seconds: float,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    hint: str | None = None,
) -> str:
    """Standard output of a program that must succeed; `what` begins the error's sentence ("importing images")."""
    program = Path(argv[0]).name
    try:
        done = subprocess.run(
            [str(part) for part in argv],
            env=dict(env) if env is not None else None,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadline_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        text = expired.stderr.decode(errors="replace") if isinstance(expired.stderr, bytes) else (expired.stderr or "")
        raise DeadlineError(f"{what}: {program} took more than {deadline_seconds:.0f} s{last_lines(text)}", hint) from expired
    except OSError as error:
        raise BdcError(f"{what}: can't start {argv[0]}: {error.strerror}", hint) from error
    if done.returncode and says_full(done.stderr + done.stdout):
        raise full_disk(what, [NODE_DIR, NODE_DIR / "node" / "containerd"], "")
    if done.returncode:
        raise BdcError(f"{what}: {program} failed (exit {done.returncode}){last_lines(done.stderr or done.stdout)}", hint)
    return done.stdout


def last_lines(text: str, count: int = _LAST_LINES) -> str:
    """The last lines of a program's output, indented, for the end of a message; empty where there are none."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()][-count:]
    return "".join(f"\n  {line}" for line in lines)

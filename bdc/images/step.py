"""One command of a build: its output goes to a log file, its failure becomes one sentence that names the step."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bdc.config.disk import full_disk, says_full
from bdc.config.paths import cache_dir
from bdc.errors import BdcError

_STEP = re.compile(r"^(?:\[\d+/\d+\] )?STEP \d+/\d+: (.+)|^#\d+ \[[^]]*\d+/\d+\] (.+)", re.MULTILINE)
_LAST_LINES = 6
_STEP_CHARACTERS = 120


def run_step(command: Sequence[str], image: str, log: Path, *, env: Mapping[str, str] | None = None) -> None:
    """Runs `command` with its output added to `log`; a `BdcError` names `image`, the Dockerfile's step and the last lines."""
    with log.open("ab") as out:
        start = out.tell()
        out.write(f"+ {' '.join(command)}\n".encode())
        out.flush()
        # The lock's descriptor is inherited (close_fds=False): a build that outlives a killed bdc still holds the lock.
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | dict(env or {}),
            close_fds=False,
            check=False,
        )
    if result.returncode:
        with log.open("rb") as written:
            written.seek(start)
            raise failure(image, written.read().decode(errors="replace"), log)


def failure(image: str, output: str, log: Path) -> BdcError:
    """The error for a command that ended with `output`."""
    steps = _STEP.findall(output)
    step = next((text for text in steps[-1] if text), "") if steps else ""
    where = f" at the step {step[:_STEP_CHARACTERS]!r}" if step else ""
    if says_full(output):
        folders = [cache_dir(), Path(os.environ.get("TMPDIR") or "/var/tmp")]  # noqa: S108  - where buildah keeps what it copies
        return full_disk(f"building {image} failed{where}", folders, f" or set BDC_CACHE to a folder on another disk (full log: {log})")
    lines = [line for line in output.splitlines() if line.strip() and not line.startswith("+ ")]
    last = "\n  ".join(line[:400] for line in lines[-_LAST_LINES:]) or "no output"
    return BdcError(f"building {image} failed{where}:\n  {last}", f"full log: {log}")

"""One command at a time changes the node; the lock ends with its process."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bdc.errors import UsageError

_LOCK_SECONDS = 900


@contextmanager
def locked(path: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock; waits for another command, and tells so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        deadline = time.monotonic() + _LOCK_SECONDS
        told = False
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UsageError("another bdc has been changing this node for 15 minutes", f"see: fuser -v {stream.name}") from None
                if not told:
                    report("waiting for another bdc that is changing this node")
                    told = True
                time.sleep(0.2)
        yield

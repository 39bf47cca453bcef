"""Waiting for something of a cluster: look, pause, look again, and after a bounded time an error that says what was waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from bdc.errors import BdcError

T = TypeVar("T")


def until(look: Callable[[], T | None], late: Callable[[], BdcError], *, seconds: float, pause_seconds: float = 0.5) -> T:
    """What `look` gives once that is true; it is called at least once, and what it raises ends the wait.

    After `seconds` raises what `late` makes, usually a DeadlineError: what was waited for, and what to do.
    """
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise late()
        time.sleep(pause_seconds)
    return found

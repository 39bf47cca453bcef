"""The three standard streams as they are found: closed ones are opened on nothing, and escape codes go where they are wanted."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO


def open_closed() -> None:
    """Open standard streams that whoever started us has closed (`<&-`, `>&-`, `2>&-`), as if they were /dev/null.

    Python leaves sys.stdin, sys.stdout or sys.stderr None for one that is closed, and the next file that anybody opens would get its
    number: results could end up in a file of ours, or our files be read as an answer.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            stream: Any = open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115  - for good
            setattr(sys, name, stream)


def styled(stream: TextIO) -> bool:
    """Whether escape codes may go to a stream: to a terminal that knows them, unless NO_COLOR says no (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

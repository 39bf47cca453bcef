"""Spans of time as people write them on a command line: 90s, 10m, 1h30m, 2d."""

from __future__ import annotations

import re

from bdc.errors import UsageError

_PART = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> int:
    """Seconds of "90s", "10m", "1h30m" or "2d". Raises UsageError."""
    parts = _PART.findall(text)
    if not parts or "".join(count + unit for count, unit in parts) != text:
        raise UsageError(f"{text!r} is not a duration", "write it like 90s, 10m, 1h30m or 2d")
    return sum(int(count) * _SECONDS[unit] for count, unit in parts)

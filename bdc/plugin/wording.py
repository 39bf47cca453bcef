"""An error of the plugin as text, which is all that Pulumi passes on: its message, and a line each for its remedy and its exit code."""

from __future__ import annotations

import re
from dataclasses import dataclass

INTERRUPTED = 130
"""Exit code of a wait that somebody ended."""

_TRAILER = re.compile(r"\n(hint|exit code): ([^\n]*)")


@dataclass(frozen=True)
class Told:
    """What was read back; `exit_code` is that of bdc.errors, 1 where the text names none."""

    message: str
    hint: str | None = None
    exit_code: int = 1


def write(message: str, hint: str | None, exit_code: int) -> str:
    """The text of an error."""
    lines = [message, *([f"hint: {hint}"] if hint else []), *([f"exit code: {exit_code}"] if exit_code != 1 else [])]
    return "\n".join(lines)


def read(text: str) -> Told:
    """The error of a text, of which Pulumi may have put another's behind it: the first remedy and the first code count."""
    found: dict[str, str] = {}
    for match in _TRAILER.finditer(text):
        found.setdefault(match[1], match[2].strip())
    code = found.get("exit code", "1")
    message = _TRAILER.split(text, maxsplit=1)[0]
    return Told(message.strip(), found.get("hint") or None, int(code) if code.isdecimal() else 1)

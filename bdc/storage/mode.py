"""Permissions as `chmod` takes them: octal, or symbolic clauses such as `u+rw,go-w,a+X,+t`."""

from __future__ import annotations

import re

from bdc.errors import UsageError

_OCTAL = re.compile(r"[01]?[0-7]{3}$")
_CLAUSE = re.compile(r"(?P<who>[ugoa]*)(?P<operator>[-+=])(?P<what>[rwxXt]*)$")
_SHIFT = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}
_STICKY = 0o1000


class Mode:
    """A change of permissions; raises UsageError when it can't be read."""

    def __init__(self, text: str) -> None:
        self._octal = int(text, 8) if _OCTAL.match(text) else None
        self._clauses: list[re.Match[str]] = []
        if self._octal is None:
            for part in text.split(","):
                if not (clause := _CLAUSE.match(part)):
                    raise UsageError(f"{text} is not a mode", "octal such as 750 or 1777, or clauses such as u+rw,go-w")
                self._clauses.append(clause)

    def apply(self, permission: int, *, is_dir: bool) -> int:
        """The permissions after the change."""
        if self._octal is not None:
            return self._octal
        for clause in self._clauses:
            permission = _clause(permission, clause, is_dir=is_dir)
        return permission


def symbols(permission: int, *, is_dir: bool) -> str:
    """As `ls` shows them: drwxr-xr-t."""
    text = "".join(sign if permission >> 8 - at & 1 else "-" for at, sign in enumerate("rwxrwxrwx"))
    if permission & _STICKY:
        text = text[:-1] + ("t" if text[-1] == "x" else "T")
    return ("d" if is_dir else "-") + text


def _clause(permission: int, clause: re.Match[str], *, is_dir: bool) -> int:
    who = "ugo" if not clause["who"] or "a" in clause["who"] else clause["who"]
    bits = sum(_BITS[sign] for sign in set(clause["what"]) & set(_BITS))
    if "X" in clause["what"] and (is_dir or permission & 0o111):
        bits |= 1
    mask = sum(bits << _SHIFT[one] for one in set(who))
    if "t" in clause["what"]:
        mask |= _STICKY
    if clause["operator"] == "+":
        return permission | mask
    if clause["operator"] == "-":
        return permission & ~mask
    return permission & ~sum(7 << _SHIFT[one] for one in set(who)) | mask

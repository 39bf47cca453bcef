"""What somebody may have meant: keywords, names of columns, tables and functions that are close to what was typed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_EXPECTED = re.compile(r"\. Expecting: (?P<list>.*)$", re.DOTALL)
_FOUND = re.compile(r"(?:mismatched input|extraneous input|no viable alternative at input|missing .+ at) '(?P<word>.*?)'", re.DOTALL)
_KEYWORD = re.compile(r"'([A-Z_]+)'")
_WORD = re.compile(r"\w+")
_CUTOFF = 0.72
_MISSED = 2
"""Letters by which a keyword and a typo of it differ in length at most."""

# Keywords of bdc's own statements, which Trino doesn't expect, and some that it doesn't name at each place.
_OURS = ("EXTERNAL", "DATABASE", "STATISTICS", "MASTER", "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP")


def closest(word: str, among: Iterable[str]) -> str | None:
    """The one of these that is most like a word, without regard to case; None where none is."""
    spelled, typed = {one.lower(): one for one in among}, word.lower()
    if typed in spelled:
        return None
    swapped = [one for one in spelled if sorted(one) == sorted(typed)]
    found = swapped or get_close_matches(typed, spelled, 1, _CUTOFF)
    return spelled[found[0]] if found else None


def did_you_mean(word: str, among: Iterable[str]) -> str | None:
    """The hint for a name that isn't there."""
    found = closest(word, among)
    return f"did you mean {found}?" if found else None


def of_syntax(message: str, sql: str, place: tuple[int, int] | None) -> tuple[str, str | None]:
    """One of Trino's syntax errors without its list of all that could have stood there, and a hint: the word that was meant.

    The wrong word is where the parser stopped, or the one before it: in `SELECT * FROM t WEHRE a = 1` WEHRE is read as t's alias.
    """
    listed, found = _EXPECTED.search(message), _FOUND.search(message)
    if not found:
        return (message[: listed.start()] if listed else message), None
    word = found["word"]
    text = "the statement ends too early" if word == "<EOF>" else f"syntax error at or near {word!r}" if word else "syntax error"
    keywords = [*_KEYWORD.findall(listed["list"] if listed else ""), *_OURS]
    before = _before(sql, place)
    for typed in (word, before if _WORD.match(word) else None):
        if typed and (meant := closest(typed, keywords)) and abs(len(meant) - len(typed)) <= _MISSED:
            return text, f"did you mean {meant} for {typed}?"
    return text, None


def _before(sql: str, place: tuple[int, int] | None) -> str | None:
    """The word before a place; both of its numbers count from 1."""
    if not place:
        return None
    lines = sql.split("\n")[: place[0]]
    text = "\n".join([*lines[:-1], lines[-1][: place[1] - 1]]) if lines else ""
    found = _WORD.findall(text)
    return found[-1] if found else None

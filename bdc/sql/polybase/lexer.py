"""The words of a T-SQL script, and the texts between them that go to an engine as they are.

Lexical rules are Transact-SQL's: '...' and N'...' with '' inside, [name] with ]] inside, "name", -- and /* */ comments (which nest),
GO alone on a line between batches. A [ that directly follows a name, ) or ] is Trino's subscript and no name.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bdc.sql.polybase.errors import SqlSyntaxError

Kind = Literal["word", "name", "string", "number", "variable", "mark", "end", "go"]

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<string>[nN]?'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<bracketed>\[(?:[^\]]|\]\])*\])
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<variable>@@?[\w$\#@]+)
    | (?P<word>[^\W\d][\w$\#@]*|\#[\w$\#@]+)
    | (?P<end>;)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_MARK = re.compile(r"/\*|\*/")
_GO = re.compile(r"[ \t]*GO[ \t]*(?P<count>\d+)?[ \t]*;?[ \t]*(?:--[^\n]*)?(?=\n|\Z)", re.IGNORECASE)
_UNENDED = {"'": "a string that has no end", '"': "a name in quotes that has no end", "[": "a name in brackets that has no end"}
# After these a [ begins a name; after any other word it is a subscript.
_BEFORE_NAMES = frozenset({
    "ALL", "AND", "AS", "BETWEEN", "BY", "CASE", "CROSS", "DISTINCT", "ELSE", "EXEC", "EXECUTE", "EXISTS", "FROM", "GROUP", "HAVING",
    "IN", "INTO", "IS", "JOIN", "LIKE", "NOT", "ON", "OR", "ORDER", "OUTER", "SELECT", "SET", "TABLE", "THEN", "UPDATE", "USE",
    "WHEN", "WHERE", "WITH", "SOURCE", "FORMAT", "CREDENTIAL", "STATISTICS", "SCHEMA", "VIEW", "UNION", "OVER", "TOP",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """One token: its meaning (a name without its quotes, a string without its quotes), and where its text begins and ends in the script."""

    kind: Kind
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Lexed:
    """A text and its words, so that it is read once."""

    text: str
    words: tuple[Word, ...]

    def spelled(self, word: Word) -> str:
        """A word as it is written."""
        return self.text[word.start : word.end]

    def part(self, start: int, end: int | None = None) -> Lexed:
        """What is from one offset to another, neither of them in a word."""
        end = len(self.text) if end is None else end
        inside = (one for one in self.words if start <= one.start and one.end <= end)
        return Lexed(self.text[start:end], tuple(Word(one.kind, one.value, one.start - start, one.end - start) for one in inside))


def lexed(text: str | Lexed) -> Lexed:
    """A text with its words, unless it has them already. Raises as `words` does."""
    return Lexed(text, tuple(words(text))) if isinstance(text, str) else text


class Lines:
    """Lines and columns, from 1, of offsets in a text."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def words(text: str) -> list[Word]:
    """The tokens of a script. Raises SqlSyntaxError for a string, name or comment that doesn't end, and for GO with a count."""
    return list(_words(text))


def _words(text: str) -> Iterator[Word]:
    at, before, line_start = 0, None, True
    while at < len(text):
        if line_start and (go := _GO.match(text, at)):
            if go["count"] not in (None, "1"):
                raise _error(text, at, "GO with a count isn't supported")
            yield Word("go", "GO", at, go.end())
            at, before, line_start = go.end(), None, False
            continue
        found = _TOKEN.match(text, at)
        assert found is not None  # noqa: S101 `.` takes whatever is left
        kind, value, end = str(found.lastgroup), found[0], found.end()
        line_start = kind == "space" and "\n" in value
        if kind == "block":
            end = _comment_end(text, at)
        elif kind == "bracketed" and _subscript(before, at):
            before = Word("mark", "[", at, at + 1)
            end = at + 1
            yield before
        elif kind not in ("space", "comment"):
            if kind == "mark" and value in _UNENDED:
                raise _error(text, at, _UNENDED[value])
            before = _word(kind, value, at, end)
            yield before
        at = end


def _word(kind: str, value: str, start: int, end: int) -> Word:
    if kind == "string":
        return Word("string", value[value.index("'") + 1 : -1].replace("''", "'"), start, end)
    if kind == "quoted":
        return Word("name", value[1:-1].replace('""', '"'), start, end)
    if kind == "bracketed":
        return Word("name", value[1:-1].replace("]]", "]"), start, end)
    return Word(kind, value, start, end)  # type: ignore[arg-type] # the pattern has these groups and no other


def _subscript(before: Word | None, at: int) -> bool:
    if before is None or before.end != at:
        return False
    if before.kind == "word":
        return before.value.upper() not in _BEFORE_NAMES
    return before.kind == "name" or before.value in (")", "]")


def _comment_end(text: str, at: int) -> int:
    depth = 0
    for mark in _BLOCK_MARK.finditer(text, at):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    raise _error(text, at, "a comment that has no end")


def _error(text: str, at: int, message: str) -> SqlSyntaxError:
    return SqlSyntaxError(message, *Lines(text).place(at))

"""Cuts SQL text into statements at the semicolons that end one.

A semicolon doesn't end a statement inside '...', E'...\\'...', "...", -- and /* */ comments (which nest, as in PostgreSQL),
$tag$...$tag$, parentheses, and the body of a routine between BEGIN and END (PostgreSQL's BEGIN ATOMIC, Trino's SQL routines). The
last is decided as psql does it: only in statements that start with CREATE [OR REPLACE] FUNCTION or PROCEDURE, or with WITH
FUNCTION. Source: PostgreSQL's psqlscan.l; Trino's SqlBase.g4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""
      (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))
    | (?P<quoted>'(?:[^']|'')*(?:'|\Z)|"(?:[^"]|"")*(?:"|\Z))
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.$]*)
    | (?P<end>;)
    | (?P<open>\()
    | (?P<close>\))
    | (?P<space>\s+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_MARK = re.compile(r"/\*|\*/")
_ROUTINE = re.compile(r"CREATE( OR REPLACE)?( FUNCTION| PROCEDURE)\b|WITH FUNCTION\b")


@dataclass(frozen=True)
class Statement:
    """One statement without its semicolon, and the line of the text that it starts in, from 1."""

    text: str
    line: int


def text_of(statement: Statement | str) -> str:
    """What an engine is told of a statement."""
    return statement if isinstance(statement, str) else statement.text


@dataclass(frozen=True)
class Script:
    """The statements of a text that are complete, and what follows the last semicolon."""

    statements: list[Statement]
    rest: str

    @property
    def all(self) -> list[Statement]:
        """The statements, the unfinished last one included, as a file has it."""
        rest = [self._last] if self._last else []
        return [*self.statements, *rest]

    _last: Statement | None = None


@dataclass
class _Scan:
    """Where the cutter is in the present statement."""

    start: int | None = None
    depth: int = 0
    routine_depth: int = 0
    words: list[str] = field(default_factory=list)
    after_end: bool = False

    def word(self, text: str) -> None:
        upper = text.upper()
        if len(self.words) < 4:
            self.words.append(upper)
        if not _ROUTINE.match(" ".join(self.words)):
            return
        closes_loop = self.after_end and upper in ("IF", "LOOP", "WHILE", "REPEAT")  # END IF closes what IF has not opened here
        if upper == "END":
            self.routine_depth = max(0, self.routine_depth - 1)
        elif upper == "BEGIN" or closes_loop or (upper == "CASE" and self.routine_depth and not self.after_end):
            self.routine_depth += 1
        self.after_end = upper == "END"

    @property
    def ends(self) -> bool:
        return self.depth == 0 and self.routine_depth == 0


def split(text: str) -> Script:
    """Cut a text into statements; comments between statements go, those inside stay."""
    statements: list[Statement] = []
    scan, at, ended = _Scan(), 0, 0
    while at < len(text):
        token = _token(text, at)
        kind, stop = token
        if kind == "end" and scan.ends:
            if scan.start is not None:
                statements.append(_statement(text, scan.start, at))
            scan, ended = _Scan(), stop
        elif kind not in ("comment", "block", "space"):
            _advance(scan, kind, text[at:stop], at)
        at = stop
    last = _statement(text, scan.start, len(text)) if scan.start is not None else None
    return Script(statements, text[ended:], last)


def _advance(scan: _Scan, kind: str, token: str, at: int) -> None:
    if scan.start is None and kind != "end":
        scan.start = at
    if kind == "word":
        scan.word(token)
        return
    scan.after_end = False
    if kind == "open":
        scan.depth += 1
    elif kind == "close":
        scan.depth = max(0, scan.depth - 1)


def _token(text: str, at: int) -> tuple[str, int]:
    """The kind of the token at a place, and where it ends."""
    found = _TOKEN.match(text, at)
    kind = str(found.lastgroup) if found else "other"
    stop = found.end() if found else at + 1
    if kind == "block":
        return kind, _comment_end(text, stop)
    if kind == "dollar" and found:
        closing = text.find(found["dollar"], stop)
        return kind, len(text) if closing < 0 else closing + len(found["dollar"])
    return kind, stop


def _comment_end(text: str, at: int) -> int:
    depth = 1
    for mark in _BLOCK_MARK.finditer(text, at):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def _statement(text: str, start: int, stop: int) -> Statement:
    return Statement(text[start:stop].rstrip(), text.count("\n", 0, start) + 1)

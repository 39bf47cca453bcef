"""Which values an UPDATE or a MERGE of Trino's SQL gives to which columns, so that each can be replaced where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import Token, TokenType
from sqlglot.errors import SqlglotError

_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.END}
_ENDS = (TokenType.WHERE, TokenType.WHEN, TokenType.SEMICOLON)


@dataclass(frozen=True)
class Value:
    """A value's text, from `start` to `end`, and its column: its name, or in an INSERT without names the place of it, from 0."""

    column: str | int
    start: int
    end: int


@dataclass(frozen=True)
class Assignments:
    """The values of a statement, and what its rows are joined with (`AS t JOIN u ON ...`), so that the values' types can be asked for."""

    values: tuple[Value, ...]
    beside: str


def assignments(rest: str) -> Assignments:
    """What an UPDATE or MERGE assigns, of which `rest` follows the table's name. Without values where it can't be read."""
    try:
        tokens = sqlglot.tokenize(rest, read="trino")
    except SqlglotError:
        return Assignments((), "")
    found = _Reader(tokens)
    values = found.values()
    if found.using is None:
        return Assignments(values, "")
    using, first = tokens[found.using], found.first_when
    return Assignments(values, f"{rest[: using.start]}JOIN{rest[using.end + 1 : first]}")


class _Reader:
    """Goes through the tokens after the table's name once; `depth` is that of parentheses, brackets and CASE."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._depths = _depths(tokens)
        top = [at for at, depth in enumerate(self._depths) if depth == 0]
        self.using = next((at for at in top if tokens[at].token_type is TokenType.USING), None)
        """Which token a MERGE's USING is."""
        self.first_when = next((tokens[at].start for at in top if tokens[at].token_type is TokenType.WHEN), None)

    def values(self) -> tuple[Value, ...]:
        found: list[Value] = []
        for at, token in enumerate(self._tokens):
            if self._depths[at] == 0 and token.token_type is TokenType.SET:
                found += self._set(at + 1)
            elif self._depths[at] == 0 and token.token_type is TokenType.INSERT:
                found += self._insert(at + 1)
        return tuple(found)

    def _set(self, at: int) -> list[Value]:
        """`a = x, b = y`, up to WHERE, WHEN or the end."""
        ends = next((one for one in range(at, len(self._tokens)) if self._depths[one] == 0 and self._is(one, *_ENDS)), len(self._tokens))
        return [
            Value(self._tokens[first].text, self._tokens[first + 2].start, self._tokens[last - 1].end + 1)
            for first, last in self._parts(at, ends, 0)
            if last - first > len("a=") and self._is(first + 1, TokenType.EQ)
        ]

    def _insert(self, at: int) -> list[Value]:
        """`(a, b) VALUES (x, y)`, or without the names."""
        names: list[str] = []
        if self._is(at, TokenType.L_PAREN):
            close = self._close(at)
            names = [self._tokens[first].text for first, _ in self._parts(at + 1, close, 1)]
            at = close + 1
        if not (self._is(at, TokenType.VALUES) and self._is(at + 1, TokenType.L_PAREN)):
            return []
        spans = self._parts(at + 2, self._close(at + 1), 1)
        columns: list[str | int] = list(names) or list(range(len(spans)))
        return [
            Value(column, self._tokens[first].start, self._tokens[last - 1].end + 1)
            for column, (first, last) in zip(columns, spans, strict=False)
        ]

    def _is(self, at: int, *kinds: TokenType) -> bool:
        return at < len(self._tokens) and self._tokens[at].token_type in kinds

    def _close(self, opened: int) -> int:
        return next((at for at in range(opened + 1, len(self._tokens)) if self._depths[at] == 0), len(self._tokens))

    def _parts(self, at: int, ends: int, depth: int) -> list[tuple[int, int]]:
        """What stands between commas of that depth: the first token of each, and the one after its last."""
        commas = [one for one in range(at, ends) if self._depths[one] == depth and self._is(one, TokenType.COMMA)]
        return [(first, last) for first, last in zip([at, *(one + 1 for one in commas)], [*commas, ends], strict=True) if last > first]


def _depths(tokens: Sequence[Token]) -> list[int]:
    """How deep each token is; what opens and what closes are as deep as what is around them."""
    depths, depth = [], 0
    for token in tokens:
        depth -= token.token_type in _CLOSING
        depths.append(depth)
        depth += token.token_type in _OPENING
    return depths

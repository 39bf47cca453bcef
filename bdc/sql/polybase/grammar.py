"""The grammar of PolyBase's statements (grammar.lark), for lark. Loaded with the first statement that isn't plain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from lark import Lark, Token, Tree
from lark.lexer import Lexer

from bdc.sql.polybase.terminals import KINDS, MARKS

Terminal = tuple[str, str, int, int]
"""A terminal's name, its value, and where its text begins and ends in the script."""


class Script(Protocol):
    """A script at a statement's first word."""

    def next_for(self, acceptable: Callable[[str], bool]) -> Terminal | None:
        """The next terminal of a statement by the parser's state; None at its end."""

    def query(self) -> Terminal | None:
        """The text of the query after AS."""


def parse(script: Script) -> Tree[Token]:
    """The tree of one statement. Raises lark's UnexpectedToken."""
    return _lark().parse(_Tokens(script))


@cache
def keywords() -> frozenset[str]:
    """The grammar's keywords."""
    return frozenset(terminal.name for terminal in _lark().terminals) - {*KINDS.values(), *MARKS.values(), "NAME", "QUERY"}


class _Tokens:
    """What a parse begins with."""

    def __init__(self, script: Script) -> None:
        self.script = script


class _Lexer(Lexer):
    """Lark's lexer, which asks the parser's state what a word can be there."""

    __future_interface__ = 2

    def __init__(self, _: Any) -> None: ...

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        script: Script = lexer_state.text.script
        while True:
            row = parser_state.parse_conf.states[parser_state.position]
            found = script.query() if "QUERY" in row else script.next_for(row.__contains__)
            if found is None:
                return
            kind, value, start, end = found
            yield Token(kind, value, start_pos=start, end_pos=end)


@cache
def _lark() -> Lark:
    grammar = files("bdc.sql.polybase").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=_Lexer)

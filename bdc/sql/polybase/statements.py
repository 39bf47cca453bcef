"""A script's statements, as what they say: those that define something (`ddl`), and an engine's own. `str()` of each is the statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from bdc.sql.polybase.lexer import Lexed, lexed
from bdc.sql.statements import Statement as StatementText

if TYPE_CHECKING:
    from bdc.sql.polybase.ddl import Ddl

Pushdown = Literal["FORCE", "DISABLE"]


@dataclass(frozen=True)
class Plain:
    """A statement for an engine, as it stands in the script, without what OPTION says of pushdown."""

    sql: str
    pushdown: Pushdown | None = None
    read: Lexed | None = field(default=None, compare=False, repr=False)
    """The script's text, and the words of it that are this statement's."""

    @property
    def lexed(self) -> Lexed:
        """Its text with its words, which aren't read a second time."""
        if self.read is None:
            return lexed(self.sql)
        start = self.read.words[0].start
        return self.read.part(start, start + len(self.sql))

    def __str__(self) -> str:
        return self.sql + (f"\nOPTION ({self.pushdown} EXTERNALPUSHDOWN)" if self.pushdown else "")


@dataclass(frozen=True)
class Guarded:
    """IF [NOT] EXISTS (query) before a statement."""

    query: str
    exists: bool
    statement: Ddl | Plain

    def __str__(self) -> str:
        return f"IF {'' if self.exists else 'NOT '}EXISTS ({self.query}) {self.statement}"


Statement: TypeAlias = "Ddl | Plain | Guarded"


@dataclass(frozen=True)
class Placed(StatementText):
    """A statement as it was read: its text, the line and column, from 1, where that begins in its script, and what it says."""

    column: int
    statement: Statement
    script: Lexed = field(compare=False, repr=False)

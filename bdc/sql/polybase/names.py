"""Names without a catalog, made whole: the catalog is put before them, and the rest of the text stays as it was written.

`tables` finds them; what it can't read stays as it is, and so do statements that name no tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

EXPLAIN = re.compile(r"\s*EXPLAIN\s+(ANALYZE\s+(VERBOSE\s+)?)?(\([^)]*\)\s*)?", re.IGNORECASE)
"""What may stand before a statement that is to be explained: Trino's, which T-SQL hasn't."""

HOMES = ("external", "lake", "master")
"""Catalogs whose tables need no catalog before their names."""

_NO_TABLES = re.compile(r"\s*(?:SELECT|VALUES)\b(?!.*\b(?:FROM|TABLE|JOIN|INTO)\b).*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class TableName:
    """A name of one or two parts as a statement has it; `start` is its offset.

    `new` is the name of what the statement makes, of a `view` maybe; `maybe` that of what need not be there (DROP ... IF EXISTS).
    """

    parts: tuple[str, ...]
    start: int
    new: bool = False
    maybe: bool = False
    view: bool = False

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class Qualified:
    """A statement with whole names, as it was written, and what was put where: (offset in what was written, length)."""

    sql: str
    written: str
    added: tuple[tuple[int, int], ...] = ()

    def original(self, line: int, column: int) -> tuple[int, int]:
        """The place in what was written of one in `sql`; both count from 1."""
        at = sum(len(one) + 1 for one in self.sql.split("\n")[: line - 1]) + column - 1
        shift = 0
        for start, length in self.added:
            if start + shift < at:
                shift += min(length, at - start - shift)
        before = at - shift
        return self.written.count("\n", 0, before) + 1, before - self.written.rfind("\n", 0, before)


def names_no_table(sql: str) -> bool:
    """Whether a statement is a query without a word after which a table is named; it needn't be parsed."""
    explain = EXPLAIN.match(sql)
    return bool(_NO_TABLES.fullmatch(sql, explain.end() if explain else 0))

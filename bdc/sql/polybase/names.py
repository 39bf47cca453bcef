"""Names without a catalog, made whole: the catalog is put before them, and the rest of the text stays as it was written.

sqlglot finds the tables that a statement names; what it can't read stays as it is, and so do statements that name no tables.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of each statement that it passes on

EXPLAIN = re.compile(r"\s*EXPLAIN\s+(ANALYZE\s+(VERBOSE\s+)?)?(\([^)]*\)\s*)?", re.IGNORECASE)
"""What may stand before a statement that is to be explained: Trino's, which T-SQL hasn't."""

_CHANGED = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE)\s", re.IGNORECASE)
_WITH_TABLES = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Describe, exp.Analyze)
_KINDS = frozenset({"TABLE", "VIEW", "MATERIALIZED VIEW"})
_WHOLE = 3


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


def qualify(sql: str, home: Callable[[TableName], str]) -> Qualified:
    """Put before each name of fewer than three parts what `home` gives for it, such as `lake` or `master.public`; "" leaves it."""
    pieces: list[str] = []
    added: list[tuple[int, int]] = []
    done = 0
    for name in sorted(tables(sql), key=lambda name: name.start):
        if before := home(name):
            pieces += [sql[done : name.start], before, "."]
            added.append((name.start, len(before) + 1))
            done = name.start
    return Qualified("".join([*pieces, sql[done:]]), sql, tuple(added))


def mentioned(sql: str) -> tuple[list[tuple[str, ...]], list[str]]:
    """The tables that a statement names, by the parts of their names, and the names that it gives to columns itself."""
    explain = EXPLAIN.match(sql)
    try:
        tree = sqlglot.parse_one(sql[explain.end() if explain else 0 :], read="trino")
    except SqlglotError:
        return [], []
    named = [table for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Identifier)]
    given = [one.alias for one in tree.find_all(exp.Alias)] + [one.name for alias in tree.find_all(exp.TableAlias) for one in alias.columns]
    return [tuple(part.name for part in table.parts) for table in named], given


def tables(sql: str) -> list[TableName]:
    """The tables that a statement names in one or two parts, with where; common table expressions are none."""
    explain = EXPLAIN.match(sql)
    skipped = explain.end() if explain else 0
    try:
        tree = sqlglot.parse_one(sql[skipped:], read="trino")
    except SqlglotError:
        return []
    if not isinstance(tree, _WITH_TABLES) and not (
        isinstance(tree, exp.Create | exp.Drop) and str(tree.args.get("kind")).upper() in _KINDS
    ):
        return []
    made = tree.this.find(exp.Table) if isinstance(tree, exp.Create) else None
    maybe = isinstance(tree, exp.Drop) and bool(tree.args.get("exists"))
    view = isinstance(tree, exp.Create) and str(tree.args.get("kind")).upper() != "TABLE"
    common = {one.alias.lower() for one in tree.find_all(exp.CTE)}
    return [
        TableName(
            tuple(part.name for part in table.parts),
            skipped + int(table.parts[0].meta["start"]),
            table is made,
            maybe,
            table is made and view,
        )
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier)
        and len(table.parts) < _WHOLE
        and "start" in table.parts[0].meta
        and not (len(table.parts) == 1 and table.name.lower() in common)
    ]


@dataclass(frozen=True)
class Target:
    """The table that a statement changes the rows of. Its name, with the columns that INSERT lists after it, is from `start` to `end`."""

    verb: str
    parts: tuple[str, ...]
    start: int
    end: int
    columns: tuple[str, ...] = ()


def target(sql: str) -> Target | None:
    """The table whose rows a statement changes; None where it is no INSERT, UPDATE, DELETE or MERGE."""
    if not (changed := _CHANGED.match(sql)):
        return None
    try:
        tree = sqlglot.parse_one(sql, read="trino")
    except SqlglotError:
        return None
    listed = isinstance(tree.this, exp.Schema)
    table = tree.this.this if listed else tree.this
    if not isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge) or not isinstance(table, exp.Table):
        return None
    start, end = int(table.parts[0].meta["start"]), int(table.parts[-1].meta["end"]) + 1
    columns = tree.this.expressions if listed else []
    if columns:
        end = sql.index(")", int(columns[-1].meta["end"])) + 1
    return Target(changed[1].upper(), tuple(part.name for part in table.parts), start, end, tuple(one.name for one in columns))

"""The tables that a statement of Trino's names, as sqlglot finds them."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from bdc.sql.polybase.names import EXPLAIN, Qualified, TableName

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of each statement that it passes on

_CHANGED = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE)\s", re.IGNORECASE)
_WITH_TABLES = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Describe, exp.Analyze)
_KINDS = frozenset({"TABLE", "VIEW", "MATERIALIZED VIEW"})
_WHOLE = 3


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


def whole(tree: exp.Expr, home: Callable[[TableName], str]) -> str:
    """Trino's SQL of a tree that was read already, each of its names with what `home` gives for it."""
    for name, table in sorted(_named(tree), key=lambda named: named[0].start):
        if before := home(name):
            missing = ("catalog", "db")[: _WHOLE - len(name.parts)]
            for part, identifier in zip(missing, before.split("."), strict=True):
                table.set(part, exp.to_identifier(identifier))
    return tree.sql(dialect="trino")


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
    return [replace(name, start=name.start + skipped) for name, table in _named(tree) if "start" in table.parts[0].meta]


def _named(tree: exp.Expr) -> list[tuple[TableName, exp.Table]]:
    if not isinstance(tree, _WITH_TABLES) and not (
        isinstance(tree, exp.Create | exp.Drop) and str(tree.args.get("kind")).upper() in _KINDS
    ):
        return []
    made = tree.this.find(exp.Table) if isinstance(tree, exp.Create) else None
    maybe = isinstance(tree, exp.Drop) and bool(tree.args.get("exists"))
    view = isinstance(tree, exp.Create) and str(tree.args.get("kind")).upper() != "TABLE"
    common = {one.alias.lower() for one in tree.find_all(exp.CTE)}
    return [
        (
            TableName(
                tuple(part.name for part in table.parts),
                int(table.parts[0].meta.get("start", 0)),
                table is made,
                maybe,
                table is made and view,
            ),
            table,
        )
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier)
        and len(table.parts) < _WHOLE
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

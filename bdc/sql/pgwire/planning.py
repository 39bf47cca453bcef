"""Where a query runs: in Trino, translated; in the master, if it asks for nothing but what system catalogs know or needs no table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bdc.sql.pgwire import dialect
from bdc.sql.pgwire.dialect import Tables, Translated
from bdc.sql.pgwire.errors import NOT_SUPPORTED, UNDEFINED_PARAMETER, SqlError
from bdc.sql.pgwire.shadows import shadowed

_CATALOGS = ("pg_catalog", "information_schema")
_MENTIONED = re.compile(r"\b(pg_catalog|information_schema|pg_\w+)\b", re.IGNORECASE)


@dataclass(frozen=True)
class PlannedQuery:
    """A query that was read. `tree` is None where it is the master's: then `sql` is what it is asked."""

    sql: str
    tree: Any
    names: frozenset[tuple[str, ...]]
    parameters: int
    tables: bool = False
    """Whether the master must know what tables there are."""
    literals: tuple[str, ...] = ()
    """The strings of a statement that is the master's."""


_MOST_PARAMETERS = 65_535
"""As many as Bind can count."""


def plan(sql: str) -> PlannedQuery:
    """Read a query. Raises SqlError."""
    asked = _read(sql)
    if asked.parameters > _MOST_PARAMETERS:
        raise SqlError(f"there is no parameter ${asked.parameters}", UNDEFINED_PARAMETER)
    return asked


def _read(sql: str) -> PlannedQuery:
    try:
        tree = dialect.read(sql)
    except SqlError:
        if _MENTIONED.search(sql):  # the master reads what sqlglot can't, and refuses what is no query
            return _of_master(sql)
        raise
    names = dialect.names(tree)
    of_catalogs = {name for name in names if _of_catalogs(name)}
    if of_catalogs == names:
        return _of_master(sql)
    if of_catalogs:
        raise SqlError("a query of system catalogs and of tables at once isn't supported", NOT_SUPPORTED, "ask one after the other")
    return PlannedQuery(sql, tree, frozenset(names), dialect.parameters(tree))


def translate(asked: PlannedQuery, tables: Tables, user: str, values: Sequence[str]) -> Translated:
    """A query of tables for Trino, with its parameters' values."""
    tree = dialect.bound(asked.tree, values) if asked.parameters else asked.tree
    return dialect.translate(tree, tables, user)


def _of_catalogs(name: tuple[str, ...]) -> bool:
    """Whether a name is of PostgreSQL's catalogs; those of three parts are of Trino's, as lake.information_schema.tables is."""
    return name[0].startswith("pg_") if len(name) == 1 else len(name) == 2 and name[0] in _CATALOGS


def _of_master(sql: str) -> PlannedQuery:
    found = shadowed(sql)
    parameters = max((int(number) for number in re.findall(r"\$(\d+)", sql)), default=0)
    return PlannedQuery(found.sql, None, frozenset(), parameters, found.tables, found.literals)

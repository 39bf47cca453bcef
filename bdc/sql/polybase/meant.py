"""The column, table, schema or function that a statement may have meant, asked of Trino when a name isn't there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from bdc.sql.errors import QueryError
from bdc.sql.federation import Federation
from bdc.sql.quoting import literal
from bdc.sql.suggestions import closest, did_you_mean

_QUOTED = re.compile(r"'([^']+)'")
_LISTED = 20
"""Columns that a hint lists at most."""


def meant(
    error: QueryError, sql: str, federation: Federation, columns: Callable[[tuple[str, ...]], Mapping[str, str] | None]
) -> str | None:
    """The hint for Trino's error of a name that isn't there; None where nothing is like it. `columns` says which a table has."""
    found = _QUOTED.search(error.text)
    if not found:
        return None
    name = found[1]
    match error.code:
        case "COLUMN_NOT_FOUND":
            return _column(name.rpartition(".")[2], sql, columns)
        case "FUNCTION_NOT_FOUND":
            return did_you_mean(name, {str(row[0]) for row in federation.query("SHOW FUNCTIONS").rows})
        case "CATALOG_NOT_FOUND":
            return did_you_mean(name, [str(row[0]) for row in federation.query("SHOW CATALOGS").rows])
        case "TABLE_NOT_FOUND" | "SCHEMA_NOT_FOUND":
            from bdc.sql.polybase.tables import mentioned

            named = (parts for parts in mentioned(sql)[0] if len(parts) == 3 and name.lower() in _spelled(parts))
            catalog, *parts = next(named, ("", "", ""))
            return similar(federation, parts, (catalog,)) if catalog else None
    return None


def _spelled(parts: tuple[str, ...]) -> tuple[str, str]:
    """How an error may name a table: the whole, or its schema."""
    return ".".join(parts).lower(), parts[1].lower()


def _column(name: str, sql: str, columns: Callable[[tuple[str, ...]], Mapping[str, str] | None]) -> str | None:
    from bdc.sql.polybase.tables import mentioned

    tables, given = mentioned(sql)
    known = {".".join(parts): list(columns(parts) or {}) for parts in dict.fromkeys(tables)}
    if hint := did_you_mean(name, [*(one for listed in known.values() for one in listed), *given]):
        return hint
    listed = [f"{table} has {', '.join(found)}" for table, found in known.items() if 0 < len(found) <= _LISTED]
    return "; ".join(listed) or None


def similar(federation: Federation, parts: Sequence[str], catalogs: Sequence[str]) -> str | None:
    """The hint for a schema's table that isn't in these catalogs: the table, or the schema, whose name is like it."""
    schema, table = parts
    listed = ", ".join(literal(one.lower()) for one in catalogs)
    inside = f"SELECT table_name FROM system.jdbc.tables WHERE table_cat IN ({listed}) AND table_schem = {literal(schema.lower())}"  # noqa: S608 literals, quoted
    names = [str(row[0]) for row in federation.query(inside).rows]
    if found := closest(table, names):
        return f"did you mean {schema}.{found}?"
    around = f"SELECT table_schem FROM system.jdbc.schemas WHERE table_catalog IN ({listed})"  # noqa: S608 literals, quoted
    return None if names else did_you_mean(schema, {str(row[0]) for row in federation.query(around).rows})

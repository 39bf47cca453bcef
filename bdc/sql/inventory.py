"""What there is to query: the databases, tables and columns of the lake, the external data and the master.

Asked of Trino (`system.jdbc`), as whoever asks: what they may not see isn't listed. An external table is one, though the master has a
foreign table for it and the lake the files of one of the data pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bdc.errors import NotFoundError, UsageError
from bdc.sql.errors import QueryError
from bdc.sql.quoting import identifier, literal
from bdc.sql.result import Session

CATALOGS = ("external", "lake", "master")
"""The catalogs whose names need none before them; where a name is in more, the first has it."""

_SYSTEM = ("information_schema", "pg_catalog", "catalogs", "polybase")
"""Schemas of the servers' own, and of bdc's."""

_ABSENT = frozenset({"TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "CATALOG_NOT_FOUND"})


@dataclass(frozen=True)
class Table:
    """A table or view; `kind` is `table`, `view` or `external table`."""

    catalog: str
    database: str
    name: str
    kind: str


@dataclass(frozen=True)
class TableColumn:
    """A column with its type as Trino writes it; `comment` is "" for none."""

    name: str
    type: str
    comment: str


def databases(session: Session) -> list[tuple[str, str, int]]:
    """The databases (schemas) with their catalogs, and how many tables each has."""
    listed = ", ".join(f"'{one}'" for one in CATALOGS)
    found = session.query(f"SELECT table_catalog, table_schem FROM system.jdbc.schemas WHERE table_catalog IN ({listed}) ORDER BY 1, 2")  # noqa: S608 constants
    names = [(str(catalog), str(schema)) for catalog, schema in found.rows if schema not in _SYSTEM]
    counts: dict[tuple[str, str], int] = {}
    for table in tables(session):
        counts[table.catalog, table.database] = counts.get((table.catalog, table.database), 0) + 1
    return [(catalog, schema, counts.get((catalog, schema), 0)) for catalog, schema in names]


def tables(session: Session, parts: Sequence[str] = ()) -> list[Table]:
    """The tables and views of all databases, of a catalog's, or of one: `parts` are a catalog, a database, or both.

    Raises NotFoundError for a database that isn't there, UsageError for a name of more parts.
    """
    if len(parts) > len(("catalog", "database")):
        raise UsageError(f"{'.'.join(parts)} is no name of a database", "[catalog.]database")
    catalogs: Sequence[str] = CATALOGS
    database = None
    if parts and parts[0].lower() in CATALOGS:
        catalogs, database = (parts[0].lower(),), parts[1] if len(parts) > 1 else None
    elif parts:
        if len(parts) > 1:
            raise NotFoundError(f"there is no catalog {parts[0]} here", f"one of {', '.join(CATALOGS)}; SHOW CATALOGS lists all others")
        database = parts[0]
    listed = ", ".join(f"'{one}'" for one in CATALOGS)
    within = f" AND table_schem = {literal(database.lower())}" if database else ""
    columns = "table_cat, table_schem, table_name, table_type"
    sql = f"SELECT {columns} FROM system.jdbc.tables WHERE table_cat IN ({listed}){within} ORDER BY 1, 2, 3"  # noqa: S608 literals, quoted
    found = [Table(str(row[0]), str(row[1]), str(row[2]), str(row[3]).lower()) for row in session.query(sql).rows if row[1] not in _SYSTEM]
    external = {(table.database, table.name) for table in found if table.catalog == "external"}
    kept = [
        Table("external", table.database, table.name, "external table") if table.catalog == "external" else table
        for table in found
        if table.catalog == "external" or (table.database, table.name) not in external
    ]
    chosen = [table for table in kept if table.catalog in catalogs]
    if database and not chosen and not _is_there(session, catalogs, database):
        raise NotFoundError(f"there is no database {'.'.join(parts)}", "bdc sql databases lists them")
    return chosen


def _is_there(session: Session, catalogs: Sequence[str], database: str) -> bool:
    listed = ", ".join(f"'{one}'" for one in catalogs)
    where = f"table_catalog IN ({listed}) AND table_schem = {literal(database.lower())}"
    return any(True for _ in session.query(f"SELECT 1 FROM system.jdbc.schemas WHERE {where}").rows)  # noqa: S608 literals, quoted


def describe(session: Session, parts: Sequence[str]) -> list[TableColumn]:
    """The columns of a table by its name, [[catalog.]database.]table. Raises NotFoundError, UsageError."""
    if not 1 <= len(parts) <= len(("catalog", "database", "table")):
        raise UsageError(f"{'.'.join(parts)!r} is no name of a table", "[[catalog.]database.]table")
    name = identifier(*parts)
    try:
        found = session.query(f"DESCRIBE {name}")
        return [TableColumn(str(row[0]), str(row[1]), str(row[3] or "")) for row in found.rows]
    except QueryError as error:
        if error.code in _ABSENT:
            raise NotFoundError(error.text, error.hint) from error
        raise

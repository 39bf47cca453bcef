"""The master's foreign tables: external tables for who asks the master itself, joined with its own.

They are of one server, the SQL gateway, which PostgreSQL asks in the name of the role that reads (images/postgres/fdw). Rights are those of
the definitions, here as they are in the federation.
"""

from __future__ import annotations

import hashlib
import re

import psycopg
from psycopg import sql

from bdc.errors import BdcError
from bdc.sql.external.definitions import Definitions, Table
from bdc.sql.external.store import Connection
from bdc.sql.polybase.types import trino_type_of

SERVER = "federation"
_MARK = "bdc "
_TYPE = re.compile(r"(?P<name>[a-z]+)(?:\((?P<sizes>[\d,]+)\))?(?P<zone> with time zone)?")
_NAMES = {"decimal": "numeric", "double": "double precision", "varbinary": "bytea"}
_MICROSECONDS = 6


def postgresql_type(trino: str) -> str:
    """PostgreSQL's type for one of Trino's that a T-SQL type stands for."""
    found = _TYPE.fullmatch(trino)
    if not found:
        raise ValueError(f"there is no type of PostgreSQL's for {trino}")
    name, sizes = found["name"], found["sizes"]
    if name in ("timestamp", "time"):
        return f"{name}({min(int(sizes), _MICROSECONDS)}){found['zone'] or ''}"
    if name == "varchar" and not sizes:
        return "text"
    return _NAMES.get(name, name) + (f"({sizes})" if sizes else "")


def match(connection: Connection, definitions: Definitions, known: set[str]) -> dict[str, BdcError]:
    """Make foreign tables of the external tables `known` (schema.name, in lower case), and no others. What could not be made, and why."""
    if not connection.execute("SELECT 1 FROM pg_foreign_server WHERE srvname = %s", (SERVER,)).fetchone():
        return {}  # the master is not set up for it yet
    there = {f"{schema}.{name}": mark.removeprefix(_MARK) for schema, name, mark in connection.execute(_TABLES, (SERVER,))}
    wanted = {str(table).lower(): table for table in definitions.tables if str(table).lower() in known}
    failed: dict[str, BdcError] = {}
    for name in sorted(set(there) - set(wanted)):
        _tried(connection, name, failed, _drop(name))
    for name, table in sorted(wanted.items()):
        if there.get(name) != _digest(table):
            _tried(connection, name, failed, *([_drop(name)] if name in there else []), *_make(table))
    return failed


_TABLES = """
SELECT n.nspname, c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_foreign_table f
JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_foreign_server s ON s.oid = f.ftserver
WHERE s.srvname = %s
"""


def _digest(table: Table) -> str:
    text = repr((str(table).lower(), [(one.name, one.type) for one in table.columns], table.readers))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _names(table: Table) -> tuple[str, str]:
    return table.schema.lower(), table.name.lower()


def _make(table: Table) -> list[sql.Composed]:
    schema, name = _names(table)
    whole = sql.Identifier(schema, name)
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(one.name.lower()), sql.SQL(postgresql_type(trino_type_of(one.type))))
        for one in table.columns
    )
    people = sql.SQL("PUBLIC") if table.readers is None else sql.SQL(", ").join(map(sql.Identifier, sorted(table.readers)))
    options = sql.SQL("schema_name {}, table_name {}").format(sql.Literal(schema), sql.Literal(name))
    statements: list[sql.Composed] = [
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)),
        sql.SQL("CREATE FOREIGN TABLE {} ({}) SERVER {} OPTIONS ({})").format(whole, columns, sql.Identifier(SERVER), options),
        sql.SQL("COMMENT ON FOREIGN TABLE {} IS {}").format(whole, sql.Literal(_MARK + _digest(table))),
    ]
    if table.readers != ():
        statements.append(sql.SQL("GRANT SELECT ON {} TO {}").format(whole, people))
    return statements


def _drop(name: str) -> sql.Composed:
    return sql.SQL("DROP FOREIGN TABLE {}").format(sql.Identifier(*name.split(".", 1)))


def _tried(connection: Connection, name: str, failed: dict[str, BdcError], *statements: sql.Composed) -> None:
    try:
        with connection.transaction():
            for statement in statements:
                connection.execute(statement)
    except (psycopg.Error, ValueError) as error:
        said = str(error).splitlines()[0]
        failed[name] = BdcError(f"{name} isn't in the master: {said}")

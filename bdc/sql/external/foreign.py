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
from bdc.sql.external.definition_store import Connection
from bdc.sql.external.definitions import Definitions, Table
from bdc.sql.polybase.types import trino_type_of

SERVER = "federation"
_TYPE = re.compile(r"(?P<name>[a-z]+)(?:\((?P<sizes>[\d,]+)\))?(?P<zone> with time zone)?")
_NAMES = {"decimal": "numeric", "double": "double precision", "varbinary": "bytea"}
_MICROSECONDS = 6
_LONGEST = 63
"""Bytes of a name: NAMEDATALEN. PostgreSQL cuts what is longer."""


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
    """Make foreign tables of the external tables `known` (schema.name, in lower case), and no others, for those that may read them. What
    could not be made, and why."""
    if not connection.execute("SELECT 1 FROM pg_foreign_server WHERE srvname = %s", (SERVER,)).fetchone():
        return {}  # the master is not set up for it yet
    there = {f"{schema}.{name}": (comment, set(people)) for schema, name, comment, people in connection.execute(_TABLES, (SERVER,))}
    wanted = {str(table).lower(): table for table in definitions.tables if str(table).lower() in known}
    roles = {role for (role,) in connection.execute("SELECT rolname FROM pg_roles")}
    schemas = {schema for (schema,) in connection.execute("SELECT nspname FROM pg_namespace")}
    failed: dict[str, BdcError] = {}
    for name in sorted({*there, *wanted}):
        table = wanted.get(name)
        try:
            with connection.transaction():
                for statement in _changes(name, table, there.get(name), roles, schemas):
                    connection.execute(statement)
        except (psycopg.Error, ValueError) as error:
            said = str(error).splitlines()[0]
            failed[name] = BdcError(f"{name} isn't in the master: {said}")
        else:
            schemas |= {table.schema.lower()} if table else set()
    return failed


def _changes(name: str, table: Table | None, there: tuple[str, set[str]] | None, roles: set[str], schemas: set[str]) -> list[sql.Composed]:
    """What makes a foreign table what it is to be. Raises ValueError."""
    drop = [sql.SQL("DROP FOREIGN TABLE {}").format(sql.Identifier(*name.split(".", 1)))] if there else []
    if table is None:
        return drop
    readers = _readers(table, roles)
    if there and there[0] == _comment(table):
        return _allow(name, there[1], readers)
    schema = table.schema.lower()
    room = [] if schema in schemas else [_SCHEMA.format(sql.Identifier(schema))]
    return [*drop, *room, *_make(table), *_allow(name, set(), readers)]


_SCHEMA = sql.SQL("CREATE SCHEMA {0}; GRANT USAGE ON SCHEMA {0} TO PUBLIC")
_TABLES = """
SELECT n.nspname, c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''),
  ARRAY(SELECT coalesce(r.rolname, '') FROM aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE a.privilege_type = 'SELECT' AND a.grantee <> c.relowner)
FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE s.srvname = %s
"""


def _comment(table: Table) -> str:
    """What a table is, as people are told, with a digest of its columns, which tells when they change."""
    columns = repr([(one.name, one.type) for one in table.columns])
    return f"{table.location} of {table.source} (external, {hashlib.sha256(columns.encode()).hexdigest()[:8]})"


def _make(table: Table) -> list[sql.Composed]:
    schema, name = table.schema.lower(), table.name.lower()
    for one in (schema, name, *(column.name for column in table.columns)):
        if len(one.encode()) > _LONGEST:
            raise ValueError(f"the name {one} is longer than PostgreSQL's, {_LONGEST} bytes")
    whole = sql.Identifier(schema, name)
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(one.name.lower()), sql.SQL(postgresql_type(trino_type_of(one.type))))
        for one in table.columns
    )
    options = sql.SQL("schema_name {}, table_name {}").format(sql.Literal(schema), sql.Literal(name))
    return [
        sql.SQL("CREATE FOREIGN TABLE {} ({}) SERVER {} OPTIONS ({})").format(whole, columns, sql.Identifier(SERVER), options),
        sql.SQL("COMMENT ON FOREIGN TABLE {} IS {}").format(whole, sql.Literal(_comment(table))),
    ]


def _readers(table: Table, roles: set[str]) -> set[str]:
    """The roles that may read a table, of those that there are; "" is PUBLIC."""
    return {""} if table.readers is None else set(table.readers) & roles


def _allow(name: str, now: set[str], wanted: set[str]) -> list[sql.Composed]:
    schema, _, table = name.partition(".")

    def people(names: set[str]) -> sql.Composed:
        return sql.SQL(", ").join(sql.Identifier(one) if one else sql.SQL("PUBLIC") for one in sorted(names))

    found = []
    if less := now - wanted:
        found.append(sql.SQL("REVOKE SELECT ON {} FROM {}").format(sql.Identifier(schema, table), people(less)))
    if more := wanted - now:
        found.append(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(schema, table), people(more)))
    return found

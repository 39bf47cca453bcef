"""The definitions in the master: schema `polybase`, made by manifests/master/migrations; and what was found of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import psycopg

from bdc.errors import BdcError, UnhealthyError
from bdc.sql.external.definitions import ColumnDefinition, Credential, DataSource, Definitions, Rejects, Table, Troubles
from bdc.sql.polybase.ddl import CreateFormat

CHANNEL = "polybase"
"""Whoever LISTENs to it is told of each change."""

Connection = psycopg.Connection[Any]

_LOCK = 7_236_001
"""The advisory lock of whoever changes definitions, or makes the federation match them."""


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """A transaction that waits for nobody; errors of the database become ours."""
    try:
        with connection.transaction():
            yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise BdcError("this cluster's master was set up before this version of bdc", "bdc up brings it up to date") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise BdcError("only the cluster's administrator may change external data sources and tables", "bdc credentials") from error
    except psycopg.errors.ReadOnlySqlTransaction as error:  # a server that led, or is about to
        raise UnhealthyError("the SQL master has no leader just now", "it may be failing over: try again; bdc status") from error
    except psycopg.OperationalError as error:
        raise UnhealthyError("the connection to the SQL master broke", "it may be failing over: try again; bdc status") from error


@contextmanager
def changing(connection: Connection) -> Iterator[None]:
    """A transaction that nobody else changes definitions in, or makes the federation match others."""
    with reading(connection):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        yield


@contextmanager
def trying(connection: Connection) -> Iterator[None]:
    """A transaction as `changing`, of which nothing stays."""
    with changing(connection):
        yield
        raise psycopg.Rollback


def read(connection: Connection) -> Definitions:
    """All definitions."""
    credentials = {
        number: Credential(name, identity, key)
        for number, name, identity, key in connection.execute(
            "SELECT credential_id, name, identity, secret_key FROM polybase.credentials ORDER BY name"
        ).fetchall()
    }
    rows = connection.execute("SELECT name, location, connection_options, credential_id, pushdown FROM polybase.sources ORDER BY name")
    sources = {row[0].lower(): DataSource(row[0], row[1], row[2], credentials.get(row[3]), row[4]) for row in rows.fetchall()}
    columns: dict[int, list[ColumnDefinition]] = {}
    for number, name, kind in connection.execute("SELECT object_id, name, type FROM polybase.columns ORDER BY object_id, column_id"):
        columns.setdefault(number, []).append(ColumnDefinition(name, kind))
    formats = {
        number: CreateFormat(*said)
        for number, *said in connection.execute(
            "SELECT file_format_id, name, format_type, field_terminator, string_delimiter, first_row, date_format, use_type_default, "
            "encoding, data_compression FROM polybase.formats ORDER BY name"
        )
    }
    tables = connection.execute(
        "SELECT t.object_id, t.schema_name, t.name, s.name, t.location, t.readers, t.file_format_id, "
        "t.reject_type, t.reject_value, t.reject_sample_value::bigint, t.rejected_row_location, t.distribution FROM polybase.tables t "
        "JOIN polybase.sources s USING (data_source_id) ORDER BY 2, 3"
    ).fetchall()
    found = tuple(
        Table(
            schema, name, source, location, tuple(columns.get(number, ())), None if readers is None else tuple(sorted(readers)),
            formats.get(form), Rejects(*rejects), distribution,
        )
        for number, schema, name, source, location, readers, form, *rejects, distribution in tables
    )  # fmt: skip
    return Definitions(sources, found, tuple(credentials.values()), tuple(formats.values()))


def troubles(connection: Connection) -> Troubles:
    """What the reconciler wrote down last."""
    sources = connection.execute("SELECT lower(name), error FROM sys.external_data_sources WHERE error IS NOT NULL").fetchall()
    tables = connection.execute(
        "SELECT lower(schema_name || '.' || name), error FROM sys.external_tables WHERE error IS NOT NULL"
    ).fetchall()
    return Troubles(dict(sources), dict(tables))


def record(
    connection: Connection, of: Literal["source", "table"], errors: Mapping[str, str], looked_at: Collection[str] | None = None
) -> None:
    """Write down what failed, where it is news, and forget what failed before: of all, or of those that were looked at.

    Errors are by sources' names, or by tables' schema.name, in lower case.
    """
    key, name = _KEYS[of]
    connection.execute(
        f"DELETE FROM polybase.{of}_errors e USING polybase.{of}s o "  # noqa: S608 names of columns
        f"WHERE o.{key} = e.{key} AND NOT {name} = ANY(%s) AND (%s::text[] IS NULL OR {name} = ANY(%s))",
        (list(errors), *[None if looked_at is None else list(looked_at)] * 2),
    )
    connection.execute(
        f"INSERT INTO polybase.{of}_errors AS e ({key}, error) "  # noqa: S608 names of columns
        f"SELECT o.{key}, n.error FROM unnest(%s::text[], %s::text[]) AS n (name, error) JOIN polybase.{of}s o ON {name} = n.name "
        f"ON CONFLICT ({key}) DO UPDATE SET error = excluded.error, since = now() WHERE e.error <> excluded.error",
        (list(errors), list(errors.values())),
    )


_KEYS = {"source": ("data_source_id", "lower(o.name)"), "table": ("object_id", "lower(o.schema_name || '.' || o.name)")}

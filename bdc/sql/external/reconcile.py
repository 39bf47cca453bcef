"""Makes the federation match the definitions: catalogs for sources, views for tables. It remembers nothing; running it again does no harm.

A source's catalog is named by a hash of its properties, and a view has one of its text as its comment, so what is there is compared by
name alone. Views are looked at before catalogs go, and each failure stays with its table or source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from bdc.config.names import DRIVERS
from bdc.errors import BdcError, UnhealthyError, UsageError
from bdc.sql.errors import QueryError
from bdc.sql.external.catalogs import PREFIX, Catalog, Relation
from bdc.sql.external.columns import Bytes, byte_columns, selected
from bdc.sql.external.connectors import GENERIC
from bdc.sql.external.definitions import DataSource, Definitions, Table
from bdc.sql.external.files import BYTE, Folder
from bdc.sql.external.introspection import TrinoSession, object_relation
from bdc.sql.external.locations import check, own_catalog, place
from bdc.sql.polybase.types import trino_type_of
from bdc.sql.quoting import identifier, literal
from bdc.sql.result import Row

EXTERNAL = "external"
"""The catalog whose views stand for external tables."""

ADMINISTRATOR = "bdc"
_PERMISSION_DENIED = 4  # io.trino.spi.StandardErrorCode
_MARK, _UNSETTLED = "bdc ", " without a file"
"""What a view's comment is: the first, its digest, and the second where it is to be made again, until files say what they are."""


@dataclass(frozen=True)
class Wanted:
    """A table's view: where its object is, and the digest of all that it is made of."""

    table: Table
    place: Relation
    digest: str


@dataclass
class Found:
    """What could not be made, and why: by sources' names, and tables' schema.name, in lower case."""

    sources: dict[str, BdcError] = field(default_factory=dict)
    tables: dict[str, BdcError] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    """The digests of those tables."""
    busy: set[str] = field(default_factory=set)
    """Catalogs that nothing defines, and statements that run are of."""


def reconcile(
    definitions: Definitions, engine: TrinoSession, *, only: Collection[str] | None = None, known: Mapping[str, BdcError] | None = None
) -> Found:
    """Make catalogs and views, and remove those that nothing defines.

    `only`: the tables (schema.name, in lower case) whose views may be made, where not all. `known`: errors of views by
    their digests, which are believed and not tried again.
    """
    found = Found()
    catalogs, views = _wanted(definitions, found)
    there = {str(row[0]) for row in _rows(engine, "SELECT catalog_name FROM system.metadata.catalogs")}
    _make_catalogs(engine, [one for one in catalogs.values() if one.name not in there], catalogs, found)
    before = _views(engine)
    _make_views(engine, {name: one for name, one in views.items() if only is None or name in only}, before, known or {}, found)
    for name, digest in before.items():
        if name not in views or (views[name].digest != digest and name in found.tables):
            _drop_view(engine, name)
    _drop_schemas(engine, {name.partition(".")[0] for name in views})
    found.busy = _drop_catalogs(engine, {name for name in there if name.startswith(PREFIX)} - {one.name for one in catalogs.values()})
    return found


def _wanted(definitions: Definitions, found: Found) -> tuple[dict[tuple[str, str], Catalog], dict[str, Wanted]]:
    """The catalogs by their sources' names and their own, as tables may be in several databases; the views by their tables' names."""
    catalogs: dict[tuple[str, str], Catalog] = {}
    views: dict[str, Wanted] = {}
    for name, source in definitions.sources.items():
        try:
            check(source)
            if own := own_catalog(source):
                catalogs[name, own.name] = own
        except UsageError as error:
            found.sources[name] = error
    for table in definitions.tables:
        key = str(table).lower()
        try:
            where = place(definitions.of(table), table.location, table.format, table.rejects)
        except UsageError as error:
            found.tables[key] = error
            continue
        if refused := found.sources.get(table.source.lower()):
            found.tables[key] = refused
            continue
        if where.catalog.made:
            catalogs[table.source.lower(), where.catalog.name] = where.catalog
        views[key] = Wanted(table, where, _digest(table, where))
    return catalogs, views


def _digest(table: Table, where: Relation) -> str:
    text = repr((str(table).lower(), where.relation, [(one.name, one.type) for one in table.columns], table.readers))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _make_catalogs(engine: TrinoSession, missing: list[Catalog], catalogs: dict[tuple[str, str], Catalog], found: Found) -> None:
    made: dict[str, QueryError | None] = {}
    for one in missing:
        if one.name in made:
            continue
        try:
            engine.query(one.create())
            made[one.name] = None
        except QueryError as error:
            made[one.name] = error
    for (source, _), one in catalogs.items():
        if failed := made.get(one.name):
            found.sources[source] = _refused(source, one, failed)


def make_own_catalog(engine: TrinoSession, source: DataSource) -> None:
    """Make the catalog of a source that names a database or needs none; it isn't asked. Raises BdcError where Trino refuses."""
    if own := own_catalog(source):
        try:
            engine.query(own.create())
        except QueryError as error:
            raise _refused(source.name, own, error) from error


def _refused(source: str, made: Catalog, error: QueryError) -> BdcError:
    no_driver = made.connector == GENERIC and error.text.startswith("no JDBC driver")
    return BdcError(f"source {source}: {error.text}", f"bdc hdfs put DRIVER.jar {DRIVERS}/" if no_driver else error.hint)


def _views(engine: TrinoSession) -> dict[str, str]:
    """The digests of the views that are there; "" of one that isn't ours."""
    rows = _rows(
        engine,
        f"SELECT schema_name, table_name, comment FROM system.metadata.table_comments WHERE catalog_name = '{EXTERNAL}'",  # noqa: S608 a constant
    )
    return {f"{row[0]!s}.{row[1]!s}": str(row[2] or "").removeprefix(_MARK) for row in rows if row[0] != "information_schema"}


def _make_views(
    engine: TrinoSession, views: dict[str, Wanted], before: dict[str, str], known: Mapping[str, BdcError], found: Found
) -> None:
    down: dict[str, BdcError] = {}
    for name, one in views.items():
        if before.get(name) == one.digest:
            continue
        if said := found.sources.get(one.table.source.lower()) or down.get(one.place.catalog.name) or known.get(one.digest):
            found.tables[name] = said
        else:
            try:
                _make_view(engine, one)
            except UnhealthyError as error:
                found.tables[name] = down[one.place.catalog.name] = error
            except BdcError as error:
                found.tables[name] = error
        if name in found.tables:
            found.digests[name] = one.digest


def _make_view(engine: TrinoSession, wanted: Wanted) -> None:
    table = wanted.table
    types = table_types(table)
    found = object_relation(engine, table.source, wanted.place, table.location, told_types(table, wanted.place))
    seen = selected(table, types, found.columns, _bytes_in(wanted.place))
    schema = f"{EXTERNAL}.{identifier(table.schema.lower())}"
    engine.query(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    view, mark = f"{schema}.{identifier(table.name.lower())}", literal(_MARK + wanted.digest + ("" if found.settled else _UNSETTLED))
    text = f"SELECT {seen.columns} FROM {found.relation}"  # noqa: S608 names, quoted
    if seen.condition:
        text += f" WHERE {seen.condition}"
    if table.readers is not None:
        text += f"{' AND' if seen.condition else ' WHERE'} {_for_readers(table, table.readers, types)}"
    engine.query(f"CREATE OR REPLACE VIEW {view} COMMENT {mark} SECURITY DEFINER AS {text}")


def _bytes_in(where: Relation) -> Bytes:
    if isinstance(where, Folder):
        return "rows" if where.options is None else "nothing"
    return "columns" if where.catalog.made else "rows"


def table_types(table: Table) -> dict[str, str]:
    """Trino's types by columns' names. Raises UsageError: what came by the master's procedures nobody has parsed yet."""
    found: dict[str, str] = {}
    for one in table.columns:
        try:
            found[one.name] = trino_type_of(one.type)
        except ValueError as error:
            raise UsageError(f"{table}: the column {one.name}: {error}") from error
    return found


def told_types(table: Table, where: Relation) -> dict[str, str]:
    """The types that an object is asked for; of text they say what T-SQL's TINYINT is. Raises UsageError."""
    text = isinstance(where, Folder) and where.options is not None
    return table_types(table) | ({name: BYTE for name in table_types(table) if name.lower() in byte_columns(table)} if text else {})


def _for_readers(table: Table, readers: Collection[str], types: Mapping[str, str]) -> str:
    """The condition, and what follows it, that makes a view one for its readers. `current_user` is who asks, also in a view with its
    owner's rights.

    Trino knows it when it plans, so that a reader's plan is that of the table alone. All others' is one row of nothing but failures, which
    doesn't touch the source: a condition that a row fails or passes before it is refused would tell them what is in it.
    """
    allowed = f"current_user IN ({', '.join(map(literal, sorted({ADMINISTRATOR, *readers})))})"
    refusal = f"fail({_PERMISSION_DENIED}, {literal(f'you may not read {table}')})"
    columns = ", ".join(f"CAST({refusal} AS {kind}) AS {identifier(name.lower())}" for name, kind in types.items())
    return f"{allowed} UNION ALL SELECT {columns} WHERE NOT {allowed} AND {refusal}"


def _drop_view(engine: TrinoSession, name: str) -> None:
    schema, _, view = name.partition(".")
    engine.query(f"DROP VIEW IF EXISTS {EXTERNAL}.{identifier(schema)}.{identifier(view)}")


def _drop_schemas(engine: TrinoSession, wanted: set[str]) -> None:
    """Those of tables that are gone: names are looked up in schemas, too."""
    for row in _rows(engine, f"SHOW SCHEMAS FROM {EXTERNAL}"):
        if (name := str(row[0])) not in {*wanted, "information_schema", "default"}:
            engine.query(f"DROP SCHEMA IF EXISTS {EXTERNAL}.{identifier(name)}")


def _drop_catalogs(engine: TrinoSession, unwanted: set[str]) -> set[str]:
    """Those that no running statement names: a query becomes files before the table of them is defined. The others."""
    if not unwanted:
        return set()
    running = [str(row[0]) for row in _rows(engine, "SELECT query FROM system.runtime.queries WHERE state NOT IN ('FINISHED', 'FAILED')")]
    busy = {name for name in unwanted if any(name in text for text in running)}
    for name in sorted(unwanted - busy):
        engine.query(f"DROP CATALOG IF EXISTS {identifier(name)}")
    return busy


def _rows(engine: TrinoSession, sql: str) -> list[Row]:
    return list(engine.query(sql).rows)

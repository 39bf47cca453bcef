"""Runs the statements that define external data: the definition is written and made real in one transaction, or neither is.

A password goes into the Secret first; the row that names it follows. What an interrupted statement leaves is a key that no row names, or
a catalog or view that no row defines, and the next reconciling removes both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any

from bdc.errors import NotFoundError, UsageError
from bdc.kube import Kube
from bdc.sql.external import definition_writes, delimited_text, passwords, pool
from bdc.sql.external.definition_store import Connection, changing, read, reading, record
from bdc.sql.external.definition_writes import EVERYBODY
from bdc.sql.external.definitions import DataSource, Definitions, Rejects
from bdc.sql.external.files import STORAGE_POOL
from bdc.sql.external.introspection import TrinoSession
from bdc.sql.external.locations import address, check, check_identity, is_database, place
from bdc.sql.external.lookups import Lookups
from bdc.sql.external.pool import DATA_POOL, PREFIX, is_pool
from bdc.sql.external.reconcile import Found, make_own_catalog, reconcile
from bdc.sql.external.tables import Tables
from bdc.sql.polybase.ddl import (
    CreateFormat,
    CreateMasterKey,
    CreateStatistics,
    CreateTable,
    Ddl,
    Drop,
    DropMasterKey,
    Execute,
    SetCredential,
    SetReaders,
    SetSource,
)
from bdc.sql.result import Column, Result


class Definer:
    """Runs them by one connection to the master, made when it is first needed, and one session with Trino; `say` hears remarks.

    `lookups` is what the CLI asks of what is defined and of its sources.
    """

    def __init__(
        self, kube: Kube, cluster: str, connect: Callable[[], Connection], engine: TrinoSession, say: Callable[[str], None]
    ) -> None:
        self._kube, self._cluster, self._connect, self._engine, self._say = kube, cluster, connect, engine, say
        self.lookups = Lookups(lambda: self._connection, engine, say)

    @cached_property
    def _connection(self) -> Connection:
        return self._connect()

    @cached_property
    def _tables(self) -> Tables:
        return Tables(self._connection, self._engine, self._say)

    def run(self, statement: Ddl) -> Result:
        """Run one. Raises UsageError, NotFoundError, and UnhealthyError where a source doesn't answer."""
        match statement:
            case CreateMasterKey() | DropMasterKey():
                return self._nothing(statement)
            case SetCredential():
                return self._credential(statement)
            case SetSource():
                return self._source(statement)
            case CreateFormat():
                return self._format(statement)
            case CreateTable():
                return Result([], command="CREATE EXTERNAL TABLE", affected=self._tables.create(statement))
            case CreateStatistics():
                return self._statistics(statement)
            case Drop():
                return self._drop(statement)
            case SetReaders():
                return self._readers(statement)
            case Execute():
                return self._execute(statement)
        raise UsageError(f"{type(statement).__name__} is recognized but not supported here")

    def trouble(self, schema: str, table: str) -> str | None:
        """Why an external table isn't there, if it is defined at all."""
        with reading(self._connection):
            row = self._connection.execute(
                "SELECT coalesce(error, 'it is being made') FROM sys.external_tables WHERE lower(schema_name) = %s AND lower(name) = %s",
                (schema.lower(), table.lower()),
            ).fetchone()
        return str(row[0]) if row else None

    def changed(self, schema: str, table: str, verb: str, rest: str) -> str:
        """What Trino is told of a statement that changes rows, from the table's name on; see `Tables.changed`."""
        return self._tables.changed(schema, table, verb, rest)

    def inserted(self, schema: str, table: str, columns: Sequence[str], query: str) -> str:
        """The statement that inserts a query's rows; see `Tables.inserted`."""
        return self._tables.inserted(schema, table, columns, query)

    def _nothing(self, statement: CreateMasterKey | DropMasterKey) -> Result:
        self._say("there is no master key here: secrets are kept in Kubernetes Secrets")
        return Result([], command=str(statement).partition(" ENCRYPTION")[0])

    def _credential(self, statement: SetCredential) -> Result:
        check_identity(statement.identity)
        with changing(self._connection):
            key = passwords.keep(self._kube, self._cluster, statement.secret) if statement.secret is not None else None
            definition_writes.set_credential(self._connection, statement, key)
            definitions = read(self._connection)
            users = [name for name, one in definitions.sources.items() if one.credential and one.credential.key == key]
            self._match(definitions, _tables_of(definitions, users))
        self._sweep()
        return Result([], command=f"{statement.verb} DATABASE SCOPED CREDENTIAL")

    def _source(self, statement: SetSource) -> Result:
        if statement.verb == "CREATE" and self._predefined(statement):
            self._say(f"{statement.name} is there already, as in every cluster")
            return Result([], command="CREATE EXTERNAL DATA SOURCE")
        with changing(self._connection):
            source = definition_writes.set_source(self._connection, statement)
            check(source)
            make_own_catalog(self._engine, source)  # what Trino refuses is refused before anything is taken away
            definitions = read(self._connection)
            found = self._match(definitions, _tables_of(definitions, [source.name.lower()]))
            if failed := found.sources.get(source.name.lower()):
                raise failed
        if statement.pushdown is False and is_database(source) and address(source).connector.name == "mongodb":
            self._say("MongoDB's connector pushes filters down whatever PUSHDOWN says")
        if statement.resource_manager_location:
            self._say("RESOURCE_MANAGER_LOCATION is kept and not used: queries are pushed down by Trino")
        return Result([], command=f"{statement.verb} EXTERNAL DATA SOURCE")

    def _predefined(self, statement: SetSource) -> bool:
        """Whether it says what is there without it; scripts of Big Data Clusters begin so."""
        there = self.lookups.definitions().sources.get(statement.name.lower())
        wanted = (statement.location or "").partition("://")[0].lower()
        predefined = {STORAGE_POOL.lower(): "sqlhdfs", DATA_POOL.lower(): PREFIX}
        return there is not None and predefined.get(there.name.lower()) == wanted == there.location.partition("://")[0].lower()

    def _format(self, statement: CreateFormat) -> Result:
        with changing(self._connection):
            form = definition_writes.create_format(self._connection, statement)
            if form.format_type in delimited_text.FORMATS:
                dict(delimited_text.options(form, Rejects(), str))  # what can't be is said now, not at each table
        return Result([], command="CREATE EXTERNAL FILE FORMAT")

    def _drop(self, statement: Drop) -> Result:
        if statement.kind != "STATISTICS":
            with changing(self._connection):
                before = read(self._connection)
                if definition_writes.drop(self._connection, statement.kind, statement.name, if_exists=statement.if_exists):
                    left = read(self._connection)
                    reconcile(left, self._engine, only=())
                    for table in before.tables:
                        if table not in left.tables and is_pool(before.of(table)):
                            self._remove(before.of(table), table.location)
            self._sweep()
        return Result([], command=f"DROP {statement.kind}")

    def _remove(self, of: DataSource, location: str) -> None:
        """Remove the rows of a table of the data pool; a definition that never could be made has none."""
        try:
            where = place(of, location)
        except UsageError:
            return
        if not pool.remove(self._engine, where):
            self._say(f"the lake's {location} stays: the data pool didn't make it")

    def _statistics(self, statement: CreateStatistics) -> Result:
        table = ".".join(definition_writes.table_name(statement.table))
        definitions = self.lookups.definitions()
        found = definitions.named(table)
        if found is None:
            raise NotFoundError(f"there is no external table {table}", "sys.external_tables lists them")
        of = definitions.of(found)
        if is_pool(of):
            self._engine.query(f"ANALYZE {place(of, found.location).relation}")
        else:
            self._say(f"Trino reads the statistics that {table}'s source keeps itself: nothing is made here")
        return Result([], command="CREATE STATISTICS")

    def _readers(self, statement: SetReaders) -> Result:
        with changing(self._connection):
            table = definition_writes.set_readers(self._connection, statement)
            definitions = read(self._connection)
            made = definitions.named(table)
            if statement.verb == "REVOKE" and made and is_pool(definitions.of(made)):
                raise UsageError(f"{table} is a table of the lake, which everybody may read")
            found = self._match(definitions, [table.lower()])
            readers = made and made.readers
            if table.lower() in found.tables and readers is not None:
                self._say("nobody can read it meanwhile")
        if statement.verb == "GRANT" and readers is None and EVERYBODY not in map(str.lower, statement.people):
            self._say(f"everybody may read {table} already, until REVOKE SELECT ON {table} FROM public")  # noqa: S608 words
        return Result([], command=statement.verb)

    def _execute(self, statement: Execute) -> Result:
        name = statement.procedure.parts[-1].lower()
        if name == "sp_data_source_objects":
            source, root, depth = _arguments(statement, ("data_source", "object_root_name", "max_search_depth"), 1)
            found = self.lookups.objects(str(source), None if root is None else str(root), int(depth or 1))
            columns = [Column(one, "varchar") for one in ("OBJECT_TYPE", "OBJECT_NAME", "OBJECT_LEAF_NAME", "TABLE_LOCATION")]
            return Result(columns, iter([(kind, whole, leaf, whole if kind == "TABLE" else None) for kind, whole, leaf in found]))
        if name == "sp_data_source_table_columns":
            source, location = _arguments(statement, ("data_source", "table_location"), 2)
            _, found_columns = self.lookups.columns(str(source), str(location))
            return Result([Column("name", "varchar"), Column("type", "varchar")], iter(list(found_columns.items())))
        raise UsageError(
            f"there is no procedure {statement.procedure}", "there are sp_data_source_objects and sp_data_source_table_columns"
        )

    def _match(self, definitions: Definitions, tables: Collection[str]) -> Found:
        """Make the federation match, with the views of these tables; say which of them can't be read now."""
        found = reconcile(definitions, self._engine, only=tables)
        record(self._connection, "table", {name: error.message for name, error in found.tables.items()}, looked_at=tables)
        for name, failed in found.tables.items():
            self._say(f"the external table {name} can't be read now: {failed.message}")
        return found

    def _sweep(self) -> None:
        """Remove passwords that no credential has any more."""
        with changing(self._connection):
            passwords.sweep(self._kube, self._cluster, read(self._connection).keys)


def _tables_of(definitions: Definitions, sources: Collection[str]) -> list[str]:
    return [str(table).lower() for table in definitions.tables if table.source.lower() in sources]


def _arguments(statement: Execute, names: tuple[str, ...], needed: int) -> list[Any]:
    """A procedure's arguments in order, those left out as None. Raises UsageError."""
    values = dict(zip(names, statement.arguments, strict=False))
    named = {name.lstrip("@").lower(): value for name, value in statement.named.items()}
    if unknown := sorted(set(named) - set(names)) or len(statement.arguments) > len(names):
        what = ", ".join(unknown) if isinstance(unknown, list) else "more"
        raise UsageError(f"{statement.procedure} takes {', '.join('@' + name for name in names)}, and no {what}")
    values |= named
    found = [values.get(name) for name in names]
    if None in found[:needed]:
        raise UsageError(f"{statement.procedure} needs @{names[found.index(None)]}")
    return found

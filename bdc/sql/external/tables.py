"""External tables made, and written to.

A table is defined and made real in one transaction, or neither is. What a query fills is written before, without a lock: it may take long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from bdc.errors import BdcError, NotFoundError, UsageError
from bdc.sql.external import ctas, definition_writes, pool
from bdc.sql.external.catalogs import Relation
from bdc.sql.external.columns import byte_columns
from bdc.sql.external.definition_store import Connection, changing, read, reading, trying
from bdc.sql.external.definitions import Table
from bdc.sql.external.introspection import TrinoSession, object_relation, open_catalog
from bdc.sql.external.locations import place, written_name
from bdc.sql.external.pool import DATA_POOL, is_pool
from bdc.sql.external.reconcile import reconcile, table_types, told_types
from bdc.sql.polybase.ddl import CreateTable
from bdc.sql.polybase.types import trino_type
from bdc.sql.quoting import literal


@dataclass(frozen=True)
class Tables:
    """By a connection to the master and a session with Trino; `_say` hears remarks."""

    _connection: Connection
    _engine: TrinoSession
    _say: Callable[[str], None]

    def create(self, statement: CreateTable) -> int | None:
        """Make one; how many rows its query wrote, if it has one.

        Raises UsageError, NotFoundError, UnhealthyError where the source doesn't answer, QueryError of the query.
        """
        rows = None
        if statement.query is not None:
            statement, rows = self._filled(statement)
        with changing(self._connection):
            table, where = self._begun(statement, filled=rows is not None)
            if not where.catalog.made and rows is None:
                pool.make(self._engine, where, statement.columns)
            try:
                self._show(str(table).lower())
            except BaseException:
                if not where.catalog.made:
                    with suppress(BdcError):  # whose cause is that of the error that is being told
                        pool.remove(self._engine, where)
                elif rows is not None:
                    self._say(f"the rows are in {table.location}, and no table is")
                raise
        return rows

    def _show(self, name: str) -> None:
        """Make its view. Raises the error that says why it can't be."""
        if failed := reconcile(read(self._connection), self._engine, only=[name]).tables.get(name):
            raise failed

    def _filled(self, statement: CreateTable) -> tuple[CreateTable, int]:
        """Write the rows of its query where its table is to be; the statement that defines it then, and how many there are."""
        query = statement.query or ""
        found = ctas.described(self._engine, query)
        whole = replace(statement, columns=ctas.columns(statement.columns, found), query=None)
        with trying(self._connection):  # what can't be is said before a row is written
            table, where = self._begun(whole)
            ctas.check(self._engine, table.source, where, table.location)
        return whole, ctas.write(self._engine, where, statement.columns, found, query)

    def _begun(self, statement: CreateTable, *, filled: bool = False) -> tuple[Table, Relation]:
        """Write its definition, as a part of the caller's transaction, and say where it is. `filled`: whether its rows are there."""
        of = read(self._connection).sources.get(statement.source.lower())
        pooled = of is not None and is_pool(of)
        if pooled and (statement.location or statement.file_format):
            raise UsageError("a table of the data pool has neither LOCATION nor FILE_FORMAT", f"WITH (DATA_SOURCE = {statement.source})")
        if statement.distribution and not pooled:
            raise UsageError("DISTRIBUTION is for tables of the data pool", f"WITH (DATA_SOURCE = {DATA_POOL}, DISTRIBUTION = ...)")
        if pooled:
            location = ".".join(map(written_name, definition_writes.table_name(statement.name)))
            statement = replace(statement, location=location)
        if not statement.columns or not statement.location:
            raise UsageError(
                "an external table needs columns and a LOCATION", "CREATE EXTERNAL TABLE t (c type, ...) WITH (LOCATION = '...', ...)"
            )
        for column in statement.columns:
            try:
                trino_type(column.type)
            except ValueError as error:
                raise UsageError(f"the column {column.name}: {error}") from error
        made = definition_writes.create_table(self._connection, statement)
        if not (pooled and filled):
            self._free(made.schema, made.name)
        definitions = read(self._connection)
        table = definitions.named(str(made)) or made
        return table, place(definitions.of(table), table.location, table.format, table.rejects)

    def _free(self, schema: str, name: str) -> None:
        """Raises UsageError where the lake or the master has a table of that name: names without a catalog would mean both."""
        taken = self._connection.execute(
            "SELECT 1 FROM information_schema.tables WHERE lower(table_schema) = lower(%s) AND lower(table_name) = lower(%s) "
            "AND table_type <> 'FOREIGN'",
            (schema, name),
        ).fetchone()
        there = f"table_schem = {literal(schema.lower())} AND table_name = {literal(name.lower())}"
        lake = self._engine.query(f"SELECT 1 FROM system.jdbc.tables WHERE table_cat = 'lake' AND {there}").rows  # noqa: S608 quoted
        if where := "master" if taken else "lake" if list(lake) else None:
            raise UsageError(
                f"there is a table {schema}.{name} in the {where} already", f"give it another schema, or DROP TABLE {where}.{schema}.{name}"
            )

    def changed(self, schema: str, table: str, verb: str, rest: str) -> str:
        """What Trino is told of an UPDATE, DELETE or MERGE from the table's name on, which `rest` follows.

        Raises NotFoundError without such a table, UsageError where its source or format can't be written.
        """
        relation, found, types = self._target(schema, table, verb)
        return relation + ctas.assigned(self._engine, relation, types, rest, _bytes(found))

    def inserted(self, schema: str, table: str, columns: Sequence[str], query: str) -> str:
        """The statement that inserts a query's rows into an external table, or into some columns of it. Raises as `changed`."""
        relation, found, types = self._target(schema, table, "INSERT")
        return ctas.insert(self._engine, relation, types, columns, query, _bytes(found))

    def _target(self, schema: str, table: str, verb: str) -> tuple[str, Table, dict[str, str]]:
        """What stands for a table, its definition, and Trino's types of its columns by their names."""
        with reading(self._connection):
            definitions = read(self._connection)
        found = definitions.named(f"{schema}.{table}")
        if found is None:
            raise NotFoundError(f"there is no external table {schema}.{table} that you may write to", "only the administrator writes files")
        of = definitions.of(found)
        kind = "DELTA" if is_pool(of) else found.format.format_type if found.format else None
        if kind is None:
            raise UsageError(f"{found} is a table of {of.name}, and tables of databases are only read")
        if kind != "DELTA" and verb != "INSERT":
            raise UsageError(f"{found} is of {kind} files: rows are only added", "DELTA and the data pool have UPDATE, DELETE, MERGE")
        types = table_types(found)
        with changing(self._connection):
            where = place(of, found.location, found.format, found.rejects)
            open_catalog(self._engine, where.catalog)
            seen = object_relation(self._engine, of.name, where, found.location, told_types(found, where))
        if seen.file:
            raise UsageError(f"{found} is one file, {found.location}, and only folders are written to")
        return seen.relation, found, {name.lower(): seen.columns.get(name.lower(), kind) for name, kind in types.items()}


def _bytes(table: Table) -> dict[str, str]:
    """The table's name by those of its columns that are T-SQL's TINYINT."""
    return {name: str(table) for name in byte_columns(table)}

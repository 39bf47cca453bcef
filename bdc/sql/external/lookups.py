"""What is defined of external data, and what its sources have: objects, their columns, and the table that could be made of one."""

from __future__ import annotations

from collections.abc import Callable

from bdc.errors import NotFoundError, UsageError
from bdc.sql.errors import QueryError
from bdc.sql.external.catalogs import Relation
from bdc.sql.external.columns import suggestion
from bdc.sql.external.definition_store import Connection, changing, read, reading, troubles
from bdc.sql.external.definitions import DataSource, Definitions, Troubles
from bdc.sql.external.files import FORMATS, folder, listing
from bdc.sql.external.introspection import TrinoSession, object_columns, open_catalog, silent
from bdc.sql.external.locations import address, catalog, place, split_name, written_name
from bdc.sql.external.object_stores import is_store
from bdc.sql.external.pool import LAKE, is_pool
from bdc.sql.polybase import ddl
from bdc.sql.polybase.ddl import CreateFormat, CreateTable, ObjectName
from bdc.sql.polybase.types import parse_type
from bdc.sql.quoting import identifier

_SYSTEM = frozenset({"information_schema", "pg_catalog", "performance_schema", "mysql", "sys"})
"""Schemas that servers keep for themselves."""


class Lookups:
    """Answers by a connection to the master, made when it is first asked for, and a session with Trino; `say` hears remarks."""

    def __init__(self, connect: Callable[[], Connection], engine: TrinoSession, say: Callable[[str], None]) -> None:
        self._connect, self._engine, self._say = connect, engine, say

    @property
    def _connection(self) -> Connection:
        return self._connect()

    def definitions(self) -> Definitions:
        """What is defined now."""
        with reading(self._connection):
            return read(self._connection)

    def troubles(self) -> Troubles:
        """What can't be made of it, and why."""
        with reading(self._connection):
            return troubles(self._connection)

    def proposal(self, source: str, location: str, name: ObjectName) -> CreateTable:
        """The statement that makes a table of an object with all its columns, types as T-SQL has them."""
        definitions, of = self.definitions(), self.source(source)
        where, found = self.columns(source, location)
        form = _format_of(definitions, where) if is_store(of) else None
        types = {column: suggestion(kind) for column, kind in found.items()}
        if left := [f"{column} ({found[column]})" for column, kind in types.items() if kind is None]:
            self._say(f"left out, as T-SQL has no type for them: {', '.join(left)}")
        columns = tuple(ddl.Column(column, parse_type(kind)) for column, kind in types.items() if kind)
        return CreateTable(name, columns, of.name, location, form)

    def source(self, name: str) -> DataSource:
        """The source of that name. Raises NotFoundError."""
        definitions = self.definitions()
        if name.lower() not in definitions.sources:
            known = ", ".join(one.name for one in definitions.sources.values()) or "none yet"
            raise NotFoundError(f"there is no external data source {name}", f"there are: {known}")
        return definitions.sources[name.lower()]

    def columns(self, source: str, location: str) -> tuple[Relation, dict[str, str]]:
        """Where an object of a source is, and Trino's types of its columns by their names."""
        of = self.source(source)
        if not is_store(of):
            where = place(of, location)
            return where, self._columns(of, where, location)
        for kind in FORMATS:
            where = folder(of, location, CreateFormat(kind, kind))
            try:
                return where, self._columns(of, where, location)
            except UsageError as error:
                said = error
        raise UsageError(f"{said.message}; and neither is it of {', '.join(FORMATS[:-1])}", said.hint)

    def _columns(self, of: DataSource, where: Relation, location: str) -> dict[str, str]:
        with changing(self._connection):  # so that nobody removes the catalog, which may be of another database
            open_catalog(self._engine, where.catalog)
            return object_columns(self._engine, of.name, where, location)

    def objects(self, source: str, root: str | None = None, depth: int = 1) -> list[tuple[str, str, str]]:
        """(SCHEMA or TABLE, its name in the source, its last part): what is below `root`, `depth` levels deep."""
        of = self.source(source)
        if is_store(of):
            raise UsageError(f"{of.name} has files", "bdc hdfs ls lists those of the cluster's own HDFS")
        if is_pool(of):
            raise UsageError(f"{of.name} has the tables that are made in it, and no others", "bdc sql table list")
        names = split_name(root or "")
        if root and not names:
            raise UsageError(f"{root!r} is no name of an object")
        levels = 2 if address(of).connector.per_database else 1
        if len(names) > levels:
            raise UsageError(f"{root} has too many names", f"the root is {'[database.]' if levels > 1 else ''}schema")
        database = names.pop(0) if len(names) > 1 else None
        schema = names[0] if names else None
        before = f"{written_name(database)}." if database else ""
        where = catalog(of, database)
        with changing(self._connection):
            open_catalog(self._engine, where)
            try:
                schemas = [schema] if schema else self._schemas(where.name)
                found = []
                for one in schemas:
                    if not schema:
                        found.append(("SCHEMA", before + written_name(one), one))
                    if schema or depth > 1:
                        tables = self._names(f"SHOW TABLES FROM {identifier(where.name)}.{identifier(one.lower())}")
                        found += [("TABLE", f"{before}{written_name(one)}.{written_name(table)}", table) for table in tables]
            except QueryError as error:
                if error.code == "SCHEMA_NOT_FOUND":
                    raise NotFoundError(f"the source {of.name} has no {root}", f"bdc sql objects {of.name}") from error
                raise silent(of.name, error) from error
        return found

    def test(self, source: str) -> int:
        """Ask a source for its schemas; how many it shows, none of a store. Raises UnhealthyError with the cause where it is silent."""
        of = self.source(source)
        if is_pool(of):
            return len(self._schemas(LAKE.name))
        if not is_store(of):
            return len(self.objects(source))
        where, statement = listing(of)
        with changing(self._connection):
            open_catalog(self._engine, where.catalog)
            try:
                return len(self._names(statement))
            except QueryError as error:
                raise silent(of.name, error) from error

    def _names(self, sql: str) -> list[str]:
        return [str(row[0]) for row in self._engine.query(sql).rows]

    def _schemas(self, catalog: str) -> list[str]:
        return [name for name in self._names(f"SHOW SCHEMAS FROM {identifier(catalog)}") if name not in _SYSTEM]


def _format_of(definitions: Definitions, where: Relation) -> str:
    """The name of a format that is defined and is that of a folder. Raises UsageError."""
    kind = where.schema.upper()
    for one in definitions.formats:
        if one.format_type == kind:
            return one.name
    remedy = f"CREATE EXTERNAL FILE FORMAT {where.schema} WITH (FORMAT_TYPE = {kind})"
    raise UsageError(f"there is no external file format of the type {kind}", remedy)

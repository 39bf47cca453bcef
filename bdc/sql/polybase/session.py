"""SQL as users of SQL Server write it, on the federation: scripts, T-SQL's plain statements, names without a catalog."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, Self

from bdc.errors import BdcError, UnhealthyError, UsageError
from bdc.sql.errors import QueryError
from bdc.sql.external.plans import Operator, operators, stayed
from bdc.sql.federation import Federation
from bdc.sql.polybase.names import EXPLAIN, Qualified, TableName, qualify, target
from bdc.sql.polybase.parser import parse
from bdc.sql.polybase.statements import CreateTable, Ddl, Guarded, Plain, Statement, Use
from bdc.sql.polybase.translate import is_tsql, to_trino
from bdc.sql.result import Result

DATABASE = "bdc"
"""The one database that USE and names of three parts may mean."""

HOMES = ("external", "lake", "master")
"""Catalogs whose tables need no catalog before their names."""

_DEFAULT = (("external", "dbo"), ("master", "public"))
_WHOLE = "write catalog.schema.table; SHOW CATALOGS lists them"
_NO_PUSHDOWN = {"allow_pushdown_into_connectors": "false"}


class Definer(Protocol):
    """What runs the statements that define external data."""

    def run(self, statement: Ddl) -> Result:
        """Run one."""

    def trouble(self, schema: str, table: str) -> str | None:
        """Why an external table isn't there, if it is defined at all."""

    def written(self, schema: str, table: str, verb: str) -> str:
        """What stands in Trino's SQL for an external table whose rows a statement changes. Raises BdcError where they can't be."""

    def inserted(self, schema: str, table: str, columns: Sequence[str], query: str) -> str:
        """The statement that inserts a query's rows into an external table. Raises BdcError where they can't be."""


class TSqlSession:
    """A session with Trino that takes T-SQL, too, and finds the catalog of names without one, while none is chosen by USE."""

    def __init__(self, federation: Federation, definer: Definer) -> None:
        self._federation, self._definer = federation, definer
        self._homes: dict[tuple[str, ...], str] = {}
        self._nowhere: list[str] = []  # the statement's names of one part that aren't found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._federation.close()

    @property
    def schema(self) -> str:
        """Where names are looked up: catalog.schema, as far as they are set."""
        return self._federation.schema

    def query(self, sql: str) -> Result:
        """Run one statement; see `Session`."""
        found = parse(sql)
        if not found:
            raise UsageError(f"there is no statement in {sql.strip()!r}", "GO stands in a line of its own" if sql.strip() else None)
        if len(found) != 1:
            raise UsageError(f"this is {len(found)} statements, and one runs at a time")
        return self._run(found[0].statement)

    def _run(self, statement: Statement) -> Result:
        if isinstance(statement, Use):
            return self._use(statement.database)
        if isinstance(statement, Guarded):
            there = any(True for _ in self._plain(statement.query).rows)
            return self._run(statement.statement) if there == statement.exists else Result([], command="IF: nothing to do")
        if isinstance(statement, Plain):
            if statement.pushdown == "FORCE":
                self._force(statement.sql)
            return self._plain(statement.sql, pushdown=statement.pushdown != "DISABLE")
        self._homes.clear()
        if isinstance(statement, CreateTable) and statement.query is not None:
            statement = replace(statement, query=self._whole(statement.query).sql)
        try:
            return self._definer.run(statement)
        except QueryError as error:
            raise QueryError(error.text, error.code, None, error.hint) from error  # its place is in what was asked of Trino

    def explain(self, sql: str) -> list[Operator]:
        """What of a statement runs in which source, and what in Trino; it isn't run."""
        [(text,)] = self._plain(f"EXPLAIN (TYPE LOGICAL, FORMAT JSON) {sql}").rows
        return operators(str(text))

    def _force(self, sql: str) -> None:
        """Raises UsageError where something that a source has all rows for isn't done there."""
        if left := stayed(self.explain(sql)):
            raise UsageError(
                f"OPTION (FORCE EXTERNALPUSHDOWN): the {left[0].kind} over {left[0].source} stays in Trino: {left[0].detail}",
                "bdc sql explain shows what runs where; leave FORCE out, or write it so that the source can do it",
            )

    def _use(self, name: str) -> Result:
        if self._federation.schema:
            return self._federation.query('USE "' + name.replace('"', '""') + '"')
        if name.lower() != DATABASE:
            raise UsageError(f"there is one database, {DATABASE}, and no {name}", "USE catalog.schema chooses a schema of the federation")
        return Result([], command="USE")

    def _plain(self, sql: str, *, pushdown: bool = True) -> Result:
        whole = self._whole(sql)
        translated = whole.written != sql
        run = self._exported(whole.sql)
        try:
            return self._federation.query(run, {} if pushdown else _NO_PUSHDOWN)
        except QueryError as error:
            self._lost(error)
            if translated or run != whole.sql:
                raise QueryError(error.text, error.code, None, error.hint or f"it ran as: {run}") from error
            place = whole.original(*error.place) if error.place else None
            raise QueryError(error.text, error.code, place, error.hint) from error

    def _whole(self, sql: str) -> Qualified:
        """Trino's own SQL, with catalogs before all names."""
        before = explained.end() if (explained := EXPLAIN.match(sql)) else 0
        self._nowhere.clear()
        text = sql[:before] + to_trino(sql[before:]) if is_tsql(sql) else sql
        return Qualified(text, text) if self._federation.schema else qualify(text, self._home)

    def _exported(self, sql: str) -> str:
        """A statement that changes the rows of an external table as one that changes those of what it is of: views can't be written to."""
        into = target(sql)
        if into is None or len(into.parts) != len(("catalog", "schema", "table")) or into.parts[0].lower() != "external":
            return sql
        _, schema, table = into.parts
        try:
            if into.verb == "INSERT":
                return self._definer.inserted(schema, table, into.columns, sql[into.end :].strip())
            return f"{sql[: into.start]}{self._definer.written(schema, table, into.verb)}{sql[into.end :]}"
        except QueryError as error:
            raise QueryError(error.text, error.code, None, error.hint) from error

    def _home(self, name: TableName) -> str:
        """What stands before a name: its catalog, or catalog and schema; "" where Trino is to say what is wrong."""
        parts = tuple(part.lower() for part in name.parts)
        if parts not in self._homes:
            found = self._find(parts, name)
            if name.new or name.maybe or not found:
                return found
            self._homes[parts] = found
        return self._homes[parts]

    def _find(self, parts: tuple[str, ...], of: TableName) -> str:
        if len(parts) == 1:
            for catalog, schema in _DEFAULT:
                made = catalog == "master" and (of.new or of.maybe)
                if made or self._catalogs(f"system.jdbc.tables WHERE table_cat = '{catalog}'", schema, parts[0]):
                    return f"{catalog}.{schema}"
            self._explain("dbo", parts[0])
            self._nowhere.append(parts[0])
            return ""
        homes = ", ".join(f"'{one}'" for one in HOMES)
        catalogs = [] if of.new else self._catalogs(f"system.jdbc.tables WHERE table_cat IN ({homes})", *parts)
        if of.new or (of.maybe and not catalogs):
            catalogs = self._catalogs(f"system.jdbc.schemas WHERE table_catalog IN ({homes})", parts[0])
        if "external" in catalogs and not of.new:
            return "external"  # the master has it as a foreign table
        if len(catalogs) > 1:
            self._explain(*parts)  # the data pool's table and the master's foreign table are there, and the view of them isn't yet
            name = ".".join(parts)
            whole = " or ".join(f"{one}.{name}" for one in catalogs)
            raise QueryError(f"{name} may be in {' and '.join(catalogs)}", "AMBIGUOUS_NAME", None, f"write {whole}")
        if not catalogs:
            self._explain(*parts)
            raise _absent(f"schema {parts[0]}" if of.new or of.maybe else f"table {'.'.join(parts)}")
        return catalogs[0]

    def _lost(self, error: QueryError) -> None:
        """Raises why a table went away: since its name was found, or, of an external one, but for what the master has of it."""
        for parts, home in list(self._homes.items()):
            gone = error.code == "TABLE_NOT_FOUND" and f"'{home}.{'.'.join(parts)}'" in error.text
            if gone or home == "master":
                del self._homes[parts]
                self._explain(*parts if len(parts) > 1 else ("dbo", *parts))
            if gone:
                raise _absent(f"table {'.'.join(parts)}") from error
        if error.code == "MISSING_SCHEMA_NAME" and self._nowhere:
            name = self._nowhere[0]
            places = " nor ".join(f"{catalog}.{schema}.{name}" for catalog, schema in _DEFAULT)
            raise QueryError(f"there is no table {name}, neither {places}", "TABLE_NOT_FOUND", None, _WHOLE) from error

    def _explain(self, schema: str, table: str) -> None:
        """Raises the reason why an external table that is defined isn't there. Who may not ask the master isn't told."""
        reason = None
        with suppress(BdcError):
            reason = self._definer.trouble(schema, table)
        if reason:
            raise UnhealthyError(f"the external table {schema}.{table} can't be read now: {reason}", "bdc sql table list")

    def _catalogs(self, where: str, schema: str, table: str | None = None) -> list[str]:
        """The catalogs that have it, of those that whoever asks may see."""
        column = "table_cat" if table is not None else "table_catalog"
        also = f" AND table_name = {_literal(table)}" if table is not None else ""
        found = self._federation.query(f"SELECT {column} FROM {where} AND table_schem = {_literal(schema)}{also} ORDER BY 1")  # noqa: S608 literals, quoted
        return [str(row[0]) for row in found.rows]


def _absent(what: str) -> QueryError:
    said = f"there is no {what} in {', '.join(HOMES[:-1])} or {HOMES[-1]}"
    return QueryError(said, "TABLE_NOT_FOUND", None, _WHOLE)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

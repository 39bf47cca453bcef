"""SQL as users of SQL Server write it, on the federation: scripts, T-SQL's plain statements, names without a catalog."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol, Self

from bdc.errors import BdcError, UnhealthyError, UsageError
from bdc.sql.errors import QueryError
from bdc.sql.external.plans import Operator, operators, stayed
from bdc.sql.federation import Federation
from bdc.sql.polybase.names import EXPLAIN, Qualified, TableName, qualify
from bdc.sql.polybase.parser import parse
from bdc.sql.polybase.statements import Ddl, Guarded, Plain, Statement, Use
from bdc.sql.polybase.translate import is_tsql, to_trino
from bdc.sql.result import Result

DATABASE = "bdc"
"""The one database that USE and names of three parts may mean."""

HOMES = ("external", "lake", "master")
"""Catalogs whose tables need no catalog before their names."""

_DEFAULT = (("external", "dbo"), ("master", "public"))
_NO_PUSHDOWN = {"allow_pushdown_into_connectors": "false"}


class Definer(Protocol):
    """What runs the statements that define external data."""

    def run(self, statement: Ddl) -> Result:
        """Run one."""

    def trouble(self, schema: str, table: str) -> str | None:
        """Why an external table isn't there, if it is defined at all."""


class TSqlSession:
    """A session with Trino that takes T-SQL, too, and finds the catalog of names without one, while none is chosen by USE."""

    def __init__(self, federation: Federation, definer: Definer) -> None:
        self._federation, self._definer = federation, definer
        self._homes: dict[tuple[str, ...], str] = {}

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
        return self._definer.run(statement)

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
        translated = is_tsql(sql)
        before = explained.end() if (explained := EXPLAIN.match(sql)) else 0
        text = sql[:before] + to_trino(sql[before:]) if translated else sql
        whole = Qualified(text, text) if self._federation.schema else qualify(text, self._home)
        try:
            return self._federation.query(whole.sql, {} if pushdown else _NO_PUSHDOWN)
        except QueryError as error:
            if translated:
                raise QueryError(error.text, error.code, None, error.hint or f"it ran as: {whole.sql}") from error
            place = whole.original(*error.place) if error.place else None
            raise QueryError(error.text, error.code, place, error.hint) from error

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
            return ""
        homes = ", ".join(f"'{one}'" for one in HOMES)
        catalogs = [] if of.new else self._catalogs(f"system.jdbc.tables WHERE table_cat IN ({homes})", *parts)
        if of.new or (of.maybe and not catalogs):
            catalogs = self._catalogs(f"system.jdbc.schemas WHERE table_catalog IN ({homes})", parts[0])
        name = ".".join(parts)
        if "external" in catalogs and not of.new:
            return "external"  # the master has it as a foreign table
        if len(catalogs) > 1:
            whole = " or ".join(f"{one}.{name}" for one in catalogs)
            raise QueryError(f"{name} may be in {' and '.join(catalogs)}", "AMBIGUOUS_NAME", None, f"write {whole}")
        if not catalogs:
            self._explain(*parts)
            what = f"schema {parts[0]}" if of.new or of.maybe else f"table {name}"
            raise QueryError(
                f"there is no {what} in {', '.join(HOMES[:-1])} or {HOMES[-1]}",
                "TABLE_NOT_FOUND",
                None,
                "write catalog.schema.table; SHOW CATALOGS lists them",
            )
        return catalogs[0]

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


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""SQL as users of SQL Server write it, on the federation: scripts, T-SQL's plain statements, names without a catalog."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, Self

from bdc.errors import BdcError, UnhealthyError, UsageError
from bdc.sql.engine import Dialect
from bdc.sql.errors import QueryError
from bdc.sql.federation import Federation
from bdc.sql.polybase import kept
from bdc.sql.polybase.dialects import is_tsql, may_differ
from bdc.sql.polybase.errors import DiffersError
from bdc.sql.polybase.lexer import Lexed, lexed
from bdc.sql.polybase.meant import meant, similar
from bdc.sql.polybase.names import EXPLAIN, HOMES, Qualified, TableName, names_no_table
from bdc.sql.polybase.parser import parse
from bdc.sql.polybase.statements import Guarded, Placed, Plain, Statement
from bdc.sql.quoting import identifier, literal
from bdc.sql.result import Column, Result, Row
from bdc.sql.statements import Statement as StatementText
from bdc.sql.statements import text_of

DATABASE = "bdc"
"""The one database that USE and names of three parts may mean."""

_DEFAULT = (("external", "dbo"), ("master", "public"))
_WHOLE = "write catalog.schema.table; SHOW CATALOGS lists them"
_WHOLE_NAME = 3
_FEW = 3
_TRINOS = re.compile(r"\s*(SHOW|DESCRIBE|DESC|USE|SET|RESET|CALL|ANALYZE)\b", re.IGNORECASE)
"""How statements begin that are Trino's in either dialect."""

_NOT_TRINOS = frozenset({"SYNTAX_ERROR", "TYPE_MISMATCH", "TYPE_NOT_FOUND", "FUNCTION_NOT_FOUND"})
"""Trino's errors of statements that may be T-SQL."""

_NO_PUSHDOWN = {"allow_pushdown_into_connectors": "false"}


if TYPE_CHECKING:
    from bdc.sql.external.explain import Operator
    from bdc.sql.polybase.ddl import Ddl
    from bdc.sql.polybase.translate import Translated


class Definer(Protocol):
    """What runs the statements that define external data."""

    def run(self, statement: Ddl) -> Result:
        """Run one."""

    def trouble(self, schema: str, table: str) -> str | None:
        """Why an external table isn't there, if it is defined at all."""

    def changed(self, schema: str, table: str, verb: str, rest: str) -> str:
        """What Trino is told of an UPDATE, DELETE or MERGE from the table's name on, which `rest` follows. Raises BdcError."""

    def inserted(self, schema: str, table: str, columns: Sequence[str], query: str) -> str:
        """The statement that inserts a query's rows into an external table. Raises BdcError where they can't be."""


class TSqlSession:
    """A session with Trino that takes T-SQL, too, and finds the catalog of names without one, while none is chosen by USE.

    `definer` gives what defines external data, and is called when a statement needs it. `dialect` says how statements are read; by `auto`
    each says it by its own words. `leaning`: one that both dialects have is taken for T-SQL where it means something else there, since it
    stands in a script of T-SQL. `on_notice` hears what there is to say of answers.
    """

    def __init__(
        self,
        federation: Federation,
        definer: Callable[[], Definer],
        on_notice: Callable[[str], None] | None = None,
        dialect: Dialect = Dialect.auto,
        *,
        leaning: bool = False,
    ) -> None:
        self._federation, self._definer = federation, definer
        self._notice, self._dialect, self._leaning = on_notice or (lambda _: None), dialect, leaning
        self._said: set[str] = set()
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

    def query(self, statement: StatementText | str) -> Result:
        """Run one statement; see `Session`."""
        if isinstance(statement, Placed):
            return self._run(statement.statement)
        sql = text_of(statement)
        found = parse(sql)
        if not found:
            raise UsageError(f"there is no statement in {sql.strip()!r}", "GO stands in a line of its own" if sql.strip() else None)
        if len(found) != 1:
            raise UsageError(f"this is {len(found)} statements, and one runs at a time")
        return self._run(found[0].statement)

    def _run(self, statement: Statement) -> Result:
        if isinstance(statement, Guarded):
            there = any(True for _ in self._plain(lexed(statement.query)).rows)
            return self._run(statement.statement) if there == statement.exists else Result([], command="IF: nothing to do")
        if isinstance(statement, Plain):
            if statement.pushdown == "FORCE":
                self._force(statement.sql)
            return self._plain(statement.lexed, pushdown=statement.pushdown != "DISABLE")
        return self._define(statement)

    def _define(self, statement: Ddl) -> Result:
        from bdc.sql.polybase.ddl import CreateTable, Use

        if isinstance(statement, Use):
            return self._use(statement.database)
        self._homes.clear()
        if isinstance(statement, CreateTable) and statement.query is not None:
            statement = replace(statement, query=self._read(lexed(statement.query))[0].sql)
        try:
            return self._definer().run(statement)
        except QueryError as error:
            raise QueryError(error.text, error.code, None, error.hint) from error  # its place is in what was asked of Trino

    def explain(self, sql: str) -> list[Operator]:
        """What of a statement runs in which source, and what in Trino; it isn't run."""
        from bdc.sql.external.explain import operators

        [(text,)] = self._plain(lexed(f"EXPLAIN (TYPE LOGICAL, FORMAT JSON) {sql}")).rows
        return operators(str(text))

    def _force(self, sql: str) -> None:
        """Raises UsageError where something that a source has all rows for isn't done there."""
        from bdc.sql.external.explain import stayed

        if left := stayed(self.explain(sql)):
            raise UsageError(
                f"OPTION (FORCE EXTERNALPUSHDOWN): the {left[0].kind} over {left[0].source} stays in Trino: {left[0].detail}",
                "bdc sql explain shows what runs where; leave FORCE out, or write it so that the source can do it",
            )

    def _use(self, name: str) -> Result:
        if self._federation.schema:
            return self._federation.query(f"USE {identifier(name)}")
        if name.lower() != DATABASE:
            raise UsageError(f"there is one database, {DATABASE}, and no {name}", "USE catalog.schema chooses a schema of the federation")
        return Result([], command="USE")

    def _plain(self, read: Lexed, *, pushdown: bool = True) -> Result:
        sql = read.text
        named, tsql = self._read(read)
        translated = named.written != sql
        kept.check(named.sql, self._federation.schema.partition(".")[0])
        run = self._exported(named.sql)
        try:
            result = self._federation.query(run, {} if pushdown else _NO_PUSHDOWN)
            return _with_bits(result) if tsql else result
        except QueryError as error:
            self._lost(error)
            error = self._with_hint(error, named.sql, None if tsql else read)
            if translated or run != named.sql:
                raise QueryError(error.text, error.code, None, error.hint or f"it ran as: {run}") from error
            place = named.original(*error.place) if error.place else None
            raise QueryError(error.text, error.code, place, error.hint) from error

    def _read(self, read: Lexed) -> tuple[Qualified, bool]:
        """Trino's own SQL, with catalogs before all names; and whether what was written is T-SQL."""
        sql = read.text
        before = explained.end() if (explained := EXPLAIN.match(sql)) else 0
        self._nowhere.clear()
        found = self._translated(read.part(before) if before else read)
        text = sql[:before] + found.sql if found else sql
        if self._federation.schema or names_no_table(text):
            return Qualified(text, text), found is not None
        from bdc.sql.polybase.tables import qualify, whole  # with sqlglot it takes a third of a second

        if found and text != sql:
            return Qualified(sql[:before] + whole(found.tree, self._home), text), True
        return qualify(text, self._home), found is not None

    def _translated(self, sql: Lexed) -> Translated | None:
        """A statement of T-SQL as Trino's; None for one that is Trino's already."""
        tsql = self._dialect is Dialect.tsql or (self._dialect is Dialect.auto and is_tsql(sql))
        if tsql and not _TRINOS.match(sql.text):
            found: Translated | None = self._as_tsql(sql)
        elif self._dialect is Dialect.auto and may_differ(sql):
            found = self._other_reading(sql)
        else:
            found = None
        for note in found.notes if found else ():
            self._say(note)
        return found

    def _as_tsql(self, sql: Lexed) -> Translated:
        """A statement read as T-SQL, as Trino's. Raises as `to_trino` does."""
        from bdc.sql.polybase.translate import to_trino

        return to_trino(sql, self._columns)

    def _other_reading(self, sql: Lexed) -> Translated | None:
        """A statement that both dialects have as T-SQL, in a script of T-SQL, if it means something else there; else that is said."""
        found: Translated | None = None
        try:
            found = self._as_tsql(sql)
            differences = found.differences
        except DiffersError as error:
            if self._leaning:
                raise
            differences = (error.message,)
        except BdcError:  # with something in it that is no T-SQL
            return None
        if differences and self._leaning:
            return found
        if differences:
            listed = "; ".join(differences[:_FEW])
            self._say(f"read as Trino's SQL; in T-SQL {listed}: --dialect tsql reads it so, --dialect trino says that it isn't")
        return None

    def _say(self, note: str) -> None:
        """Say something once in a session."""
        if note not in self._said:
            self._said.add(note)
            self._notice(f"note: {note}")

    def _columns(self, parts: tuple[str, ...]) -> Mapping[str, str] | None:
        """The columns of a table and their types, by which T-SQL's rules go. None where the name isn't found."""
        home = "" if self._federation.schema or len(parts) == _WHOLE_NAME else self._home(TableName(parts, 0))
        if not home and not self._federation.schema and len(parts) != _WHOLE_NAME:
            return None
        name = identifier(*filter(None, (*home.split("."), *parts)))
        try:
            return {str(row[0]).lower(): str(row[1]) for row in self._federation.query(f"SHOW COLUMNS FROM {name}").rows}
        except QueryError as error:
            self._lost(error)
            raise QueryError(error.text, error.code, None, error.hint) from error

    def _with_hint(self, error: QueryError, sql: str, written: Lexed | None) -> QueryError:
        """The error of a name that isn't there, with the name that may have been meant; of what was `written`, that it is T-SQL."""
        found = None
        with suppress(BdcError):
            found = meant(error, sql, self._federation, self._columns)
        if not found and not error.hint and written and self._dialect is Dialect.auto and error.code in _NOT_TRINOS:
            with suppress(BdcError):
                self._as_tsql(written)
                found = "as T-SQL it can be read: --dialect tsql"
        return QueryError(error.text, error.code, error.place, found) if found else error

    def _exported(self, sql: str) -> str:
        """A statement that changes the rows of an external table as one that changes those of what it is of: views can't be written to."""
        if "external" not in sql.lower():
            return sql
        from bdc.sql.polybase.tables import target

        into = target(sql)
        if into is None or len(into.parts) != len(("catalog", "schema", "table")) or into.parts[0].lower() != "external":
            return sql
        _, schema, table = into.parts
        try:
            if into.verb == "INSERT":
                return self._definer().inserted(schema, table, into.columns, sql[into.end :].strip())
            return f"{sql[: into.start]}{self._definer().changed(schema, table, into.verb, sql[into.end :])}"
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
            if of.view:
                raise QueryError("a view is kept in a schema of the lake", "MISSING_SCHEMA_NAME", None, f"name it lake.SCHEMA.{parts[0]}")
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
        if of.new:
            catalogs = self._keeping(catalogs, parts[0], of)
        if "external" in catalogs:
            return "external"  # the master has it as a foreign table
        if len(catalogs) > 1:
            self._explain(*parts)  # the data pool's table and the master's foreign table are there, and the view of them isn't yet
            name = ".".join(parts)
            whole = " or ".join(f"{one}.{name}" for one in catalogs)
            raise QueryError(f"{name} may be in {' and '.join(catalogs)}", "AMBIGUOUS_NAME", None, f"write {whole}")
        if not catalogs:
            self._explain(*parts)
            hint = None
            with suppress(BdcError):
                hint = similar(self._federation, parts[-2:], HOMES)
            raise _absent(f"schema {parts[0]}" if of.new or of.maybe else f"table {'.'.join(parts)}", hint)
        return catalogs[0]

    def _keeping(self, catalogs: Sequence[str], schema: str, of: TableName) -> list[str]:
        """Those of a schema's catalogs in which what is made stays."""
        left = [one for one in catalogs if one != "external" and not (of.view and one == "master")]
        if catalogs and not left:
            said = f"there is no schema {schema} in {'the lake, where views are kept' if of.view else 'lake or master'}"
            raise QueryError(
                said, "SCHEMA_NOT_FOUND", None, f"CREATE SCHEMA lake.{schema} makes it; or name another: lake.SCHEMA.{of.parts[-1]}"
            )
        return left

    def _lost(self, error: QueryError) -> None:
        """Raises why a table went away: since its name was found, or, of an external one, but for what the master has of it."""
        for parts, home in list(self._homes.items()):
            gone = _gone(".".join((home, *parts)), error)
            if gone or home == "master":
                del self._homes[parts]
                self._explain(*parts if len(parts) > 1 else ("dbo", *parts))
            if gone:
                raise _absent(f"table {'.'.join(parts)}") from error
        if error.code == "MISSING_SCHEMA_NAME" and self._nowhere:
            name = self._nowhere[0]
            places = " nor ".join(f"{catalog}.{schema}.{name}" for catalog, schema in _DEFAULT)
            hint = None
            with suppress(BdcError):
                hint = next(filter(None, (similar(self._federation, (schema, name), (catalog,)) for catalog, schema in _DEFAULT)), None)
            raise QueryError(f"there is no table {name}, neither {places}", "TABLE_NOT_FOUND", None, hint or _WHOLE) from error

    def _explain(self, schema: str, table: str) -> None:
        """Raises the reason why an external table that is defined isn't there. Who may not ask the master isn't told."""
        reason = None
        with suppress(BdcError):
            reason = self._definer().trouble(schema, table)
        if reason:
            raise UnhealthyError(f"the external table {schema}.{table} can't be read now: {reason}", "bdc sql table list")

    def _catalogs(self, where: str, schema: str, table: str | None = None) -> list[str]:
        """The catalogs that have it, of those that whoever asks may see."""
        column = "table_cat" if table is not None else "table_catalog"
        also = f" AND table_name = {literal(table)}" if table is not None else ""
        found = self._federation.query(f"SELECT {column} FROM {where} AND table_schem = {literal(schema)}{also} ORDER BY 1")  # noqa: S608 literals, quoted
        return [str(row[0]) for row in found.rows]


def _with_bits(result: Result) -> Result:
    """A result of T-SQL, in which a bit is 1 or 0."""
    at = [place for place, column in enumerate(result.columns) if column.type == "boolean"]
    if not at:
        return result
    columns = [Column(column.name, "bit") if place in at else column for place, column in enumerate(result.columns)]

    def rows() -> Iterator[Row]:
        with closing(result):
            for row in result.rows:
                yield tuple(int(value) if place in at and isinstance(value, bool) else value for place, value in enumerate(row))

    return replace(result, columns=columns, rows=rows())


def _gone(table: str, error: QueryError) -> bool:
    """Whether an error says that a table, which has a catalog and a schema, isn't there, in Trino's words or in the master's own."""
    if error.code == "TABLE_NOT_FOUND":
        return f"'{table}'" in error.text
    return error.code == "JDBC_ERROR" and f'relation "{table.removeprefix("master.")}" does not exist' in error.text


def _absent(what: str, hint: str | None = None) -> QueryError:
    said = f"there is no {what} in {', '.join(HOMES[:-1])} or {HOMES[-1]}"
    return QueryError(said, "TABLE_NOT_FOUND", None, hint or _WHOLE)

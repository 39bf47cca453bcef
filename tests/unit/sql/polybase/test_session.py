from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import sqlglot

from bdc.errors import UnhealthyError, UsageError
from bdc.kube.connection import Credentials, EndpointConnection
from bdc.sql import Engine, statements
from bdc.sql.engine import Dialect
from bdc.sql.errors import QueryError
from bdc.sql.federation import Federation
from bdc.sql.polybase import grammar, lexer
from bdc.sql.polybase.ddl import CreateTable, Ddl
from bdc.sql.result import Result
from bdc.sql.tsql_session import TSqlSession
from tests.unit.sql.fake_trino import FakeTrino, Script, signature

VARCHAR = signature("varchar")


def tables(schema: str, table: str) -> str:
    where = f"table_cat IN ('external', 'lake', 'master') AND table_schem = '{schema}' AND table_name = '{table}'"
    return f"SELECT table_cat FROM system.jdbc.tables WHERE {where} ORDER BY 1"


def schemas(schema: str) -> str:
    where = f"table_catalog IN ('external', 'lake', 'master') AND table_schem = '{schema}'"
    return f"SELECT table_catalog FROM system.jdbc.schemas WHERE {where} ORDER BY 1"


def in_catalogs(*catalogs: str) -> Script:
    return Script([("table_cat", "varchar", VARCHAR)], [[[one] for one in catalogs]])


def answer() -> Script:
    return Script([("x", "varchar", VARCHAR)], [[["one"]]])


class Definer:
    """Takes note of the statements that it is to run."""

    def __init__(self) -> None:
        self.ran: list[Ddl] = []
        self.fails: QueryError | None = None

    def trouble(self, schema: str, table: str) -> str | None:
        return "the source x doesn't answer" if table == "broken" else None

    def inserted(self, schema: str, table: str, columns: Sequence[str], query: str) -> str:
        return f"INSERT INTO {self.changed(schema, table, 'INSERT', '')} ({', '.join(columns or '*')}) {query}"

    def changed(self, schema: str, table: str, verb: str, rest: str) -> str:
        if table == "orders":
            raise UsageError("tables of databases are only read")
        return f'"ext"."parquet"."/{schema}/{table}?"{rest}'

    def run(self, statement: Ddl) -> Result:
        self.ran.append(statement)
        if self.fails:
            raise self.fails
        return Result([], command="DONE")


@pytest.fixture
def definer() -> Definer:
    return Definer()


@pytest.fixture
def session(reached_trino: EndpointConnection, access: Credentials, definer: Definer) -> Iterator[TSqlSession]:
    with TSqlSession(Federation(reached_trino, access), lambda: definer) as made:
        yield made


def test_names_get_their_catalogs_and_are_looked_up_once(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts[tables("demo", "flights")] = in_catalogs("lake")
    trino.scripts[tables("public", "customers")] = in_catalogs("master")
    trino.scripts["SELECT * FROM lake.demo.flights JOIN master.Public.customers ON a = b"] = answer()
    for _ in range(2):
        assert list(session.query("SELECT * FROM demo.flights JOIN Public.customers ON a = b").rows) == [("one",)]
    assert len(trino.seen) == 4


@pytest.mark.parametrize("home", ["external", "master"])
def test_a_table_that_went_away_since_its_name_was_found_is_explained(session: TSqlSession, trino: FakeTrino, home: str) -> None:
    """Its view is dropped before its foreign table in the master is, which is no table for that."""
    trino.scripts[tables("demo", "broken")] = in_catalogs(home)
    gone = {"errorName": "TABLE_NOT_FOUND", "message": f"line 1:15: Table '{home}.demo.broken' does not exist", "errorType": "USER_ERROR"}
    trino.scripts[f"SELECT * FROM {home}.demo.broken"] = Script([], error=gone)
    for _ in range(2):
        with pytest.raises(UnhealthyError, match=r"the external table demo\.broken can't be read now: the source x doesn't answer"):
            session.query("SELECT * FROM demo.broken")


def test_a_table_of_the_data_pool_whose_view_is_still_to_be_made_is_explained(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts[tables("demo", "broken")] = in_catalogs("lake", "master")
    with pytest.raises(UnhealthyError, match=r"the external table demo\.broken can't be read now: the source x doesn't answer"):
        session.query("SELECT * FROM demo.broken")


@pytest.mark.parametrize(
    ("home", "code", "said"),
    [
        ("external", "TABLE_NOT_FOUND", "line 1:15: Table 'external.demo.dropped' does not exist"),
        ("master", "TABLE_NOT_FOUND", "line 1:15: Table 'master.demo.dropped' does not exist"),
        ("lake", "TABLE_NOT_FOUND", "line 1:15: Table 'lake.demo.dropped' does not exist"),
        ("master", "JDBC_ERROR", 'ERROR: relation "demo.dropped" does not exist\n  Position: 17'),
    ],
)
def test_a_table_that_was_dropped_since_its_name_was_found_is_none(
    session: TSqlSession, trino: FakeTrino, home: str, code: str, said: str
) -> None:
    trino.scripts[tables("demo", "dropped")] = in_catalogs(home)
    gone = {"errorName": code, "message": said, "errorType": "USER_ERROR"}
    trino.scripts[f"SELECT * FROM {home}.demo.dropped"] = Script([], error=gone)
    for _ in range(2):
        with pytest.raises(QueryError, match=r"^there is no table demo\.dropped in ") as caught:
            session.query("SELECT * FROM demo.dropped")
        assert caught.value.code == "TABLE_NOT_FOUND"
    trino.scripts[tables("demo", "dropped")] = in_catalogs()
    with pytest.raises(QueryError, match=r"^there is no table demo\.dropped in "):
        session.query("SELECT * FROM demo.dropped")


def test_a_name_of_one_part_that_is_nowhere_is_told_where_it_was_looked_for(session: TSqlSession, trino: FakeTrino) -> None:
    for catalog, schema in (("external", "dbo"), ("master", "public")):
        where = f"table_cat = '{catalog}' AND table_schem = '{schema}' AND table_name = 'nix'"
        trino.scripts[f"SELECT table_cat FROM system.jdbc.tables WHERE {where} ORDER BY 1"] = in_catalogs()
    missing = {"errorName": "MISSING_SCHEMA_NAME", "message": "line 1:15: Schema must be specified", "errorType": "USER_ERROR"}
    trino.scripts["SELECT * FROM Nix"] = Script([], error=missing)
    with pytest.raises(QueryError, match=r"^there is no table nix, neither external\.dbo\.nix nor master\.public\.nix"):
        session.query("SELECT * FROM Nix")
    trino.scripts["SELECT a FROM unknown.b"] = Script([], error=missing)
    trino.scripts[tables("unknown", "b")] = in_catalogs("lake")
    trino.scripts["SELECT a FROM lake.unknown.b"] = Script([], error=missing)
    with pytest.raises(QueryError, match=r"^Schema must be specified"):
        session.query("SELECT a FROM unknown.b")


def test_a_source_that_fails_is_no_table_that_went_away(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts[tables("demo", "broken")] = in_catalogs("external")
    text = "line 1:15: Failed analyzing stored view 'external.demo.broken': Connection refused"
    trino.scripts["SELECT * FROM external.demo.broken"] = Script(
        [], error={"errorName": "INVALID_VIEW", "message": text, "errorType": "USER_ERROR"}
    )
    with pytest.raises(QueryError, match=r"Connection refused"):
        session.query("SELECT * FROM demo.broken")


def test_names_of_one_part_are_dbos_or_the_masters(session: TSqlSession, trino: FakeTrino) -> None:
    look = "SELECT table_cat FROM system.jdbc.tables WHERE table_cat = '{}' AND table_schem = '{}' AND table_name = '{}' ORDER BY 1"
    trino.scripts[look.format("external", "dbo", "t")] = in_catalogs()
    trino.scripts[look.format("master", "public", "t")] = in_catalogs("master")
    trino.scripts[look.format("external", "dbo", "orders")] = in_catalogs("external")
    trino.scripts["SELECT * FROM master.public.t JOIN external.dbo.orders ON a = b"] = answer()
    assert list(session.query("SELECT * FROM t JOIN orders ON a = b").rows) == [("one",)]


def test_tsql_is_translated_and_then_made_whole(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts[tables("demo", "flights")] = in_catalogs("lake")
    trino.scripts['SELECT x FROM lake."demo"."flights" LIMIT 3'] = answer()
    assert list(session.query("SELECT TOP 3 x FROM [demo].[flights];").rows) == [("one",)]


def test_a_statement_is_read_once(session: TSqlSession, trino: FakeTrino, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            read.append(what)
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(lexer, "words", counted("lexer", lexer.words))
    monkeypatch.setattr(grammar, "parse", counted("lark", grammar.parse))
    monkeypatch.setattr(sqlglot.Dialect, "parse", counted("sqlglot", sqlglot.Dialect.parse))
    trino.scripts[tables("demo", "flights")] = in_catalogs("lake")
    trino.scripts['SELECT x FROM lake."demo"."flights" LIMIT 3'] = answer()
    trino.scripts["SELECT 1"] = answer()

    [statement] = statements("SELECT TOP 3 x FROM [demo].[flights]", Engine.federation)
    assert list(session.query(statement).rows) == [("one",)]
    assert read == ["lexer", "sqlglot"]
    read.clear()
    [statement] = statements("SELECT 1", Engine.federation)
    assert list(session.query(statement).rows) == [("one",)]
    assert read == ["lexer"]


def test_tsql_is_explained(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts[tables("demo", "flights")] = in_catalogs("lake")
    trino.scripts['EXPLAIN SELECT x FROM lake."demo"."flights" LIMIT 3'] = answer()
    assert list(session.query("EXPLAIN SELECT TOP 3 x FROM [demo].[flights]").rows) == [("one",)]


def test_what_is_made_goes_where_its_schema_is(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts[schemas("demo")] = in_catalogs("lake")
    trino.scripts["CREATE TABLE lake.demo.x AS SELECT 1 AS a"] = Script(update="CREATE TABLE", count=1)
    assert session.query("CREATE TABLE demo.x AS SELECT 1 AS a").affected == 1


@pytest.mark.parametrize(
    ("sql", "catalogs", "ran"),
    [
        ("CREATE VIEW dbo.v AS SELECT 1 AS a", ("external", "lake", "master"), "CREATE VIEW lake.dbo.v AS SELECT 1 AS a"),
        ("CREATE OR REPLACE VIEW dbo.v AS SELECT 1 AS a", ("lake",), "CREATE OR REPLACE VIEW lake.dbo.v AS SELECT 1 AS a"),
        ("CREATE TABLE dbo.v AS SELECT 1 AS a", ("external", "master"), "CREATE TABLE master.dbo.v AS SELECT 1 AS a"),
    ],
)
def test_what_is_made_goes_where_it_stays(session: TSqlSession, trino: FakeTrino, sql: str, catalogs: tuple[str, ...], ran: str) -> None:
    trino.scripts[schemas("dbo")] = in_catalogs(*catalogs)
    trino.scripts[ran] = Script(update="CREATE VIEW")
    assert session.query(sql).command == "CREATE VIEW"


@pytest.mark.parametrize(
    ("sql", "catalogs", "hint"),
    [
        ("CREATE VIEW dbo.v AS SELECT 1 AS a", ("external", "master"), "CREATE SCHEMA lake.dbo makes it"),
        ("CREATE TABLE dbo.t AS SELECT 1 AS a", ("external",), "CREATE SCHEMA lake.dbo makes it"),
        ("CREATE VIEW v AS SELECT 1 AS a", (), "name it lake.SCHEMA.v"),
    ],
)
def test_what_would_not_stay_is_told_where_it_would(
    session: TSqlSession, trino: FakeTrino, sql: str, catalogs: tuple[str, ...], hint: str
) -> None:
    trino.scripts[schemas("dbo")] = in_catalogs(*catalogs)
    with pytest.raises(QueryError) as caught:
        session.query(sql)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("CREATE VIEW external.dbo.v AS SELECT 1 AS a", "CREATE VIEW lake.SCHEMA.v"),
        ('-- mine\nCREATE OR REPLACE VIEW "external" . dbo.v AS SELECT 1 AS a', "CREATE VIEW lake.SCHEMA.v"),
        ("CREATE TABLE IF NOT EXISTS external.dbo.t (a int)", "CREATE TABLE lake.SCHEMA.t"),
        ("CREATE TABLE external.dbo.t AS SELECT 1 AS a", "CREATE TABLE lake.SCHEMA.t"),
        ("create schema External.mine", "CREATE SCHEMA lake.NAME"),
        ("DROP VIEW IF EXISTS external.dbo.orders", "DROP EXTERNAL TABLE"),
        ("ALTER VIEW external.dbo.orders RENAME TO external.dbo.other", "DROP EXTERNAL TABLE"),
        ("COMMENT ON COLUMN external.dbo.orders.id IS 'x'", "DROP EXTERNAL TABLE"),
        ("CREATE VIEW master.public.v AS SELECT 1 AS a", "bdc sql query -e master 'CREATE VIEW ...'"),
    ],
)
def test_what_is_external_is_changed_by_its_definitions_alone(session: TSqlSession, sql: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        session.query(sql)
    assert hint in str(caught.value.hint)


def test_what_need_not_be_there_is_looked_for_by_its_schema(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts |= {tables("demo", "nix"): in_catalogs(), schemas("demo"): in_catalogs("lake")}
    trino.scripts["DROP TABLE IF EXISTS lake.demo.nix"] = Script(update="DROP TABLE")
    assert session.query("DROP TABLE IF EXISTS demo.nix").command == "DROP TABLE"


@pytest.mark.parametrize(
    ("catalogs", "told"),
    [((), "there is no table demo.flights in external, lake or master"), (("lake", "master"), "demo.flights may be in lake and master")],
)
def test_names_that_are_nowhere_or_twice(session: TSqlSession, trino: FakeTrino, catalogs: tuple[str, ...], told: str) -> None:
    trino.scripts[tables("demo", "flights")] = in_catalogs(*catalogs)
    with pytest.raises(QueryError, match=told) as caught:
        session.query("SELECT * FROM demo.flights")
    assert caught.value.hint


def test_with_a_catalog_chosen_names_are_trinos_to_find(reached_trino: EndpointConnection, access: Credentials, trino: FakeTrino) -> None:
    trino.scripts["SELECT * FROM demo.flights"] = answer()
    trino.scripts['USE "demo"'] = Script(update="USE")
    with TSqlSession(Federation(reached_trino, access, "lake"), Definer) as session:
        assert list(session.query("SELECT * FROM demo.flights").rows) == [("one",)]
        session.query("USE demo")
    assert trino.seen[-1] == 'USE "demo"'


@pytest.mark.parametrize(
    ("written", "ran"),
    [
        ("INSERT INTO external.dbo.trips SELECT 1, 2", 'INSERT INTO "ext"."parquet"."/dbo/trips?" (*) SELECT 1, 2'),
        ('INSERT INTO External."web"."trips" (b) SELECT 1', 'INSERT INTO "ext"."parquet"."/web/trips?" (b) SELECT 1'),
        ('INSERT INTO external.web.trips ( a , "b)c" ) VALUES (1, 2)', 'INSERT INTO "ext"."parquet"."/web/trips?" (a, b)c) VALUES (1, 2)'),
        ("INSERT INTO lake.dbo.trips SELECT 1, 2", "INSERT INTO lake.dbo.trips SELECT 1, 2"),
        ("UPDATE external.dbo.trips SET a = 1 WHERE b = 2", 'UPDATE "ext"."parquet"."/dbo/trips?" SET a = 1 WHERE b = 2'),
        ("delete FROM external.dbo.trips WHERE b = 2", 'delete FROM "ext"."parquet"."/dbo/trips?" WHERE b = 2'),
        (
            "MERGE INTO external.dbo.trips t USING lake.a.b s ON t.a = s.a WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)",
            'MERGE INTO "ext"."parquet"."/dbo/trips?" t USING lake.a.b s ON t.a = s.a WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)',
        ),
    ],
)
def test_what_changes_rows_of_an_external_table_goes_to_its_files(session: TSqlSession, trino: FakeTrino, written: str, ran: str) -> None:
    trino.scripts[ran] = Script(update="INSERT", count=1)
    assert session.query(written).affected == 1


def test_an_external_table_of_a_database_is_only_read(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts[tables("dbo", "orders")] = in_catalogs("external")
    with pytest.raises(UsageError, match="tables of databases are only read"):
        session.query("INSERT INTO dbo.orders SELECT 1")


def test_a_query_that_fills_a_table_is_trinos_with_whole_names(session: TSqlSession, trino: FakeTrino, definer: Definer) -> None:
    trino.scripts[tables("web", "clicks")] = in_catalogs("external")
    session.query("CREATE EXTERNAL TABLE t WITH (DATA_SOURCE = SqlDataPool) AS SELECT TOP 2 [id] FROM web.clicks;")
    (made,) = definer.ran
    assert isinstance(made, CreateTable)
    assert made.query == 'SELECT "id" FROM external.web.clicks LIMIT 2'
    definer.fails = QueryError("Division by zero", "DIVISION_BY_ZERO", (1, 62))
    with pytest.raises(QueryError, match=r"^Division by zero"):
        session.query("CREATE EXTERNAL TABLE t WITH (DATA_SOURCE = SqlDataPool) AS SELECT 1 / 0 AS x")


def test_errors_have_the_place_in_what_was_written(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts[tables("demo", "flights")] = in_catalogs("lake")
    error = {
        "message": "line 1:39: no column y",
        "errorName": "COLUMN_NOT_FOUND",
        "errorType": "USER_ERROR",
        "errorLocation": {"lineNumber": 1, "columnNumber": 39},
    }
    trino.scripts["SELECT x FROM lake.demo.flights WHERE y"] = Script(error=error)
    trino.scripts["SELECT x FROM lake.demo.flights LIMIT 1"] = Script(error=error)
    with pytest.raises(QueryError) as caught:
        session.query("SELECT x FROM demo.flights WHERE y")
    assert caught.value.place == (1, 34)
    with pytest.raises(QueryError) as caught:
        session.query("SELECT TOP 1 x FROM demo.flights")
    assert caught.value.place is None
    assert caught.value.hint == "it ran as: SELECT x FROM lake.demo.flights LIMIT 1"


def test_there_is_one_database(session: TSqlSession) -> None:
    assert session.query("USE bdc").command == "USE"
    with pytest.raises(UsageError, match="one database, bdc, and no sales"):
        session.query("USE sales")


def test_definitions_are_run_by_the_definer_and_names_are_looked_up_anew(session: TSqlSession, trino: FakeTrino, definer: Definer) -> None:
    trino.scripts[tables("demo", "flights")] = in_catalogs("lake")
    trino.scripts["SELECT * FROM lake.demo.flights"] = answer()
    session.query("SELECT * FROM demo.flights")
    assert session.query("CREATE EXTERNAL DATA SOURCE s WITH (LOCATION = 'x')").command == "DONE"
    assert [str(one) for one in definer.ran] == ["CREATE EXTERNAL DATA SOURCE [s] WITH (LOCATION = 'x')"]
    session.query("SELECT * FROM demo.flights")
    assert trino.seen.count(tables("demo", "flights")) == 2


@pytest.mark.parametrize(("rows", "runs"), [([["one"]], 0), ([], 1)])
def test_a_guard_asks_first(session: TSqlSession, trino: FakeTrino, definer: Definer, rows: list[list[str]], runs: int) -> None:
    trino.scripts[tables("sys", "external_data_sources")] = in_catalogs("master")
    trino.scripts["SELECT 1 FROM master.sys.external_data_sources"] = Script([("x", "varchar", VARCHAR)], [rows] if rows else [])
    session.query("IF NOT EXISTS (SELECT 1 FROM sys.external_data_sources) CREATE EXTERNAL DATA SOURCE s WITH (LOCATION = 'x')")
    assert len(definer.ran) == runs


def test_pushdown_is_turned_off_for_one_statement(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts["SELECT 1"] = answer()
    session.query("SELECT 1 OPTION (DISABLE EXTERNALPUSHDOWN)")
    assert trino.sent["X-Trino-Session"] == "allow_pushdown_into_connectors=false"
    session.query("SELECT 1")
    assert not trino.sent.get("X-Trino-Session")


def plan(*nodes: tuple[str, dict[str, str]]) -> Script:
    """The plan of these nodes, each the child of the one before."""
    made: dict[str, object] = {}
    for name, descriptor in reversed(nodes):
        made = {"name": name, "descriptor": descriptor, "children": [made] if made else []}
    return Script([("Query Plan", "varchar", VARCHAR)], [[[json.dumps(made)]]])


def test_forced_pushdown_fails_where_an_operator_stays_behind(session: TSqlSession, trino: FakeTrino) -> None:
    pushed = ("TableScan", {"table": "ext_sales_0123456789:Query[SELECT a FROM b] columns=[a:integer:int4]"})
    trino.scripts["EXPLAIN (TYPE LOGICAL, FORMAT JSON) SELECT 1"] = plan(("Output", {}), pushed)
    trino.scripts["SELECT 1"] = answer()
    assert list(session.query("SELECT 1 OPTION (FORCE EXTERNALPUSHDOWN)").rows) == [("one",)]
    trino.scripts["EXPLAIN (TYPE LOGICAL, FORMAT JSON) SELECT 2"] = plan(("Aggregate", {"type": "FINAL", "keys": "[a]"}), pushed)
    with pytest.raises(UsageError, match=r"the aggregate over sales stays in Trino: keys \[a\]"):
        session.query("SELECT 2 OPTION (FORCE EXTERNALPUSHDOWN)")
    assert "SELECT 2" not in trino.seen


def test_an_external_table_that_cant_be_made_says_why(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts[tables("dbo", "broken")] = in_catalogs()
    with pytest.raises(UnhealthyError, match=r"the external table dbo\.broken can't be read now: the source x doesn't answer"):
        session.query("SELECT * FROM dbo.broken")


def test_one_statement_at_a_time(session: TSqlSession) -> None:
    with pytest.raises(UsageError, match="this is 2 statements"):
        session.query("SELECT 1; SELECT 2")


def columns_of(*columns: tuple[str, str]) -> Script:
    return Script([(name, "varchar", VARCHAR) for name in ("Column", "Type", "Extra", "Comment")], [[[*one, "", ""] for one in columns]])


@pytest.fixture
def stock(trino: FakeTrino) -> None:
    """demo.stock, with an integer and a bit."""
    trino.scripts[tables("demo", "stock")] = in_catalogs("lake")
    trino.scripts['SHOW COLUMNS FROM "lake"."demo"."stock"'] = columns_of(("qty", "integer"), ("sold", "boolean"))
    trino.scripts["SELECT AVG(qty) AS a FROM lake.demo.stock"] = answer()


def test_tsql_goes_by_the_types_of_columns(session: TSqlSession, trino: FakeTrino, stock: None) -> None:
    trino.scripts['SELECT (SUM(qty) / COUNT(qty)) AS "a" FROM lake.demo.stock'] = answer()
    assert list(session.query("SELECT AVG(qty) AS [a] FROM demo.stock").rows) == [("one",)]


@pytest.mark.parametrize(
    ("options", "ran", "noted"),
    [
        ({}, "SELECT AVG(qty) AS a FROM lake.demo.stock", True),
        ({"leaning": True}, "SELECT (SUM(qty) / COUNT(qty)) AS a FROM lake.demo.stock", False),
        ({"dialect": Dialect.tsql}, "SELECT (SUM(qty) / COUNT(qty)) AS a FROM lake.demo.stock", False),
        ({"dialect": Dialect.trino}, "SELECT AVG(qty) AS a FROM lake.demo.stock", False),
    ],
)
def test_a_statement_that_both_dialects_have_is_trinos_with_a_note_unless_somebody_says_otherwise(
    reached_trino: EndpointConnection, access: Credentials, trino: FakeTrino, stock: None, options: dict[str, Any], ran: str, *, noted: bool
) -> None:
    trino.scripts["SELECT (SUM(qty) / COUNT(qty)) AS a FROM lake.demo.stock"] = answer()
    said: list[str] = []
    with TSqlSession(Federation(reached_trino, access), Definer, said.append, **options) as session:
        for _ in range(2):
            session.query("SELECT AVG(qty) AS a FROM demo.stock")
            assert trino.seen[-1] == ran
    assert [one.startswith("note: read as Trino's SQL; in T-SQL AVG(qty) is cut off to an integer") for one in said] == [True] * noted


def test_what_tells_nothing_apart_is_not_noted(
    reached_trino: EndpointConnection, access: Credentials, trino: FakeTrino, stock: None
) -> None:
    said: list[str] = []
    trino.scripts["SELECT AVG(qty) AS a FROM lake.demo.stock LIMIT 3"] = answer()
    trino.scripts["SELECT CAST(qty AS INTEGER) FROM lake.demo.stock"] = answer()
    with TSqlSession(Federation(reached_trino, access), Definer, said.append) as session:
        session.query("SELECT AVG(qty) AS a FROM demo.stock LIMIT 3")
        session.query("SELECT CAST(qty AS INTEGER) FROM demo.stock")
    assert said == []


def test_strings_compare_with_regard_to_case_and_that_is_said_once(
    reached_trino: EndpointConnection, access: Credentials, trino: FakeTrino
) -> None:
    said: list[str] = []
    trino.scripts["SELECT 1 AS \"a\" WHERE 'a' = 'A'"] = answer()
    with TSqlSession(Federation(reached_trino, access), Definer, said.append) as session:
        for _ in range(2):
            session.query("SELECT 1 AS [a] WHERE 'a' = 'A'")
    assert len(said) == 1
    assert "with regard to case" in said[0]


def test_bits_are_1_and_0_in_tsql_and_truths_in_trinos(session: TSqlSession, trino: FakeTrino) -> None:
    bits = Script([("a", "boolean", signature("boolean")), ("b", "varchar", VARCHAR)], [[[True, "x"], [False, "y"], [None, "z"]]])
    trino.scripts["SELECT a, 'x' FROM (VALUES (1)) AS t(b)"] = bits
    trino.scripts["SELECT a FROM (VALUES (1)) AS t (b)"] = bits
    found = session.query("SELECT a, N'x' FROM (VALUES (1)) AS t (b)")
    assert (found.columns[0].type, list(found.rows)) == ("bit", [(1, "x"), (0, "y"), (None, "z")])
    found = session.query("SELECT a FROM (VALUES (1)) AS t (b)")
    assert (found.columns[0].type, next(iter(found.rows))) == ("boolean", (True, "x"))


def failing(code: str, message: str, place: tuple[int, int] = (1, 8)) -> Script:
    location = {"lineNumber": place[0], "columnNumber": place[1]}
    return Script([], error={"errorName": code, "message": message, "errorType": "USER_ERROR", "errorLocation": location})


def listing(*values: str) -> Script:
    return Script([("name", "varchar", VARCHAR)], [[[one] for one in values]])


@pytest.mark.parametrize(
    ("sql", "script", "hint"),
    [
        ("SELECT qyt FROM demo.stock", failing("COLUMN_NOT_FOUND", "Column 'qyt' cannot be resolved"), "did you mean qty?"),
        ("SELECT s.slod FROM demo.stock s", failing("COLUMN_NOT_FOUND", "Column 's.slod' cannot be resolved"), "did you mean sold?"),
        ("SELECT nothing FROM demo.stock", failing("COLUMN_NOT_FOUND", "Column 'nothing' cannot be resolved"),
         "lake.demo.stock has qty, sold"),
        ("SELECT cuont(*) FROM demo.stock", failing("FUNCTION_NOT_FOUND", "Function 'cuont' not registered"), "did you mean count?"),
    ],
)  # fmt: skip
def test_names_that_were_meant(session: TSqlSession, trino: FakeTrino, stock: None, sql: str, script: Script, hint: str) -> None:
    trino.scripts[sql.replace("demo.stock", "lake.demo.stock")] = script
    trino.scripts["SHOW FUNCTIONS"] = listing("count", "concat")
    with pytest.raises(QueryError) as caught:
        session.query(sql)
    assert caught.value.hint == hint


def test_tables_and_schemas_that_were_meant(session: TSqlSession, trino: FakeTrino) -> None:
    homes = "'external', 'lake', 'master'"
    trino.scripts[tables("demo", "flihgts")] = trino.scripts[tables("dmeo", "flights")] = in_catalogs()
    inside = "SELECT table_name FROM system.jdbc.tables WHERE table_cat IN ({}) AND table_schem = '{}'"
    trino.scripts[inside.format(homes, "demo")] = listing("flights", "planes")
    trino.scripts[inside.format(homes, "dmeo")] = listing()
    trino.scripts[f"SELECT table_schem FROM system.jdbc.schemas WHERE table_catalog IN ({homes})"] = listing("demo", "public")
    trino.scripts[inside.format("'lake'", "demo")] = listing("flights")
    trino.scripts["SELECT * FROM lake.demo.fligths"] = failing("TABLE_NOT_FOUND", "Table 'lake.demo.fligths' does not exist")
    for sql, hint in (
        ("SELECT * FROM demo.flihgts", "did you mean demo.flights?"),
        ("SELECT * FROM dmeo.flights", "did you mean demo?"),
        ("SELECT * FROM lake.demo.fligths", "did you mean demo.flights?"),
    ):
        with pytest.raises(QueryError) as caught:
            session.query(sql)
        assert caught.value.hint == hint


@pytest.mark.parametrize("leaning", [False, True])
def test_a_difference_that_has_no_translation_is_noted_too_and_refused_in_a_script_of_tsql(
    reached_trino: EndpointConnection, access: Credentials, trino: FakeTrino, stock: None, *, leaning: bool
) -> None:
    said: list[str] = []
    trino.scripts["SELECT CAST(CAST(qty AS REAL) AS VARCHAR) FROM lake.demo.stock"] = answer()
    with TSqlSession(Federation(reached_trino, access), Definer, said.append, leaning=leaning) as session:
        if leaning:
            with pytest.raises(UsageError, match="REAL as a string"):
                session.query("SELECT CAST(CAST(qty AS REAL) AS VARCHAR) FROM demo.stock")
        else:
            session.query("SELECT CAST(CAST(qty AS REAL) AS VARCHAR) FROM demo.stock")
            assert "in T-SQL REAL as a string" in said[0]


def test_a_statement_that_trino_refuses_and_that_is_tsql_says_so(session: TSqlSession, trino: FakeTrino, stock: None) -> None:
    message = "line 1:40: Cannot apply operator: boolean = integer"
    trino.scripts["SELECT qty FROM lake.demo.stock WHERE sold = 1"] = failing("TYPE_MISMATCH", message)
    trino.scripts["SELECT qty FROM lake.demo.stock WHERE sold = qty -> 1"] = failing("TYPE_MISMATCH", message)
    with pytest.raises(QueryError) as caught:
        session.query("SELECT qty FROM demo.stock WHERE sold = 1")
    assert caught.value.hint == "as T-SQL it can be read: --dialect tsql"
    with pytest.raises(QueryError) as caught:
        session.query("SELECT qty FROM demo.stock WHERE sold = qty -> 1")
    assert caught.value.hint is None


def test_a_plain_query_loads_neither_parser_nor_the_masters_client() -> None:
    """In a process of its own, with a federation that answers nothing: these modules take longer to import than the query to run."""
    code = """
import sys
from bdc.sql.tsql_session import TSqlSession
from bdc.sql.result import Result
class Federation:
    schema = ""
    def query(self, sql, properties=None):
        return Result([], command=sql)
    def close(self): pass
def definer(): raise AssertionError
from bdc.sql import Engine, statements
[one] = statements("SELECT 1", Engine.federation)
with TSqlSession(Federation(), definer) as session:
    assert session.query(one).command == "SELECT 1"
print(" ".join(name for name in ("lark", "sqlglot", "psycopg", "bdc.sql.polybase.ddl") if name in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bdc.errors import UsageError
from bdc.kube.endpoints import Credentials, Reached
from bdc.sql.errors import QueryError
from bdc.sql.federation import Federation
from bdc.sql.polybase.session import TSqlSession
from tests.unit.sql.fake_trino import FakeTrino, Script, signature

VARCHAR = signature("varchar")


def tables(schema: str, table: str) -> str:
    where = f"table_cat IN ('lake', 'master') AND table_schem = '{schema}' AND table_name = '{table}'"
    return f"SELECT table_cat FROM system.jdbc.tables WHERE {where} ORDER BY 1"


def in_catalogs(*catalogs: str) -> Script:
    return Script([("table_cat", "varchar", VARCHAR)], [[[one] for one in catalogs]])


def answer() -> Script:
    return Script([("x", "varchar", VARCHAR)], [[["one"]]])


@pytest.fixture
def session(reached_trino: Reached, access: Credentials) -> Iterator[TSqlSession]:
    with TSqlSession(Federation(reached_trino, access)) as made:
        yield made


def test_names_get_their_catalogs_and_are_looked_up_once(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts[tables("demo", "flights")] = in_catalogs("lake")
    trino.scripts[tables("public", "customers")] = in_catalogs("master")
    trino.scripts["SELECT * FROM lake.demo.flights JOIN master.Public.customers ON a = b"] = answer()
    for _ in range(2):
        assert list(session.query("SELECT * FROM demo.flights JOIN Public.customers ON a = b").rows) == [("one",)]
    assert len(trino.seen) == 4


def test_names_of_one_part_are_the_masters(session: TSqlSession, trino: FakeTrino) -> None:
    look = "SELECT table_cat FROM system.jdbc.tables WHERE table_cat = 'master' AND table_schem = 'public' AND table_name = 't' ORDER BY 1"
    trino.scripts[look] = in_catalogs("master")
    trino.scripts["SELECT * FROM master.public.t"] = answer()
    assert list(session.query("SELECT * FROM t").rows) == [("one",)]


def test_tsql_is_translated_and_then_made_whole(session: TSqlSession, trino: FakeTrino) -> None:
    trino.scripts[tables("demo", "flights")] = in_catalogs("lake")
    trino.scripts['SELECT x FROM lake."demo"."flights" LIMIT 3'] = answer()
    assert list(session.query("SELECT TOP 3 x FROM [demo].[flights];").rows) == [("one",)]


def test_what_is_made_goes_where_its_schema_is(session: TSqlSession, trino: FakeTrino) -> None:
    look = "SELECT table_catalog FROM system.jdbc.schemas WHERE table_catalog IN ('lake', 'master') AND table_schem = 'demo' ORDER BY 1"
    trino.scripts[look] = in_catalogs("lake")
    trino.scripts["CREATE TABLE lake.demo.x AS SELECT 1 AS a"] = Script(update="CREATE TABLE", count=1)
    assert session.query("CREATE TABLE demo.x AS SELECT 1 AS a").affected == 1


def test_what_need_not_be_there_is_looked_for_by_its_schema(session: TSqlSession, trino: FakeTrino) -> None:
    look = "SELECT table_catalog FROM system.jdbc.schemas WHERE table_catalog IN ('lake', 'master') AND table_schem = 'demo' ORDER BY 1"
    trino.scripts |= {tables("demo", "nix"): in_catalogs(), look: in_catalogs("lake")}
    trino.scripts["DROP TABLE IF EXISTS lake.demo.nix"] = Script(update="DROP TABLE")
    assert session.query("DROP TABLE IF EXISTS demo.nix").command == "DROP TABLE"


@pytest.mark.parametrize(
    ("catalogs", "told"),
    [((), "there is no table demo.flights in lake or master"), (("lake", "master"), "demo.flights may be in lake and master")],
)
def test_names_that_are_nowhere_or_twice(session: TSqlSession, trino: FakeTrino, catalogs: tuple[str, ...], told: str) -> None:
    trino.scripts[tables("demo", "flights")] = in_catalogs(*catalogs)
    with pytest.raises(QueryError, match=told) as caught:
        session.query("SELECT * FROM demo.flights")
    assert caught.value.hint


def test_with_a_catalog_chosen_names_are_trinos_to_find(reached_trino: Reached, access: Credentials, trino: FakeTrino) -> None:
    trino.scripts["SELECT * FROM demo.flights"] = answer()
    trino.scripts['USE "demo"'] = Script(update="USE")
    with TSqlSession(Federation(reached_trino, access, "lake")) as session:
        assert list(session.query("SELECT * FROM demo.flights").rows) == [("one",)]
        session.query("USE demo")
    assert trino.seen[-1] == 'USE "demo"'


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


@pytest.mark.parametrize("sql", ["CREATE EXTERNAL DATA SOURCE s WITH (LOCATION = 'x')", "SELECT 1 OPTION (FORCE EXTERNALPUSHDOWN)"])
def test_what_isnt_run_yet_says_so(session: TSqlSession, sql: str) -> None:
    with pytest.raises(UsageError, match="is understood, but not run yet"):
        session.query(sql)


def test_one_statement_at_a_time(session: TSqlSession) -> None:
    with pytest.raises(UsageError, match="this is 2 statements"):
        session.query("SELECT 1; SELECT 2")

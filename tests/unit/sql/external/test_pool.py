from __future__ import annotations

from contextlib import nullcontext

import pytest

from bdc.errors import BdcError, UnhealthyError, UsageError
from bdc.sql.errors import QueryError
from bdc.sql.external.definitions import Credential, DataSource
from bdc.sql.external.locations import check
from bdc.sql.external.loop import ReconcileLoop
from bdc.sql.external.maintenance import Upkeep
from bdc.sql.external.reconcile import Found
from bdc.sql.result import Column, Result
from tests.unit.sql.external.conftest import SOURCE as SALES
from tests.unit.sql.external.conftest import Desk
from tests.unit.sql.external.fake_engine import FakeSource
from tests.unit.sql.external.test_files import pool, store
from tests.unit.sql.external.test_loop import clock, rounds

__all__ = ["clock", "pool", "rounds", "store"]
SOURCE = "CREATE EXTERNAL DATA SOURCE SqlDataPool WITH (LOCATION = 'sqldatapool://controller-svc/default')"
CLICKS = (
    "CREATE EXTERNAL TABLE Web.Clicks "
    "(Id BIGINT NOT NULL, page NVARCHAR(20), at DATETIME2, zoned DATETIMEOFFSET, price MONEY, code CHAR(3)) "
    "WITH (DATA_SOURCE = sqldatapool, DISTRIBUTION = ROUND_ROBIN)"
)
QUERY = "SELECT id, tag FROM lake.a.b"
FOUND = [Column("Id", "bigint"), Column("at", "timestamp(9)"), Column("tags", "array(varchar)")]


def filled(name: str, source: str = "SqlDataPool", columns: str = "", inside: str = "") -> str:
    return f"CREATE EXTERNAL TABLE {name} {columns} WITH (DATA_SOURCE = {source}{inside}) AS {QUERY}"


class Looked:
    """A Trino that has nothing to tell of a table."""

    def query(self, sql: str) -> Result:
        return Result([], command=sql)


def files(name: str, form: str, location: str = "/out/New") -> str:
    return filled(name, "SqlStoragePool", "", f", LOCATION = '{location}', FILE_FORMAT = {form}")


@pytest.fixture
def lake(pool: Desk) -> Desk:
    pool.run(SOURCE)
    pool.engine.queries[QUERY] = FOUND
    return pool


def test_a_table_of_the_data_pool_is_the_lakes(lake: Desk) -> None:
    assert lake.run(CLICKS).command == "CREATE EXTERNAL TABLE"
    assert lake.engine.lake.schemas["web"]["clicks"] == {
        "id": "bigint", "page": "varchar(20)", "at": "timestamp(6)", "zoned": "timestamp(6) with time zone", "price": "decimal(19,4)",
        "code": "varchar(3)",
    }  # fmt: skip
    assert next(one for one in lake.engine.seen if one.startswith("CREATE TABLE")).count(" NOT NULL") == 1
    assert lake.engine.views["web.clicks"].text.endswith(' FROM "lake"."web"."clicks"')
    assert lake.rows("SELECT location, distribution_desc FROM sys.external_tables") == [("Web.Clicks", "ROUND_ROBIN")]
    assert lake.external.changed("web", "clicks", "DELETE", " WHERE id = 1") == '"lake"."web"."clicks" WHERE id = 1'
    assert lake.engine.catalogs == {}


def test_what_is_dropped_of_the_data_pool_is_gone(lake: Desk, rounds: ReconcileLoop) -> None:
    lake.run(CLICKS, CLICKS.replace("Clicks", "Other"))
    assert rounds.look(lake.connection) == Found()
    lake.run("DROP EXTERNAL TABLE web.CLICKS")
    assert (list(lake.engine.lake.schemas["web"]), list(lake.engine.views)) == (["other"], ["web.other"])


def test_a_table_of_the_data_pool_that_somebody_dropped_says_so_and_can_be_dropped(lake: Desk, rounds: ReconcileLoop) -> None:
    lake.run(CLICKS)
    del lake.engine.lake.schemas["web"]["clicks"]
    lake.engine.restart()
    assert "the source SqlDataPool has no Web.Clicks" in rounds.look(lake.connection).tables["web.clicks"].message
    lake.run("DROP EXTERNAL TABLE web.Clicks")
    assert lake.count("tables") == 0


def test_a_table_of_the_lake_that_the_pool_didnt_make_stays(lake: Desk, rounds: ReconcileLoop) -> None:
    """psql's procedures define a table of any name of the lake's."""
    lake.engine.lake.schemas["sales"] = {"orders": {"id": "integer"}}
    lake.connection.execute("CALL polybase.create_external_table('dbo.x', 'SqlDataPool', 'sales.orders', ARRAY['id int'])")
    assert rounds.look(lake.connection) == Found()
    lake.run("DROP EXTERNAL TABLE x")
    assert lake.engine.lake.schemas["sales"] == {"orders": {"id": "integer"}}
    assert lake.said == ["the lake's sales.orders stays: the data pool didn't make it"]
    assert (lake.count("tables"), lake.engine.views) == (0, {})


@pytest.mark.parametrize("location", ["orders", "a.b.c", "a..b", ""])
def test_a_definition_that_names_no_table_harms_no_other(lake: Desk, rounds: ReconcileLoop, location: str) -> None:
    lake.run(CLICKS)
    lake.connection.execute("CALL polybase.create_external_table('dbo.x', 'SqlDataPool', %s, ARRAY['id int'])", [location])
    found = rounds.look(lake.connection)
    assert {name: "isn't schema.table" in error.message for name, error in found.tables.items()} == {"dbo.x": True}
    assert Upkeep(lambda: nullcontext(Looked())).look(lake.connection).keys() == {"dbo.x"}
    lake.run("DROP EXTERNAL TABLE x")
    assert list(lake.engine.views) == ["web.clicks"]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (CLICKS.replace("sqldatapool,", "sqldatapool, LOCATION = '/x',"), "neither LOCATION nor FILE_FORMAT"),
        (CLICKS.replace("sqldatapool,", "sqldatapool, FILE_FORMAT = myorc,"), "neither LOCATION nor FILE_FORMAT"),
        (CLICKS.replace("sqldatapool,", "SqlStoragePool, LOCATION = '/x', FILE_FORMAT = myorc,"), "DISTRIBUTION is for tables of the data"),
        (CLICKS.replace("MONEY", "UNIQUEIDENTIFIER"), r"the column price: files have no type uuid; write NVARCHAR\(36\)"),
        (CLICKS.replace("MONEY", "TIME"), "the column price: files have no type time"),
        (CLICKS.replace("Web.Clicks", "taken.t"), r"there is a table taken\.t in the lake already"),
        ("EXEC sp_data_source_objects 'SqlDataPool'", "has the tables that are made in it"),
        (filled("taken.t"), r"there is a table taken\.t in the lake already"),
        (filled("t", "Sales", inside=", LOCATION = 'public.t'"), "tables of databases are only read, and Sales is one"),
        (filled("t", columns="(a INT)"), "the table has 1 column, and the query 3"),
        (filled("t", "SqlStoragePool"), "needs columns and a LOCATION"),
        (files("t", "mydelta", "/data/odd"), "there are files in /data/odd already"),
        (files("t", "mydelta", "/shut"), "Permission denied"),
        (files("t", "myparquet", "/data/Trips"), "there are files in /data/Trips already"),
    ],
)
def test_what_cant_be_made_leaves_nothing(lake: Desk, store: FakeSource, statement: str, told: str) -> None:
    lake.run(SALES.replace(", CREDENTIAL = reader", ""))
    lake.engine.lake.schemas["taken"] = {"t": {}}
    store.schemas["delta"] |= {"/data/odd": {}, "/shut": {}}
    store.refusals = {"/data/odd": ("isn't a Delta table", "INVALID_ARGUMENTS"), "/shut": ("Permission denied", "PERMISSION_DENIED")}
    with pytest.raises(UsageError, match=told):
        lake.run(statement)
    assert (lake.count("tables"), lake.engine.views, lake.engine.written) == (0, {}, [])
    assert lake.engine.lake.schemas["taken"] == {"t": {}}
    assert not any(lake.engine.lake.schemas.get(one) for one in ("web", "dbo"))


def test_a_view_that_fails_takes_the_table_along(lake: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: str) -> Result:
        raise QueryError("no room", "GENERIC_INTERNAL_ERROR")

    monkeypatch.setattr(lake.engine, "_view", fails)
    with pytest.raises(BdcError, match="no room"):
        lake.run(CLICKS)
    assert (lake.count("tables"), lake.engine.lake.schemas["web"]) == (0, {})


def test_a_query_fills_a_table_of_the_data_pool(lake: Desk) -> None:
    done = lake.run(filled("sums"))
    assert (done.command, done.affected) == ("CREATE EXTERNAL TABLE", 7)
    inner = 'SELECT "c0" AS "id", CAST("c1" AS timestamp(6)) AS "at", "c2" AS "tags"'
    assert lake.engine.written == [('."dbo"."sums" COMMENT \'made by the data pool\'', f'{inner} FROM ({QUERY}) AS q ("c0", "c1", "c2")')]
    assert lake.rows("SELECT name, type_name FROM sys.external_table_columns ORDER BY column_id") == [
        ("id", "bigint"),
        ("at", "datetime2(7)"),
        ("tags", "nvarchar(max)"),
    ]
    assert 'json_format(CAST("tags" AS json))' in lake.engine.views["dbo.sums"].text


@pytest.mark.parametrize("location", ["/out/New", "/data/empty"])
@pytest.mark.parametrize("form", ["PARQUET", "ORC"])
def test_a_query_becomes_files_of_a_folder(lake: Desk, store: FakeSource, form: str, location: str) -> None:
    store.schemas["orc"]["/data/empty"] = {}
    assert lake.run(files("t", f"my{form}", location)).affected == 7
    catalog, path = lake.engine.catalog_of("hdfs://bdc"), location.replace("N", "%4e")
    columns = '("id" bigint, "at" timestamp(6), "tags" array(varchar))'
    made = f'CREATE TABLE "{catalog}"."{form.lower()}"."{path}?new" {columns} '
    assert f"{made}WITH (format = '{form}', external_location = 'hdfs://bdc{location}')" in lake.engine.seen
    [(relation, _)] = lake.engine.written
    assert relation == f'."{form.lower()}"."{path}?id=bigint;at=timestamp%286%29;tags=array%28varchar%29?"'
    assert lake.engine.views["dbo.t"].text.endswith(relation)
    assert lake.said == []


def test_a_query_becomes_a_delta_table(lake: Desk) -> None:
    assert lake.run(files("t", "mydelta")).affected == 7
    assert lake.engine.written[0][0] == '."delta"."/out/%4eew?new" WITH (location = \'hdfs://bdc/out/New\')'
    assert lake.engine.views["dbo.t"].text.endswith('."delta"."/out/%4eew"')


def test_a_query_becomes_text(lake: Desk, store: FakeSource) -> None:
    store.schemas["delimitedtext"] = {}
    lake.engine.queries[QUERY] = [Column("Id", "bigint"), Column("at", "timestamp(9)"), Column("name", "char(9)")]
    lake.run("CREATE EXTERNAL FILE FORMAT mycsv WITH (FORMAT_TYPE = DELIMITEDTEXT, DATA_COMPRESSION = 'gzip')", files("t", "mycsv"))
    [(relation, rows)] = lake.engine.written
    named = "id=bigint;at=timestamp%289%29;name=char%289%29?terminator=%7c;packed=true;value=0;new=true"
    assert relation == f'."delimitedtext"."/out/%4eew?{named}"'
    assert rows.startswith('SELECT "c0" AS "id", "c1" AS "at", "c2" AS "name" FROM')
    assert "new=true" not in lake.engine.views["dbo.t"].text
    lake.engine.queries[QUERY] = FOUND
    with pytest.raises(UsageError, match=r"the column tags: text has no values of array\(varchar\)"):
        lake.run(files("u", "mycsv", "/out/u"))


def test_listed_columns_are_what_a_query_is_cast_to(lake: Desk) -> None:
    lake.engine.queries[QUERY] = FOUND[:2]
    lake.run(filled("t", columns="(Number INT, Day DATE)"))
    assert lake.engine.lake.schemas["dbo"]["t"] == {"number": "integer", "day": "date"}


def test_strings_are_never_cut_off(lake: Desk) -> None:
    lake.engine.queries[QUERY] = [Column("a", "varchar(50)"), Column("b", "char(9)"), Column("c", "bigint")]
    lake.run(filled("t", columns="(a NVARCHAR(5), b NCHAR(2), c NVARCHAR(2))"))
    [(_, rows)] = lake.engine.written
    assert rows.startswith('SELECT "c0" AS "a", CAST("c1" AS varchar) AS "b", CAST("c2" AS varchar(2)) AS "c" FROM')
    lake.engine.queries[QUERY] = [Column("b", "char(9)")]
    lake.run(files("f", "myparquet"), files("g", "mydelta", "/out/g"))
    assert [rows.partition(" FROM")[0] for _, rows in lake.engine.written[1:]] == [
        'SELECT "c0" AS "b"',
        'SELECT CAST("c0" AS varchar) AS "b"',
    ]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([Column("a", "bigint"), Column("_col1", "bigint")], "the column 2 of the query has no name"),
        ([Column("a", "bigint"), Column("A", "date")], "the query has two columns A"),
        ([Column("a", "unknown")], "the column a is unknown, which T-SQL has no type for"),
        ([Column("a", "uuid")], r"the column a: files have no type uuid; write NVARCHAR\(36\)"),
        ([Column("a", "time(3)")], "the column a: files have no type time"),
    ],
)
def test_columns_of_queries_that_cant_be_a_tables(lake: Desk, found: list[Column], told: str) -> None:
    lake.engine.queries[QUERY] = found
    with pytest.raises(UsageError, match=told):
        lake.run(filled("t"))
    assert (lake.count("tables"), lake.engine.written) == (0, [])


def test_files_of_columns_have_no_time_zones(lake: Desk) -> None:
    lake.engine.queries[QUERY] = [Column("a", "timestamp(3) with time zone")]
    with pytest.raises(UsageError, match="the column a: files of PARQUET have no time zones"):
        lake.run(files("t", "myparquet"))
    lake.run(files("t", "mydelta"))


def test_a_catalog_that_is_gone_before_its_query_is_made_again(lake: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made, gone = lake.engine._create_table_as, iter([True])

    def once(*arguments: str) -> Result:
        if next(gone, False):
            raise QueryError("Catalog 'ext_x' not found", "CATALOG_NOT_FOUND")
        return made(*arguments)

    monkeypatch.setattr(lake.engine, "_create_table_as", once)
    assert lake.run(files("t", "mydelta")).affected == 7


def test_rows_without_a_table_are_said(lake: Desk, store: FakeSource, monkeypatch: pytest.MonkeyPatch) -> None:
    made = lake.engine._insert

    def then_down(*arguments: str) -> Result:
        result = made(*arguments)
        store.down = True
        return result

    monkeypatch.setattr(lake.engine, "_insert", then_down)
    with pytest.raises(UnhealthyError):
        lake.run(files("t", "myorc"))
    assert lake.said == ["the rows are in /out/New, and no table is"]
    assert lake.count("tables") == 0


def test_statistics_are_made_of_tables_of_the_data_pool(lake: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def query(sql: str) -> Result:
        asked.append(sql)
        return Result([])

    lake.run(CLICKS)
    monkeypatch.setattr(lake.engine, "query", query)
    lake.run("CREATE STATISTICS s ON web.clicks (id)")
    assert asked == ['ANALYZE "lake"."web"."clicks"']


def test_rights_of_tables_of_the_data_pool_are_the_lakes(lake: Desk) -> None:
    lake.run(CLICKS)
    with pytest.raises(UsageError, match=r"web\.clicks is a table of the lake, which everybody may read"):
        lake.run("REVOKE SELECT ON web.clicks FROM public")
    assert lake.rows("SELECT readers FROM polybase.tables") == [(None,)]


def test_the_data_pool_may_be_made_where_it_is(lake: Desk) -> None:
    lake.run(SOURCE)
    assert lake.said == ["SqlDataPool is there already, as in every cluster"]
    assert lake.external.lookups.test("SqlDataPool") == 1
    for one in (DataSource("p", "sqldatapool://x", "a=b"), DataSource("p", "sqldatapool://x", credential=Credential("c", "i"))):
        with pytest.raises(UsageError, match="takes neither CONNECTION_OPTIONS nor CREDENTIAL"):
            check(one)

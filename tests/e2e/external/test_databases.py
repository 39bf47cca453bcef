"""PolyBase's statements on outside servers: PostgreSQL, MariaDB, H2, and MongoDB's protocol."""

from __future__ import annotations

import pytest

from tests.e2e.external.asked import DEPOT, plain, plan, rows
from tests.e2e.support.commands import bdc, document
from tests.e2e.support.host import TestHost
from tests.e2e.support.outside import H2, MongoDb, PostgreSql, java_servers


def test_a_polybase_script_runs_unchanged(defined: str) -> None:
    # 100 orders of each: 7, 17, ... 997 and 8, 18, ... 998; ann has visited twice, so that her orders count twice.
    assert defined.splitlines() == ["customer,total,pages", "ann!,100400.00,2", "bob!,50300.00,1"]


def test_names_find_external_tables_however_they_are_written(host: TestHost) -> None:
    [row] = rows(host, "SELECT (SELECT count(*) FROM Orders) a, (SELECT count(*) FROM [DBO].[orders]) b, (SELECT max(name) FROM staff) c")
    assert row == {"a": 1000, "b": 1000, "c": "bob"}
    assert rows(host, "SELECT OrderId, Note FROM dbo.orders WHERE OrderId = 7") == [{"OrderId": 7, "Note": '{"a":7}'}]


def test_what_the_source_can_do_it_does_and_pushdown_can_be_turned_off(host: TestHost) -> None:
    sql = "SELECT customerid, count(*), sum(amount) FROM dbo.orders WHERE region = 'north' GROUP BY customerid"
    assert "Query[SELECT" in plan(host, sql)
    assert "Aggregate" not in plan(host, sql)
    [source, *_] = document(host, "sql", "explain", sql)
    assert (source["where"], source["operator"]) == ("salesserver", "query")
    assert 'GROUP BY "customerid"' in source["detail"]
    assert len(rows(host, f"{sql} OPTION (FORCE EXTERNALPUSHDOWN)")) == 5
    by_text = "SELECT region, count(*) FROM dbo.orders GROUP BY region OPTION (FORCE EXTERNALPUSHDOWN)"
    assert "the aggregate over salesserver stays in Trino: keys [region]" in rows(host, by_text, code=2)
    off = plan(host, f"{sql} OPTION (DISABLE EXTERNALPUSHDOWN)")
    assert "Aggregate" in off
    assert "filterPredicate = (region" in off


def test_definitions_are_in_the_masters_views(host: TestHost) -> None:
    found = rows(host, "SELECT t.name, t.location, s.location AS source FROM sys.external_tables t JOIN sys.external_data_sources s "
                 "ON s.data_source_id = t.data_source_id ORDER BY t.name", "-e", "master")  # fmt: skip
    address = host.outside_address
    assert found == [
        {"name": "Orders", "location": "sales.public.orders", "source": f"postgresql://{address}:5433/sales"},
        {"name": "Staff", "location": "hr.public.Staff", "source": f"postgresql://{address}:5433/sales"},
        {"name": "Visits", "location": "shop.Visits", "source": f"mariadb://{address}:3307"},
    ]
    identities = rows(host, "SELECT credential_identity AS i FROM sys.database_scoped_credentials ORDER BY name")
    assert identities == [{"i": "sales"}, {"i": "web"}]


def test_sources_are_looked_into_and_tables_made_of_what_is_there(host: TestHost) -> None:
    assert "answers: 1 schema" in bdc(host, "sql", "source", "test", "shop").stdout
    assert document(host, "sql", "objects", "SalesServer", "hr.public") == [{"type": "table", "name": "hr.public.staff"}]
    columns = rows(host, "EXEC sp_data_source_table_columns 'Shop', 'shop.Visits'")
    assert columns[-1] == {"name": "price", "type": "decimal(8,2)"}
    objects = rows(host, "EXEC sp_data_source_objects @data_source = 'Shop', @max_search_depth = 2")
    assert [row["OBJECT_NAME"] for row in objects] == ["shop", "shop.visits"]
    made = bdc(host, "sql", "table", "create", "shop.Visits", "--from", "shop", "--name", "web.again", "--yes")
    assert "[price] decimal(8, 2)" in made.stdout
    assert rows(host, "SELECT sum(price) AS sum FROM web.again") == [{"sum": 3.75}]
    bdc(host, "sql", "table", "drop", "web.again", "--yes")
    assert "there is no table web.again" in rows(host, "SELECT 1 FROM web.again", code=1)


@pytest.mark.parametrize(
    ("sql", "code", "told"),
    [
        ("DROP EXTERNAL DATA SOURCE SalesServer", 2, "in use by the external tables dbo.Orders, dbo.Staff"),
        ("DROP DATABASE SCOPED CREDENTIAL WebLogin", 2, "in use by the external data source Shop"),
        ("CREATE EXTERNAL TABLE x (id BIT) WITH (LOCATION = 'orders', DATA_SOURCE = SalesServer)", 2, "no column id"),
        ("CREATE EXTERNAL TABLE x (orderid BIT) WITH (LOCATION = 'orders', DATA_SOURCE = SalesServer)", 2, "is integer in orders"),
        ("CREATE EXTERNAL TABLE x (id INT) WITH (LOCATION = 'nix', DATA_SOURCE = SalesServer)", 2, "SalesServer has no nix"),
        ("CREATE EXTERNAL TABLE x (id INT) WITH (LOCATION = 'nix', DATA_SOURCE = nobody)", 3, "no external data source nobody"),
        ("CREATE EXTERNAL TABLE other.dbo.x (id INT) WITH (LOCATION = 'nix', DATA_SOURCE = Shop)", 2, "one database, bdc, and no other"),
        ("CREATE EXTERNAL TABLE public.customers (id INT) WITH (LOCATION = 'shop.Visits', DATA_SOURCE = Shop)", 2, "in the master already"),
        ("CREATE EXTERNAL DATA SOURCE x WITH (LOCATION = 'sybase://a')", 2, "begins with none of"),
        ("CREATE EXTERNAL DATA SOURCE x WITH (LOCATION = 'teradata://a')", 1, "no JDBC driver in hdfs://bdc/drivers takes jdbc:teradata:"),
        ("CREATE EXTERNAL DATA SOURCE x WITH (LOCATION = 'odbc://a', CONNECTION_OPTIONS = 'Driver={x}')", 2, "no driver that is"),
        ("CREATE EXTERNAL DATA SOURCE x WITH (LOCATION = 'postgresql://u:p@a/b')", 2, "LOCATION has a user"),
        ("INSERT INTO external.dbo.orders SELECT * FROM external.dbo.orders", 2, "tables of databases are only read"),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_nothing(host: TestHost, sql: str, code: int, told: str) -> None:
    assert told in rows(host, sql, code=code)
    assert [row["name"] for row in document(host, "sql", "table", "list")] == ["dbo.Orders", "dbo.Staff", "web.Visits"]
    assert [row["name"] for row in document(host, "sql", "source", "list")] == ["SalesServer", "Shop", "SqlDataPool", "SqlStoragePool"]


ODD = (
    "CREATE SCHEMA odd; CREATE DOMAIN odd.age AS int; "
    "CREATE TABLE odd.kinds (id int, n numeric, wide numeric(50,10), tags text[], span int4range, years odd.age, bits bit(8)); "
    "INSERT INTO odd.kinds VALUES (1, 1234.5678, 1.0000000001, '{a,NULL}', '[1,5)', 9, '10101010'), "
    "(2, 0.1, -2, '{}', NULL, 10, NULL), (3, 900, NULL, NULL, NULL, NULL, NULL); "
    "CREATE VIEW odd.sums AS SELECT sum(n) AS s, avg(id) AS a, avg(id) / 9 AS small FROM odd.kinds; "
    "CREATE TABLE odd.unfit AS SELECT 'NaN'::numeric AS n, timestamp '-infinity' AS t, time '24:00' AS late, '{{1},{2}}'::int[] AS a;"
)


def test_no_column_of_the_master_is_left_out(host: TestHost) -> None:
    bdc(host, "sql", "run", "-e", "master", "-", stdin=ODD)
    found = rows(host, "SELECT * FROM odd.kinds ORDER BY n")
    assert [row["id"] for row in found] == [2, 3, 1]
    assert found[2] == {
        "id": 1, "n": 1234.5678, "wide": 1.0000000001, "tags": ["a", None], "span": "[1,5)", "years": 9, "bits": "10101010",
    }  # fmt: skip
    assert [row["years"] for row in rows(host, "SELECT years FROM odd.kinds WHERE years > 1 ORDER BY years")] == [9, 10]
    assert rows(host, "SELECT * FROM odd.sums") == [{"s": 2134.6678, "a": 2.0, "small": 0.22222222222222222}]
    unfit = {"n": "NaN, which is no decimal(38,20)", "t": "-infinity", "late": "24:00:00", "a": "{{1},{2}}, which is no array(integer)"}
    for column, told in unfit.items():
        assert f"the column {column} has {told}" in rows(host, f"SELECT {column} FROM odd.unfit", code=1)
    bdc(host, "sql", "run", "-e", "master", "-", stdin="DROP SCHEMA odd CASCADE")


def test_a_number_of_a_source_is_a_number(host: TestHost, sales: PostgreSql) -> None:
    sales.sql("sales", "CREATE TABLE nums (id int, n numeric); INSERT INTO nums VALUES (1, 1234.5678), (2, 0.1), (3, 900);")
    made = bdc(host, "sql", "table", "create", "public.nums", "--from", "SalesServer", "--name", "dbo.nums", "--yes")
    assert "[n] decimal(38, 20)" in made.stdout
    assert [row["id"] for row in rows(host, "SELECT id FROM dbo.nums ORDER BY n")] == [2, 3, 1]
    rows(host, "DROP EXTERNAL TABLE dbo.nums")
    table = "CREATE EXTERNAL TABLE dbo.nums (id INT, n {}) WITH (LOCATION = 'public.nums', DATA_SOURCE = SalesServer)"
    rows(host, table.format("DECIMAL(18, 4)"))
    assert [row["n"] for row in rows(host, "SELECT n FROM dbo.nums ORDER BY n")] == [0.1, 900, 1234.5678]
    sales.sql("sales", "INSERT INTO nums VALUES (4, 0.12345)")
    assert "dbo.nums: the column n has 0.12345" in rows(host, "SELECT n FROM dbo.nums", code=1)
    rows(host, "DROP EXTERNAL TABLE dbo.nums")
    rows(host, table.format("NVARCHAR(MAX)"))
    assert [row["n"] for row in rows(host, "SELECT n FROM dbo.nums ORDER BY id")] == ["1234.5678", "0.1", "900", "0.12345"]
    rows(host, "DROP EXTERNAL TABLE dbo.nums")
    sales.sql("sales", "DROP TABLE nums")


def test_a_view_of_external_tables_is_kept_in_the_lake(host: TestHost) -> None:
    assert "CREATE VIEW lake.SCHEMA.v" in rows(host, "CREATE VIEW external.dbo.v AS SELECT 1 AS a", code=2)
    rows(host, "CREATE SCHEMA IF NOT EXISTS lake.views")
    rows(host, "CREATE VIEW views.south AS SELECT orderid FROM dbo.orders WHERE region = 'south'")
    assert rows(host, "SELECT count(*) AS n FROM views.south") == [{"n": 500}]
    rows(host, "DROP VIEW views.south")
    rows(host, "DROP SCHEMA lake.views")


def test_any_database_with_a_jdbc_driver(host: TestHost, depot: H2) -> None:
    bdc(host, "sql", "credential", "set", "DepotLogin", "--identity", "depot", stdin="wrong\n")
    bdc(host, "sql", "credential", "set", "depotlogin", "--identity", "depot", stdin=f"{DEPOT}\n")
    credentials = {row["name"]: row for row in document(host, "sql", "credential", "list")}
    assert credentials["DepotLogin"] == {"name": "DepotLogin", "identity": "depot", "password": True, "sources": []}
    location = f"jdbc:h2:tcp://{host.outside_address}:9092/depot"
    source = f"CREATE EXTERNAL DATA SOURCE Depot WITH (LOCATION = '{location}', CREDENTIAL = DepotLogin)"
    failed = rows(host, source, code=1)
    assert "no JDBC driver in hdfs://bdc/drivers takes jdbc:h2:... (it has none)" in failed
    assert "bdc hdfs put DRIVER.jar /drivers/" in failed
    [jar] = java_servers().glob("h2-*.jar")
    bdc(host, "hdfs", "put", str(jar), "/drivers/")
    rows(host, source)
    bdc(host, "sql", "table", "create", "public.parts", "--from", "Depot", "--name", "dbo.parts", "--yes")
    assert rows(host, "SELECT * FROM dbo.parts WHERE id < 3 ORDER BY id") == [
        {
            "id": 1, "customer": 7, "part": "bolt", "weight": 1.25, "big": 5000000000, "ratio": 0.5, "ok": True, "made": "1066-10-14",
            "seen": "2026-03-29 02:30:00.123456", "zoned": "2026-01-01 08:00:00.000000 UTC", "raw": r"\x00ff",
            "mark": "7f1b2c3d-0000-4000-8000-000000000001",
        },
        {"id": 2, "customer": 8, "part": "nut"} | dict.fromkeys(
            ("weight", "big", "ratio", "ok", "made", "seen", "zoned", "raw", "mark")
        ),
    ]  # fmt: skip
    assert (
        len(rows(host, "SELECT customer, count(*), max(id) FROM parts WHERE id > 2 GROUP BY customer OPTION (FORCE EXTERNALPUSHDOWN)")) == 1
    )
    texts = "SELECT count(*) AS n FROM parts WHERE part = 'washer'"
    assert rows(host, texts) == [{"n": 1000}]
    assert "stays in Trino" in rows(host, f"{texts} OPTION (FORCE EXTERNALPUSHDOWN)", code=2)


def test_documents_of_mongodb(host: TestHost, reviews: MongoDb) -> None:
    statements = (
        f"CREATE EXTERNAL DATA SOURCE Reviews WITH (LOCATION = 'mongodb://{host.outside_address}');\nGO\n"
        "CREATE EXTERNAL TABLE web.Reviews (customer BIGINT, stars BIGINT, text NVARCHAR(100), at DATETIME2(3), tags NVARCHAR(MAX))\n"
        "WITH (LOCATION = 'shop.Reviews', DATA_SOURCE = Reviews)"
    )
    bdc(host, "sql", "run", "-", stdin=statements)
    assert rows(host, "SELECT * FROM web.reviews ORDER BY stars DESC") == [
        {"customer": 7, "stars": 5, "text": "fine", "at": "2026-01-02 03:04:05.000", "tags": '["a","b"]'},
        {"customer": 8, "stars": 1, "text": None, "at": None, "tags": None},
    ]


ASKED = (
    "sqlserver://{}/a",
    "oracle://{}/a",
    "mysql://{}",
    "clickhouse://{}",
    "redshift://{}/a",
    pytest.param("snowflake://{}.snowflakecomputing.com/a", marks=pytest.mark.full),  # whose driver gives up after 20 s
)


@pytest.mark.parametrize("location", ASKED)
def test_sources_that_no_server_is_there_for_are_catalogs_of_trino(host: TestHost, location: str) -> None:
    """Trino takes the connector's settings; a table is refused, since nobody answers."""
    rows(host, f"CREATE EXTERNAL DATA SOURCE asked WITH (LOCATION = '{location.format('nobody.invalid')}', CREDENTIAL = WebLogin)")
    table = "CREATE EXTERNAL TABLE asked (id INT) WITH (LOCATION = 'b.c', DATA_SOURCE = asked)"
    assert "the source asked doesn't answer" in rows(host, table, code=5)
    bdc(host, "sql", "source", "drop", "asked", "--yes")


EVERYWHERE = (
    "SELECT count(*) AS n, sum(amount) AS total, max(placed) AS placed FROM dbo.orders WHERE placed > TIMESTAMP '2026-01-01 01:00:00'",
    "SELECT c.name, count(*) AS n, sum(o.amount) AS total FROM dbo.orders o JOIN public.customers c ON c.id = o.customerid "
    "WHERE o.region = 'south' OR o.note LIKE '%1%' GROUP BY c.name ORDER BY c.name",
    "SELECT p.part, v.page, r.stars FROM dbo.parts p JOIN web.visits v ON v.customer = p.customer "
    "JOIN web.reviews r ON r.customer = p.customer ORDER BY 1, 2",
    "SELECT id, weight, big, ratio, ok, made, seen, zoned, raw, mark FROM dbo.parts "
    "WHERE id <= 2 AND (made IS NULL OR made < DATE '1500-01-01') ORDER BY id",
    "SELECT count(*) AS n FROM orders",
    "SELECT c.name, s.id FROM public.customers c JOIN public.staff s ON s.name = c.name ORDER BY 1",
)


@pytest.fixture(scope="module")
def staff(host: TestHost) -> None:
    """An external table in a schema of the master's."""
    rows(
        host, "CREATE EXTERNAL TABLE public.staff (id INT, name VARCHAR(20)) WITH (LOCATION = 'hr.public.Staff', DATA_SOURCE = SalesServer)"
    )


@pytest.mark.parametrize("sql", EVERYWHERE)
def test_one_text_has_one_answer_in_all_engines(host: TestHost, staff: None, sql: str) -> None:
    wanted = [plain(row) for row in rows(host, sql)]
    assert wanted
    for engine in ("spark", "master"):
        assert [plain(row) for row in rows(host, sql, "-e", engine)] == wanted, engine

"""External data: PolyBase's statements on outside servers: PostgreSQL, MariaDB, which fails now and then, H2, and MongoDB's protocol."""

from __future__ import annotations

import base64
import gzip
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e import gateway, sent
from tests.e2e.host import TestHost
from tests.e2e.outside import H2, MariaDb, MongoDb, PostgreSql, java_servers
from tests.e2e.test_cluster import KUBECTL, all_ready, bdc, document, kubectl, password

SALES, WEB, ROTATED, DEPOT = "sales: p@ss w/o:rd", "we'b pw+1", "another: p@ss/word", "d3pot pw"
DOCS = Path(__file__).parents[2] / "docs" / "federation.md"
BEFORE = """\
-- A script as such are written for SQL Server
USE bdc;
GO
IF NOT EXISTS (SELECT * FROM sys.external_data_sources WHERE name = 'SalesServer')
    CREATE MASTER KEY ENCRYPTION BY PASSWORD = 'Str0ng!';
GO
"""
AFTER = """
GO
CREATE STATISTICS OrdersStatistics ON dbo.Orders (CustomerId) WITH FULLSCAN;
"""


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("external", 62) as made:
        bdc(made, "up", timeout_seconds=1500)
        all_ready(made)
        yield made


@pytest.fixture(scope="module")
def sales(host: TestHost) -> Iterator[PostgreSql]:
    """Databases sales (1,000 orders of 10 customers, 100 each) and hr, one object's name in capitals."""
    server = PostgreSql(host, 5433, "sales", SALES)
    server.start()
    server.sql("postgres", "CREATE DATABASE sales; CREATE DATABASE hr;")
    server.sql(
        "sales",
        "CREATE TABLE orders (orderid int PRIMARY KEY, customerid int, region text, amount numeric(12,2), placed timestamp, note jsonb);"
        "INSERT INTO orders SELECT i, i % 10, (ARRAY['north', 'south'])[1 + i % 2], i, timestamp '2026-01-01' + i * interval '1 minute', "
        "jsonb_build_object('a', i) FROM generate_series(1, 1000) i; ANALYZE;",
    )
    server.sql("hr", """CREATE TABLE "Staff" (id int, "Name" varchar(20)); INSERT INTO "Staff" VALUES (1, 'ann'), (2, 'bob');""")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shop(host: TestHost) -> Iterator[MariaDb]:
    user = WEB.replace("'", "''")
    server = MariaDb(
        host,
        3307,
        f"CREATE USER 'web'@'%' IDENTIFIED BY '{user}';\nCREATE DATABASE shop;\nGRANT ALL ON shop.* TO 'web'@'%';\n"
        "CREATE TABLE IF NOT EXISTS shop.Visits (id INT PRIMARY KEY, customer INT, page VARCHAR(40), price DECIMAL(8,2));\n"
        "REPLACE INTO shop.Visits VALUES (1, 7, 'home', 1.5), (2, 7, 'cart', 2.25), (3, 8, 'home', 0);\n",
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def depot(host: TestHost) -> Iterator[H2]:
    """A database of which bdc knows nothing but JDBC; the first of its two rows has a value in each column, the other none."""
    server = H2(
        host,
        9092,
        "depot",
        "depot",
        DEPOT,
        "CREATE TABLE parts (id INT PRIMARY KEY, customer INT, part VARCHAR(20), weight DECIMAL(8,3), big BIGINT, ratio DOUBLE PRECISION, "
        "ok BOOLEAN, made DATE, seen TIMESTAMP(6), zoned TIMESTAMP(6) WITH TIME ZONE, raw VARBINARY(4), mark UUID);"
        "INSERT INTO parts VALUES (1, 7, 'bolt', 1.25, 5000000000, 0.5, TRUE, DATE '1066-10-14', TIMESTAMP '2026-03-29 02:30:00.123456', "
        "TIMESTAMP WITH TIME ZONE '2026-01-01 10:00:00+02:00', X'00FF', '7f1b2c3d-0000-4000-8000-000000000001');"
        "INSERT INTO parts (id, customer, part) VALUES (2, 8, 'nut');"
        "INSERT INTO parts (id, customer, part) SELECT x, 100, 'washer' FROM SYSTEM_RANGE(3, 1002);",
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def reviews(host: TestHost) -> Iterator[MongoDb]:
    server = MongoDb(host)
    server.start()
    fill = (
        "import datetime, pymongo; pymongo.MongoClient('{}').shop.Reviews.insert_many([{{'customer': 7, 'stars': 5, 'text': 'fine', "
        "'at': datetime.datetime(2026, 1, 2, 3, 4, 5), 'tags': ['a', 'b']}}, {{'customer': 8, 'stars': 1}}])"
    )
    done = host.run([sys.executable, "-c", fill.format(host.outside_address)], outside=True)
    assert done.returncode == 0, done.stderr
    yield server
    server.stop()


def rows(host: TestHost, sql: str, *options: str, code: int = 0) -> Any:
    """A statement's rows, one mapping each."""
    done = bdc(host, "-q", "sql", "query", "-o", "json", *options, sql, code=code)
    return json.loads(done.stdout) if code == 0 else done.stderr


def plan(host: TestHost, sql: str) -> str:
    return str(rows(host, f"EXPLAIN {sql}")[0]["Query Plan"])


def until(seconds: float, host: TestHost, sql: str) -> Any:
    """The rows of a statement, as soon as it works."""
    deadline = time.monotonic() + seconds
    while True:
        done = host.run(["bdc", "-q", "sql", "query", "-o", "json", sql])
        if done.returncode == 0:
            return json.loads(done.stdout)
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.5)


def script(address: str) -> str:
    """The docs' script between some more that such scripts have; its servers and passwords are the test's."""
    text = DOCS.read_text(encoding="utf-8").partition("```sql\n")[2].partition("```")[0]
    values = {
        "sales.example.com:5432": f"{address}:5433",
        "shop.example.com:3306": f"{address}:3307",
        "the password": SALES,
        "another password": WEB.replace("'", "''"),
    }
    for written, value in values.items():
        assert text.count(written) == 1, written
        text = text.replace(written, value)
    return BEFORE + text + AFTER


def test_a_polybase_script_runs_unchanged(host: TestHost, sales: PostgreSql, shop: MariaDb) -> None:
    customers = "CREATE TABLE customers (id int, name text); INSERT INTO customers VALUES (7, 'ann'), (8, 'bob');"
    bdc(host, "sql", "run", "-e", "master", "-", stdin=customers)
    done = bdc(host, "sql", "run", "-o", "csv", "-", stdin=script(host.outside_address))
    # 100 orders of each: 7, 17, ... 997 and 8, 18, ... 998; ann has visited twice, so that her orders count twice.
    assert done.stdout.splitlines() == ["customer,total,pages", "ann!,100400.00,2", "bob!,50300.00,1"]


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
        ("INSERT INTO external.dbo.orders SELECT * FROM external.dbo.orders", 1, ""),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_nothing(host: TestHost, sql: str, code: int, told: str) -> None:
    assert told in rows(host, sql, code=code)
    assert [row["name"] for row in document(host, "sql", "table", "list")] == ["dbo.Orders", "dbo.Staff", "web.Visits"]
    assert [row["name"] for row in document(host, "sql", "source", "list")] == ["SalesServer", "Shop"]


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


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose times are written without a zone, UTC, and without zeros that say nothing."""
    return {key: re.sub(r"(:\d\d)(\.\d*?)?0*( UTC|\+00)?$", r"\1\2", value).rstrip(".") if isinstance(value, str) else value
            for key, value in row.items()}  # fmt: skip


ASKED = ("sqlserver://{}/a", "oracle://{}/a", "mysql://{}", "clickhouse://{}", "redshift://{}/a", "snowflake://{}.snowflakecomputing.com/a")


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


def test_a_new_coordinator_has_all_of_it_with_no_command(host: TestHost) -> None:
    kubectl(host, "delete", "pod", "-l", "app.kubernetes.io/component=trino-coordinator")
    all_ready(host)
    assert until(60, host, "SELECT count(*) AS n FROM orders") == [{"n": 1000}]
    assert until(10, host, "SELECT count(*) AS n FROM web.visits") == [{"n": 3}]


def test_a_catalog_dropped_by_hand_comes_back(host: TestHost) -> None:
    [name] = [row["n"] for row in rows(host, "SELECT catalog_name AS n FROM system.metadata.catalogs WHERE catalog_name LIKE 'ext_shop%'")]
    rows(host, f"DROP CATALOG {name}")
    assert until(60, host, "SELECT count(*) AS n FROM web.visits") == [{"n": 3}]


def test_a_source_that_is_down_harms_no_other(host: TestHost, shop: MariaDb) -> None:
    shop.stop()
    try:
        error = rows(host, "CREATE EXTERNAL TABLE web.more (id INT) WITH (LOCATION = 'shop.Visits', DATA_SOURCE = Shop)", code=5)
        assert "the source Shop doesn't answer" in error
        assert "the source Shop doesn't answer" in bdc(host, "sql", "source", "test", "Shop", code=5).stderr
        assert rows(host, "SELECT count(*) AS n FROM orders") == [{"n": 1000}]
        rows(host, "SELECT count(*) AS n FROM web.visits", code=1)
        # A table that can't be made says why, to whoever reads it and in the list of tables.
        rows(host, "ALTER EXTERNAL DATA SOURCE Shop SET LOCATION = 'mariadb://{}:3308'".format(host.outside_address))  # noqa: UP032
        assert "the source Shop doesn't answer" in rows(host, "SELECT count(*) AS n FROM web.visits", code=5)
        [state] = [row["state"] for row in document(host, "sql", "table", "list") if row["name"] == "web.Visits"]
        assert "the source Shop doesn't answer" in state
    finally:
        shop.start()
    rows(host, "ALTER EXTERNAL DATA SOURCE Shop SET LOCATION = 'mariadb://{}:3307'".format(host.outside_address))  # noqa: UP032
    assert rows(host, "SELECT count(*) AS n FROM web.visits") == [{"n": 3}]


def test_doctor_and_psql_know_external_tables(host: TestHost) -> None:
    """Procedures of the master define them as well; one that can't be is said by the view, and by doctor."""
    call = "CALL polybase.create_external_table('web.again', 'Shop', 'shop.Visits', ARRAY['id {}', 'price numeric(8,2)'])"
    rows(host, call.format("bit"), "-e", "master")
    error = until(60, host, "SELECT 1 / count(error) AS there, max(error) AS error FROM sys.external_tables WHERE name = 'again'")
    assert "is integer in shop.Visits" in error[0]["error"]
    [check] = [row for row in json.loads(host.run(["bdc", "doctor", "-o", "json"]).stdout) if row["check"] == "external"]
    assert (check["level"], "web.again" in check["message"]) == ("warn", True)
    rows(host, "CALL polybase.drop_external_table('web.again')", "-e", "master")
    rows(host, call.format("int"), "-e", "master")
    assert until(60, host, "SELECT sum(price) AS sum FROM web.again") == [{"sum": 3.75}]
    rows(host, "DROP EXTERNAL TABLE web.again")


# --- the gateway, for PostgreSQL's clients


@pytest.fixture(scope="module")
def facts(host: TestHost, sales: PostgreSql) -> str:
    """dbo.facts, a table of an outside database, and public.facts, the same in the master. How to reach a port of the cluster's."""
    sales.sql("sales", gateway.TABLE)
    rows(host, f"CREATE EXTERNAL TABLE dbo.facts ({gateway.COLUMNS}) WITH (LOCATION = 'public.facts', DATA_SOURCE = SalesServer)")
    bdc(host, "sql", "run", "-", "-e", "master", stdin=gateway.TABLE)
    bdc(host, "credentials", "ca", str(host.folder / "ca.crt"))
    return f"host={host.address} port={{}} dbname=bdc sslmode=verify-full sslrootcert={host.folder}/ca.crt connect_timeout=10"


def client(host: TestHost, program: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A program of Python on the neighbour, which sees only the node's address."""
    return host.run(["python", "-c", program, *arguments], env={"PGPASSWORD": password(host), "PGUSER": "bdc", **env}, outside=True)


def test_postgresqls_clients_get_postgresqls_answers(host: TestHost, facts: str) -> None:
    """Types, NULLs, grouping, windows, dates and strings, on the gateway and in the master's own table."""
    program = f"import runpy, sys; sys.argv[0] = 'gateway'; runpy.run_path({gateway.__file__!r}, run_name='__main__')"
    done = client(host, program, facts.format(31433), facts.format(31435))
    assert done.returncode == 0, done.stdout + done.stderr


def test_psql_on_the_master_joins_external_tables_with_its_own(host: TestHost, facts: str) -> None:
    """The same queries, of the foreign table and of the master's own; what the gateway can't do the master does."""
    program = f"import runpy, sys; sys.argv[0] = 'gateway'; runpy.run_path({gateway.__file__!r}, run_name='__main__')"
    wait_for_foreign_table(host)
    done = client(host, program, facts.format(31433), facts.format(31433))
    assert done.returncode == 0, done.stdout + done.stderr
    ask = "import psycopg, sys\nfor row in psycopg.connect(sys.argv[1]).execute(sys.argv[2]): print(*row)"

    def shown(sql: str) -> str:
        return client(host, ask, facts.format(31433), f"EXPLAIN (VERBOSE, COSTS OFF) {sql}").stdout

    remote = {
        "SELECT small, count(*), sum(price) FROM dbo.facts WHERE id < 50 GROUP BY small":
            "SELECT small, count(*), sum(price) FROM dbo.facts WHERE ((id < 50)) GROUP BY 1",
        "SELECT a.id FROM dbo.facts a JOIN dbo.facts b ON a.id = b.small WHERE a.id < 5": "dbo.facts r1 INNER JOIN dbo.facts r2 ON",
        "SELECT id FROM dbo.facts ORDER BY price DESC LIMIT 3": "SELECT id, price FROM dbo.facts ORDER BY price DESC NULLS FIRST LIMIT 3",
        "SELECT max(rate) FROM dbo.facts WHERE extract(year FROM day) = 2026 AND name LIKE 'n%'": "\"extract\"('year'::text, day) = ",
    }  # fmt: skip
    for sql, wanted in remote.items():
        assert wanted in shown(sql), shown(sql)
    local = shown("SELECT id FROM dbo.facts WHERE name ~ 'x' AND seen < 'infinity'")
    assert re.search(r"Filter: .*~ 'x'.*'infinity'", local), f"what has no translation isn't sent: {local}"
    own = "SELECT count(*) FROM dbo.facts e JOIN public.facts m ON m.id = e.id AND m.name = e.name"
    assert client(host, ask, facts.format(31433), own).stdout == "62\n"


def test_what_the_master_sends_means_the_same_there(host: TestHost, facts: str) -> None:
    program = f"import runpy, sys; runpy.run_path({sent.__file__!r}, run_name='__main__')"
    functions = Path(__file__).parents[2] / "images" / "postgres" / "fdw" / "functions.h"
    done = client(host, program, facts.format(31433), str(functions))
    assert done.returncode == 0, done.stdout + done.stderr
    shown = client(
        host, "import psycopg, sys\nc = psycopg.connect(sys.argv[1], autocommit=True)\nc.execute('ANALYZE dbo.facts')\n"
        "print(c.execute(\"SELECT reltuples FROM pg_class WHERE oid = 'dbo.facts'::regclass\").fetchall())", facts.format(31433),
    )  # fmt: skip
    assert shown.stdout == "[(67.0,)]\n", shown.stderr


SQLALCHEMY = """
import sqlalchemy, sys
engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: __import__("psycopg").connect(sys.argv[1]))
about = sqlalchemy.inspect(engine)
print("facts" in about.get_foreign_table_names("dbo"), about.has_table("facts", "dbo"), about.get_table_comment("facts", "dbo")["text"])
print(*(f"{column['name']} {column['type']}" for column in about.get_columns("facts", "dbo")), sep=", ")
facts = sqlalchemy.Table("facts", sqlalchemy.MetaData(), schema="dbo", autoload_with=engine)
asked = sqlalchemy.select(facts.c.small, sqlalchemy.func.sum(facts.c.price)).where(facts.c.id < 4, facts.c.name.in_(["name 1", "name 2"]))
with engine.connect() as connection:
    print(*connection.execute(asked.group_by(facts.c.small).order_by(facts.c.small)).fetchall())
    print(connection.execute(sqlalchemy.select(facts).where(facts.c.id == 3)).mappings().one()["mark"])
"""


@pytest.mark.parametrize("port", [31435, 31433])
def test_tools_see_external_tables_and_ask_them(host: TestHost, facts: str, port: int) -> None:
    """By the gateway, and in the master: SQLAlchemy, and JDBC."""
    wait_for_foreign_table(host)
    done = client(host, SQLALCHEMY, facts.format(port))
    assert done.returncode == 0, done.stderr
    first, columns, sums, mark = done.stdout.splitlines()
    assert re.fullmatch(r"True True public\.facts of SalesServer \(external, \w+\)", first), first
    assert columns == (
        "id INTEGER, small SMALLINT, big BIGINT, price NUMERIC(12, 2), rate DOUBLE PRECISION, share REAL, name VARCHAR(20), note TEXT, "
        "code CHAR(3), ok BOOLEAN, day DATE, seen TIMESTAMP, zoned TIMESTAMP, mark UUID, raw BYTEA"
    )
    assert (sums, mark) == ("(1, Decimal('1.25')) (2, Decimal('2.50'))", "00000000-0000-4000-8000-000000000003")
    source = Path(__file__).parent / "servers" / "Jdbc.java"
    url = f"jdbc:postgresql://{host.address}:{port}/bdc?sslmode=verify-full&sslrootcert={host.folder}/ca.crt"
    command = ["java", "-cp", str(java_servers() / "*"), str(source), url]
    told = host.run(command, env={"PGPASSWORD": password(host), "PGUSER": "bdc"}, outside=True)
    lines = told.stdout.splitlines()
    assert told.returncode == 0, told.stderr
    assert lines[:3] == ["PostgreSQL 17", "schemas: dbo", "tables: facts FOREIGN TABLE"]
    assert [line for line in lines if line.startswith("columns: ")][3:5] == ["columns: price numeric 12 2", "columns: rate float8 17 17"]
    assert [line for line in lines if line.startswith(("keys", "indexes", "foreign"))] == []
    row = "3 3.75 2026-02-03 2026-03-29T03:30:00Z 00000000-0000-4000-8000-000000000003 0003 false name 3"
    assert lines.count(row) == 7, "by text and by binary values"
    assert lines[-4] == "67 rows by tens"
    assert lines[-3].startswith("57014 ERROR: canceling statement due to" if port == 31435 else "0A000 ERROR: cross-database references")
    assert lines[-2:] == ['42703 ERROR: column "nope" does not exist', "true"]


def wait_for_foreign_table(host: TestHost) -> None:
    deadline = time.monotonic() + 60
    while not rows(host, "SELECT 1 AS there FROM pg_foreign_table WHERE ftrelid = to_regclass('dbo.facts')", "-e", "master"):
        assert time.monotonic() < deadline
        time.sleep(1)


def test_what_runs_in_the_source_is_shown_and_what_has_no_translation_is_refused(host: TestHost, facts: str) -> None:
    ask = "import psycopg, sys\nfor row in psycopg.connect(sys.argv[1]).execute(sys.argv[2]): print(*row)"
    shown = client(host, ask, facts.format(31435), "EXPLAIN SELECT small, sum(price) FROM dbo.facts WHERE id < 9 GROUP BY small").stdout
    assert re.search(r"Query\[.*sum\(", shown), shown
    refused = client(host, ask, facts.format(31435), "SELECT name ~ 'x' FROM dbo.facts").stderr
    assert "name ~ 'x' can't be translated" in refused
    assert "psycopg.errors.FeatureNotSupported" in refused
    joined = "SELECT f.name, n.name FROM dbo.facts f JOIN tpch.tiny.nation n ON n.nationkey = f.id JOIN public.facts m ON m.id = f.id"
    assert client(host, ask, facts.format(31435), f"{joined} WHERE f.id = 3").stdout == "name 3 CANADA\n"
    assert client(host, ask, facts.format(31435), "SELECT count(*) FROM pg_roles WHERE rolname = 'gateway'").stdout == "1\n"
    for reads in ("SELECT count(*) FROM pg_authid", "SELECT query_to_xml('SELECT * FROM public.facts', true, true, '')"):
        assert "InsufficientPrivilege" in client(host, ask, facts.format(31435), reads).stderr


def test_whom_the_master_lets_in_the_gateway_lets_in_with_their_rights(host: TestHost, facts: str) -> None:
    rows(host, "CREATE ROLE eve LOGIN PASSWORD 'eve and her pw'", "-e", "master")
    rows(host, "REVOKE SELECT ON dbo.orders FROM public")
    ask = "import psycopg, sys\nprint(psycopg.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())"
    eve = {"PGUSER": "eve", "PGPASSWORD": "eve and her pw"}
    asked = "SELECT count(*), current_user FROM dbo.facts"
    assert client(host, ask, facts.format(31435), asked, **eve).stdout == "[(67, 'eve')]\n"
    told = {
        "SELECT count(*) FROM dbo.orders": "you may not read dbo.Orders",
        "SELECT count(*) FROM public.facts": 'relation "public.facts" does not exist',
        "SELECT count(*) FROM master.public.facts": "does not exist",
        "DELETE FROM dbo.facts": "cannot execute DELETE in a read-only transaction",
    }
    for sql, error in told.items():
        said = client(host, ask, facts.format(31435), sql, **eve).stderr
        assert error in said, said
    assert client(host, ask, facts.format(31433), asked, **eve).stdout == "[(67, 'eve')]\n", "in the master she is herself there too"
    deadline = time.monotonic() + 60
    while "permission denied for foreign table" not in (
        said := client(host, ask, facts.format(31433), "SELECT count(*) FROM dbo.orders", **eve).stderr
    ):
        assert time.monotonic() < deadline, said
        time.sleep(1)
    wrong = client(host, ask, facts.format(31435), asked, PGUSER="eve", PGPASSWORD="wrong").stderr
    assert 'password authentication failed for user "eve"' in wrong
    plain = facts.format(31435).replace("verify-full", "disable")
    assert "connections without TLS aren't accepted" in client(host, ask, plain, asked, **eve).stderr
    rows(host, "ALTER ROLE eve NOLOGIN", "-e", "master")
    assert "password authentication failed" in client(host, ask, facts.format(31435), asked, **eve).stderr
    rows(host, "GRANT SELECT ON dbo.orders TO public")


def test_a_query_ends_with_its_client_and_a_gateway_that_is_lost_is_another(host: TestHost, facts: str) -> None:
    """A client is ended in the middle of a result; then the gateway is, under a statement."""
    stream = (
        "import psycopg, sys\nc = psycopg.connect(sys.argv[1]).cursor('c')\nc.execute('SELECT * FROM tpch.sf100.lineitem')\n"
        "print(c.fetchone()[0], flush=True)\n{}"
    )
    assert client(host, stream.format("import os; os._exit(0)"), facts.format(31435)).returncode == 0
    running = "SELECT count(*) AS n FROM system.runtime.queries WHERE state = 'RUNNING' AND query LIKE '%sf100%' AND source = 'bdc-gateway'"
    deadline = time.monotonic() + 60
    while rows(host, running) != [{"n": 0}]:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    lost = host.popen(["python", "-c", stream.format("for _ in c: pass"), facts.format(31435)], outside=True,
                      env={"PGPASSWORD": password(host), "PGUSER": "bdc"})  # fmt: skip
    assert lost.stdout
    lost.stdout.readline()
    kubectl(host, "delete", "pod", "-l", "app.kubernetes.io/component=sql-gateway", "--grace-period=0", "--force")
    error = lost.communicate(timeout=60)[0]
    assert "psycopg.OperationalError" in error, error
    ask = (
        "import psycopg, sys\ntry: print(psycopg.connect(sys.argv[1]).execute('SELECT count(*) FROM dbo.facts').fetchall())\n"
        "except psycopg.OperationalError: print('not yet')"
    )
    deadline = time.monotonic() + 90
    while (again := client(host, ask, facts.format(31435))).stdout == "not yet\n" and time.monotonic() < deadline:
        time.sleep(1)
    assert again.stdout == "[(67,)]\n", again.stderr


def test_a_password_changes_while_all_runs(host: TestHost, sales: PostgreSql) -> None:
    sales.sql("postgres", f"ALTER ROLE sales PASSWORD '{ROTATED}'")
    statement = f"ALTER DATABASE SCOPED CREDENTIAL SalesLogin WITH IDENTITY = 'sales', SECRET = '{ROTATED}'"
    bdc(host, "sql", "run", "-", stdin=statement)
    assert rows(host, "SELECT count(*) AS n FROM orders") == [{"n": 1000}]
    kept = json.loads(kubectl(host, "get", "secret", "external-credentials", "-o", "json"))["data"].values()
    assert sorted(base64.b64decode(value).decode() for value in kept) == sorted([ROTATED, WEB, DEPOT])


def test_no_password_is_anywhere_but_in_its_secret(host: TestHost, tmp_path: Path) -> None:
    kubectl(host, "create", "configmap", "planted", f"--from-literal=a={base64.b64encode(WEB.encode()).decode()}")
    assert leaks(host) == {"objects"}, "the search finds what is there"
    kubectl(host, "delete", "configmap", "planted")
    assert leaks(host) == set()


def texts_below(folder: Path) -> str:
    """The contents of all files, packed ones unpacked."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return "\n".join((gzip.decompress if path.suffix == ".gz" else bytes)(path.read_bytes()).decode(errors="replace") for path in found)


def leaks(host: TestHost) -> set[str]:
    """Where a password is found, as it is, in base64, or as a part of a URL: all the places that people and programs read."""
    secrets = (SALES, WEB, ROTATED, DEPOT)
    forms = {*secrets, *(base64.b64encode(one.encode()).decode() for one in secrets), *(quote(one, safe="") for one in secrets)}
    kinds = "pods,configmaps,deployments,statefulsets,jobs,replicasets,events,services,serviceaccounts"
    user = f"bdc:{password(host)}"
    texts = {
        "objects": kubectl(host, "get", kinds, "-o", "json"),
        "logs": texts_below(host.folder / "disk" / "var_log"),
        "processes": host.run(["ps", "axww", "-o", "args"]).stdout,
        "state": texts_below(host.folder / "home"),
        "queries": host.run(["curl", "-sSk", "-u", user, f"https://{host.address}:31880/v1/query"]).stdout,
        "statements": json.dumps(rows(host, "SELECT query FROM system.runtime.queries")),
        "definitions": json.dumps([rows(host, f"SELECT * FROM polybase.{name}", "-e", "master") for name in ("credentials", "sources")]),
        "catalogs": host.run([*KUBECTL, "exec", "deploy/trino-coordinator", "--", "sh", "-c", "cat /etc/trino/catalog/*"]).stdout,
    }
    assert "ext_salesserver" in texts["statements"] + texts["catalogs"]
    assert all(texts.values()), [name for name, text in texts.items() if not text]
    return {name for name, text in texts.items() if any(form in text for form in forms)}

"""Files of an object store, by S3's protocol."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.e2e.external.asked import plain, rows
from tests.e2e.support.commands import bdc
from tests.e2e.support.host import TestHost
from tests.e2e.support.outside import VersityGw


def test_files_of_an_object_store_are_tables_too(host: TestHost, store: VersityGw) -> None:
    text = "SELECT region, count(*) AS n, sum(amount) AS total FROM dbo.{} GROUP BY region ORDER BY region"
    wanted = [plain(row) for row in rows(host, text.format("orders"))]
    for engine in ("federation", "spark", "master"):
        assert [plain(row) for row in rows(host, text.format("salesofstore"), "-e", engine)] == wanted, engine
    rows(host, "INSERT INTO dbo.SalesOfStore VALUES (1001, 'west', 1.5)")
    assert rows(host, "SELECT count(*) AS n FROM salesofstore") == [{"n": 1001}]
    table = "CREATE EXTERNAL TABLE dbo.{} {} WITH (LOCATION = '/{}', DATA_SOURCE = Store, FILE_FORMAT = {})"
    rows(host, table.format("kept", "", "kept", "DeltaTables") + " AS SELECT orderid, region FROM orders WHERE orderid < 4")
    rows(host, "INSERT INTO kept SELECT orderid, region FROM orders WHERE orderid = 4")
    rows(host, "UPDATE kept SET region = 'x' WHERE orderid = 1")
    rows(host, "DELETE FROM kept WHERE orderid = 2")
    assert [row["orderid"] for row in rows(host, "SELECT orderid FROM kept WHERE region <> 'x' ORDER BY orderid")] == [3, 4]
    rows(host, table.format("said", "", "said", "CsvFiles") + " AS SELECT orderid, region FROM orders WHERE orderid < 4")
    rows(host, "INSERT INTO said VALUES (9, 'a \"b\", c')")
    assert rows(host, "SELECT sum(orderid) AS s, max(region) AS r FROM said") == [{"s": 15, "r": "south"}]
    assert rows(host, "SELECT region FROM said WHERE orderid = 9") == [{"region": 'a "b", c'}]
    for path, content in {"day=2026-01-01/a.csv": "h\n1,x\n", "day=2026-01-02/b.csv": 'h\n2,"y,z"\n'}.items():
        file = store.buckets / "sales" / "in" / path
        file.parent.mkdir(parents=True)
        file.write_text(content)
    rows(host, table.format("sent", "(id INT, what NVARCHAR(9), day DATE)", "in", "CsvFiles"))
    assert rows(host, "SELECT what FROM sent WHERE day = DATE '2026-01-02'") == [{"what": "y,z"}]
    rows(host, table.format("first", "(id INT, what NVARCHAR(9))", "in/day=2026-01-01/a.csv", "CsvFiles"))
    assert "a.csv is one file" in rows(host, "INSERT INTO first VALUES (3, 'z')", code=1)
    assert rows(host, "SELECT id, what FROM first") == [{"id": 1, "what": "x"}]
    [name, *_] = sorted(one.name for one in (store.buckets / "sales" / "2026").iterdir())
    made = bdc(host, "sql", "table", "create", f"/2026/{name}", "--from", "Store", "--name", "dbo.one", "--yes").stdout
    assert "[amount] decimal(12, 2)) WITH" in made
    assert 0 < rows(host, "SELECT count(*) AS n FROM one")[0]["n"] < 1001
    for name in ("kept", "said", "sent", "first", "one"):
        rows(host, f"DROP EXTERNAL TABLE {name}")


def test_an_object_store_says_what_is_wrong(host: TestHost, store: VersityGw) -> None:
    table = "CREATE EXTERNAL TABLE x (id INT) WITH (LOCATION = '/{}', DATA_SOURCE = {}, FILE_FORMAT = ParquetFiles)"
    assert "the source Store has no /nix" in rows(host, table.format("nix", "Store"), code=2)
    query = table.format("2026", "Store").replace("(id INT)", "") + " AS SELECT 1 AS id"
    assert "there are files in /2026 already" in rows(host, query, code=2)
    rows(host, "CREATE DATABASE SCOPED CREDENTIAL wronglogin WITH IDENTITY = 'bdctest', SECRET = 'wrong'")
    for name, bucket, login, told in (
        ("shut", "sales", "wronglogin", "signature we calculated does not match"),
        ("gone", "nobucket", "storelogin", "The specified bucket does not exist"),
    ):
        options = f"CONNECTION_OPTIONS = 'endpoint=http://{host.outside_address}:9000', CREDENTIAL = {login}"
        rows(host, f"CREATE EXTERNAL DATA SOURCE {name} WITH (LOCATION = 's3://{bucket}', {options})")
        said = rows(host, table.format("2026", name), code=5)
        assert f"the source {name} doesn't answer" in said
        assert told in said
        rows(host, f"DROP EXTERNAL DATA SOURCE {name}")
    rows(host, "DROP DATABASE SCOPED CREDENTIAL wronglogin")
    store.stop()
    try:
        asked = "SELECT count(*) FROM dbo.salesofstore"
        with ThreadPoolExecutor() as at_once:  # Trino tries a store for half a minute
            made = at_once.submit(bdc, host, "sql", "query", table.format("2027", "Store"), code=5)
            read = [at_once.submit(bdc, host, "sql", "query", "-e", engine, asked, code=1) for engine in ("federation", "master")]
        assert "the source Store doesn't answer" in made.result().stderr
        assert ["Connection refused" in one.result().stderr for one in read] == [True, True]
    finally:
        store.start()
    assert rows(host, "SELECT count(*) AS n FROM salesofstore") == [{"n": 1001}]

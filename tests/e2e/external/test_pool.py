"""The data pool, and tables that queries make."""

from __future__ import annotations

import time
from pathlib import Path

import duckdb
import pytest

from tests.e2e.external.asked import plain, rows
from tests.e2e.support.commands import bdc, document, kubectl
from tests.e2e.support.host import TestHost


def test_the_data_pool_is_loaded_asked_and_exported(host: TestHost, bought: None) -> None:
    text = "SELECT b.page, b.amount, c.id FROM dbo.bought b LEFT JOIN public.customers c ON c.id = b.customerid ORDER BY b.orderid"
    wanted = [plain(row) for row in rows(host, text)]
    assert [row["page"] for row in wanted] == ['home, sweet "home"', None, "two\nlines", "Zoë 😀"]
    for engine in ("spark", "master"):
        assert [plain(row) for row in rows(host, text, "-e", engine)] == wanted, engine
    exported = rows(
        host, "SELECT page, CAST(amount AS double) AS amount FROM parquet.`hdfs://bdc/data/report` ORDER BY amount", "-e", "spark"
    )
    assert exported == [{"page": row["page"], "amount": float(row["amount"])} for row in sorted(wanted, key=lambda row: row["amount"])]
    shown = bdc(host, "sql", "table", "show", "bought").stdout
    assert "DISTRIBUTION = ROUND_ROBIN" in shown
    assert "LOCATION" not in shown
    assert rows(host, "SELECT count(*) AS n FROM dbo.orders", "-e", "spark") == [{"n": 1000}]  # dbo is a schema of the lake's now, too


def test_rows_of_the_data_pool_and_of_delta_tables_change(host: TestHost, bought: None, trips: object) -> None:
    rows(host, "INSERT INTO dbo.bought VALUES (1, 7, 5.00, 'spark')", "-e", "spark")
    rows(host, "INSERT INTO bought SELECT orderid, customerid, amount, 'more' FROM dbo.orders WHERE orderid > 998")
    rows(host, "INSERT INTO bought (page, amount, orderid) VALUES (5, '1.255', '77')")  # which T-SQL converts
    assert rows(host, "SELECT orderid, page, amount FROM bought WHERE page = '5'") == [{"orderid": 77, "page": "5", "amount": 1.26}]
    rows(host, "DELETE FROM bought WHERE orderid = 77")
    rows(host, "UPDATE dbo.Bought SET [Page] = N'changed' WHERE Page = 'spark'")
    rows(host, "DELETE FROM dbo.bought WHERE orderid = 3 OR orderid = 999")
    rows(host, "MERGE INTO bought t USING (VALUES (1, 'x'), (99, 'new')) AS s (id, page) ON t.orderid = s.id AND t.page = 'changed' "
               "WHEN MATCHED THEN UPDATE SET page = s.page WHEN NOT MATCHED THEN INSERT (orderid, page) VALUES (s.id, s.page)")  # fmt: skip
    wanted = [(1, 'home, sweet "home"'), (1, "x"), (2, None), (6, "Zoë 😀"), (99, "new"), (1000, "more")]
    for engine in ("federation", "spark", "master"):
        found = rows(host, "SELECT orderid, page FROM dbo.bought ORDER BY orderid, page", "-e", engine)
        assert [(row["orderid"], row["page"]) for row in found] == wanted, engine
    rows(host, "UPDATE drivers SET name = 'tim' WHERE id = 2")
    assert rows(host, "SELECT name FROM made.drivers WHERE id = 2", "-e", "spark") == [{"name": "tim"}]
    rows(host, "UPDATE drivers SET name = 'eve' WHERE id = 2")
    assert "rows are only added" in rows(host, "DELETE FROM trips WHERE id = 1", code=2)


def test_what_is_assigned_is_converted_as_t_sql_does(host: TestHost) -> None:
    """As INSERT converts it: the type of each value is asked for, also where it is of what a MERGE uses."""
    rows(host, "CREATE EXTERNAL TABLE dbo.levels (id INT, level TINYINT, name NVARCHAR(9)) WITH (DATA_SOURCE = SqlDataPool)")
    rows(host, "INSERT INTO levels VALUES (1, 7, 'a'), (2, 8.9, 'b')")
    rows(host, "UPDATE levels SET level = (SELECT max(level) FROM levels) + 1.7, name = 5 WHERE id = 1")
    using = "MERGE INTO levels AS t USING (VALUES (2, {}), (3, 4e0)) AS s (id, level) ON t.id = s.id "
    merged = using + "WHEN MATCHED THEN UPDATE SET level = s.level"
    rows(host, merged.format("2.5") + " WHEN NOT MATCHED THEN INSERT (id, level) VALUES (s.id, s.level + 0.9)")
    wanted = [{"id": 1, "level": 9, "name": "5"}, {"id": 2, "level": 2, "name": "b"}, {"id": 3, "level": 4, "name": None}]
    assert rows(host, "SELECT * FROM levels ORDER BY id") == wanted
    for statement in ("UPDATE levels SET level = 256", "UPDATE levels SET level = -level WHERE id = 3", merged.format("256")):
        assert "dbo.levels: the column level has " in rows(host, statement, code=1)
    assert rows(host, "SELECT * FROM levels ORDER BY id") == wanted
    rows(host, "DROP EXTERNAL TABLE levels")


@pytest.mark.parametrize("form", ["Delta", "Orc", "Parquet"])
def test_a_query_becomes_files_and_their_table(host: TestHost, trips: object, form: str) -> None:
    named = form + ("Tables" if form == "Delta" else "Files")
    into = f"WITH (LOCATION = '/data/queries/{form}', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = {named})"
    rows(host, f"CREATE EXTERNAL TABLE dbo.made {into} AS SELECT id, fare, began, ARRAY[id] AS ids FROM trips WHERE id < 5")
    made = f"CREATE EXTERNAL TABLE dbo.made {into} AS SELECT id, fare, began FROM trips WHERE id < 600"
    found = rows(host, "SELECT id, fare, began, ids FROM dbo.made ORDER BY id")
    assert found == rows(host, "SELECT id, fare, began, json_format(CAST(ARRAY[id] AS json)) AS ids FROM trips WHERE id < 5 ORDER BY id")
    assert rows(host, f"SELECT sum(id) AS n FROM {form.lower()}.`hdfs://bdc/data/queries/{form}`", "-e", "spark") == [{"n": 10}]
    again = made.replace("dbo.made", "dbo.again")
    assert f"there are files in /data/queries/{form} already" in rows(host, again, code=2)
    # What fails leaves neither a file nor a table, and may be said once more; what has no row is a folder.
    other = again.replace(f"queries/{form}'", f"queries/{form}2'")
    assert "no" in rows(host, other.replace("fare,", "CASE WHEN id = 599 THEN fail('no') ELSE fare END AS fare,"), code=1)
    left = [one["path"] for one in document(host, "hdfs", "ls", "-R", "/data/queries") if one["type"] == "file"]
    if form == "Delta":  # a file that no log names may be left, and is in the way
        assert not any(path.startswith("/data/queries/Delta2/_delta_log") for path in left)
        other = other.replace("queries/Delta2'", "queries/Delta3'")
    else:
        assert not any(path.startswith(f"/data/queries/{form}2/") for path in left)
    rows(host, other.replace("id < 600", "id < 0"))
    assert rows(host, "SELECT count(*) AS n FROM again") == [{"n": 0}]
    bdc(host, "sql", "table", "drop", "made", "--yes")
    bdc(host, "sql", "table", "drop", "again", "--yes")


@pytest.mark.parametrize(
    ("sql", "code", "told"),
    [
        ("WITH (DATA_SOURCE = SqlDataPool) AS SELECT 1", 2, "the column 1 of the query has no name"),
        ("WITH (DATA_SOURCE = SqlDataPool) AS SELECT 1 / (orderid - 5) AS x FROM orders", 1, "Division by zero"),
        ("WITH (DATA_SOURCE = SqlDataPool) AS SELECT x FROM orders", 1, "Column 'x' cannot be resolved"),
        ("(id UNIQUEIDENTIFIER) WITH (DATA_SOURCE = SqlDataPool)", 2, "write NVARCHAR(36)"),
        ("(id INT) WITH (DATA_SOURCE = SqlDataPool, LOCATION = '/x')", 2, "neither LOCATION nor FILE_FORMAT"),
        ("WITH (LOCATION = '/data/x', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = CsvFiles) AS SELECT ARRAY[1] AS x", 2, "text has no"),
        ("WITH (LOCATION = '/data/shut/x', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = OrcFiles) AS SELECT 1 AS x", 2, "Permission denied"),
        ("WITH (LOCATION = 'shop.x', DATA_SOURCE = Shop) AS SELECT 1 AS x", 2, "tables of databases are only read"),
    ],
)  # fmt: skip
def test_queries_that_make_no_table_leave_nothing(host: TestHost, bought: None, sql: str, code: int, told: str) -> None:
    assert told in rows(host, f"CREATE EXTERNAL TABLE dbo.x {sql}", code=code)
    assert "dbo.x" not in [row["name"] for row in document(host, "sql", "table", "list")]
    assert rows(host, "SHOW TABLES FROM lake.dbo LIKE 'x'") == []
    assert "/data/x" not in bdc(host, "hdfs", "ls", "/data").stdout.split()


def test_rows_are_written_in_order_of_what_comes_again(host: TestHost, tmp_path: Path) -> None:
    """By the column of two values, then that of seven, so that queries skip what they don't ask for; a few rows stay as they came."""
    query = "SELECT orderkey, linenumber, linestatus FROM tpch.tiny.lineitem"
    rows(host, f"CREATE EXTERNAL TABLE dbo.ordered WITH (DATA_SOURCE = SqlDataPool) AS {query}")
    rows(host, "CREATE EXTERNAL TABLE dbo.few WITH (DATA_SOURCE = SqlDataPool) AS SELECT * FROM (VALUES 2, 1, 2, 1) AS t (n)")
    written = {}
    for table in ("ordered", "few"):
        [found] = rows(host, f'SELECT DISTINCT "$path" AS path FROM lake.dbo.{table}')
        bdc(host, "hdfs", "get", found["path"].removeprefix("hdfs://bdc"), str(tmp_path / table))
        written[table] = duckdb.read_parquet(str(tmp_path / table)).fetchall()
    pairs = [(status, number) for _, number, status in written["ordered"]]
    assert len(pairs) == 60_175
    assert pairs == sorted(pairs)
    assert written["few"] == [(2,), (1,), (2,), (1,)]
    for table in ("ordered", "few"):
        bdc(host, "sql", "table", "drop", table, "--yes")


def test_the_data_pool_keeps_itself_in_shape(host: TestHost, bought: None) -> None:
    files = 'SELECT count(DISTINCT "$path") AS files, count(*) AS n FROM lake.dbo.bought'
    deadline = time.monotonic() + 240
    while rows(host, files) != [{"files": 1, "n": 6}]:
        assert time.monotonic() < deadline, rows(host, 'SELECT * FROM lake.dbo."bought$history"')
        time.sleep(2)
    shown = rows(host, "SHOW STATS FOR lake.dbo.bought")
    assert shown[-1]["row_count"] == 6.0
    assert [row["distinct_values_count"] for row in shown[:1]] != [None]
    assert "data pool: dbo.Bought: files of versions older than 7d are removed" in kubectl(host, "-n", "bdc", "logs", "deploy/reconciler")
    rows(host, "DROP EXTERNAL TABLE bought")
    assert rows(host, "SHOW TABLES FROM lake.dbo LIKE 'bought'") == []
    assert "bought" not in bdc(host, "hdfs", "ls", "/warehouse/dbo.db").stdout
    assert "there is no table dbo.bought" in rows(host, "SELECT 1 FROM dbo.bought", code=1)

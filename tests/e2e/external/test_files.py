"""Parquet, ORC and Delta on HDFS, read and written where they are."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.e2e.external.asked import block, plain, rows
from tests.e2e.support.commands import bdc, document
from tests.e2e.support.host import TestHost

KINDS = (
    "SELECT id, CAST(id AS int) i, CAST(id AS smallint) s, CAST(id / 3 AS float) f, id / 3 d, CAST(id / 7 AS decimal(20, 4)) dec, "
    "CASE WHEN id <> 5 THEN concat('n', id) END name, id % 2 = 0 b, DATE '1969-12-25' + CAST(id AS int) day, "
    "TIMESTAMP '1969-12-31 23:59:59.123456' ts, binary('a') bin FROM range(20)"
)


def test_files_are_read_where_they_are(trips: subprocess.CompletedProcess[str]) -> None:
    assert "SqlStoragePool is there already" in trips.stderr
    fares: dict[tuple[str, str, str], float] = {}
    for number in range(1, 600, 2):
        name, car = (("ann", "fiat"), ("bob", "saab"), ("eve", "lada"))[number % 3]
        key = name, car, "the south" if number % 4 < 2 else ""
        fares[key] = fares.get(key, 0) + number / 2
    header, *found = trips.stdout.splitlines()
    assert header == "Name,Car,Region,fares"
    assert sorted(found) == sorted(f"{','.join(key)},{fare:.2f}" for key, fare in fares.items())


def test_files_have_one_answer_in_all_engines(host: TestHost, trips: object) -> None:
    text = (
        "SELECT t.year, d.name, count(*) AS n, sum(t.fare) AS fares, max(t.began) AS last FROM dbo.trips t "
        "JOIN dbo.drivers d ON d.id = t.driver JOIN public.customers c ON c.name = d.name WHERE t.region IS NULL GROUP BY t.year, d.name "
        "ORDER BY t.year, d.name"
    )
    wanted = [plain(row) for row in rows(host, text)]
    assert [(row["year"], row["name"], row["n"]) for row in wanted] == [(y, n, 50) for y in (2025, 2026) for n in ("ann", "bob")]
    for engine in ("spark", "master"):
        assert [plain(row) for row in rows(host, text, "-e", engine)] == wanted, engine


@pytest.mark.parametrize(("folder", "form"), [("orc", "OrcFiles"), ("parquet", "ParquetFiles"), ("legacy", "ParquetFiles")])
def test_days_before_1582_and_names_of_fields_are_as_they_were_written(host: TestHost, trips: object, folder: str, form: str) -> None:
    """ORC of Spark 4.2, and Parquet where it is told to, count such days in the calendar of that time."""
    table = "CREATE EXTERNAL TABLE dbo.early ({}) WITH (LOCATION = '/data/early/{}', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = {})"
    columns = "id INT, d DATE, t DATETIME2(6), a NVARCHAR(MAX), s NVARCHAR(MAX)"
    rows(host, table.format(columns, folder, form))
    days = ["1000-02-28", "0001-01-01", "1582-10-04", "1582-10-15"]
    times = ["01:02:03.123456", "00:00:00.000000", "23:59:59.999999", "00:00:00.000000"]
    assert rows(host, "SELECT * FROM dbo.early ORDER BY id") == [
        {
            "id": number, "d": day, "t": f"{day} {time_}", "a": f'["{day}"]',
            "s": f'{{"InnerName":{number},"Parts":[{{"aB":"{day}"}}]}}',
        }
        for number, (day, time_) in enumerate(zip(days, times, strict=True), 1)
    ]  # fmt: skip
    assert rows(host, "SELECT id FROM dbo.early WHERE d = DATE '1000-02-28'") == [{"id": 1}]
    assert rows(host, "SELECT id FROM dbo.early WHERE t < TIMESTAMP '1582-10-05 00:00:00' ORDER BY id") == [{"id": 1}, {"id": 2}, {"id": 3}]
    rows(host, "DROP EXTERNAL TABLE dbo.early")


def test_a_tinyint_of_files_is_0_to_255(host: TestHost, trips: object) -> None:
    table = "CREATE EXTERNAL TABLE dbo.{} (id INT, small TINYINT) WITH (LOCATION = '{}', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = {})"
    for form, folder in (("OrcFiles", "orc"), ("ParquetFiles", "parquet")):
        rows(host, table.format("early", f"/data/early/{folder}", form))
        told = rows(host, "SELECT * FROM dbo.early", code=1)
        assert "dbo.early: the column small has " in told
        assert "which is no TINYINT" in told
        rows(host, "DROP EXTERNAL TABLE dbo.early")
    bdc(host, "hdfs", "mkdir", "/data/small")
    for form in ("ParquetFiles", "OrcFiles"):
        rows(host, table.format("small", "/data/small", form))
        assert "the column small has 256, which is no TINYINT" in rows(host, "INSERT INTO dbo.small SELECT 1, 256", code=1)
        assert rows(host, "SELECT * FROM dbo.small") == []
        rows(host, "DROP EXTERNAL TABLE dbo.small")
    bdc(host, "hdfs", "rm", "-r", "/data/small")


def test_folders_come_and_go(host: TestHost, trips: object) -> None:
    """And a condition on what they are named by reads no other."""
    rows(host, "INSERT INTO made.trips VALUES (1000, 0, 1, timestamp'2027-01-01', 2027, 'north')", "-e", "spark")
    assert rows(host, "SELECT id, region FROM trips WHERE year = 2027") == [{"id": 1000, "region": "north"}]
    bdc(host, "hdfs", "mkdir", "-p", "/data/Trips/Year=2024/Region=x")
    bdc(host, "hdfs", "put", "-", "/data/Trips/Year=2024/Region=x/broken.parquet", stdin="no Parquet")
    assert rows(host, "SELECT count(*) AS n FROM trips WHERE year >= 2026") == [{"n": 301}]
    told = rows(host, "SELECT sum(id) AS n FROM trips", code=1)
    assert "Malformed Parquet file" in told
    assert "Year=2024/Region=x/broken.parquet" in told
    bdc(host, "hdfs", "rm", "-r", "/data/Trips/Year=2024", "/data/Trips/Year=2027")
    assert rows(host, "SELECT count(*) AS n FROM trips") == [{"n": 600}]
    bdc(host, "hdfs", "mkdir", "/data/Trips/other")
    assert "isn't named by year" in rows(host, "SELECT count(*) AS n FROM trips", code=1)
    bdc(host, "hdfs", "rm", "-r", "/data/Trips/other")


@pytest.mark.parametrize("form", ["Parquet", "Orc"])
def test_values_are_those_that_spark_wrote(host: TestHost, trips: object, form: str) -> None:
    path = f"/data/kinds.{form.lower()}"
    rows(host, f"INSERT OVERWRITE DIRECTORY 'hdfs://bdc{path}' USING {form} {KINDS}", "-e", "spark")
    made = bdc(host, "sql", "table", "create", path, "--from", "SqlStoragePool", "--name", "kinds", "--yes").stdout
    assert f"FILE_FORMAT = [{form}Files]" in made
    columns = "id, i, s, CAST(f AS double) AS f, d, dec, name, b, day, bin, CAST(ts AS {}) AS ts"
    wanted = rows(host, f"SELECT {columns.format('timestamp_ntz')} FROM {form.lower()}.`hdfs://bdc{path}` ORDER BY id", "-e", "spark")
    assert len(wanted) == 20
    found = rows(host, f"SELECT {columns.format('timestamp(6)')} FROM kinds ORDER BY id")
    assert [plain(row) for row in found] == [plain(row) for row in wanted]
    bdc(host, "sql", "table", "drop", "kinds", "--yes")


def test_a_file_is_a_table_too_and_an_empty_folder(host: TestHost, trips: object) -> None:
    listed = document(host, "hdfs", "ls", "/data/cars")
    [*_, file] = sorted(one["path"] for one in listed if one["path"].endswith(".orc"))
    bdc(host, "hdfs", "put", "-", "/data/cars/other", stdin="no ORC")
    bdc(host, "hdfs", "mkdir", "/data/nothing")
    table = "CREATE EXTERNAL TABLE {} (driver INT) WITH (LOCATION = '{}', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = OrcFiles)"
    bdc(host, "sql", "table", "create", file, "--from", "SqlStoragePool", "--name", "dbo.one", "--yes")
    rows(host, table.format("none", "/data/nothing").replace("driver INT", "driver INT, year INT"))
    [counted] = rows(host, "SELECT (SELECT count(driver) FROM one) AS one, (SELECT count(driver) FROM none) AS none")
    assert counted["one"] >= 1
    assert counted["none"] == 0
    bdc(host, "hdfs", "rm", "/data/cars/other")
    later = "CREATE TABLE made.later (driver INT, year INT) USING orc PARTITIONED BY (year) LOCATION 'hdfs://bdc/data/nothing'"
    bdc(host, "sql", "run", "-e", "spark", "-", stdin=f"{later};\nINSERT INTO made.later VALUES (1, 2026);\nDROP TABLE made.later;\n")
    deadline = time.monotonic() + 60
    while rows(host, "SELECT driver, year FROM none") != [{"driver": 1, "year": 2026}]:  # until the reconciler has looked
        assert time.monotonic() < deadline
        time.sleep(1)
    bdc(host, "hdfs", "mv", "/data/nothing", "/data/gone")
    assert "hdfs://bdc/data/nothing" in rows(host, "SELECT count(*) FROM none", code=1)
    rows(host, "DROP EXTERNAL TABLE one")
    rows(host, "DROP EXTERNAL TABLE none")


def test_what_is_exported_is_there_whole_or_not_at_all(host: TestHost, trips: object) -> None:
    text = block("`INSERT INTO` writes")
    bdc(host, "hdfs", "mkdir", "/data/export")
    bdc(host, "sql", "run", "-", stdin=text)
    wanted = rows(host, "SELECT count(*) AS n, sum(amount) AS total FROM orders WHERE region = 'south'")
    assert wanted[0]["n"] == 500
    assert rows(host, "SELECT count(*) AS n, sum(amount) AS total FROM dbo.OrdersOfTheSouth") == wanted
    assert rows(host, "SELECT count(*) AS n FROM parquet.`hdfs://bdc/data/export`", "-e", "spark") == [{"n": 500}]
    before = document(host, "hdfs", "ls", "/data/export")
    broken = "SELECT orderid, customerid, CASE WHEN orderid = 999 THEN fail('no') ELSE amount END FROM orders"
    assert "no" in rows(host, f"INSERT INTO OrdersOfTheSouth {broken}", code=1)
    assert document(host, "hdfs", "ls", "/data/export") == before
    bdc(host, "sql", "table", "drop", "OrdersOfTheSouth", "--yes")


def test_folders_and_delta_tables_are_written_to(host: TestHost, trips: object) -> None:
    rows(host, "INSERT INTO trips (id, driver, fare, year, region) SELECT 2000 + id, id, 1, 2028, NULL FROM drivers")
    assert rows(host, "SELECT count(*) AS n FROM trips WHERE year = 2028 AND region IS NULL") == [{"n": 3}]
    listed = [one["path"] for one in document(host, "hdfs", "ls", "/data/Trips")]
    assert [path for path in listed if path.endswith("2028")] == ["/data/Trips/year=2028"]
    bdc(host, "hdfs", "rm", "-r", "/data/Trips/year=2028")
    rows(host, "INSERT INTO dbo.drivers VALUES (3, 'tom')")
    assert rows(host, "SELECT name FROM made.drivers WHERE id = 3", "-e", "spark") == [{"name": "tom"}]
    rows(host, "DELETE FROM made.drivers WHERE id = 3", "-e", "spark")
    assert rows(host, "SELECT count(*) AS n FROM drivers") == [{"n": 3}]


@pytest.mark.parametrize(
    ("columns", "location", "form", "told"),
    [
        ("id BIGINT", "/data/nix", "CsvFiles", "SqlStoragePool has no /data/nix"),
        ("id BIGINT", "/data/nix", "ParquetFiles", "SqlStoragePool has no /data/nix"),
        ("fare INT", "/data/Trips", "ParquetFiles", "fare is defined as integer, and is decimal(10,2) in /data/Trips"),
        ("nix INT", "/data/Trips", "ParquetFiles", "its columns are id, driver, fare, began, year, region"),
        ("id BIGINT", "/data/Trips", "OrcFiles", "can't be read as orc"),
        ("id BIGINT", "/data/Trips", "DeltaTables", "isn't a Delta table: it has no _delta_log"),
        ("id BIGINT", "/data/../Trips", "ParquetFiles", ".. may not stand in the LOCATION"),
        ("id BIGINT", "/data/shut", "ParquetFiles", "Permission denied: user=bdc"),
    ],
)
def test_folders_that_cant_be_tables(
    host: TestHost, trips: object, clicks: object, columns: str, location: str, form: str, told: str
) -> None:
    before = document(host, "sql", "table", "list")
    statement = f"CREATE EXTERNAL TABLE x ({columns}) WITH (LOCATION = '{location}', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = {form})"
    assert told in rows(host, statement, code=2)
    assert document(host, "sql", "table", "list") == before

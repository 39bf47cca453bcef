"""Text on HDFS: rows that fit and rows that don't."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from random import Random

import pytest

from tests.e2e.external.asked import block, plain, rows
from tests.e2e.support.commands import bdc, document
from tests.e2e.support.failover import until
from tests.e2e.support.host import TestHost


def test_text_is_read_where_it_is(host: TestHost, clicks: Path) -> None:
    asked = block("## Query text files").rpartition("GO\n")[2]
    assert rows(host, asked) == [
        {"Day": "2026-01-01", "Page": 'home, sweet "home"', "Kind": "open", "Price": 1.5},
        {"Day": "2026-01-02", "Page": "two\nlines", "Kind": None, "Price": 2.56},
        {"Day": None, "Page": "Zoë 😀", "Kind": None, "Price": -1.0},
    ]
    assert rows(host, "SELECT Id, Page, Seen, Price FROM Clicks WHERE Day = DATE '2026-01-01' ORDER BY Id") == [
        {"Id": 1, "Page": 'home, sweet "home"', "Seen": "2025-12-31", "Price": 1.5},
        {"Id": 2, "Page": None, "Seen": "2026-01-01", "Price": None},
    ]
    assert rows(host, "SELECT Tags FROM Events WHERE Id = 1") == [{"Tags": '["a",{"b":1}]'}]


def test_text_has_one_answer_in_all_engines(host: TestHost, clicks: Path) -> None:
    text = "SELECT page, count(*) AS n, sum(price) AS total, max(day) AS day FROM dbo.clicks GROUP BY page ORDER BY page"
    wanted = [plain(row) for row in rows(host, text)]
    assert len(wanted) == 4
    for engine in ("spark", "master"):
        found = [plain(row) for row in rows(host, text, "-e", engine)]
        assert sorted(found, key=str) == sorted(wanted, key=str), engine


def test_rows_that_dont_fit_are_kept_with_their_reasons(host: TestHost, clicks: Path) -> None:
    folders = document(host, "hdfs", "ls", "/data/rejected/_rejectedrows")
    assert len(folders) == 1, "each file is looked through once"
    kept = folders[0]["path"]
    assert bdc(host, "hdfs", "cat", f"{kept}/rows.txt").stdout == "four,x,,\n5,x\n"
    reasons = bdc(host, "hdfs", "cat", f"{kept}/reasons.txt").stdout.splitlines()
    assert [one.partition("/data/Clicks/")[2] for one in reasons] == [
        "Day=2026-01-02/deep/b.csv.gz, line 4: the column id: 'four' is no integer",
        "Day=2026-01-02/deep/b.csv.gz, line 5: it has 2 fields, and not 4",
    ]


def test_a_tinyint_of_text_is_0_to_255(host: TestHost, clicks: Path) -> None:
    bdc(host, "hdfs", "mkdir", "/data/bytes")
    bdc(host, "hdfs", "put", "-", "/data/bytes/a.csv", stdin="h\n1,0\n2,255\n3,256\n4,-1\n5,\n")
    table = (
        "CREATE EXTERNAL TABLE dbo.bytes (id INT, small TINYINT) WITH (LOCATION = '/data/bytes', DATA_SOURCE = SqlStoragePool, "
        "FILE_FORMAT = CsvFiles, REJECT_TYPE = VALUE, REJECT_VALUE = {})"
    )
    rows(host, table.format(0))
    assert "line 4: the column small: '256' is no tinyint" in rows(host, "SELECT * FROM dbo.bytes", code=1)
    assert "the column small has 256, which is no TINYINT" in rows(host, "INSERT INTO dbo.bytes SELECT 6, 256", code=1)
    rows(host, "DROP EXTERNAL TABLE dbo.bytes")
    rows(host, table.format(2))
    assert rows(host, "SELECT * FROM dbo.bytes ORDER BY id") == [{"id": 1, "small": 0}, {"id": 2, "small": 255}, {"id": 5, "small": None}]
    rows(host, "DROP EXTERNAL TABLE dbo.bytes")
    bdc(host, "hdfs", "rm", "-r", "/data/bytes")


def test_nothing_is_seen_of_a_table_with_too_many_that_dont_fit(host: TestHost, clicks: Path) -> None:
    bdc(host, "hdfs", "put", "-", "/data/Clicks/Day=2026-01-01/late.csv", stdin="h\n7,x,,0\n8,x,yesterday,\n")
    rows(host, "CREATE SCHEMA IF NOT EXISTS lake.made")
    for statement in ("SELECT id FROM clicks", "SELECT count(*) FROM clicks", "CREATE TABLE lake.made.clicks AS SELECT * FROM dbo.clicks"):
        told = rows(host, statement, code=1)
        assert "3 rows are rejected, and 2 may be" in told
        assert "Day=2026-01-01/late.csv, line 3: the column seen: 'yesterday' is no date" in told
    assert "made.clicks" in rows(host, "SELECT * FROM lake.made.clicks", code=1)
    bdc(host, "hdfs", "rm", "/data/Clicks/Day=2026-01-01/late.csv")
    assert rows(host, "SELECT count(*) AS n FROM clicks") == [{"n": 4}]


def test_what_pythons_csv_writes_is_read_as_it_was(host: TestHost, clicks: Path) -> None:
    """Twenty files of fields of such characters as make trouble; and one that is read in two parts, with ends of lines of all kinds."""
    random = Random(7)
    pieces = ("a", '"', ",", "\n", "\r\n", "é", "😀", " ", "|", "\\", "\t", "")
    written: list[list[str | None]] = []
    folder = clicks.parent / "csv"
    folder.mkdir()
    for number in range(20):
        lines = [
            [str(len(written) + at), *("".join(random.choices(pieces, k=random.randrange(8))) for _ in range(2))]
            for at in range(random.randrange(50))
        ]
        text = io.StringIO(newline="")
        ends = random.choice(["\n", "\r\n"])
        csv.writer(text, quoting=random.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), lineterminator=ends).writerows([["h"], *lines])
        (folder / f"{number}.csv").write_bytes(text.getvalue().encode())
        written += [[one or None for one in line] for line in lines]
    bdc(host, "hdfs", "put", str(folder), "/data/csv")
    columns, source = "(id INT, a NVARCHAR(99), b NVARCHAR(99))", "DATA_SOURCE = SqlStoragePool, FILE_FORMAT ="
    rows(host, f"CREATE EXTERNAL TABLE written {columns} WITH (LOCATION = '/data/csv', {source} CsvFiles)")
    found = rows(host, "SELECT id, a, b FROM written ORDER BY id")
    assert [[str(one["id"]), one["a"] or None, one["b"] or None] for one in found] == written
    rows(host, "DROP EXTERNAL TABLE written")

    many = 900_000
    breaks = ("\r\n", "\n", "\r")
    whole = "".join(f"{number}|{'p' * (number % 60)}|{number * 3}{breaks[number % 3]}" for number in range(many))
    assert len(whole) > 33 << 20
    (clicks.parent / "big.txt").write_text(whole, newline="")
    bdc(host, "hdfs", "put", str(clicks.parent / "big.txt"), "/data/big.txt")
    rows(host, "CREATE EXTERNAL FILE FORMAT Bars WITH (FORMAT_TYPE = DELIMITEDTEXT)")
    rows(host, f"CREATE EXTERNAL TABLE big (id INT, p VARCHAR(60), v BIGINT) WITH (LOCATION = '/data/big.txt', {source} Bars)")
    [sums] = rows(host, "SELECT count(DISTINCT id) AS n, sum(id) AS ids, sum(length(p)) AS p, sum(v) AS v FROM big")
    assert "hdfs://bdc/data/big.txt is one file" in rows(host, "INSERT INTO big (id) VALUES (1)", code=1)
    assert sums == {"n": many, "ids": sum(range(many)), "p": sum(number % 60 for number in range(many)), "v": 3 * sum(range(many))}
    rows(host, "DROP EXTERNAL TABLE big")


def test_files_of_text_that_are_broken(host: TestHost, clicks: Path) -> None:
    """Cut off, shut, of too many columns, and with no limit for rows that don't fit."""
    whole = gzip.compress(b"".join(b"%d,%d\n" % (number, number * number) for number in range(10_000)))
    (clicks.parent / "cut.gz").write_bytes(whole[: len(whole) // 2])
    bdc(host, "hdfs", "put", str(clicks.parent / "cut.gz"), "/data/cut.gz")
    wide = ",".join(str(number) for number in range(10_000))
    bdc(host, "hdfs", "put", "-", "/data/wide.csv", stdin=f"h\n{wide}\n")
    table = "CREATE EXTERNAL TABLE {} WITH (LOCATION = '{}', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = CsvFiles)"
    rows(host, table.format("cut (a INT, b INT)", "/data/cut.gz"))
    assert "hdfs://bdc/data/cut.gz: the file is cut off" in rows(host, "SELECT sum(b) FROM cut", code=1)
    rows(host, table.format(f"wide ({', '.join(f'c{number} INT' for number in range(10_000))})", "/data/wide.csv"))
    assert rows(host, "SELECT c0, c4999, c9999 FROM wide") == [{"c0": 0, "c4999": 4999, "c9999": 9999}]
    assert "Permission denied: user=bdc" in rows(host, table.format("x (a INT)", "/data/shut"), code=2)
    rows(host, table.format("strict (id INT, page NVARCHAR(20), seen DATE, price MONEY, Day DATE)", "/data/Clicks"))
    assert "b.csv.gz, line 4: the column id: 'four' is no integer" in rows(host, "SELECT count(*) FROM strict", code=1)
    read = rows(host, "SELECT count(*) AS n FROM strict WHERE Day = DATE '2026-01-01'")
    assert read == [{"n": 2}], "a condition on what folders are named by leaves out the others' files"
    for name in ("cut", "wide", "strict"):
        rows(host, f"DROP EXTERNAL TABLE {name}")


HARD = (
    "SELECT * FROM (VALUES (1, 'a,b', DATE '2026-01-02', TIMESTAMP '1969-12-31 23:59:59.123456', 1.50, 2.5e0, true, X'00ff'), "
    "(2, 'say \"x\"', NULL, NULL, -0.01, -1e300, false, NULL), (3, U&'two\\000alines \\20ac', DATE '0001-01-01', NULL, 0, 0e0, NULL, X''), "
    "(4, '', NULL, NULL, NULL, NULL, NULL, NULL), (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) AS v (id, s, d, t, n, f, b, x)"
)


@pytest.mark.parametrize(
    "form",
    [
        "FORMAT_TYPE = DELIMITEDTEXT, FORMAT_OPTIONS (FIELD_TERMINATOR = '||', STRING_DELIMITER = '\"')",
        "FORMAT_TYPE = DELIMITEDTEXT, FORMAT_OPTIONS (FIELD_TERMINATOR = ',', STRING_DELIMITER = '\"', FIRST_ROW = 2, ENCODING = 'UTF16')",
        "FORMAT_TYPE = JSON, DATA_COMPRESSION = 'org.apache.hadoop.io.compress.GzipCodec'",
    ],
)
def test_text_is_read_as_it_was_written(host: TestHost, bought: None, form: str) -> None:
    rows(host, f"CREATE EXTERNAL FILE FORMAT written WITH ({form})")
    table = "CREATE EXTERNAL TABLE dbo.written WITH (LOCATION = '/data/written', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = written) AS {}"
    rows(host, table.format(HARD))
    wanted = rows(host, f"SELECT * FROM ({HARD}) ORDER BY id")
    assert rows(host, "SELECT * FROM written ORDER BY id") == wanted
    rows(host, "INSERT INTO written (id, s) SELECT orderid, region FROM orders")
    assert rows(host, "SELECT count(*) AS n, sum(id) AS s, count(s) AS t FROM written") == [{"n": 1005, "s": 500515, "t": 1004}]
    before = document(host, "hdfs", "ls", "/data/written")
    failing = "INSERT INTO written (id) SELECT CASE WHEN orderid = 999 THEN fail('it stops here') ELSE 1 END FROM orders"
    assert "it stops here" in rows(host, failing, code=1)
    listed = document(host, "hdfs", "ls", "/data/written")
    assert [one for one in listed if not one["path"].rpartition("/")[2].startswith("_")] == before, "readers see none of it"
    until(lambda: document(host, "hdfs", "ls", "/data/written") == before)  # its writer ends after the statement has
    rows(host, "DROP EXTERNAL TABLE written")
    rows(host, "DROP EXTERNAL FILE FORMAT written")
    bdc(host, "hdfs", "rm", "-r", "/data/written")

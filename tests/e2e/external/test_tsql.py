"""T-SQL's values, as Trino computes them by bdc's rules: those of SQL Server's documentation, each beside what Trino would have said."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tests.e2e.external.asked import rows
from tests.e2e.support.commands import bdc
from tests.e2e.support.host import TestHost

# https://learn.microsoft.com/sql/t-sql/functions/functions; what is NULL is None, all else as it is shown.
VALUES: dict[str, str | None] = {
    "DATEDIFF(month, '2020-02-29', '2020-03-02')": "1",
    "DATEDIFF(year, '2005-12-31 23:59:59.9999999', '2006-01-01 00:00:00.0000000')": "1",
    "DATEDIFF(quarter, '2005-12-31 23:59:59.9999999', '2006-01-01 00:00:00.0000000')": "1",
    "DATEDIFF(dayofyear, '2005-12-31 23:59:59.9999999', '2006-01-01 00:00:00.0000000')": "1",
    "DATEDIFF(week, '2005-12-31 23:59:59.9999999', '2006-01-01 00:00:00.0000000')": "1",
    "DATEDIFF(hour, '2005-12-31 23:59:59.9999999', '2006-01-01 00:00:00.0000000')": "1",
    "DATEDIFF(minute, '2005-12-31 23:59:59.9999999', '2006-01-01 00:00:00.0000000')": "1",
    "DATEDIFF(second, '2005-12-31 23:59:59.9999999', '2006-01-01 00:00:00.0000000')": "1",
    "DATEDIFF(millisecond, '2005-12-31 23:59:59.9999999', '2006-01-01 00:00:00.0000000')": "1",
    "DATEDIFF(week, '2026-01-04', '2026-01-10')": "0",
    "DATEDIFF(day, '2026-03-02', '2026-02-28')": "-2",
    "DATEDIFF(week, '2026-01-04', '2026-01-03')": "-1",
    "DATEADD(month, 1, CAST('2006-08-31' AS DATE))": "2006-09-30",
    "DATEADD(quarter, -1, CAST('2006-08-31' AS DATE))": "2006-05-31",
    "DATEADD(day, 1.9, CAST('2026-01-01' AS DATE))": "2026-01-02",
    "DATEPART(weekday, '2007-04-21')": "7",
    "DATEPART(week, '2007-04-21')": "16",
    "DATEPART(week, '2026-01-03')": "1",
    "DATEPART(week, '2026-01-04')": "2",
    "DATEPART(iso_week, '2007-04-21')": "16",
    "DATEPART(dayofyear, '2007-10-30')": "303",
    "DATEPART(hour, CAST('2007-10-30' AS DATE))": "0",
    "YEAR('2010-04-30')": "2010",
    "EOMONTH('2024-02-10')": "2024-02-29",
    "EOMONTH('2024-01-31', 1)": "2024-02-29",
    "DATEFROMPARTS(2010, 12, 31)": "2010-12-31",
    "DATEFROMPARTS(26, 1, 5)": "0026-01-05",
    "CONVERT(VARCHAR(8), CAST('2026-01-05' AS DATE), 112)": "20260105",
    "CONVERT(VARCHAR(19), CAST('2026-01-05 06:07:08' AS DATETIME2), 120)": "2026-01-05 06:07:08",
    "CONVERT(VARCHAR(19), CAST('2026-01-05' AS DATE), 120)": "2026-01-05",
    "CONVERT(VARCHAR(10), CAST('2026-01-05' AS DATE), 103)": "05/01/2026",
    "CAST('20260105' AS DATE)": "2026-01-05",
    "CASE WHEN CAST('2026-02-01' AS DATE) >= '20260201' THEN 1 ELSE 0 END": "1",
    "CAST(2.7 AS INT)": "2",
    "CAST(-2.7 AS INT)": "-2",
    "CAST(CAST(2.7 AS FLOAT) AS INT)": "2",
    "CAST('12' AS INT)": "12",
    "TRY_CAST('x' AS INT)": None,
    "TRY_CONVERT(INT, 2.9)": "2",
    "CAST(1 AS BIT)": "1",
    "CAST(CAST(1 AS BIT) AS VARCHAR(5))": "1",
    "CAST(10.50 AS VARCHAR(10))": "10.50",
    "CAST('abcdef' AS VARCHAR(3))": "abc",
    "CAST('ab' AS CHAR(4)) + '|'": "ab  |",
    "7 / 2": "3",
    "-7 / 2": "-3",
    "7 % 3": "1",
    "1.0 / 3": "0.333333",
    "2.0 / 3": "0.666666",
    "-2.0 / 3": "-0.666666",
    "1 / 3.0": "0.333333",
    "10.0 / 4": "2.500000",
    "CAST(1 AS DECIMAL(10, 2)) / CAST(3 AS DECIMAL(10, 2))": "0.3333333333333",
    "CAST(83.50 AS DECIMAL(38, 2)) / CAST(6 AS INT)": "13.916666",
    "CAST(1 AS DECIMAL(38, 0)) / CAST(3 AS DECIMAL(38, 0))": "0.333333",
    "CAST(99999999999999999999 AS DECIMAL(38, 2)) / 7": "14285714285714285714.142857",
    "0.5 * 0.25": "0.125",
    "1.0 / NULLIF(0, 0)": None,
    "ROUND(2.345, 2)": "2.350",
    "ROUND(123.9994, 3)": "123.9990",
    "CEILING(1.2)": "2",
    "CAST(LOG10(1000) AS DECIMAL(5, 3))": "3.000",
    "CAST(LOG(8, 2) AS DECIMAL(5, 3))": "3.000",
    "CASE WHEN 3 > ALL (SELECT n FROM (VALUES (1), (2)) AS t (n)) THEN 1 ELSE 0 END": "1",
    "FLOOR(-1.2)": "-2",
    "5 & 3": "1",
    "SUBSTRING('abcdef', 0, 3)": "ab",
    "SUBSTRING('abcdef', -1, 4)": "ab",
    "SUBSTRING('abcdef', 2, 3)": "bcd",
    "SUBSTRING('abcdef', 5, 10)": "ef",
    "SUBSTRING('abcdef', CAST(0 AS INT), 3)": "ab",
    "SUBSTRING('abcdef', -5, 3)": "",
    "RIGHT('abc', 4)": "abc",
    "RIGHT('abc', 2)": "bc",
    "RIGHT('abc', 0)": "",
    "LEFT('abc', 5)": "abc",
    "LEFT(12345, 2)": "12",
    "LEN('abc  ')": "3",
    "LEN('  abc')": "5",
    "CHARINDEX('a', 'banana', 3)": "4",
    "CHARINDEX('x', 'banana')": "0",
    "REPLACE('abcab', 'ab', 'x')": "xcx",
    "REPLICATE('ab', 3)": "ababab",
    "REPLICATE(CAST(NULL AS VARCHAR(5)), 3)": None,
    "REPLICATE('ab', 0)": "",
    "'[' + SPACE(3) + ']'": "[   ]",
    "STUFF('abcdef', 2, 3, 'ijklmn')": "aijklmnef",
    "STUFF('abc', 5, 1, 'x')": None,
    "QUOTENAME('abc[]def')": "[abc[]]def]",
    "REVERSE('abc')": "cba",
    "CONCAT('a', NULL, 'b')": "ab",
    "CONCAT('a', 1, CAST(1 AS BIT), 2.50)": "a112.50",
    "CONCAT_WS('-', 'a', NULL, 'b')": "a-b",
    "'a' + CAST(NULL AS VARCHAR(5))": None,
    "ISNULL(CAST(NULL AS VARCHAR(2)), 'none')": "no",
    "CHOOSE(3, 'a', 'b')": None,
    "IIF(1 > 0, 'y', 'n')": "y",
    "CASE WHEN 'Anna' LIKE '[A-C]nn_' THEN 1 ELSE 0 END": "1",
    "CASE WHEN 'Dora' LIKE '[^A-C]%' THEN 1 ELSE 0 END": "1",
    "CASE WHEN '5%' LIKE '5[%]' THEN 1 ELSE 0 END": "1",
    "CASE WHEN '5.x' LIKE '5.[x.]' THEN 1 ELSE 0 END": "1",
}

NUMBERS = (
    "(SELECT CAST(n AS INT) AS i, CAST(n AS DECIMAL(10, 2)) AS d, CAST(n AS FLOAT) AS f, CAST(s AS VARCHAR(5)) AS s, n % 2 AS g "
    "FROM (VALUES (1, 'a'), (2, 'b'), (2, NULL), (NULL, 'c')) AS v (n, s)) AS t"
)

AGGREGATES: dict[str, str | None] = {
    "AVG(i)": "1",
    "AVG(d)": "1.666666",
    "AVG(DISTINCT i)": "1",
    "CAST(AVG(f) * 3 AS DECIMAL(5, 2))": "5.00",
    "SUM(i) / COUNT(*)": "1",
    "SUM(d) / COUNT(*)": "1.250000",
    "SUM(CASE WHEN i = 2 THEN 1 ELSE 0 END) * 100.0 / COUNT(i)": "66.666666666666",
    "STRING_AGG(s, ',') WITHIN GROUP (ORDER BY s DESC)": "c,b,a",
    "CAST(STDEV(d) AS DECIMAL(5, 4))": "0.5774",
    "COUNT_BIG(*)": "4",
    "COUNT(DISTINCT i)": "2",
}


def _listed(expressions: dict[str, str | None]) -> str:
    return ", ".join(f"{expression} AS [c{at}]" for at, expression in enumerate(expressions))


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)


def test_values_are_those_of_the_documentation(host: TestHost) -> None:
    script = (
        f"SELECT {_listed(VALUES)};\nSELECT {_listed(AGGREGATES)} FROM {NUMBERS};\n"
        f"SELECT i, AVG(i) OVER (PARTITION BY g) AS a, ROW_NUMBER() OVER (ORDER BY i) AS r FROM {NUMBERS} ORDER BY i;\n"
        "SELECT a.x, q.y, v.k FROM (VALUES (1), (2)) AS a (x) OUTER APPLY (SELECT b.y FROM (VALUES (2, 4)) AS b (x, y) "
        "WHERE b.x = a.x) AS q CROSS APPLY (VALUES ('p')) AS v (k) ORDER BY a.x;\n"
        "SELECT TOP (1) WITH TIES n FROM (VALUES (1), (2), (2)) AS t (n) ORDER BY n DESC;\n"
    )
    done = bdc(host, "-q", "sql", "run", "-", "-o", "json", "--dialect", "tsql", stdin=script)
    read, at, found = json.JSONDecoder(parse_float=Decimal), 0, []
    while at < len(done.stdout.rstrip()):
        result, at = read.raw_decode(done.stdout, at)
        found.append(result)
        at += 1
    for expected, [row] in ((VALUES, found[0]), (AGGREGATES, found[1])):
        answered = {expression: _shown(row[f"c{place}"]) for place, expression in enumerate(expected)}
        assert answered == expected
    assert [tuple(row.values()) for row in found[2]] == [(None, None, 1), (1, 1, 2), (2, 2, 3), (2, 2, 4)]
    assert [tuple(row.values()) for row in found[3]] == [(1, None, "p"), (2, 4, "p")]
    assert [row["n"] for row in found[4]] == [2, 2]


def test_what_would_be_answered_otherwise_fails(host: TestHost) -> None:
    """A quotient by zero is an error and no infinity; a date that isn't one is an error."""
    for sql, told in (
        ("SELECT CAST(1 AS FLOAT) / 0 AS [x]", "Division by zero"),
        ("SELECT 1.0 / 0 AS [x]", "Division by zero"),
        ("SELECT DATEFROMPARTS(2026, 2, 30)", "2026-02-30"),
        ("SELECT DATEFROMPARTS(2026, 123, 1)", "2026-123-01"),
    ):
        assert told in rows(host, sql, code=1)


def test_columns_tell_their_types(host: TestHost) -> None:
    """Of a table of a database outside, whose amount is a DECIMAL(12, 2); what both dialects read is Trino's with a note."""
    found = rows(host, "SELECT TOP 1 AVG(o.CustomerId) AS a, SUM(o.Amount) / COUNT(*) AS b FROM dbo.Orders o")
    assert [str(one) for one in found[0].values()] == ["4", "500.5"]
    both = bdc(host, "sql", "query", "-o", "csv", "SELECT avg(CustomerId) AS a FROM dbo.Orders")
    assert both.stdout.splitlines() == ["a", "4.5"]
    assert "note: read as Trino's SQL; in T-SQL AVG(CustomerId) is cut off to an integer" in both.stderr
    meant = bdc(host, "sql", "query", "SELECT count(*) FROM dbo.Orders WEHRE amount > 1", code=1)
    assert "did you mean WHERE for WEHRE?" in meant.stderr
    assert "Expecting" not in meant.stderr
    assert "did you mean amount?" in bdc(host, "sql", "query", "SELECT amuont FROM dbo.Orders", code=1).stderr
    assert "did you mean dbo.orders?" in bdc(host, "sql", "query", "SELECT 1 FROM dbo.Ordesr", code=1).stderr

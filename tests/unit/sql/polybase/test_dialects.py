from __future__ import annotations

import pytest

from bdc.sql.polybase.dialects import is_tsql, may_differ, sign


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM lake.demo.flights LIMIT 5",
        "SELECT a[1], m['x'], ARRAY[1, 2], f(x)[1] FROM t",
        "SELECT transform(a, x -> x + 1) FROM t",
        "SELECT top FROM t",
        "WITH nolock AS (SELECT 1) SELECT * FROM nolock",
        "SELECT len FROM t -- [a]",
        "SELECT '[a]', \"TOP 1\"",
        "SELECT a AS b FROM t LEFT JOIN u ON a = b",
        "SELECT CAST(2.7 AS INT), AVG(x), CONCAT(a, b), SUBSTRING(a, 1, 2) FROM t",
    ],
)
def test_what_is_trinos_stays_as_it_is(sql: str) -> None:
    assert not is_tsql(sql)


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT [a] FROM t", "[a]"),
        ("SELECT N'a'", "N'...'"),
        ("SELECT TOP 3 a FROM t", "TOP"),
        ("SELECT TOP (3) a FROM t", "TOP"),
        ("SELECT @x", "@x"),
        ("SELECT * FROM #t", "#t"),
        ("SELECT * FROM t WITH (NOLOCK)", "WITH (NOLOCK)"),
        ("SELECT a AS 'b' FROM t", "AS '...'"),
        ("SELECT * FROM t CROSS APPLY (SELECT 1 AS x) q", "CROSS APPLY"),
        ("SELECT a FROM t FOR XML PATH('')", "FOR XML"),
        ("SELECT DATEDIFF(day, a, b) FROM t", "DATEDIFF"),
        ("SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) FROM t", "PERCENTILE_CONT"),
    ],
)
def test_what_shows_that_a_statement_is_tsql(sql: str, shown: str) -> None:
    assert sign(sql) == shown


@pytest.mark.parametrize(
    ("sql", "may"),
    [
        ("SELECT AVG(qty) FROM dbo.t", True),
        ("SELECT 1.0 / 3", True),
        ("SELECT CAST(x AS INT) FROM t", True),
        ("SELECT count(*) FROM t", False),
        ("SELECT AVG(qty) FROM lake.demo.t", False),
        ("SELECT AVG(qty) FROM t LIMIT 3", False),
        ("SELECT a || b, AVG(c) FROM t", False),
        ("SELECT AVG(a) FROM t WHERE d > DATE '2026-01-01'", False),
        ("SELECT CAST(a AS DOUBLE) / 2 FROM t", False),
        ("SELECT CAST(a::varchar AS int) FROM t", False),
    ],
)
def test_what_could_be_of_either_dialect_and_mean_something_else(sql: str, *, may: bool) -> None:
    assert may_differ(sql) is may

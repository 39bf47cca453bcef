from __future__ import annotations

import pytest

from bdc.sql.polybase.errors import SqlSyntaxError
from bdc.sql.polybase.translate import UntranslatableError, is_tsql, to_trino


@pytest.mark.parametrize(
    ("sql", "trino"),
    [
        ("SELECT TOP 10 * FROM [dbo].[orders] o WITH (NOLOCK)", 'SELECT * FROM "dbo"."orders" AS o LIMIT 10'),
        ("SELECT TOP (5) WITH TIES a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a NULLS FIRST FETCH FIRST 5 ROWS WITH TIES"),
        ("SELECT a FROM (SELECT TOP 3 a FROM t) q", "SELECT a FROM (SELECT a FROM t LIMIT 3) AS q"),
        ("SELECT GETDATE(), ISNULL(a, 0)", "SELECT CURRENT_TIMESTAMP, COALESCE(a, 0)"),
        ("SELECT LEN(a), CHARINDEX('x', a)", "SELECT LENGTH(RTRIM(a)), STRPOS(a, 'x')"),
        ("SELECT REPLICATE('a', 3)", "SELECT ARRAY_JOIN(REPEAT('a', 3), '')"),
        ("SELECT 'a' + b + N'c' + d, e + 1 FROM t", "SELECT 'a' || b || 'c' || d, e + 1 FROM t"),
        ("SELECT LEN(N'a' + b)", "SELECT LENGTH(RTRIM('a' || b))"),
        ("SELECT CAST(a AS VARCHAR) + b, [c d]", 'SELECT CAST(a AS VARCHAR) || b, "c d"'),
        ("SELECT CONVERT(INT, a), TRY_CONVERT(INT, a)", "SELECT CAST(a AS INTEGER), TRY_CAST(a AS INTEGER)"),
        ("SELECT CONVERT(VARCHAR(10), d, 23)", "SELECT CAST(DATE_FORMAT(d, '%Y-%m-%d') AS VARCHAR(10))"),
        ("SELECT CAST(a AS MONEY), CAST(a AS DATETIME), [b]", 'SELECT CAST(a AS DECIMAL(19, 4)), CAST(a AS TIMESTAMP(3)), "b"'),
        ("SELECT IIF(a > 1, 'x', 'y'), x = [b]", "SELECT IF(a > 1, 'x', 'y'), \"b\" AS x"),
        ("SELECT DATEADD(day, 1, d)", "SELECT DATE_ADD('DAY', 1, d)"),
        ("SELECT a FROM t CROSS APPLY (SELECT 1 AS x) q", "SELECT a FROM t INNER JOIN LATERAL (SELECT 1 AS x) AS q"),
    ],
)
def test_common_forms(sql: str, trino: str) -> None:
    assert is_tsql(sql)
    assert to_trino(sql) == trino


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT TOP 10 PERCENT a FROM t", "TOP ... PERCENT"),
        ("SELECT @x", "a variable (@name)"),
        ("SELECT @@VERSION", "a variable"),
        ("SELECT * FROM #t", "#t is a temporary table"),
        ("SELECT * FROM t WITH (FORCESEEK)", "the hint FORCESEEK"),
        ("SELECT [a] INTO b FROM t", "SELECT ... INTO"),
        ("SELECT [a] FROM t WHERE b LIKE '%[0-9]%'", r"the set of characters in LIKE '%[0-9]%'"),
        ("SELECT [a] FROM t WHERE b COLLATE Latin1_General_CI_AS = 'x'", "COLLATE"),
        ("SELECT STUFF(a, 1, 2, 'x')", "STUFF"),
        ("SELECT DATEPART(weekday, d)", "DATEPART"),
        ("SELECT CONVERT(VARCHAR(10), d, 999)", "the style 999"),
        ("SELECT * FROM t PIVOT (SUM(a) FOR b IN ([x], [y])) p", "PIVOT"),
        ("DECLARE @x INT = 1", "a variable"),
    ],
)
def test_what_has_no_translation_is_said(sql: str, told: str) -> None:
    with pytest.raises(UntranslatableError) as caught:
        to_trino(sql)
    assert told in caught.value.message
    assert caught.value.hint


def test_what_is_no_tsql_is_told_with_its_place() -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        to_trino("SELECT [a]\nFROM WHERE")
    assert (caught.value.line, caught.value.column > 1) == (2, True)


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
    ],
)
def test_what_is_trinos_stays_as_it_is(sql: str) -> None:
    assert not is_tsql(sql)

# ruff: noqa: E501 statements stand in one line
from __future__ import annotations

import pytest

from bdc.sql.polybase.errors import SqlSyntaxError, UntranslatableError
from bdc.sql.polybase.translate import to_trino

COLUMNS = {
    "i": "integer", "big": "bigint", "n": "decimal(10,2)", "f": "double", "s": "varchar(20)", "c": "char(5)", "d": "date",
    "t": "timestamp(3)", "z": "timestamp(3) with time zone", "bit": "boolean", "u": "uuid",
}  # fmt: skip


def trino(sql: str) -> str:
    return to_trino(sql, lambda parts: COLUMNS if parts[-1] == "t" else None).sql


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT TOP 10 * FROM [dbo].[orders] o WITH (NOLOCK)", 'SELECT * FROM "dbo"."orders" AS o LIMIT 10'),
        ("SELECT TOP (5) WITH TIES a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a NULLS FIRST FETCH FIRST 5 ROWS WITH TIES"),
        ("SELECT a FROM (SELECT TOP 3 a FROM t) q", "SELECT a FROM (SELECT a FROM t LIMIT 3) AS q"),
        ("SELECT i AS [x] FROM t ORDER BY x DESC OFFSET 2 ROWS FETCH NEXT 2 ROWS ONLY",
         'SELECT i AS "x" FROM t ORDER BY x DESC OFFSET 2 FETCH NEXT 2 ROWS ONLY'),
        ("SELECT [n] = i FROM t GROUP BY ROLLUP(i) HAVING COUNT(*) > 1", 'SELECT i AS "n" FROM t GROUP BY ROLLUP (i) HAVING COUNT(*) > 1'),
        ("SELECT s FROM t UNION ALL SELECT TOP 1 s FROM t", "SELECT s FROM t UNION ALL (SELECT s FROM t LIMIT 1)"),
        ("WITH q AS (SELECT i FROM t) SELECT i / 2 FROM q", "WITH q AS (SELECT i FROM t) SELECT i / 2 FROM q"),
        ("SELECT a.x FROM t AS a CROSS APPLY (SELECT a.i + 1 AS y) q", "SELECT a.x FROM t AS a CROSS JOIN LATERAL (SELECT a.i + 1 AS y) AS q"),
        ("SELECT v.k FROM t OUTER APPLY (VALUES (1)) AS v (k)", "SELECT v.k FROM t LEFT JOIN LATERAL (VALUES (1)) AS v(k) ON TRUE"),
        ("SELECT ROW_NUMBER() OVER (PARTITION BY i ORDER BY s) FROM t", "SELECT ROW_NUMBER() OVER (PARTITION BY i ORDER BY s NULLS FIRST) FROM t"),
        ("INSERT INTO [t] (i, s) VALUES (1, N'x')", "INSERT INTO \"t\" (i, s) VALUES (1, 'x')"),
        ("UPDATE [t] SET bit = 1 WHERE i = 2", 'UPDATE "t" SET bit = TRUE WHERE i = 2'),
        ("DELETE FROM [t] WHERE s = N'x'", "DELETE FROM \"t\" WHERE s = 'x'"),
        ("MERGE INTO [t] AS t USING (SELECT 1 AS a) AS q ON t.i = q.a WHEN MATCHED THEN UPDATE SET t.n = q.a WHEN NOT MATCHED BY TARGET "
         "THEN INSERT (i) VALUES (q.a)",
         'MERGE INTO "t" AS t USING (SELECT 1 AS a) AS q ON t.i = q.a WHEN MATCHED THEN UPDATE SET n = q.a WHEN NOT MATCHED '
         "THEN INSERT (i) VALUES (q.a)"),
        ("CREATE TABLE [x] (a [int] NULL, b NVARCHAR(20) NOT NULL, c DATETIME2, d BIT, e VARCHAR)",
         'CREATE TABLE "x" (a INTEGER, b VARCHAR(20) NOT NULL, c TIMESTAMP(7), d BOOLEAN, e VARCHAR(1))'),
        ("CREATE TABLE [x] (real INT, a REAL)", 'CREATE TABLE "x" (real INTEGER, a REAL)'),
        ("CREATE TABLE x AS SELECT TOP 1 i FROM t", "CREATE TABLE x AS SELECT i FROM t LIMIT 1"),
        ("DROP TABLE IF EXISTS [x]", 'DROP TABLE IF EXISTS "x"'),
    ],
)  # fmt: skip
def test_clauses(sql: str, expected: str) -> None:
    assert trino(sql) == expected


@pytest.mark.parametrize(
    ("tsql", "expected"),
    [
        # numbers: Trino rounds where T-SQL cuts off, and has fewer digits
        ("CAST(2.7 AS INT)", "CAST(TRUNCATE(2.7) AS INTEGER)"),
        ("CAST(f AS BIGINT)", "CAST(TRUNCATE(f) AS BIGINT)"),
        ("CONVERT(INT, n)", "CAST(TRUNCATE(n) AS INTEGER)"),
        ("TRY_CONVERT(INT, n)", "TRY_CAST(TRUNCATE(n) AS INTEGER)"),
        ("CAST(s AS INT)", "CAST(s AS INTEGER)"),
        ("CAST(bit AS INT)", "CAST(bit AS INTEGER)"),
        ("7 / 2", "7 / 2"),
        ("i / 2", "i / 2"),
        ("1.0 / 3", "CAST((1.0 - (1.0 % (CAST(3 AS DECIMAL(1, 0)) * CAST('0.000001' AS DECIMAL(6, 6))))) / CAST(3 AS DECIMAL(1, 0)) AS DECIMAL(7, 6))"),
        ("12345678901234567890 * 2", "CAST('12345678901234567890' AS DECIMAL(20, 0)) * 2"),
        ("f / 2", "CASE WHEN 2 = 0 THEN CAST(FAIL(8, 'Division by zero') AS DOUBLE) ELSE f / 2 END"),
        ("AVG(i)", "(SUM(i) / COUNT(i))"),
        ("AVG(i) * 2", "(SUM(i) / COUNT(i)) * 2"),
        ("AVG(DISTINCT i)", "(SUM(DISTINCT i) / COUNT(DISTINCT i))"),
        ("AVG(f)", "AVG(CAST(f AS DOUBLE))"),
        ("AVG(i) OVER (PARTITION BY s)", "(SUM(i) OVER (PARTITION BY s) / COUNT(i) OVER (PARTITION BY s))"),
        ("SUM(i) / COUNT(*)", "SUM(i) / COUNT(*)"),
        ("ROUND(2.345, 2)", "CAST(ROUND(2.345, 2) AS DECIMAL(5, 3))"),
        ("STDEV(n)", "STDDEV_SAMP(CAST(n AS DOUBLE))"),
        ("COUNT_BIG(*)", "COUNT(*)"),
        ("APPROX_COUNT_DISTINCT(s)", "APPROX_DISTINCT(s)"),
        ("i & 1", "BITWISE_AND(i, 1)"),
        # strings
        ("SUBSTRING('abcdef', 0, 3)", "SUBSTR('abcdef', 1, 2)"),
        ("SUBSTRING(s, 2, 3)", "SUBSTR(s, 2, 3)"),
        ("SUBSTRING(s, i, 3)",
         "SUBSTR(s, GREATEST(CAST(i AS BIGINT), 1), GREATEST((LEAST(CAST(i AS BIGINT), 1) - 1) + 3, 0))"),
        ("RIGHT('abc', 4)", "SUBSTR('abc', GREATEST((LENGTH('abc') - 4) + 1, 1))"),
        ("LEFT(s, 2)", "SUBSTR(s, 1, 2)"),
        ("LEFT(i, 2)", "SUBSTR(CAST(i AS VARCHAR), 1, 2)"),
        ("LEN(s)", "LENGTH(TRIM(TRAILING ' ' FROM s))"),
        ("LTRIM(s)", "TRIM(LEADING ' ' FROM s)"),
        ("REPLICATE('ab', 3)", "ARRAY_JOIN(REPEAT('ab', 3), '')"),
        ("REPLICATE(s, 3)", "CASE WHEN s IS NULL OR 3 < 0 THEN CAST(NULL AS VARCHAR) ELSE ARRAY_JOIN(REPEAT(s, 3), '') END"),
        ("CONCAT('a', NULL, 'b')", "CONCAT('a', '', 'b')"),
        ("CONCAT(s, i, bit)", "CONCAT(COALESCE(s, ''), COALESCE(CAST(i AS VARCHAR), ''), COALESCE(CAST(CAST(bit AS INTEGER) AS VARCHAR), ''))"),
        ("STRING_AGG(s, ',')", "ARRAY_JOIN(ARRAY_AGG(s) FILTER(WHERE NOT s IS NULL), ',')"),
        ("STRING_AGG(s, ',') WITHIN GROUP (ORDER BY i DESC)", "ARRAY_JOIN(ARRAY_AGG(s ORDER BY i DESC) FILTER(WHERE NOT s IS NULL), ',')"),
        ("'a' + s + N'c'", "'a' || s || 'c'"),
        ("s + s", "s || s"),
        ("i + 1", "i + 1"),
        ("s + c", "s || RPAD(CAST(c AS VARCHAR), 5, ' ')"),
        ("CAST(i AS VARCHAR) + s", "CAST(CAST(i AS VARCHAR) AS VARCHAR(30)) || s"),
        ("CAST(s AS CHAR(8))", "RPAD(CAST(s AS VARCHAR(8)), 8, ' ')"),
        ("CHARINDEX('x', s)", "STRPOS(s, 'x')"),
        ("s LIKE '[A-C]%'", "REGEXP_LIKE(s, '(?s)\\A[A-C].*\\z')"),
        ("s LIKE '[^0-9]_.'", "REGEXP_LIKE(s, '(?s)\\A[^0-9].\\.\\z')"),
        ("s LIKE 'a%'", "s LIKE 'a%'"),
        ("ISNULL(s, 'none')", "COALESCE(s, CAST('none' AS VARCHAR(20)))"),
        ("ISNULL(i, 0)", "COALESCE(i, 0)"),
        ("CHOOSE(2, 'p', 'q')", "CASE 2 WHEN 1 THEN 'p' WHEN 2 THEN 'q' END"),
        ("IIF(i > 1, 'x', 'y')", "IF(i > 1, 'x', 'y')"),
        ("QUOTENAME(s)", "CONCAT('[', REPLACE(s, ']', ']]'), ']')"),
        # dates: boundaries are counted, not whole units
        ("DATEDIFF(year, d, t)", "(YEAR(t) - YEAR(d))"),
        ("DATEDIFF(month, d, t)", "(((YEAR(t) * 12) + MONTH(t)) - ((YEAR(d) * 12) + MONTH(d)))"),
        ("DATEDIFF(day, t, d)", "DATE_DIFF('day', CAST(t AS DATE), CAST(d AS DATE))"),
        ("DATEDIFF(hour, t, t)", "DATE_DIFF('hour', DATE_TRUNC('hour', CAST(t AS TIMESTAMP(7))), DATE_TRUNC('hour', CAST(t AS TIMESTAMP(7))))"),
        ("DATEADD(qq, 1, d)", "DATE_ADD('quarter', CAST(1 AS BIGINT), d)"),
        ("DATEPART(dw, d)", "((DAY_OF_WEEK(d) % 7) + 1)"),
        ("DATEPART(iso_week, d)", "WEEK(d)"),
        ("DATEPART(dayofyear, d)", "DAY_OF_YEAR(d)"),
        ("YEAR('2026-01-31')", "YEAR(CAST('2026-01-31 00:00:00' AS TIMESTAMP(7)))"),
        ("EOMONTH(d, 1)", "LAST_DAY_OF_MONTH(DATE_ADD('month', CAST(1 AS BIGINT), CAST(d AS DATE)))"),
        ("CONVERT(VARCHAR(10), d, 23)", "CAST(DATE_FORMAT(d, '%Y-%m-%d') AS VARCHAR(10))"),
        ("CONVERT(VARCHAR(19), d, 120)", "CAST(DATE_FORMAT(d, '%Y-%m-%d') AS VARCHAR(19))"),
        ("CAST('20260201' AS DATE)", "CAST('2026-02-01' AS DATE)"),
        ("GETDATE()", "LOCALTIMESTAMP(3)"),
        ("CAST(n AS MONEY)", "CAST(n AS DECIMAL(19, 4))"),
        ("CAST(n AS FLOAT)", "CAST(n AS DOUBLE)"),
        ("CAST(n AS REAL)", "CAST(n AS REAL)"),
        ("CONVERT(REAL, n)", "CAST(n AS REAL)"),
        ("TRY_CAST(s AS REAL)", "TRY_CAST(s AS REAL)"),
    ],
)  # fmt: skip
def test_expressions(tsql: str, expected: str) -> None:
    assert trino(f"SELECT {tsql} AS [x] FROM t") == f'SELECT {expected} AS "x" FROM t'


@pytest.mark.parametrize(
    ("tsql", "expected"),
    [
        ("d >= '20260201'", "d >= CAST('2026-02-01' AS DATE)"),
        (
            "t BETWEEN '2026-01-01' AND '2026-01-02 10:00'",
            "t BETWEEN CAST('2026-01-01 00:00:00' AS TIMESTAMP(7)) AND CAST('2026-01-02 10:00:00' AS TIMESTAMP(7))",
        ),
        ("bit = 1", "bit = TRUE"),
        ("i IN (SELECT i FROM t)", "i IN (SELECT i FROM t)"),
        ("NOT EXISTS (SELECT 1 FROM t AS u WHERE u.bit = 0)", "NOT EXISTS(SELECT 1 FROM t AS u WHERE u.bit = FALSE)"),
        ("s IS NOT NULL AND (i = 1 OR i = 2)", "NOT s IS NULL AND (i = 1 OR i = 2)"),
    ],
)
def test_conditions(tsql: str, expected: str) -> None:
    assert trino(f"SELECT [i] FROM t WHERE {tsql}") == f'SELECT "i" FROM t WHERE {expected}'


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT TOP 10 PERCENT a FROM t", "TOP ... PERCENT"),
        ("SELECT @x", "@x can't be translated"),
        ("SELECT @@VERSION", "@@VERSION can't be translated"),
        ("DECLARE @x INT = 1", "DECLARE @x"),
        ("SELECT * FROM #t", "#t, a temporary table"),
        ("SELECT * FROM t WITH (FORCESEEK)", "the hint FORCESEEK"),
        ("SELECT [a] INTO b FROM t", "SELECT ... INTO"),
        ("SELECT [a] FROM t FOR XML PATH('')", "FOR XML"),
        ("SELECT [s] FROM t WHERE s COLLATE Latin1_General_CI_AS = 'x'", "COLLATE"),
        ("SELECT * FROM t PIVOT (SUM(a) FOR b IN ([x], [y])) p", "PIVOT"),
        ("SELECT k FROM (SELECT 1 AS a) AS q UNPIVOT (v FOR k IN (a)) AS u", "UNPIVOT"),
        ("SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY i) OVER () FROM t", "PERCENTILE_CONT"),
        ("WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT TOP 1 i FROM n", "WITH n, which reads itself"),
        ("UPDATE [t] SET i = 1 FROM t JOIN u ON t.i = u.i", "UPDATE ... FROM"),
        ("CREATE TABLE [x] (i INT IDENTITY(1,1))", "IDENTITY"),
        ("SELECT value FROM STRING_SPLIT('a,b', ',')", "STRING_SPLIT(...) as a table"),
        ("SELECT CONVERT(VARCHAR(10), d, 999) FROM t", "the style 999"),
        ("SELECT CONVERT(VARCHAR(10), f) FROM t", "FLOAT as a string"),
        ("SELECT CAST(GETDATE() AS VARCHAR(20))", "DATETIME2 as a string"),
        ("SELECT CONVERT(DATE, '31.01.2026')", "the date '31.01.2026'"),
        ("SELECT CAST('2026-02-30' AS DATE), N'x'", "in no calendar"),
        ("SELECT DATEDIFF(day, z, d) FROM t", "of a DATETIMEOFFSET"),
        ("SELECT DATEDIFF(nanosecond, d, d) FROM t", "nanosecond"),
        ("SELECT AVG(x) FROM [unknown]", "AVG(x) of a type that isn't known"),
        ("SELECT x / 2 FROM [unknown]", "the type of x isn't known"),
        ("SELECT [i] + s FROM t", "+ of a string and an integer"),
        ("SELECT [d] + 1 FROM t", "arithmetic with DATE"),
        ("SELECT POWER(2, 0.5), N'x'", "POWER(2, 0.5), whose base is an integer"),
        ("SELECT DATALENGTH(s) FROM t", "the function DATALENGTH"),
        ("SELECT ISNUMERIC(s) FROM t", "the function ISNUMERIC"),
        ("SELECT FORMAT(n, 'N2'), N'x' FROM t", "FORMAT(n, 'N2')"),
        ("SELECT [dbo].f(i) FROM t", "f(i)"),
        ("SELECT LEFT(s, -1) FROM t", "LEFT with a negative number"),
        ("SELECT [s] FROM t WHERE s LIKE c", "LIKE with a pattern that isn't written out"),
        ("SELECT MAX(bit), N'x' FROM t", "MAX(bit) of BIT"),
        ("SELECT ISNULL(i, 2.5) FROM t", "ISNULL(i, 2.5) of an integer and DECIMAL(2, 1)"),
        ("CREATE SCHEMA [x]", "CREATE SCHEMA"),
        ("ALTER ROLE [x] ADD MEMBER y", "no translation"),
    ],
)  # fmt: skip
def test_what_has_no_rule_is_refused_with_what_to_write(sql: str, told: str) -> None:
    with pytest.raises(UntranslatableError) as caught:
        trino(sql)
    assert told in caught.value.message
    assert caught.value.hint


def test_what_shows_that_it_is_tsql_is_said() -> None:
    with pytest.raises(UntranslatableError) as caught:
        trino("SELECT TOP 3 fancy(i) FROM t")
    assert str(caught.value.hint).endswith("(it is read as T-SQL because of TOP)")


def test_what_is_no_tsql_is_told_with_its_place() -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        to_trino("SELECT [a]\nFROM WHERE")
    assert (caught.value.line, caught.value.column > 1) == (2, True)


@pytest.mark.parametrize(
    ("sql", "noted"),
    [
        ("SELECT TOP 1 i FROM t WHERE s = 'Ann'", True),
        ("SELECT TOP 1 i FROM t WHERE s = '7'", False),
        ("SELECT TOP 1 i FROM t WHERE i = 7", False),
        ("SELECT COUNT(DISTINCT s), N'x' FROM t", True),
        ("SELECT s FROM t GROUP BY s", True),
        ("SELECT i FROM t GROUP BY i", False),
        ("SELECT i FROM t ORDER BY s", True),
        ("SELECT REPLACE(s, 'a', 'b') FROM t", True),
    ],
)
def test_strings_that_are_compared_are_noted(sql: str, *, noted: bool) -> None:
    notes = to_trino(sql, lambda _: COLUMNS).notes
    assert any("with regard to case" in note for note in notes) is noted


def test_columns_are_looked_up_where_a_meaning_hangs_on_them_and_nowhere_else() -> None:
    asked: list[tuple[str, ...]] = []

    def columns(parts: tuple[str, ...]) -> dict[str, str]:
        asked.append(parts)
        return COLUMNS

    to_trino("SELECT TOP 3 [i], s FROM dbo.t JOIN dbo.u ON t.i = 7", columns)
    assert asked == []
    to_trino("SELECT AVG(q.i) FROM (SELECT * FROM dbo.t) AS q JOIN dbo.u AS u ON u.i > 7", columns)
    assert asked == [("dbo", "t")]


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT SUM(n) / COUNT(*) AS [x] FROM t", "DECIMAL(38, 6)"),
        ("SELECT AVG(n) AS [x] FROM t", "DECIMAL(38, 6)"),
        ("SELECT SUM(CASE WHEN s = '1' THEN 1 ELSE 0 END) * 100.0 / COUNT(*) AS [x] FROM t", "DECIMAL(26, 12)"),
        ("SELECT n / i AS [x] FROM t", "DECIMAL(21, 13)"),
        ("SELECT n / n AS [x] FROM t", "DECIMAL(23, 13)"),
        ("SELECT (n + n) / 7 AS [x] FROM t", "DECIMAL(15, 6)"),
    ],
)
def test_quotients_have_the_digits_of_the_documentation(sql: str, kind: str) -> None:
    assert trino(sql).endswith(f'AS {kind}) AS "x" FROM t')

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bdc.sql.polybase import Statement, parse
from bdc.sql.polybase import ddl as d
from bdc.sql.polybase import statements as s
from bdc.sql.polybase.errors import SqlSyntaxError
from tests.unit.sql.polybase.strategies import STATEMENTS

SCRIPT = """\
-- A script as users of SQL Server's Big Data Clusters have them. /* not nested */
USE sales
GO
CREATE MASTER KEY ENCRYPTION BY PASSWORD = 'x''y';
IF NOT EXISTS(SELECT * FROM sys.external_data_sources WHERE name = 'SqlStoragePool')
    CREATE EXTERNAL DATA SOURCE SqlStoragePool WITH (LOCATION = 'sqlhdfs://controller-svc/default');
CREATE DATABASE SCOPED CREDENTIAL [OracleCredential] WITH IDENTITY = N'scott', SECRET = 'tiger'
CREATE EXTERNAL DATA SOURCE [OracleSalesSrvr]
WITH (LOCATION = 'oracle://host:1521', CREDENTIAL = [OracleCredential], PUSHDOWN=ON, CONNECTION_OPTIONS='a=b');
/* what /* nests */ ; */
CREATE EXTERNAL TABLE [dbo].[inventory_ora]
    ([INV_DATE] DECIMAL(10,0) NOT NULL, location NVARCHAR(max) COLLATE Latin1_General_100_BIN2, x double precision null)
WITH (DATA_SOURCE=[OracleSalesSrvr],
        LOCATION='xe.SALES.INVENTORY');
go
SELECT TOP 10 * FROM [dbo].inventory_ora WHERE a[1] = 'x;y'
 OPTION (FORCE EXTERNALPUSHDOWN)
EXEC sp_data_source_objects @data_source = N'OracleSalesSrvr', @depth = 2
DROP EXTERNAL TABLE IF EXISTS a.b
SELECT 1;
CREATE EXTERNAL TABLE t WITH (LOCATION='/x', DATA_SOURCE=s, FILE_FORMAT=f) AS SELECT a, 'GO
GO' FROM b
CREATE STATISTICS s ON t (a, b) WITH FULLSCAN
"""


def one(sql: str) -> Statement:
    [placed] = parse(sql)
    return placed.statement


def mistake(script: str) -> SqlSyntaxError | None:
    """What is wrong in a script."""
    try:
        parse(script)
    except SqlSyntaxError as error:
        return error
    return None


def test_a_script_as_users_have_them() -> None:
    found = parse(SCRIPT)
    assert [(type(each.statement).__name__, each.line, each.column) for each in found] == [
        ("Use", 2, 1),
        ("CreateMasterKey", 4, 1),
        ("Guarded", 5, 1),
        ("SetCredential", 7, 1),
        ("SetSource", 8, 1),
        ("CreateTable", 11, 1),
        ("Plain", 16, 1),
        ("Execute", 18, 1),
        ("Drop", 19, 1),
        ("Plain", 20, 1),
        ("CreateTable", 21, 1),
        ("CreateStatistics", 23, 1),
    ]
    guarded, source, table, plain, execute, cetas = (found[at].statement for at in (2, 4, 5, 6, 7, 10))
    assert guarded == s.Guarded(
        "SELECT * FROM sys.external_data_sources WHERE name = 'SqlStoragePool'",
        exists=False,
        statement=d.SetSource("CREATE", "SqlStoragePool", "sqlhdfs://controller-svc/default"),
    )
    assert source == d.SetSource("CREATE", "OracleSalesSrvr", "oracle://host:1521", "a=b", "OracleCredential", pushdown=True)
    assert table == d.CreateTable(
        d.ObjectName(("dbo", "inventory_ora")),
        (
            d.Column("INV_DATE", d.DataType("decimal", (10, 0)), nullable=False),
            d.Column("location", d.DataType("nvarchar", (-1,)), "Latin1_General_100_BIN2"),
            d.Column("x", d.DataType("float"), nullable=True),
        ),
        "OracleSalesSrvr",
        "xe.SALES.INVENTORY",
    )
    assert plain == s.Plain("SELECT TOP 10 * FROM [dbo].inventory_ora WHERE a[1] = 'x;y'", "FORCE")
    assert execute == d.Execute(d.ObjectName(("sp_data_source_objects",)), named={"data_source": "OracleSalesSrvr", "depth": Decimal(2)})
    assert isinstance(cetas, d.CreateTable)
    assert cetas.query == "SELECT a, 'GO\nGO' FROM b"


@given(st.lists(STATEMENTS, max_size=4), st.sampled_from([";", ";\n", "\nGO\n", "\n;\nGO;\n", "; -- done\n", "\n/* ; */;"]))
@example([d.Drop("EXTERNAL TABLE", d.ObjectName(("with",)))], ";")
def test_what_is_written_is_read_again(statements: list[Statement], between: str) -> None:
    script = "".join(f"{each}{between}" for each in statements)
    assert [placed.statement for placed in parse(script)] == statements


@given(STATEMENTS, st.data())
def test_what_is_broken_is_told_with_its_place(statement: Statement, data: st.DataObject) -> None:
    text = str(statement)
    at = data.draw(st.integers(0, len(text)))
    more = data.draw(
        st.sampled_from(["", "'", '"', "[", "]", "(", ")", ",", ";", "/*", " GO ", "\nGO\n", "=", "1.e5", "@", " WITH ", "\0", "AS"])
    )
    broken = text[:at] + more + text[at + data.draw(st.integers(0, 6)) :]
    error = mistake(broken)
    if error:
        lines = broken.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1


@pytest.mark.parametrize(
    ("sql", "place", "told"),
    [
        ("CREATE EXTERNAL TABLE t (a int) WITH (LOCATION 'x')", (1, 48), 'expected "=", found a string'),
        ("CREATE EXTERNAL\n", (1, 16), "expected DATA, FILE or TABLE, found the end of the statement"),
        ("SELECT 1;\n  DROP EXTERNAL TABLE t foo", (2, 25), "expected the statement's end or another one, found foo"),
        ("CREATE EXTERNAL TABLE t (a xml) WITH (DATA_SOURCE=s)", (1, 28), "there is no type xml here; types: bigint, "),
        ("CREATE EXTERNAL TABLE t (a decimal(40)) WITH (DATA_SOURCE=s)", (1, 28), "a decimal has 1 to 38 digits"),
        ("CREATE EXTERNAL TABLE t (a int(4)) WITH (DATA_SOURCE=s)", (1, 28), "int doesn't take 1 size"),
        ("CREATE EXTERNAL TABLE t (a nvarchar(1.5)) WITH (DATA_SOURCE=s)", (1, 37), "a size is a whole number"),
        ("CREATE EXTERNAL TABLE t (a text precision) WITH (DATA_SOURCE=s)", (1, 28), "text precision is no type"),
        ("CREATE EXTERNAL TABLE t (a int NULL NOT NULL) WITH (DATA_SOURCE=s)", (1, 37), "NULL or NOT NULL is there twice"),
        ("CREATE EXTERNAL TABLE t (a int, A int) WITH (DATA_SOURCE=s)", (1, 33), "the column A is there twice"),
        ("CREATE EXTERNAL TABLE t (a int) WITH (LOCATION='x')", (1, 23), "DATA_SOURCE is missing"),
        ("CREATE EXTERNAL TABLE t WITH (DATA_SOURCE=s)", (1, 23), "columns, or a query after AS"),
        ("CREATE EXTERNAL TABLE t WITH (DATA_SOURCE=s) AS", (1, 48), "expected a query, found the end of the statement"),
        ("CREATE EXTERNAL TABLE a.b.c.d (a int) WITH (DATA_SOURCE=s)", (1, 23), "at most three parts"),
        ("SELECT 'abc", (1, 8), "a string that has no end"),
        ("SELECT [abc", (1, 8), "a name in brackets that has no end"),
        ("SELECT 1 /* /* */", (1, 10), "a comment that has no end"),
        ("GO 5", (1, 1), "GO with a count"),
        ("CREATE EXTERNAL DATA SOURCE a WITH (PUSHDOWN = MAYBE, LOCATION='x')", (1, 48), "expected OFF or ON, found MAYBE"),
        ("CREATE EXTERNAL DATA SOURCE a WITH (LOCATION='x', LOCATION='y')", (1, 51), "LOCATION is there twice"),
        ("CREATE EXTERNAL DATA SOURCE a WITH (TYPE = RDBMS, LOCATION='y')", (1, 44), "TYPE is one of HADOOP, BLOB_STORAGE"),
        ("CREATE DATABASE SCOPED CREDENTIAL c WITH SECRET = 'geheim'", (1, 35), "IDENTITY is missing"),
        ("CREATE DATABASE SCOPED CREDENTIAL c WITH IDENTITY = 'u', SECRET 'geheim'", (1, 65), 'expected "=", found a string'),
        ("CREATE EXTERNAL FILE FORMAT f WITH (FORMAT_TYPE=ORC, FORMAT_OPTIONS (FIRST_ROW=2))", (1, 37), "FORMAT_OPTIONS are"),
        ("CREATE EXTERNAL FILE FORMAT f WITH (FORMAT_TYPE=DELIMITEDTEXT, FORMAT_OPTIONS (FIRST_ROW=0))", (1, 90), "a whole number from 1"),
        ("EXEC p @a = 1, @A = 2", (1, 16), "@a is there twice"),
        ("EXEC p @a = 1, 2", (1, 16), "arguments without a name come first"),
        ("DROP STATISTICS s", (1, 17), "names the table, too"),
        ("DENY SELECT ON t TO ann", (1, 1), "there is no DENY here"),
        ("GRANT SELECT ON t FROM ann", (1, 19), "expected"),
        ("IF EXISTS (SELECT 1", (1, 11), "a parenthesis that has no end"),
        ("IF EXISTS (SELECT 1)", (1, 21), "expected a statement after IF EXISTS"),
        ("IF EXISTS (SELECT 1) BEGIN SELECT 1 END", (1, 22), "IF takes one statement"),
        ("IF 1 = 1 SELECT 1", (1, 4), "expected EXISTS (query), found 1"),
        ("SELECT 1 OPTION (MAXDOP 2)", (1, 18), "OPTION (MAXDOP 2) isn't supported"),
    ],
)  # fmt: skip
def test_mistakes(sql: str, place: tuple[int, int], told: str) -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        parse(sql)
    assert told in caught.value.text
    assert (caught.value.line, caught.value.column) == place
    assert "geheim" not in str(caught.value)


def test_where_plain_statements_end() -> None:
    routine = "CREATE FUNCTION f() RETURNS int BEGIN DECLARE x int DEFAULT 1; RETURN x; END"
    script = f"SELECT 1\nUNION SELECT 2\n;{routine};\nINSERT INTO t\nSELECT [a] FROM b\nCREATE EXTERNAL DATA SOURCE s WITH (LOCATION='x')"
    plain = [placed.statement.sql for placed in parse(script) if isinstance(placed.statement, s.Plain)]
    assert plain == ["SELECT 1\nUNION SELECT 2", routine, "INSERT INTO t\nSELECT [a] FROM b"]


def test_a_name_that_is_option_is_no_clause() -> None:
    sql = "SELECT option (a) FROM t WHERE b IN (1)"
    assert one(sql) == s.Plain(sql)


def test_keywords_are_names_where_a_name_stands() -> None:
    sql = "CREATE EXTERNAL TABLE location (source int, [with] int, max int, null int NULL) WITH (DATA_SOURCE = data_source)"
    assert one(sql) == d.CreateTable(
        d.ObjectName(("location",)),
        tuple(d.Column(name, d.DataType("int"), nullable=nullable) for name, nullable in
              (("source", None), ("with", None), ("max", None), ("null", True))),
        "data_source",
    )  # fmt: skip


def test_no_secret_in_what_is_shown_of_a_statement() -> None:
    assert "geheim" not in repr(one("CREATE DATABASE SCOPED CREDENTIAL c WITH IDENTITY = 'u', SECRET = 'geheim'"))
    assert "geheim" not in repr(one("CREATE MASTER KEY ENCRYPTION BY PASSWORD = 'geheim'"))


def test_the_file_is_named() -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        parse("DROP EXTERNAL")
    assert str(caught.value.inside("a.sql")).startswith("a.sql:1:14: ")


def test_a_word_that_was_meant_is_named() -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        parse("CREATE EXTERNAL TABEL t (a INT)")
    assert caught.value.hint == "did you mean TABLE?"

from __future__ import annotations

import pytest

from bdc.sql.polybase.names import TableName, names_no_table
from bdc.sql.polybase.tables import qualify, tables


def names(sql: str) -> list[str]:
    return [("new " if name.new else "") + str(name) for name in sorted(tables(sql), key=lambda name: name.start)]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT * FROM dbo.orders o JOIN public.customers c ON o.id = c.id", ["dbo.orders", "public.customers"]),
        ("WITH q AS (SELECT * FROM a.b) SELECT * FROM q, t", ["a.b", "t"]),
        ("SELECT * FROM lake.demo.flights", []),
        ("SELECT (SELECT max(x) FROM a.b) FROM UNNEST(ARRAY[1]) u(x)", ["a.b"]),
        ("SELECT * FROM TABLE(sequence(1, 5))", []),
        ("EXPLAIN ANALYZE VERBOSE SELECT * FROM a.b", ["a.b"]),
        ("EXPLAIN (TYPE DISTRIBUTED) SELECT * FROM a.b", ["a.b"]),
        ("INSERT INTO a.b SELECT * FROM c.d", ["a.b", "c.d"]),
        ("CREATE TABLE a.b AS SELECT * FROM c.d", ["new a.b", "c.d"]),
        ("CREATE OR REPLACE VIEW a.b AS SELECT 1 AS x", ["new a.b"]),
        ("DROP TABLE a.b", ["a.b"]),
        ("DELETE FROM a.b WHERE x = 1", ["a.b"]),
        ("UPDATE a.b SET x = 1", ["a.b"]),
        ("DESCRIBE a.b", ["a.b"]),
        ("ANALYZE a.b", ["a.b"]),
        ("SHOW TABLES FROM lake.demo", []),
        ("CREATE SCHEMA lake.x", []),
        ("DROP SCHEMA lake.x", []),
        ("CALL system.sync('a', 'b')", []),
        ("SELECT ((", []),
    ],
)
def test_tables_of_a_statement(sql: str, found: list[str]) -> None:
    assert names(sql) == found


def test_only_names_change() -> None:
    sql = 'SELECT dbo.orders.id,  "Public".x.y -- dbo.orders\nFROM dbo.orders JOIN "Public".x ON \'dbo.orders\' = y'
    whole = qualify(sql, lambda name: "lake" if name.parts[0] == "dbo" else "master")
    assert whole.sql == sql.replace("FROM dbo", "FROM lake.dbo").replace('JOIN "Public"', 'JOIN master."Public"')


def test_what_has_no_home_stays() -> None:
    assert qualify("SELECT * FROM a.b", lambda _: "").sql == "SELECT * FROM a.b"


@pytest.mark.parametrize(
    ("place", "original"), [((1, 1), (1, 1)), ((1, 15), (1, 15)), ((1, 20), (1, 15)), ((1, 26), (1, 21)), ((2, 3), (2, 3))]
)
def test_places_are_those_of_what_was_written(place: tuple[int, int], original: tuple[int, int]) -> None:
    whole = qualify("SELECT * FROM a.b WHERE x\n AND y", lambda _: "lake")
    assert whole.sql == "SELECT * FROM lake.a.b WHERE x\n AND y"
    assert whole.original(*place) == original


def test_what_need_not_be_there() -> None:
    assert tables("DROP TABLE IF EXISTS a.b") == [TableName(("a", "b"), 21, maybe=True)]


def test_the_place_of_a_name() -> None:
    assert tables("EXPLAIN SELECT * FROM a.b") == [TableName(("a", "b"), 22)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 1 + 2 AS x, 'it''s'",
        "SELECT 1 UNION ALL SELECT 2",
        "SELECT (SELECT 1), CAST('1' AS integer), ARRAY[1, 2][1]",
        "SELECT x IN (1, 2), a.b.c, count(*) OVER ()",
        "SELECT FROM t",
        "SELECT a FROM t",
        "SELECT 1 UNION TABLE t",
        "SELECT (\nTABLE t)",
        "SELECT * INTO t",
        "SELECT 'a' 'b'",
        "SELECT",
    ],
)
def test_what_is_not_parsed_names_no_tables(sql: str) -> None:
    assert not names_no_table(sql) or tables(sql) == []

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import pytest

from bdc.errors import NotFoundError, UsageError
from bdc.sql import Column, QueryError, Result, Row, Statement
from bdc.sql.inventory import Table, TableColumn, databases, describe, tables
from bdc.sql.statements import text_of

TABLES = [
    ("external", "dbo", "orders", "VIEW"),
    ("external", "information_schema", "tables", "TABLE"),
    ("lake", "dbo", "orders", "TABLE"),
    ("lake", "demo", "flights", "TABLE"),
    ("master", "dbo", "orders", "TABLE"),
    ("master", "public", "customers", "TABLE"),
    ("master", "public", "seen", "VIEW"),
]
SCHEMAS = [("external", "dbo"), ("lake", "demo"), ("lake", "empty"), ("lake", "information_schema"), ("master", "public")]


class Session:
    """A federation with these tables, of which the master and the lake have their own for an external one."""

    schema = ""

    def query(self, statement: Statement | str) -> Result:
        sql = text_of(statement)
        if sql == 'DESCRIBE "demo"."flights"':
            return _result([("carrier", "varchar", "", None), ("delay", "integer", "", "minutes")])
        if sql.startswith("DESCRIBE"):
            raise QueryError("there is no table demo.fligths", "TABLE_NOT_FOUND", None, "did you mean demo.flights?")
        rows: Sequence[tuple[str, ...]] = TABLES if "jdbc.tables" in sql else SCHEMAS
        named = [row for row in rows if f"table_schem = '{row[1]}'" in sql or "table_schem =" not in sql]
        return _result(named)

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


def _result(rows: Sequence[Row]) -> Result:
    return Result([Column("x", "varchar")], iter(rows))


def test_an_external_table_is_one_wherever_it_is_kept() -> None:
    assert tables(Session()) == [
        Table("external", "dbo", "orders", "external table"),
        Table("lake", "demo", "flights", "table"),
        Table("master", "public", "customers", "table"),
        Table("master", "public", "seen", "view"),
    ]


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        (("master",), ["customers", "seen"]),
        (("MASTER", "Public"), ["customers", "seen"]),
        (("demo",), ["flights"]),
        (("lake", "empty"), []),
    ],
)
def test_tables_of_one_place(parts: tuple[str, ...], names: list[str]) -> None:
    assert [table.name for table in tables(Session(), parts)] == names


def test_databases_and_how_many_tables_they_have() -> None:
    assert databases(Session()) == [("external", "dbo", 1), ("lake", "demo", 1), ("lake", "empty", 0), ("master", "public", 2)]


def test_what_isnt_there() -> None:
    with pytest.raises(NotFoundError, match="no database nix"):
        tables(Session(), ["nix"])
    with pytest.raises(NotFoundError, match="no catalog tpch"):
        tables(Session(), ["tpch", "tiny"])
    with pytest.raises(UsageError):
        tables(Session(), ["a", "b", "c"])
    with pytest.raises(NotFoundError) as caught:
        describe(Session(), ["demo", "fligths"])
    assert caught.value.hint == "did you mean demo.flights?"


def test_columns() -> None:
    assert describe(Session(), ["demo", "flights"]) == [TableColumn("carrier", "varchar", ""), TableColumn("delay", "integer", "minutes")]

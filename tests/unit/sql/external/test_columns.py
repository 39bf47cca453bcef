from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.errors import UsageError
from bdc.sql.external.columns import Selected, fits, selected, suggestion
from bdc.sql.external.definitions import ColumnDefinition, Table
from bdc.sql.polybase.types import trino_type_of

WIDE = "decimal(38,20)"
"""What a source's number is that says no digits."""

TABLE = Table("dbo", "orders", "sales", "public.orders", ())

SAME = ("boolean", "date", "real", "double", "varbinary", "uuid", "json", "bigint")
KINDS = st.one_of(
    st.sampled_from(["tinyint", "smallint", "integer", "bigint", "boolean", "real", "double", "date", "varbinary", "uuid", "varchar"]),
    st.integers(1, 38).flatmap(lambda digits: st.integers(0, digits).map(lambda scale: f"decimal({digits},{scale})")),
    st.integers(1, 70000).map("varchar({})".format),
    st.integers(1, 70000).map("char({})".format),
    st.integers(0, 12).map("timestamp({})".format),
    st.integers(0, 12).map("timestamp({}) with time zone".format),
    st.integers(0, 12).map("time({})".format),
)
"""Kinds that T-SQL has."""

AS_TEXT = [
    ("uuid", 'CAST("c" AS varchar)'),
    ("ObjectId", 'CAST("c" AS varchar)'),
    ("ipaddress", 'CAST("c" AS varchar)'),
    ("json", 'json_format("c")'),
    ("row(a integer, b varchar)", 'json_format(CAST("c" AS json))'),
    ("array(integer)", 'json_format(CAST("c" AS json))'),
    ("map(varchar, bigint)", 'json_format(CAST("c" AS json))'),
    ('row("InnerName" integer)', 'json_format(CAST(CAST("c" AS row("InnerName" integer)) AS json))'),
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        *((kind, kind) for kind in SAME),
        ("bigint", "integer"),
        ("integer", "tinyint"),
        ("double", "real"),
        ("decimal(10,2)", "decimal(9,1)"),
        ("decimal(10,2)", "decimal(10,2)"),
        ("varchar", "varchar(9)"),
        ("varchar(5)", "varchar"),
        ("varchar(5)", "char(9)"),
        ("char(5)", "varchar(9)"),
        ("timestamp(3)", "timestamp(6)"),
        ("timestamp(7) with time zone", "timestamp(3) with time zone"),
        ("time(0)", "time(6)"),
    ],
)
def test_types_that_hold_what_a_source_has_fit(wanted: str, found: str) -> None:
    assert fits(wanted, found)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("integer", "bigint"),
        ("smallint", "integer"),
        ("real", "double"),
        ("integer", "decimal(5,0)"),
        ("decimal(10,2)", "decimal(11,2)"),
        ("decimal(10,2)", "decimal(10,1)"),
        ("decimal(10,2)", "decimal(10,3)"),
        ("decimal(10,2)", "integer"),
        ("varchar", "integer"),
        ("integer", "varchar"),
        ("timestamp(3)", "timestamp(3) with time zone"),
        ("timestamp(3)", "date"),
        ("date", "timestamp(3)"),
        ("uuid", "varchar"),
        ("varbinary", "varchar"),
        ("varchar", "json"),
    ],
)
def test_types_that_would_lose_something_dont_fit(wanted: str, found: str) -> None:
    assert not fits(wanted, found)


@given(KINDS)
def test_what_is_suggested_fits(kind: str) -> None:
    suggested = suggestion(kind)
    assert suggested
    assert fits(trino_type_of(suggested), kind)


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("varchar(4000)", "NVARCHAR(4000)"),
        ("varchar(4001)", "NVARCHAR(MAX)"),
        ("varchar", "NVARCHAR(MAX)"),
        ("varchar(0)", "NVARCHAR(MAX)"),
        ("char(3)", "NCHAR(3)"),
        ("decimal(10,2)", "DECIMAL(10,2)"),
        ("timestamp(9)", "DATETIME2(7)"),
        ("timestamp", "DATETIME2(3)"),
        ("timestamp(3) with time zone", "DATETIMEOFFSET(3)"),
        ("time(6)", "TIME(6)"),
        ("tinyint", "SMALLINT"),
        ("ObjectId", "NVARCHAR(24)"),
        ("row(a integer)", "NVARCHAR(MAX)"),
    ],
)
def test_types_are_suggested_as_tsql_has_them(kind: str, type_: str) -> None:
    assert suggestion(kind) == type_


@pytest.mark.parametrize(("kind", "expression"), AS_TEXT)
def test_what_tsql_hasnt_is_selected_as_text(kind: str, expression: str) -> None:
    assert selected(TABLE, {"C": "varchar(100)"}, {"c": kind}).columns == f'{expression} AS "c"'
    suggested = suggestion(kind)
    assert suggested
    assert selected(TABLE, {"c": trino_type_of(suggested)}, {"c": kind}).columns.endswith(' AS "c"')


@pytest.mark.parametrize("kind", ["time(3) with time zone", "interval day to second", "HyperLogLog", "Geometry"])
def test_what_cant_be_selected_isnt_suggested(kind: str) -> None:
    assert suggestion(kind) is None
    with pytest.raises(UsageError) as caught:
        selected(TABLE, {"c": "varchar"}, {"c": kind})
    assert caught.value.hint == "leave it out"


def test_what_fits_is_selected_by_name_without_a_cast() -> None:
    found = {"id": "integer", "who": "varchar", "never": "date", 'a"b': "uuid"}
    assert selected(TABLE, {"ID": "bigint", 'A"b': "uuid"}, found).columns == '"id" AS "id", "a""b" AS "a""b"'


def test_a_mismatch_names_the_column_and_both_types() -> None:
    with pytest.raises(UsageError) as caught:
        selected(TABLE, {"Total": "integer"}, {"total": "decimal(10,2)"})
    assert caught.value.message == "dbo.orders: the column Total is defined as integer, and is decimal(10,2) in public.orders"
    assert caught.value.hint == "define it as DECIMAL(10,2)"


def test_a_missing_column_is_named_beside_those_that_are_there() -> None:
    with pytest.raises(UsageError) as caught:
        selected(TABLE, {"id": "integer", "color": "varchar"}, {"id": "integer", "who": "date"})
    assert caught.value.message == "dbo.orders: public.orders has no column color"
    assert caught.value.hint == "its columns are id, who"


def narrowed(kind: str, found: str = WIDE) -> str:
    table = Table("dbo", "o", "sales", "o", (ColumnDefinition("C", kind),))
    return selected(table, {"C": trino_type_of(kind)}, {"c": found}).columns


def test_a_number_without_digits_may_be_defined_with_some_and_a_value_that_doesnt_fit_is_named() -> None:
    assert suggestion(WIDE) == "DECIMAL(38,20)"
    assert narrowed("decimal(38,20)") == '"c" AS "c"'
    assert narrowed("decimal(18,4)") == (
        'CASE WHEN TRY_CAST("c" AS decimal(18,4)) IS DISTINCT FROM "c" THEN CAST(fail(19, \'dbo.o: the column C has \' '
        '|| CAST("c" AS varchar) || \', which is no DECIMAL(18,4)\') AS decimal(18,4)) ELSE CAST("c" AS decimal(18,4)) END AS "c"'
    )
    assert 'TRY_CAST("c" AS bigint) IS DISTINCT FROM "c" THEN' in narrowed("bigint")
    assert 'IS DISTINCT FROM "c" OR "c" NOT BETWEEN 0 AND 255 THEN' in narrowed("tinyint")
    assert narrowed("float") == 'CAST("c" AS double) AS "c"'


def test_a_number_without_digits_may_be_text_as_the_source_writes_it() -> None:
    assert narrowed("nvarchar(max)") == r"""regexp_replace(CAST("c" AS varchar), '\.?0+$') AS "c" """.rstrip()
    assert narrowed("nvarchar(40)", "decimal(38,0)") == 'CAST("c" AS varchar) AS "c"'


@pytest.mark.parametrize(("kind", "found"), [("date", WIDE), ("bit", WIDE), ("nvarchar(9)", "decimal(12,2)"), ("int", "decimal(9,0)")])
def test_what_a_number_cant_be_is_refused(kind: str, found: str) -> None:
    with pytest.raises(UsageError, match="is defined as"):
        narrowed(kind, found)


def test_a_tinyint_is_0_to_255() -> None:
    table = Table("dbo", "o", "sales", "o", (ColumnDefinition("Age", "TINYINT"), ColumnDefinition("id", "int")))
    wanted, found = {"Age": "smallint", "id": "integer"}, {"age": "tinyint", "id": "integer"}
    fails = """fail(19, 'dbo.o: the column Age has ' || CAST("age" AS varchar) || ', which is no TINYINT')"""
    assert selected(table, wanted, found) == Selected(
        f'CASE WHEN "age" NOT BETWEEN 0 AND 255 THEN CAST({fails} AS tinyint) ELSE "age" END AS "age", "id" AS "id"'
    )
    assert selected(table, wanted, found, "rows") == Selected(
        '"age" AS "age", "id" AS "id"', f'CASE WHEN "age" NOT BETWEEN 0 AND 255 THEN CAST({fails} AS boolean) ELSE true END'
    )
    assert selected(table, wanted, found, "nothing") == Selected('"age" AS "age", "id" AS "id"')

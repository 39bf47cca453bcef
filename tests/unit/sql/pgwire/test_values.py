"""Trino's values as PostgreSQL writes them, in both formats; parameters as SQL; the protocol's bytes."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import Format

from bdc.sql.pgwire import copying, wire
from bdc.sql.pgwire.commands import command
from bdc.sql.pgwire.errors import FatalError, SqlError
from bdc.sql.pgwire.numerics import computed, divide
from bdc.sql.pgwire.parameters import literal
from bdc.sql.pgwire.rows import data_rows
from bdc.sql.pgwire.settings import Settings
from bdc.sql.pgwire.values import Encode, type_of, zone
from tests.unit.sql.pgwire.conftest import signature

VARCHAR = signature("varchar", 2**31 - 1)


@pytest.mark.parametrize(
    ("of", "value", "oid", "text"),
    [
        (signature("boolean"), True, 16, "t"),
        (signature("tinyint"), -5, 21, "-5"),
        (signature("bigint"), 2**62, 20, str(2**62)),
        (signature("real"), 1.1, 700, "1.1"),
        (signature("real"), 1000000.0, 700, "1e+06"),
        (signature("double"), 0.1, 701, "0.1"),
        (signature("double"), 100.0, 701, "100"),
        (signature("double"), 1e15, 701, "1e+15"),
        (signature("double"), 123456789012345.0, 701, "123456789012345"),
        (signature("double"), 1e-5, 701, "1e-05"),
        (signature("double"), -0.0, 701, "-0"),
        (signature("double"), "NaN", 701, "NaN"),
        (signature("double"), "-Infinity", 701, "-Infinity"),
        (signature("decimal", 10, 2), "12.50", 1700, "12.50"),
        (signature("varchar", 5), "äö", 1043, "äö"),
        (VARCHAR, "", 25, ""),
        (signature("char", 3), "a  ", 1042, "a  "),
        (signature("varbinary"), "AAH/", 17, "\\x0001ff"),
        (signature("date"), "2026-01-02", 1082, "2026-01-02"),
        (signature("date"), "-0043-03-15", 1082, "0044-03-15 BC"),
        (signature("date"), "+10000-01-01", 1082, "10000-01-01"),
        (signature("time", 6), "10:11:12.500000", 1083, "10:11:12.5"),
        (signature("timestamp", 3), "2026-01-01 00:00:00.000", 1114, "2026-01-01 00:00:00"),
        (signature("timestamp", 9), "2025-12-31 23:59:59.999999999", 1114, "2026-01-01 00:00:00"),
        (signature("timestamp with time zone", 3), "2026-07-01 00:00:00.120 UTC", 1184, "2026-07-01 02:00:00.12+02"),
        (signature("timestamp with time zone", 0), "2026-01-01 00:00:00 Asia/Kathmandu", 1184, "2025-12-31 19:15:00+01"),
        (signature("timestamp with time zone", 0), "2026-01-01 00:00:00 -03:30", 1184, "2026-01-01 04:30:00+01"),
        (signature("uuid"), "7f1b2c3d-0000-4000-8000-000000000001", 2950, "7f1b2c3d-0000-4000-8000-000000000001"),
        (signature("interval day to second"), "1 02:03:04.500", 1186, "1 day 02:03:04.5"),
        (signature("interval day to second"), "-2 00:00:00.000", 1186, "-2 days"),
        (signature("interval year to month"), "-1-2", 1186, "-1 years -2 mons"),
        (signature("json"), '{"a": 1}', 114, '{"a": 1}'),
        (signature("array", VARCHAR), ["a", None, "x y", 'q"\\', "", "null"], 1009, '{a,NULL,"x y","q\\"\\\\","","null"}'),
        (signature("array", signature("array", signature("integer"))), [[1, 2], [3, 4]], 1007, "{{1,2},{3,4}}"),
        (signature("map", VARCHAR, signature("bigint")), {"a": 1}, 114, '{"a":1}'),
        (signature("HyperLogLog"), "x", 25, "x"),
    ],
)
def test_values_are_written_as_postgresql_writes_them(of: dict[str, Any], value: Any, oid: int, text: str) -> None:
    found = type_of(of, zone("Europe/Berlin"))
    assert (found.oid, found.text(value).decode()) == (oid, text)
    if oid in (114, 25, 1009) or "BC" in text or text.startswith("10000") or "mons" in text or text == "-2 days":
        return
    both = Transformer()
    one, other = (
        both.get_loader(oid, form).load(data) for form, data in ((Format.TEXT, found.text(value)), (Format.BINARY, found.binary(value)))
    )
    assert one == other or (isinstance(one, float) and math.isclose(one, other, rel_tol=1e-6)) or one != one


def test_what_has_no_binary_form_is_said() -> None:
    with pytest.raises(SqlError, match="BC has no binary form"):
        type_of(signature("date"), zone("UTC")).binary("-0043-03-15")


@pytest.mark.parametrize(
    ("value", "oid", "form", "sql"),
    [
        (None, 0, 0, "NULL"), (None, 23, 0, "CAST(NULL AS integer)"), (b"5", 23, 0, "CAST(5 AS integer)"),
        (b"\0\0\0\5", 23, 1, "CAST(5 AS integer)"),
        (b"x'y", 0, 0, "'x''y'"), (b"{1,2}", 1007, 0, "CAST('{1,2}' AS integer[])"), (b"t", 16, 0, "CAST('t' AS boolean)"),
        (b"1.50", 1700, 0, "CAST('1.50' AS numeric)"),
    ],
)  # fmt: skip
def test_parameters_become_literals_of_their_types(value: bytes | None, oid: int, form: int, sql: str) -> None:
    assert literal(value, oid, form) == sql


@pytest.mark.parametrize(
    ("value", "oid", "form"), [(b"5; DROP", 23, 0), (b"\xff", 25, 0), (b"a\0b", 25, 0), (b"\0", 23, 1), (b"x", 600, 0)]
)
def test_parameters_that_are_none_are_refused(value: bytes, oid: int, form: int) -> None:
    with pytest.raises(SqlError):
        literal(value, oid, form)


BINARY = (5, 2**40, -1.5, True, Decimal("12345678.0900"), Decimal(-7), Decimal(0), Decimal("1" * 20 + "." + "9" * 18),
          "é", date(1066, 10, 14), time(1, 2, 3),
          datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), UUID(int=7), [1, 2, None], ["a", 'b"'])  # fmt: skip


def test_bytes_in_binary_become_hex() -> None:
    assert literal(b"\0\xff", 17, 1) == r"CAST('\x00ff' AS bytea)"


@pytest.mark.parametrize("value", BINARY)
def test_parameters_in_binary_become_text(value: Any) -> None:
    both = Transformer()
    dumper = both.get_dumper(value, PyFormat.BINARY)
    sql = literal(bytes(dumper.dump(value) or b""), dumper.oid, 1)
    text = sql.partition("(")[2].rpartition(" AS ")[0] or sql
    assert both.get_loader(dumper.oid, Format.TEXT).load(text.strip("'").replace("''", "'").encode()) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**60), max_value=10**60))
def test_numerics_in_binary_keep_all_their_digits(value: Decimal) -> None:
    dumper = Transformer().get_dumper(value, PyFormat.BINARY)
    sql = literal(bytes(dumper.dump(value) or b""), 1700, 1)
    assert Decimal(sql.removeprefix("CAST('").removesuffix("' AS numeric)")) == value


@given(st.binary(max_size=60), st.sampled_from([16, 17, 20, 21, 23, 700, 701, 1082, 1083, 1114, 1184, 1700, 2950, 1007, 1009, 1231]))
def test_any_bytes_are_a_parameter_or_an_error(value: bytes, oid: int) -> None:
    with suppress(SqlError):
        assert literal(value, oid, 1)


@pytest.mark.parametrize(
    ("dividend", "divisor", "quotient"),
    [
        ("5", "3", "1.6666666666666667"), ("100", "3", "33.3333333333333333"), ("12345.67", "3", "4115.2233333333333333"),
        ("1", "7", "0.14285714285714285714"), ("0", "3", "0.00000000000000000000"), ("1.5", "2", "0.75000000000000000000"),
        ("-5", "3", "-1.6666666666666667"), ("0.001", "7", "0.00014285714285714286"),
    ],
)  # fmt: skip
def test_quotients_have_the_digits_that_postgresql_gives(dividend: str, divisor: str, quotient: str) -> None:
    assert divide(dividend, divisor) == quotient


def test_division_by_zero() -> None:
    with pytest.raises(SqlError, match="division by zero"):
        divide("1", "0.00")


@given(
    st.lists(st.tuples(st.integers(), st.none() | st.text(), st.none() | st.decimals(allow_nan=False, allow_infinity=False)), max_size=30)
)
def test_rows_are_what_the_protocol_says(rows: list[tuple[int, str | None, Decimal | None]]) -> None:
    encoders: list[Encode] = [b"%d".__mod__, lambda value: bytes(value.encode("utf-8", "replace")), lambda value: str(value).encode()]
    data, found = data_rows(rows, encoders), []
    while data:
        fields = wire.Fields(data[5 : 1 + int.from_bytes(data[1:5])])
        assert data[:1] == b"D"
        found.append([fields.value() for _ in range(fields.count())])
        fields.end()
        data = data[1 + int.from_bytes(data[1:5]) :]
    assert found == [[None if one is None else encode(one) for one, encode in zip(row, encoders, strict=True)] for row in rows]


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        (("10", "4"), "2.5000000000000000"),
        ((None, "4"), None),
        (("stddev_samp", "3", "6", "14"), "1.00000000000000000000"),
        (("var_samp", "4", "10", "30"), "1.6666666666666667"),
        (("stddev_samp", "4", "10", "30"), "1.2909944487358056"),
        (("var_pop", "4", "12.50", "39.7500"), "0.17187500000000000000"),
        (("stddev_pop", "2", "0.30", "0.0500"), "0.05000000000000000000"),
        (("var_samp", "1", "5", "25"), None),
        (("var_pop", "1", "5", "25"), "0"),
        (("stddev_pop", "0", None, None), None),
    ],
)  # fmt: skip
def test_what_is_computed_of_numerics_has_postgresqls_digits(parts: tuple[str | None, ...], wanted: str | None) -> None:
    assert computed(parts) == wanted


ROWS: list[list[Any]] = [["a\tb\\", None], ['q"', "x,y"], ["", "\\."], ["line\n\v", "1"]]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ("", b'a\\tb\\\\\t\\N\nq"\tx,y\n\t\\\\.\nline\\n\\v\t1\n'),
        ("WITH (FORMAT 'text', DELIMITER '|', NULL '', HEADER)", b'one|two\na\\tb\\\\|\nq"|x,y\n|\\\\.\nline\\n\\v|1\n'),
        ("(FORMAT csv, HEADER true)", b'one,two\na\tb\\,\n"q""","x,y"\n"",\\.\n"line\n\v",1\n'),
        ("(FORMAT \"csv\", QUOTE '''', ESCAPE E'\\\\', NULL '-')", b"a\tb\\,-\nq\",'x,y'\n,\\.\n'line\n\v',1\n"),
        ("CSV HEADER FORCE QUOTE two", b'one,two\na\tb\\,\n"q""","x,y"\n"","\\."\n"line\n\v","1"\n'),
        ("WITH CSV DELIMITER AS ';' NULL AS 'none'", b'a\tb\\;none\n"q""";x,y\n;\\.\n"line\n\v";1\n'),
        ("(FORMAT csv, FORCE_QUOTE *, ENCODING 'UTF-8')", b'"a\tb\\",\n"q""","x,y"\n"","\\."\n"line\n\v","1"\n'),
    ],
)  # fmt: skip
def test_copy_writes_text_and_csv(options: str, wanted: bytes) -> None:
    """As PostgreSQL 17 writes these rows."""
    form = copying.options(options)
    titles = ["one", "two"]
    written = form.titled(titles) + form.lines(ROWS, [str.encode, str.encode], form.forces(titles)) + form.ends(form.head)
    found = b""
    while written:
        size = int.from_bytes(written[1:5])
        assert written[:1] == b"d"
        found, written = found + written[5 : size + 1], written[size + 1 :]
    assert found == wanted


def test_copy_writes_binary() -> None:
    form = copying.options("WITH BINARY")
    assert form == copying.options(' (FORMAT "binary")')
    [text, number] = [type_of(signature(kind), UTC) for kind in ("varchar", "integer")]
    written = form.lines([["x", 7], [None, -1]], [text.binary, number.binary], [False, False], form.head) + form.ends(b"")
    head = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"
    assert written == (
        b"d\0\0\0\x26" + head + b"\0\2\0\0\0\1x\0\0\0\4\0\0\0\7"
        + b"d\0\0\0\x12\0\2\xff\xff\xff\xff\0\0\0\4\xff\xff\xff\xff" + b"d\0\0\0\6\xff\xff"
    )  # fmt: skip
    assert form.ends(form.head) == b"d\0\0\0\x19" + head + b"\xff\xff", "of no rows"


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ("(FORMAT parquet)", "22023"), ("(FORMAT csv, FORMAT csv)", "42601"), ("(FORMAT csv", "42601"), ("(DELIMITER 'ab')", "22023"),
        ("(DELIMITER 'a')", "22023"), ("(QUOTE '''')", "0A000"), ("(FORMAT binary, DELIMITER ',')", "0A000"), ("(SORTED)", "42601"),
        ("(FORMAT csv, DELIMITER '\"')", "22023"), ("(ENCODING 'latin1')", "0A000"), ("(HEADER maybe)", "42601"), ("GZIP", "42601"),
        ("(HEADER match)", "0A000"), ("(FORMAT csv, NULL ',')", "22023"), ("(FORMAT csv) x", "42601"),
    ],
)  # fmt: skip
def test_options_of_copy_that_are_refused(options: str, state: str) -> None:
    with pytest.raises(SqlError) as raised:
        copying.options(options)
    assert raised.value.state == state


@given(st.integers(0, 255), st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(kind: int, body: bytes) -> None:
    state = ""
    try:
        assert wire.read(kind, body)
    except FatalError as error:
        state = error.state
    assert state in ("", "08P01", "22021")


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("START TRANSACTION ISOLATION LEVEL REPEATABLE READ", "Begin(tag='START TRANSACTION')"),
        ("begin read only", "Begin(tag='BEGIN')"),
        ("COMMIT AND CHAIN", "End(tag='COMMIT', chained=True)"),
        ("ROLLBACK TO SAVEPOINT a", "Savepoint(tag='ROLLBACK', name='a')"),
        ("SET TIME ZONE 'Europe/Berlin'", "Set(name='timezone', value='Europe/Berlin', tag='SET', local=False)"),
        ('SET TIME ZONE "Etc/UTC"', "Set(name='timezone', value='Etc/UTC', tag='SET', local=False)"),
        ("SET LOCAL TIME ZONE -7", "Set(name='timezone', value='-7', tag='SET', local=True)"),
        ("SET TIME ZONE INTERVAL '+05:30' HOUR TO MINUTE", "Set(name='timezone', value='+05:30', tag='SET', local=False)"),
        ("SET TIME ZONE LOCAL", "Set(name='timezone', value=None, tag='SET', local=False)"),
        ('SET client_encoding TO "utf-8"', "Set(name='client_encoding', value='utf-8', tag='SET', local=False)"),
        ("SET SESSION application_name = E'a\\'b'", "Set(name='application_name', value=\"a'b\", tag='SET', local=False)"),
        ('set "DateStyle" to ISO, MDY', "Set(name='datestyle', value='iso, mdy', tag='SET', local=False)"),
        ("SET search_path = a, \"B\", 'C d'", "Set(name='search_path', value='a, \"B\", \"C d\"', tag='SET', local=False)"),
        ("SET SCHEMA 'dbo'", "Set(name='search_path', value='dbo', tag='SET', local=False)"),
        ("SET LOCAL ROLE none", "Set(name='role', value='none', tag='SET', local=True)"),
        ("SET SESSION AUTHORIZATION DEFAULT", "Set(name='session_authorization', value=None, tag='SET', local=False)"),
        ("SET NAMES", "Set(name='client_encoding', value=None, tag='SET', local=False)"),
        ("RESET ALL", "Set(name='all', value=None, tag='RESET', local=False)"),
        ("SHOW TRANSACTION ISOLATION LEVEL", "Show(name='transaction_isolation')"),
        ("FETCH FORWARD 50 FROM c1", "Fetch(name='c1', most=50, tag='FETCH')"),
        ("fetch all in \"C 1\"", "Fetch(name='C 1', most=None, tag='FETCH')"),
        ("FETCH c", "Fetch(name='c', most=1, tag='FETCH')"),
        ("CLOSE ALL", "CloseCursor(name=None)"),
        ("DEALLOCATE PREPARE p", "Deallocate(name='p')"),
        ("EXPLAIN (ANALYZE, VERBOSE) SELECT 1", "Explain(sql='SELECT 1', analyze=True)"),
    ],
)  # fmt: skip
def test_statements_that_are_no_queries(sql: str, found: str) -> None:
    assert str(command(sql)) == found


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("INSERT INTO a VALUES (1)", "25006"), ("CREATE TABLE a (b int)", "25006"), ("BEGIN READ WRITE", "0A000"),
        ("FETCH PRIOR FROM c", "55000"),
        ("DECLARE c SCROLL CURSOR FOR SELECT 1", "0A000"), ("COPY a FROM STDIN", "25006"),
        ("COPY a TO 'x'", "0A000"), ("COPY (SELECT 1) TO PROGRAM 'x'", "0A000"),
        ("SET TRANSACTION READ WRITE", "25006"), ("SET a TO", "0A000"), ("SET a TO b, c", "22023"), ("SET a TO 'b' c", "42601"),
        ("nonsense", "42601"), ("", "42601"), ("SET a" + " " * 20_000, "0A000"),
    ],
)  # fmt: skip
def test_statements_that_are_refused(sql: str, state: str) -> None:
    with pytest.raises(SqlError) as raised:
        command(sql)
    assert raised.value.state == state


def test_settings_of_a_transaction_end_with_it() -> None:
    """SET is taken back by ROLLBACK, SET LOCAL by COMMIT, too; https://www.postgresql.org/docs/17/sql-set.html."""
    found = Settings("ann", {"client_encoding": "'utf-8'"})  # in quotes, as asyncpg sends it
    assert found.get("client_encoding") == "UTF8"
    assert found.put("TimeZone", "europe/berlin") == [("TimeZone", "Europe/Berlin")]
    found.begin()
    assert found.put("application_name", "kept") == [("application_name", "kept")]
    assert found.put("timezone", "-7", local=True) == [("TimeZone", "<-07>+07")]
    assert found.time_zone == "-07:00"
    found.save("a")
    found.put("application_name", "lost")
    found.save("b")
    assert found.restore("a") == [("application_name", "kept")]
    with pytest.raises(SqlError, match='savepoint "b" does not exist'):
        found.release("b")
    found.release("a")
    assert found.end(committed=True) == [("TimeZone", "Europe/Berlin")]
    assert found.get("application_name") == "kept"
    found.begin()
    found.put("search_path", 'x, "Y z"')
    assert found.search_path == ("x", "Y z")
    assert found.end(committed=False) == []
    assert found.search_path == ("dbo", "public")
    assert found.put("all", None) == [("TimeZone", "UTC"), ("application_name", "")]


@pytest.mark.parametrize(
    ("name", "shown", "trinos"),
    [
        ("utc", "UTC", "UTC"), ("+02", "<+02>-02", "+02:00"), ("5:30", "<+05:30>-05:30", "+05:30"),
        ("America/new_york", "America/New_York", "America/New_York"),
    ],
)  # fmt: skip
def test_time_zones_are_shown_as_postgresql_shows_them(name: str, shown: str, trinos: str) -> None:
    found = Settings("ann", {})
    found.put("timezone", name)
    assert (found.get("timezone"), found.time_zone) == (shown, trinos)
    found.put("timezone", shown)
    assert found.time_zone == trinos

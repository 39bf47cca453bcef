from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bdc.errors import BdcError, UnhealthyError
from bdc.kube.connection import Credentials, EndpointConnection, SecretStr
from bdc.sql.errors import QueryError
from bdc.sql.master import Master
from bdc_stacks import identity


@pytest.fixture
def master(postgresql: EndpointConnection, access: Credentials) -> Iterator[Master]:
    with Master(postgresql, access) as session:
        yield session


def one(master: Master, expression: str) -> object:
    (row,) = master.query(f"SELECT {expression}").rows
    return row[0]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("12345678901234567890.0123456789::numeric(38,10)", Decimal("12345678901234567890.0123456789")),
        ("'NaN'::numeric", "NaN"),
        ("9223372036854775807", 9223372036854775807),
        ("0.1::float8", 0.1),
        ("NULL::int", None),
        ("true", True),
        ("'\\x00ff'::bytea", b"\x00\xff"),
        ("ARRAY[1,NULL,3]", [1, None, 3]),
        ("ARRAY['2026-01-01'::date]", ["2026-01-01"]),
        ("'infinity'::timestamp", "infinity"),
        ("'0044-03-15 BC'::date", "0044-03-15 BC"),
        ("'2026-02-03 04:05:06.123456+00'::timestamptz", "2026-02-03 04:05:06.123456+00"),
        ("'24:00'::time", "24:00:00"),
        ("interval '1 month 2 days'", "1 mon 2 days"),
        ("'{\"a\": 1.10}'::jsonb", '{"a": 1.10}'),
        ("'[1,5)'::int4range", "[1,5)"),
        ("'snow ☃'", "snow ☃"),
    ],
)
def test_values_are_exact(master: Master, expression: str, value: object) -> None:
    found = one(master, expression)
    assert str(found) == str(value) if value == "NaN" else found == value
    assert value == "NaN" or type(found) is type(value)


def test_columns_have_postgresqls_types(master: Master) -> None:
    columns = master.query("SELECT 1 AS n, 'a'::varchar(9) AS t, 1.5::numeric(9,2) AS d, ARRAY[1] AS a").columns
    assert [(column.name, column.type) for column in columns] == [
        ("n", "int4"),
        ("t", "varchar(9)"),
        ("d", "numeric(9,2)"),
        ("a", "int4[]"),
    ]


def test_a_result_without_rows_has_its_columns(master: Master) -> None:
    result = master.query("SELECT 1 AS n WHERE false")
    assert [column.name for column in result.columns] == ["n"]
    assert list(result.rows) == []


def test_types_of_ones_own_have_their_names(master: Master) -> None:
    master.query("CREATE TYPE pg_temp.mood AS ENUM ('sad', 'happy')")
    result = master.query("SELECT 'happy'::pg_temp.mood AS m")
    assert (result.columns[0].type, list(result.rows)) == ("mood", [("happy",)])


def test_commands_say_what_they_did(master: Master) -> None:
    assert master.query("CREATE TEMP TABLE t (n int)").command == "CREATE TABLE"
    inserted = master.query("INSERT INTO t SELECT generate_series(1, 7)")
    assert (inserted.command, inserted.affected, inserted.columns) == ("INSERT 0 7", 7, [])
    assert list(master.query("DELETE FROM t WHERE n > 5 RETURNING n").rows) == [(6,), (7,)]


def test_rows_are_streamed(master: Master) -> None:
    started = time.monotonic()
    result = master.query("SELECT generate_series(1, 500000000)")
    assert next(result.rows) == (1,)
    assert next(result.rows) == (2,)
    del result
    assert time.monotonic() - started < 20


def test_errors_have_code_and_place(master: Master) -> None:
    with pytest.raises(QueryError) as caught:
        master.query("SELECT 1,\n  ünknown\nFROM pg_class")
    assert caught.value.code == "42703"
    assert caught.value.place == (2, 3)
    assert caught.value.message == 'line 2, column 3: column "ünknown" does not exist (42703)'
    assert caught.value.inside("etl.sql", 11).message == 'etl.sql:12:3: column "ünknown" does not exist (42703)'


def test_an_error_after_rows_is_raised_there(master: Master) -> None:
    rows = master.query("SELECT 10 / (3 - g) FROM generate_series(1, 5) g").rows
    assert [next(rows), next(rows)] == [(5,), (10,)]
    with pytest.raises(QueryError, match="division by zero"):
        next(rows)
    assert one(master, "1") == 1


def test_notices_are_heard(postgresql: EndpointConnection, access: Credentials) -> None:
    heard: list[str] = []
    with Master(postgresql, access, heard.append) as master:
        master.query("DROP TABLE IF EXISTS nothing")
    assert heard == ['NOTICE: table "nothing" does not exist, skipping']


def test_an_interrupt_cancels_at_the_server(postgresql: EndpointConnection, access: Credentials) -> None:
    with Master(postgresql, access) as master, Master(postgresql, access) as other:
        pid = one(master, "pg_backend_pid()")
        caught: list[BaseException] = []

        def run() -> None:
            try:
                master.query("SELECT pg_sleep(60)")
            except QueryError as error:
                caught.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.5)
        rows = list(other.query(f"SELECT pg_cancel_backend({pid})").rows)
        thread.join(10)
        assert rows == [(True,)]
        assert isinstance(caught[0], QueryError)
        assert caught[0].code == "57014"


def test_leaving_rows_unread_ends_the_query(master: Master) -> None:
    rows = master.query("SELECT generate_series(1, 100000000)").rows
    next(rows)
    with pytest.raises(KeyboardInterrupt):
        _interrupted(rows)
    del rows
    assert one(master, "42") == 42


def _interrupted(rows: Iterator[object]) -> None:
    for _ in rows:
        raise KeyboardInterrupt


def test_a_wrong_password_is_said_and_not_shown(postgresql: EndpointConnection, access: Credentials) -> None:
    with pytest.raises(BdcError, match="does not accept the user name or the password") as caught:
        Master(postgresql, replace(access, password=SecretStr("wr0ng")))
    assert "wr0ng" not in str(caught.value)
    assert "wr0ng" not in repr(replace(access, password=SecretStr("wr0ng")))


def test_another_authority_is_refused(postgresql: EndpointConnection, access: Credentials, tmp_path: Path) -> None:
    other = tmp_path / "ca.crt"
    other.write_text(identity.authority("other")["ca.crt"])
    with pytest.raises(BdcError, match="certificate that isn't the cluster's"):
        Master(replace(postgresql, ca_file=other), access)


def test_another_name_is_refused(postgresql: EndpointConnection, access: Credentials) -> None:
    with pytest.raises(BdcError, match="certificate that isn't the cluster's"):
        Master(replace(postgresql, server_name="elsewhere"), access)


def test_nobody_there(postgresql: EndpointConnection, access: Credentials) -> None:
    with pytest.raises(UnhealthyError, match="does not answer: connection refused"):
        Master(replace(postgresql, port=1), access)

"""The gateway as clients meet it: libpq by psycopg, and bytes that no client sends."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.generators import execute

from bdc.sql.pgwire.login import token
from tests.unit.sql.pgwire.conftest import PASSWORD, SECRET, Gateway

ORDERS = "SELECT id, name, amount, day FROM dbo.orders"


def connect(gateway: Gateway, **more: str) -> psycopg.Connection:
    return psycopg.connect(" ".join([gateway.dsn, *(f"{name}='{value}'" for name, value in more.items())]))


def eventually(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until and not true():
        time.sleep(0.02)
    return true()


def test_rows_come_with_their_types_and_as_who_logged_in(gateway: Gateway) -> None:
    with connect(gateway) as client:
        rows = client.execute(ORDERS).fetchall()
        assert [(row[0], row[1], str(row[2]), str(row[3])) for row in rows[:2]] == [
            (0, "name 0", "0.50", "2026-01-02"),
            (1, "name 1", "None", "2026-01-02"),
        ]
        assert rows == client.execute(ORDERS, binary=True).fetchall()
        assert client.info.server_version // 10000 == 17
    assert {user for user, _ in gateway.trino.asked} == {"ann"}


def test_parameters_are_values_and_never_text_of_the_statement(gateway: Gateway) -> None:
    with connect(gateway) as client:
        client.execute(ORDERS + " WHERE id = %s AND name = %s AND day > %s", (5, "x' OR true --", "2026-01-01"))
        client.execute(ORDERS + " WHERE id = ANY(%s)", ([1, 2],))
    [one, many] = [sql for _, sql in gateway.trino.asked if "jdbc" not in sql]
    assert """("orders"."id" = CAST(5 AS smallint))""" in one
    assert """("orders"."name" = 'x'' OR true --')""" in one
    assert """("orders"."day" > DATE '2026-01-01')""" in one
    assert """("orders"."id" IN (CAST(1 AS smallint), CAST(2 AS smallint)))""" in many


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"password": "wrong"}, 'password authentication failed for user "ann"'),
        ({"user": "nobody"}, 'password authentication failed for user "nobody"'),
        ({"user": "none"}, 'password authentication failed for user "none"'),
        ({"sslmode": "disable"}, "connections without TLS aren't accepted"),
        ({"dbname": "sales"}, 'database "sales" does not exist'),
        ({"options": "-c client_encoding=latin1"}, "the encoding latin1 isn't supported"),
        ({"replication": "true"}, "the gateway has no replication"),
    ],
)
def test_who_may_not_come_in_is_told_why(gateway: Gateway, change: dict[str, str], told: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=told):
        connect(gateway, **change)
    assert not gateway.trino.asked


def test_the_master_asks_in_the_name_of_any_role(gateway: Gateway) -> None:
    """Also of one that may not log in; nobody else has its token."""
    with connect(gateway, user="analysts", password=token(SECRET, "analysts")) as client:
        assert len(client.execute(ORDERS).fetchall()) == 3
    assert {user for user, _ in gateway.trino.asked} == {"analysts"}
    for wrong in (token(SECRET, "ann"), token("another", "analysts"), token("", "analysts")):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(gateway, user="analysts", password=wrong)


def test_a_role_has_the_connections_that_it_may_have(gateway: Gateway) -> None:
    with connect(gateway, user="bob"), pytest.raises(psycopg.OperationalError, match="too many clients"):
        connect(gateway, user="bob")
    assert eventually(lambda: gateway.server.sessions == 0)
    connect(gateway, user="bob").close()


def test_a_failed_statement_ends_its_transaction_and_nothing_else(gateway: Gateway) -> None:
    with connect(gateway) as client:
        for sql, state in (
            ("SELECT nope FROM dbo.orders", "42703"),
            ("SELECT * FROM dbo.missing", "42P01"),
            ("SELECT name SIMILAR TO 'x' FROM dbo.orders", "0A000"),
            ("DELETE FROM dbo.orders", "25006"),
            ("SELEC 1", "42601"),
            ("SELECT id FROM dbo.orders WHERE id = $999999999", "42P02"),
            (f"SELECT id FROM dbo.orders WHERE id IN ({', '.join(map(str, range(20_000)))}) AND name SIMILAR TO 'x'", "0A000"),
            ("SELECT * FROM dbo.orders WHERE name = 'broken'", "38000"),
        ):
            with pytest.raises(psycopg.Error) as raised:
                client.execute(sql)
            assert raised.value.sqlstate == state
            with pytest.raises(psycopg.errors.InFailedSqlTransaction):
                client.execute(ORDERS)
            client.rollback()
        assert len(client.execute(ORDERS).fetchall()) == 3


def test_what_goes_wrong_inside_tells_nothing_of_the_inside(gateway: Gateway, capfd: pytest.CaptureFixture[str]) -> None:
    with connect(gateway) as client:
        with pytest.raises(psycopg.errors.InternalError_) as raised:
            client.execute(ORDERS + " WHERE name = 'bug'")
        assert "internals" not in str(raised.value)
        client.rollback()
        assert client.execute(ORDERS).fetchone()
    assert "ValueError" in capfd.readouterr().err


def test_cursors_give_rows_in_parts(gateway: Gateway) -> None:
    with connect(gateway) as client:
        with client.cursor("big") as cursor:
            cursor.execute(ORDERS + " LIMIT 25000")
            assert [row[0] for row in cursor.fetchmany(3)] == [0, 1, 2]
            assert gateway.trino.pages <= 4
            assert len(cursor.fetchall()) == 24997
        client.execute("DECLARE c CURSOR FOR SELECT id FROM dbo.orders")
        assert client.execute("FETCH 2 FROM c").fetchall() == [(0,), (1,)]
        assert client.execute("MOVE 1 FROM c").statusmessage == "MOVE 1"
        assert client.execute("FETCH ALL FROM c").fetchall() == []
        client.commit()
        with pytest.raises(psycopg.errors.InvalidCursorName):
            client.execute("FETCH 1 FROM c")


def test_a_portal_that_is_closed_ends_its_query(gateway: Gateway) -> None:
    with connect(gateway) as client, client.cursor("c") as cursor:
        cursor.execute(ORDERS + " LIMIT 100000")
        cursor.fetchmany(1)
        cursor.close()
        assert gateway.trino.given[-1].closed


def test_cancel_ends_what_runs(gateway: Gateway) -> None:
    with connect(gateway) as client:
        threading.Timer(0.3, client.cancel_safe).start()
        with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
            client.execute(ORDERS + " WHERE name = 'sleep'")
        client.rollback()
        client.execute("SET statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
            client.execute(ORDERS + " WHERE name = 'sleep'")


def test_another_clients_key_cancels_nothing(gateway: Gateway) -> None:
    with connect(gateway) as client:
        with socket.create_connection(("127.0.0.1", gateway.port)) as other:
            other.sendall(struct.pack("!IIII", 16, 80877102, client.pgconn.backend_pid, 1234))
            assert other.recv(1) == b""
        assert client.execute(ORDERS).fetchone()


def test_a_client_that_goes_away_ends_its_query(gateway: Gateway) -> None:
    client = connect(gateway)
    client.execute(f"DECLARE c CURSOR FOR {ORDERS} LIMIT 1000000")
    client.execute("FETCH 1 FROM c")
    client.pgconn.finish()
    assert eventually(lambda: gateway.trino.given[-1].closed)
    assert eventually(lambda: gateway.server.sessions == 0)


def test_a_client_that_reads_slowly_holds_few_pages(gateway: Gateway) -> None:
    with connect(gateway) as client:
        client.pgconn.send_query((ORDERS + " LIMIT 3000000").encode())
        time.sleep(2)
        assert 0 < gateway.trino.pages < 60  # of 300
        client.pgconn.finish()
    assert eventually(lambda: gateway.trino.given[-1].closed)


def test_the_extended_protocol_in_a_pipeline(gateway: Gateway) -> None:
    with connect(gateway) as client:
        with client.pipeline():
            one, two = client.execute(ORDERS), client.execute(ORDERS + " LIMIT 2")
            assert (len(one.fetchall()), len(two.fetchall())) == (3, 2)
        for at in range(8):  # prepared by psycopg from the fifth on
            assert len(client.execute(ORDERS + " WHERE id = %s", (at,)).fetchall()) == 3
        gateway.server.services.catalogs.describe = described_as(23)  # type: ignore[method-assign]
        server = client.pgconn  # whose own waiting calls hold all threads, the gateway's too
        server.send_prepare(b"p", b"SELECT id, name, amount, day FROM dbo.orders WHERE id = $1")
        client.wait(execute(server))
        server.send_describe_prepared(b"p")
        [found] = client.wait(execute(server))
        assert [found.ftype(at) for at in range(found.nfields)] == [23, 1043, 1700, 1082]
        assert (found.nparams, found.param_type(0)) == (1, 23)


def test_binary_values_of_parameters_without_a_type_are_read_by_the_type_that_they_get(gateway: Gateway) -> None:
    """As asyncpg, pgx and tokio-postgres send them; one format may be for all."""
    gateway.server.services.catalogs.describe = described_as(23, 1700)  # type: ignore[method-assign]
    with connect(gateway) as client:
        server = client.pgconn
        for at in range(2):
            amount = bytes.fromhex("0002000000000002" + f"{at:04x}" + "1388")  # 0.50 and 1.50, in groups of four digits
            server.send_query_params(
                b"SELECT id FROM dbo.orders WHERE id IN ($1,$1) AND amount > $2", [struct.pack("!i", 7), amount], None, [1, 1]
            )
            [found] = client.wait(execute(server))
            assert found.status == psycopg.pq.ExecStatus.TUPLES_OK, found.error_message
    asked = [sql for _, sql in gateway.trino.asked if "jdbc" not in sql]
    assert all('"orders"."id" IN (CAST(7 AS integer), CAST(7 AS integer))' in sql for sql in asked)
    assert [f"""("orders"."amount" > DECIMAL '{at}.50')""" in sql for at, sql in enumerate(asked)] == [True, True]


def described_as(*types: int) -> Any:
    """A master that has these types for a query's parameters."""

    async def describe(text: str, given: Sequence[int]) -> tuple[list[int], None]:
        assert "CAST(NULL AS integer) AS" in text, "the tables' columns, as queries of NULLs"
        return [mine or other for mine, other in zip(given, types, strict=True)], None

    return describe


def test_settings_are_kept_and_told(gateway: Gateway) -> None:
    with connect(gateway, application_name="tests") as client:
        assert client.execute("SHOW application_name").fetchone() == ("tests",)
        client.execute("SET TimeZone TO 'Europe/Berlin'")
        client.commit()
        client.execute("SET LOCAL TimeZone TO 'Asia/Tokyo'")
        assert client.info.timezone.key == "Asia/Tokyo"  # type: ignore[attr-defined]
        client.rollback()
        assert client.info.timezone.key == "Europe/Berlin"  # type: ignore[attr-defined]
        with pytest.raises(psycopg.Error, match="TimeZone"):
            client.execute("SET TimeZone TO 'Mars/Olympus'")
        client.rollback()
        assert client.execute("SHOW TimeZone").fetchone() == ("Europe/Berlin",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            client.execute("SET default_transaction_read_only = off")


def test_copy_out_as_text_csv_and_binary(gateway: Gateway) -> None:
    with connect(gateway) as client, client.cursor() as cursor:
        with cursor.copy(f"COPY ({ORDERS}) TO STDOUT") as copy:
            assert [bytes(line) for line in copy] == [
                b"0\tname 0\t0.50\t2026-01-02\n", b"1\tname 1\t\\N\t2026-01-02\n", b"2\tname 2\t2.50\t2026-01-02\n",
            ]  # fmt: skip
        with cursor.copy("COPY dbo.orders (id, name, amount, day) TO STDOUT WITH (FORMAT csv, HEADER)") as copy:
            assert b"".join(bytes(line) for line in copy) == (
                b"id,name,amount,day\n0,name 0,0.50,2026-01-02\n1,name 1,,2026-01-02\n2,name 2,2.50,2026-01-02\n"
            )
        for limit in ("", " LIMIT 0"):
            with cursor.copy(f"COPY ({ORDERS}{limit}) TO STDOUT (FORMAT BINARY)") as copy:
                copy.set_types(["int4", "text", "numeric", "date"])
                rows = [(number, name, amount and str(amount), str(day)) for number, name, amount, day in copy.rows()]
            found = [(0, "name 0", "0.50", "2026-01-02"), (1, "name 1", None, "2026-01-02"), (2, "name 2", "2.50", "2026-01-02")]
            assert rows == ([] if limit else found)


def test_two_hundred_clients_at_once(gateway: Gateway) -> None:
    def work(_: int) -> int:
        with connect(gateway) as client:
            return len(client.execute(ORDERS).fetchall())

    with ThreadPoolExecutor(200) as pool:
        assert list(pool.map(work, range(200))) == [3] * 200
    assert eventually(lambda: gateway.server.sessions == 0)


# --- bytes that no client sends


def spoken(gateway: Gateway, data: bytes, *, encrypted: bool = False) -> bytes:
    """What the gateway answers to bytes, until it closes or waits for a second."""
    talk: socket.socket = socket.create_connection(("127.0.0.1", gateway.port), timeout=5)
    try:
        if encrypted:
            talk.sendall(struct.pack("!II", 8, 80877103))
            assert talk.recv(1) == b"S"
            talk = ssl.create_default_context(cafile=str(gateway.ca_file)).wrap_socket(talk, server_hostname="localhost")
        talk.settimeout(1)
        answer = b""
        with suppress(TimeoutError, ConnectionError, ssl.SSLError):
            talk.sendall(data)
            while piece := talk.recv(65536):
                answer += piece
        return answer
    finally:
        talk.close()


def test_statements_before_the_handshake_are_not_believed(gateway: Gateway) -> None:
    startup = struct.pack("!II", 8, 80877103) + b"Q\0\0\0\x0dSELECT 1\0"
    assert b"received unencrypted data after SSL request" in spoken(gateway, startup)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\4", b"\xff\xff\xff\xff",
        struct.pack("!II", 10_001, 196608), struct.pack("!II", 8, 196608),
        struct.pack("!II", 8, 0x00020000), struct.pack("!I", 20) + struct.pack("!I", 196608) + b"user\0ann", b"\x16\x03\x01\x02\x00\x01",
        struct.pack("!II", 8, 80877104) * 10,
    ],
)  # fmt: skip
def test_what_is_no_startup_message_harms_nobody(gateway: Gateway, data: bytes) -> None:
    for encrypted in (False, True):
        spoken(gateway, data, encrypted=encrypted)
    with connect(gateway) as client:
        assert client.execute(ORDERS).fetchone()


STARTUP = struct.pack("!I", 196608) + b"user\0ann\0database\0bdc\0\0"


def frame(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


@pytest.mark.parametrize(
    "messages",
    [
        frame(b"Q", b"SELECT 1\0"),
        frame(b"p", b"SCRAM-SHA-256\0\0\0\0\x05hello"),
        frame(b"p", b"SCRAM-SHA-256-PLUS\0\0\0\0\0"),
        frame(b"p", b"SCRAM-SHA-256\0\0\0\0\x10n,,n=,r=abcdefgh") + frame(b"p", b"c=biws,r=wrong,p=AAAA"),
        frame(b"p", b"SCRAM-SHA-256\0\0\0\0\x10p=tls-unique,,n=,"),
        b"p\x7f\xff\xff\xff",
        frame(b"p", b"\xff" * 60_000),
    ],
)
def test_nobody_gets_in_without_the_password(gateway: Gateway, messages: bytes) -> None:
    startup = struct.pack("!I", len(STARTUP) + 4) + STARTUP
    answer = spoken(gateway, startup + messages, encrypted=True)
    assert b"FATAL" in answer
    assert b"Z\0\0\0\5I" not in answer
    assert not gateway.trino.asked


class Raw:
    """A client that has logged in, and sends what it likes."""

    def __init__(self, gateway: Gateway) -> None:
        plain = socket.create_connection(("127.0.0.1", gateway.port), timeout=5)
        plain.sendall(struct.pack("!II", 8, 80877103))
        assert plain.recv(1) == b"S"
        self.socket = ssl.create_default_context(cafile=str(gateway.ca_file)).wrap_socket(plain, server_hostname="localhost")
        self.socket.sendall(struct.pack("!I", len(STARTUP) + 4) + STARTUP)
        self.message()
        bare = b"n=,r=raw"
        self.socket.sendall(frame(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(bare) + 3) + b"n,," + bare))
        challenge = self.message()[1][4:]
        parts = dict(one.split(b"=", 1) for one in challenge.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), base64.b64decode(parts[b"s"]), int(parts[b"i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        without = b"c=biws,r=" + parts[b"r"]
        signature = hmac.digest(hashlib.sha256(key).digest(), b",".join((bare, challenge, without)), "sha256")
        proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
        self.socket.sendall(frame(b"p", without + b",p=" + base64.b64encode(proof)))
        while self.message()[0] != b"Z":
            pass

    def exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self.socket.recv(count - len(found))
            if not piece:
                raise ConnectionError
            found += piece
        return found

    def message(self) -> tuple[bytes, bytes]:
        head = self.exactly(5)
        return head[:1], self.exactly(int.from_bytes(head[1:]) - 4)


KINDS = st.sampled_from([b"Q", b"P", b"B", b"D", b"E", b"C", b"S", b"H", b"F", b"p", b"d", b"\0", b"z"])
SAID = [
    b"SELECT 1\0",
    b"a\0b\0\0\0",
    b"\0" * 8,
    b"S\0",
    b"P\0",
    b"\0" * 5,
    b"BEGIN\0",
    b"\0SELECT id FROM dbo.orders\0\0\0",
    b"FETCH ALL c\0",
]
BODIES = st.one_of(st.binary(max_size=40), st.sampled_from(SAID))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(KINDS, BODIES, st.booleans()), max_size=6))
def test_whatever_is_sent_after_login_is_answered_or_ends_the_connection(
    gateway: Gateway, messages: list[tuple[bytes, bytes, bool]]
) -> None:
    client = Raw(gateway)
    try:
        for kind, body, honest in messages:
            client.socket.sendall(kind + struct.pack("!i", len(body) + 4 if honest else -7) + body)
        client.socket.sendall(frame(b"S", b""))
        while client.message()[0] not in (b"Z",):
            pass
    except (ConnectionError, ssl.SSLError):
        pass  # it was ended; a time-out here would be a hang, and fails
    finally:
        client.socket.close()


def test_the_gateway_goes_when_clients_are_done(gateway: Gateway) -> None:
    idle = psycopg.connect(gateway.dsn, autocommit=True)
    future = asyncio.run_coroutine_threadsafe(gateway.server.drain(5), gateway.loop)
    future.result(10)
    with pytest.raises(psycopg.OperationalError, match="terminating connection due to administrator command"):
        idle.execute(ORDERS)
    with pytest.raises(psycopg.OperationalError):
        connect(gateway)

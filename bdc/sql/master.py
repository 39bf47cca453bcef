"""Statements on the SQL master, PostgreSQL. Rows are streamed; times, JSON and the like stay as PostgreSQL writes them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Self

import psycopg
from psycopg.generators import execute
from psycopg.types.string import TextLoader

from bdc.errors import BdcError, UnhealthyError
from bdc.kube.connection import Credentials, EndpointConnection
from bdc.sql.errors import QueryError
from bdc.sql.result import Column, Result, Row
from bdc.sql.statements import Statement, text_of

DATABASE = "bdc"
_TEXT_TYPES = (
    "date", "time", "timetz", "timestamp", "timestamptz", "interval", "json", "jsonb", "uuid", "inet", "cidr", "hstore",
    "int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange",
    "int4multirange", "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange",
)  # fmt: skip


def open_connection(reached: EndpointConnection, credentials: Credentials, database: str = DATABASE) -> psycopg.Connection[Any]:
    """A connection to the master, in autocommit. Raises BdcError, UnhealthyError."""
    try:
        return psycopg.connect(
            host=reached.server_name,
            hostaddr=_address(reached.host, reached.port),
            port=reached.port,
            dbname=database,
            user=credentials.username,
            password=credentials.password.get_secret_value(),
            sslmode="verify-full",
            sslrootcert=str(reached.ca_file),
            connect_timeout=10,
            application_name="bdc",
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        raise _connection_error(error) from error


class Master:
    """A session with PostgreSQL; every statement is a transaction of its own until BEGIN says otherwise."""

    def __init__(
        self,
        reached: EndpointConnection,
        credentials: Credentials,
        on_notice: Callable[[str], None] | None = None,
        database: str = DATABASE,
    ) -> None:
        self._connection = open_connection(reached, credentials, database)
        for name in _TEXT_TYPES:
            if self._connection.adapters.types.get(name):
                self._connection.adapters.register_loader(name, TextLoader)
        if on_notice:
            self._connection.add_notice_handler(lambda notice: on_notice(f"{notice.severity}: {notice.message_primary}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def schema(self) -> str:
        """The database."""
        return self._connection.info.dbname

    def query(self, statement: Statement | str) -> Result:
        """Run one statement; see `Session`."""
        sql = text_of(statement)
        columns = self._describe(sql)
        cursor = self._connection.cursor()
        if columns:
            rows = self._stream(cursor, sql)
            first = next(rows, None)  # errors of the statement itself are raised here
            return Result(columns, _behind(first, rows) if first is not None else iter(()))
        with _running(self._connection, sql):
            cursor.execute(sql.encode())
            if cursor.description:  # a statement that could not be described, such as several at once
                return Result([Column(column.name, column.type_display) for column in cursor.description], iter(cursor.fetchall()))
        command = cursor.statusmessage
        return Result([], command=command, affected=cursor.rowcount if cursor.rowcount >= 0 and _counts(command) else None)

    def _stream(self, cursor: psycopg.Cursor[Any], sql: str) -> Generator[Row]:
        with _running(self._connection, sql):
            yield from cursor.stream(sql.encode())

    def _describe(self, sql: str) -> list[Column]:
        """The columns that a statement will give; none for one without, and for one that can't be described: it will fail as it runs."""
        # Not by the calls of libpq that wait by themselves: they stop all threads, a forwarded port's too.
        server = self._connection.pgconn
        with _running(self._connection, sql):
            server.send_prepare(b"", sql.encode())
            if self._answer().status != psycopg.pq.ExecStatus.COMMAND_OK:
                return []
            server.send_describe_prepared(b"")
            found = self._answer()
        return [Column((found.fname(at) or b"").decode(), self._type(found.ftype(at), found.fmod(at))) for at in range(found.nfields)]

    def _answer(self) -> psycopg.pq.abc.PGresult:
        results: list[psycopg.pq.abc.PGresult] = self._connection.wait(execute(self._connection.pgconn))
        return results[-1]

    def _type(self, oid: int, modifier: int) -> str:
        if info := self._connection.adapters.types.get(oid):
            return info.get_type_display(oid=oid, fmod=modifier)
        row = self._connection.execute("SELECT format_type(%s, %s)", (oid, modifier)).fetchone()
        return str(row[0]) if row else str(oid)


def _behind(first: Row, rows: Generator[Row]) -> Iterator[Row]:
    with closing(rows):
        yield first
        yield from rows


@contextmanager
def _running(connection: psycopg.Connection[Any], sql: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        if connection.closed and not error.sqlstate:
            raise UnhealthyError("the connection to the SQL master broke", "it may be failing over: try again; bdc status") from error
        raise _query_error(error, sql) from error
    except BaseException:
        with suppress(psycopg.Error):
            connection.cancel()
        raise


def _query_error(error: psycopg.Error, sql: str) -> QueryError:
    diagnosis = error.diag
    text = diagnosis.message_primary or str(error).strip().splitlines()[0]
    place = None
    if diagnosis.statement_position:
        before = sql[: int(diagnosis.statement_position) - 1]
        place = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return QueryError(text, error.sqlstate, place, diagnosis.message_hint or diagnosis.message_detail)


def _connection_error(error: psycopg.OperationalError) -> BdcError:
    text = str(error).strip()
    if "password authentication failed" in text or "no password" in text:
        return BdcError("the SQL master does not accept the user name or the password", "bdc credentials show prints the right ones")
    if "certificate" in text:
        return BdcError(f"the SQL master shows a certificate that isn't the cluster's: {_last(text)}", "bdc endpoints master")
    if "starting up" in text or "shutting down" in text or "recovery" in text:
        return UnhealthyError("the SQL master is starting or failing over", "try again in some seconds; bdc status")
    return UnhealthyError(f"the SQL master does not answer: {_last(text)}", "bdc status shows it; bdc endpoints master shows the way")


def _last(text: str) -> str:
    """libpq's reason: after `failed:`, without its hints on further lines."""
    return text.splitlines()[0].rpartition("failed: ")[2].strip().replace("Connection refused", "connection refused")


def _counts(command: str | None) -> bool:
    return bool(command) and str(command).split()[0] in ("INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "COPY")


def _address(host: str, port: int) -> str:
    """libpq checks the certificate against `host` and connects to `hostaddr`, which must be a number."""
    try:
        return str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise UnhealthyError(f"the SQL master's address {host} is not known: {error.strerror}", "bdc endpoints master") from error

"""What the gateway asks the master: who may log in, and what the system catalogs say, for clients that look there for tables and types.

The master has PostgreSQL's catalogs, and views of them in its schema `catalogs`, which show what a user may query in the federation
(docs/adr/0030-catalogs.md). The gateway's role has no right to anybody's data, so that nothing but catalogs can be read this way,
whatever a statement calls.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql
from psycopg.generators import execute
from psycopg.pq import DiagnosticField as Field
from psycopg.pq import ExecStatus
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from bdc.kube.connection import Credentials, EndpointConnection
from bdc.sql.master import DATABASE
from bdc.sql.pgwire.errors import CANNOT_CONNECT_NOW, SqlError
from bdc.sql.pgwire.login import Verifier, verifier
from bdc.sql.pgwire.seen import Snapshot
from bdc.sql.pgwire.shadows import SCHEMA

_WAIT_SECONDS, _LOGIN_SECONDS = 5.0, 8.0
"""For a connection to the master; many who log in at once wait for each other, and clients give up after ten seconds or more."""
_LIMIT = "30s"
_PLANNING = "-c jit=off"
"""Views of views look dear to the planner, and aren't: with thousands of tables compiling them takes seconds, and asking them none."""


@dataclass(frozen=True)
class Role:
    """A role of the master that may log in. `known` is None where it has no password."""

    name: str
    known: Verifier | None
    longest: int
    """Connections that it may have; -1 is any number."""


@dataclass(frozen=True)
class Answer:
    """What the master says: a result in each format that is wanted, and what set_config() was called with: names, values, whether local."""

    results: Mapping[int, psycopg.pq.abc.PGresult]
    changed: Sequence[tuple[str, str | None, bool]] = ()


class Catalogs:
    """Connections to the master as the gateway's role."""

    def __init__(self, reached: EndpointConnection, account: Credentials) -> None:
        self._logins = self._made(reached, account, most=2, wait_seconds=_LOGIN_SECONDS)
        self._pool = self._made(reached, account, most=4, wait_seconds=_WAIT_SECONDS)
        self._asked: dict[str, asyncio.Task[Role | None]] = {}
        self._loaded: WeakKeyDictionary[psycopg.AsyncConnection[Any], bytes] = WeakKeyDictionary()
        """What each connection's temporary tables hold: the key of a snapshot."""

    @staticmethod
    def _made(
        reached: EndpointConnection, account: Credentials, *, most: int, wait_seconds: float
    ) -> AsyncConnectionPool[psycopg.AsyncConnection[Any]]:
        """Some connections: who logs in doesn't wait for queries."""
        return AsyncConnectionPool(
            kwargs={
                "host": reached.host,
                "port": reached.port,
                "dbname": DATABASE,
                "user": account.username,
                "password": account.password.get_secret_value(),
                "sslmode": "verify-full",
                "sslrootcert": str(reached.ca_file),
                "connect_timeout": 5,
                "tcp_user_timeout": 5000,  # milliseconds; a master whose node is gone closes nothing
                "application_name": "bdc-gateway",
                "autocommit": True,
                "options": f"-c default_transaction_read_only=on -c statement_timeout={_LIMIT} {_PLANNING}",
            },
            min_size=1,
            max_size=most,
            timeout=wait_seconds,
            max_idle=60,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def open(self) -> None:
        """Begin to connect; it isn't waited for."""
        for pool in (self._logins, self._pool):
            await pool.open(wait=False)

    async def close(self) -> None:
        """Close the connections."""
        for pool in (self._logins, self._pool):
            await pool.close()

    async def role(self, name: str) -> Role | None:
        """A role that may log in. Raises SqlError where the master doesn't answer. Those who come at once share one answer."""
        if name not in self._asked:
            task = self._asked[name] = asyncio.create_task(self._role(name))
            task.add_done_callback(lambda _: self._asked.pop(name))
        return await asyncio.shield(self._asked[name])

    async def _role(self, name: str) -> Role | None:
        try:
            async with self._logins.connection() as connection:
                found = await (await connection.execute("SELECT verifier, connections FROM polybase.login(%s)", (name,))).fetchone()
        except (psycopg.Error, PoolTimeout) as error:
            raise _silent(error) from error
        return Role(name, verifier(found[0]), int(found[1])) if found else None

    async def ask(
        self,
        text: str,
        settings: Mapping[str, str],
        parameters: Sequence[bytes | None] = (),
        types: Sequence[int] = (),
        formats: Sequence[int] = (),
        wanted: Sequence[int] = (),
        seen: Snapshot | None = None,
    ) -> Answer:
        """A query of system catalogs, with its parameters as the client sent them: its result in each of the formats `wanted`, text where
        none is. `seen` is what there is for who asks, where the query needs to know it."""
        try:
            async with self._pool.connection() as connection:
                if seen and self._loaded.get(connection) != seen.key:
                    self._loaded.pop(connection, None)
                    await _load(connection, seen)
                    self._loaded[connection] = seen.key
                async with connection.transaction(force_rollback=True):
                    await connection.execute(_settings(settings))
                    results = {
                        form: await connection.wait(_run(connection.pgconn, text, parameters, types, formats, form))
                        for form in sorted(set(wanted) or {0})
                    }
                    return Answer(results, await _changed(connection) if _SETS in text else ())
        except SqlError:
            raise
        except (psycopg.Error, PoolTimeout) as error:
            raise _silent(error) from error

    async def describe(self, text: str, types: Sequence[int]) -> tuple[list[int], psycopg.pq.abc.PGresult]:
        """The types of a query's parameters, and its columns."""
        try:
            async with self._pool.connection() as connection:
                prepared = await connection.wait(_describe(connection.pgconn, text, types))
                if prepared.status != ExecStatus.COMMAND_OK:
                    raise _failed(prepared, text)
                return [prepared.param_type(at) for at in range(prepared.nparams)], prepared
        except SqlError:
            raise
        except (psycopg.Error, PoolTimeout) as error:
            raise _silent(error) from error


_SETS = f'{SCHEMA}."set_config"('


async def _changed(connection: psycopg.AsyncConnection[Any]) -> Sequence[tuple[str, str | None, bool]]:
    """What the statement before set."""
    found = await (await connection.execute("SELECT current_setting('catalogs.changed', true)")).fetchone()
    return [(name, value, local) for name, value, local in json.loads(found[0] or "[]")] if found and found[0] else ()


def _settings(settings: Mapping[str, str]) -> sql.Composed:
    each = (sql.SQL("set_config({}, {}, true)").format(name, value) for name, value in settings.items())
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(each))


_TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS schemas OF catalogs.seen_schema (PRIMARY KEY (name));
CREATE TEMPORARY TABLE IF NOT EXISTS relations OF catalogs.seen_relation (PRIMARY KEY (oid), UNIQUE (schema, name));
CREATE TEMPORARY TABLE IF NOT EXISTS columns OF catalogs.seen_column (PRIMARY KEY (relation, number));
TRUNCATE pg_temp.schemas, pg_temp.relations, pg_temp.columns;
"""


async def _load(connection: psycopg.AsyncConnection[Any], seen: Snapshot) -> None:
    """Have what a user sees in the connection's temporary tables, for the views of the schema `catalogs`."""
    async with connection.transaction():
        await connection.execute("SET TRANSACTION READ WRITE")
        await connection.execute(_TABLES)
        for table, rows in {"schemas": seen.schemas, "relations": seen.relations, "columns": seen.columns}.items():
            async with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier("pg_temp", table))) as copy:
                await copy.write(rows)
        await connection.execute("ANALYZE pg_temp.schemas, pg_temp.relations, pg_temp.columns")


def _run(server: Any, text: str, parameters: Sequence[Any], types: Sequence[int], formats: Sequence[int], binary: int) -> Any:
    server.send_query_params(text.encode(), list(parameters), list(types) or None, list(formats) or None, binary)
    result = (yield from execute(server))[-1]
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise _failed(result, text)
    return result


def _describe(server: Any, text: str, types: Sequence[int]) -> Any:
    server.send_prepare(b"", text.encode(), list(types) or None)
    prepared = (yield from execute(server))[-1]
    if prepared.status != ExecStatus.COMMAND_OK:
        return prepared
    server.send_describe_prepared(b"")
    return (yield from execute(server))[-1]


def _failed(result: psycopg.pq.abc.PGresult, text: str) -> SqlError:
    def field(of: Field) -> str | None:
        found = result.error_field(of)
        return found.decode() if found else None

    place = None if f"{SCHEMA}." in text else field(Field.STATEMENT_POSITION)  # what ran isn't what the client wrote
    return SqlError(field(Field.MESSAGE_PRIMARY) or "the catalogs can't say", field(Field.SQLSTATE) or "XX000", field(Field.MESSAGE_HINT),
                    int(place) if place else None)  # fmt: skip


def _silent(error: Exception) -> SqlError:
    state = getattr(error, "sqlstate", None)
    if state and not state.startswith(("08", "57")):
        return SqlError(str(error).splitlines()[0], state)
    return SqlError("the SQL master does not answer", CANNOT_CONNECT_NOW, "it may be failing over: try again in some seconds; bdc status")

"""The gateway's door: who comes, TLS, login, cancel requests, and going away in good order."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bdc.sql.master import DATABASE
from bdc.sql.pgwire import wire
from bdc.sql.pgwire.connection import Connection, GoneError
from bdc.sql.pgwire.errors import (
    INVALID_AUTHORIZATION,
    NOT_SUPPORTED,
    SHUTTING_DOWN,
    TOO_MANY_CONNECTIONS,
    UNDEFINED_DATABASE,
    FatalError,
    SqlError,
)
from bdc.sql.pgwire.execution import Services
from bdc.sql.pgwire.login import authenticate, nobody, token
from bdc.sql.pgwire.session import Session
from bdc.sql.pgwire.settings import Settings

FORWARDED_CANCEL = 80877190
"""A cancel request that another gateway passes on; it isn't passed on again."""
_LOGIN_SECONDS, _BYE_SECONDS = 30.0, 2.0
_SESSION_OPTIONS = ("user", "database", "options", "replication")


@dataclass
class Server:
    """The gateway. `peers` gives the addresses of the other gateways, to which cancel requests may belong."""

    services: Services
    tls: Callable[[], ssl.SSLContext]
    most: int
    peers: Callable[[], Sequence[tuple[str, int]]] = tuple
    secret: str = field(default="", repr=False)
    """What the tokens are made with by which the master asks in the name of its roles."""
    _sessions: dict[tuple[int, int], Session] = field(default_factory=dict)
    _tasks: dict[asyncio.Task[None], Connection] = field(default_factory=dict)
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _closing: bool = False

    async def listen(self, host: str | None, port: int) -> asyncio.Server:
        """Take connections."""
        return await asyncio.get_running_loop().create_server(lambda: Connection(self._came), host, port, backlog=512)

    @property
    def sessions(self) -> int:
        """How many clients are logged in."""
        return len(self._sessions)

    async def drain(self, seconds: float) -> None:
        """Let clients end what they do, then end their sessions."""
        self._closing = True
        until, told = asyncio.get_running_loop().time() + seconds, set[int]()
        while self._tasks and asyncio.get_running_loop().time() < until:
            for session in [one for one in self._sessions.values() if one.idle and id(one) not in told]:
                told.add(id(session))
                session.connection.write(
                    _fatal(FatalError("terminating connection due to administrator command", SHUTTING_DOWN, "connect again"))
                )
                session.connection.close()
            await asyncio.sleep(0.1)
        left = dict(self._tasks)
        for task, connection in left.items():
            task.cancel()
            connection.abort()
        await asyncio.gather(*left, return_exceptions=True)

    def _came(self, connection: Connection) -> None:
        task = asyncio.create_task(self._serve(connection))
        self._tasks[task] = connection
        task.add_done_callback(self._tasks.pop)

    async def _serve(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(_LOGIN_SECONDS):
                session = await self._admit(connection)
            if session is None:
                return
            key = secrets.randbits(31), secrets.randbits(32)
            self._sessions[key] = session
            try:
                connection.write(wire.backend_key(*key))
                connection.write(wire.ready("I"))
                await session.run()
            finally:
                del self._sessions[key]
        except FatalError as error:
            connection.write(_fatal(error))
        except SqlError as error:
            connection.write(_fatal(FatalError(error.message, error.state, error.hint)))
        except (GoneError, TimeoutError):
            pass
        except Exception as error:  # noqa: BLE001 one client's trouble is nobody else's
            sys.stderr.write(f"{connection.peer}: {type(error).__name__}: {error}\n")
        finally:
            connection.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(_BYE_SECONDS):
                    await connection.gone.wait()
            connection.abort()

    async def _admit(self, connection: Connection) -> Session | None:
        """From the first byte to a session; None where the client wanted none. Raises FatalError, GoneError, SqlError."""
        given = await self._opened(connection)
        if given is None:
            return None
        user = given.get("user", "")
        if not user:
            raise FatalError("no PostgreSQL user name specified in startup packet", INVALID_AUTHORIZATION)
        if given.get("replication", "false").lower() not in ("false", "off", "no", "0"):
            raise FatalError("the gateway has no replication", NOT_SUPPORTED)
        if not connection.encrypted:
            raise FatalError("connections without TLS aren't accepted", INVALID_AUTHORIZATION, "sslmode=verify-full")
        role = await self.services.catalogs.role(user)
        known = role.known if role and role.known else nobody(user, self._secret)
        await authenticate(connection, user, known, [token(self.secret, user)] if self.secret else [])
        if given.get("database", user) != DATABASE:
            raise FatalError(f'database "{given.get("database", user)}" does not exist', UNDEFINED_DATABASE, f"there is one: {DATABASE}")
        if self._closing:
            raise FatalError("the server is shutting down", SHUTTING_DOWN, "connect again")
        own = sum(one.user == user for one in self._sessions.values())
        if len(self._sessions) >= self.most or (role and 0 <= role.longest <= own):
            raise FatalError("sorry, too many clients already", TOO_MANY_CONNECTIONS)
        settings = Settings(
            user, {name: value for name, value in given.items() if name not in _SESSION_OPTIONS} | _options(given.get("options", ""))
        )
        connection.largest = wire.LARGEST_MESSAGE
        connection.write(wire.authentication(0))
        for name, value in settings.told():
            connection.write(wire.parameter_status(name, value))
        return Session(connection, self.services, user, settings)

    async def _opened(self, connection: Connection) -> dict[str, str] | None:
        """The startup message's parameters, after TLS where the client asked for it."""
        for _ in range(3):
            code, body = await connection.opening()
            if code == wire.SSL_REQUEST and not connection.encrypted:
                await connection.encrypt(self.tls())
            elif code == wire.GSS_REQUEST:
                connection.write(b"N")
            elif code in (wire.CANCEL_REQUEST, FORWARDED_CANCEL):
                await self._cancel(body, code == wire.CANCEL_REQUEST)
                return None
            elif code >> 16 == wire.PROTOCOL >> 16:
                found = wire.startup(body)
                unknown = [name for name in found if name.startswith("_pq_.")]
                if code != wire.PROTOCOL or unknown:
                    connection.write(wire.negotiate(unknown))
                return {name: value for name, value in found.items() if name not in unknown}
            else:
                raise FatalError(f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}: server supports 3.0", "0A000")
        raise wire.malformed("too many requests before the startup message")

    async def _cancel(self, body: bytes, mine: bool) -> None:
        """Cancel a statement by its connection's key; where it is no client's of this gateway, the others are asked."""
        if len(body) != 8:
            return
        if session := self._sessions.get((int.from_bytes(body[:4]), int.from_bytes(body[4:]))):
            session.cancel()
        elif mine:
            await asyncio.gather(
                *(_forward(host, port, body) for host, port in await asyncio.to_thread(self.peers)), return_exceptions=True
            )


async def _forward(host: str, port: int, body: bytes) -> None:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(3):
            _, writer = await asyncio.open_connection(host, port)
            writer.write((16).to_bytes(4) + FORWARDED_CANCEL.to_bytes(4) + body)
            await writer.drain()
            writer.close()
            await writer.wait_closed()


def _fatal(error: FatalError) -> bytes:
    return wire.problem("E", "FATAL", error.state, error.message, {"H": error.hint})


def _options(text: str) -> dict[str, str]:
    """Settings in the startup message's options: -c name=value, --name=value."""
    found: dict[str, str] = {}
    words = iter(text.replace("\\ ", "\0").split())
    for word in words:
        setting = next(words, "") if word == "-c" else word.removeprefix("-c").removeprefix("--") if word.startswith(("-c", "--")) else ""
        name, equal, value = setting.partition("=")
        if not equal:
            raise FatalError(f"invalid command-line argument for server process: {word}", "42601")
        found[name.replace("-", "_")] = value.replace("\0", " ")
    return found

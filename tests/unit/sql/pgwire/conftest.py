"""A gateway on loopback, with real TLS and SCRAM, before a Trino and a master that are made up here."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bdc.sql.pgwire.catalogs import Role
from bdc.sql.pgwire.errors import SqlError
from bdc.sql.pgwire.execution import Services
from bdc.sql.pgwire.login import verifier
from bdc.sql.pgwire.names import Names
from bdc.sql.pgwire.seen import Seen
from bdc.sql.pgwire.server import Server
from bdc_stacks import identity

PASSWORD, SECRET = "s3cret", "of the master and the gateway"
COLUMNS = [("id", "integer"), ("name", "varchar(20)"), ("amount", "decimal(10,2)"), ("day", "date")]


def signature(kind: str, *arguments: Any) -> dict[str, Any]:
    return {"rawType": kind, "arguments": [{"value": one} for one in arguments]}


class Running:
    """A result of `count` rows, in pages."""

    def __init__(self, trino: Trino, count: int, columns: list[dict[str, Any]], rows: list[list[Any]] | None = None) -> None:
        self.trino, self.count, self.columns, self.rows, self.at, self.closed = trino, count, columns, rows, 0, False

    @property
    def more(self) -> bool:
        return self.at < self.count

    async def page(self) -> list[list[Any]] | None:
        if self.at >= self.count:
            return None
        await asyncio.sleep(0)
        size = min(10_000, self.count - self.at)
        rows = self.rows or [[at, f"name {at}", None if at % 2 else f"{at}.50", "2026-01-02"] for at in range(self.at, self.at + size)]
        self.at += size
        self.trino.pages += 1
        return rows

    async def close(self) -> None:
        self.closed = True


class Trino:
    """Answers with as many rows as LIMIT says; `asked` is what it was asked, and as whom."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.given: list[Running] = []
        self.pages = 0

    async def start(self, sql: str, user: str, **_: Any) -> Running:
        self.asked.append((user, sql))
        if "system.jdbc.columns" in sql:
            there = "'orders'" in sql
            rows = [["external", "dbo", *one] for one in COLUMNS] if there else []
            return Running(self, len(rows), [], rows or None)
        if "'sleep'" in sql:
            await asyncio.sleep(60)
        if "'broken'" in sql:
            raise SqlError("the source sales doesn't answer", "38000")
        if "'bug'" in sql:
            raise ValueError("secret internals")
        count = 0 if "WHERE false" in sql else int(sql.rpartition("LIMIT ")[2]) if "LIMIT" in sql else 3
        wide = "day" in sql
        kinds: dict[str, tuple[Any, ...]] = {"id": ("integer",), "name": ("varchar", 20), "amount": ("decimal", 10, 2), "day": ("date",)}
        columns = [{"name": name, "typeSignature": signature(*kind)} for name, kind in kinds.items()]
        found = Running(self, count, columns if wide else columns[:1], None if wide else [[at] for at in range(count)])
        self.given.append(found)
        return found


class Catalogs:
    """A master with two roles: ann may log in, and bob has one connection."""

    known = verifier(identity.scram_verifier(PASSWORD))

    async def role(self, name: str) -> Role | None:
        return {"ann": Role("ann", self.known, -1), "bob": Role("bob", self.known, 1), "none": Role("none", None, -1)}.get(name)


class Gateway:
    """A gateway that listens; `dsn` is how to log in as ann."""

    def __init__(self, server: Server, trino: Trino, port: int, ca_file: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.server, self.trino, self.port, self.ca_file, self.loop = server, trino, port, ca_file, loop

    @property
    def dsn(self) -> str:
        return f"host=localhost port={self.port} user=ann password={PASSWORD} dbname=bdc sslmode=verify-full sslrootcert={self.ca_file}"


def tls(folder: Path) -> ssl.SSLContext:
    for name, text in identity.certificate(identity.authority("test"), ["localhost", "127.0.0.1"]).items():
        (folder / name).write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return context


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    context, loop, trino = tls(tmp_path), asyncio.new_event_loop(), Trino()
    services = Services(trino, Catalogs(), Names(trino), Seen(trino))  # type: ignore[arg-type] # made up
    server = Server(services, lambda: context, 300, secret=SECRET)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(server.listen("127.0.0.1", 0), loop).result(10)
    port = listening.sockets[0].getsockname()[1]
    yield Gateway(server, trino, port, tmp_path / "ca.crt", loop)

    async def end() -> None:
        listening.close()
        await server.drain(0)
        await asyncio.sleep(0.1)  # transports say good-bye

    asyncio.run_coroutine_threadsafe(end(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()

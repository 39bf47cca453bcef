"""A client's session: its messages, one after the other, and what goes wrong in them.

https://www.postgresql.org/docs/17/protocol-flow.html. What a statement does is `answering`'s, what it takes and gives `describing`'s.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

from bdc.sql.pgwire import commands, planning, wire
from bdc.sql.pgwire.answering import Answering
from bdc.sql.pgwire.connection import Connection, GoneError
from bdc.sql.pgwire.describing import Describing
from bdc.sql.pgwire.errors import CANCELED, INTERNAL_ERROR, SYNTAX_ERROR, FatalError, SqlError
from bdc.sql.pgwire.execution import Executor, Portal, Prepared, Services, aside, end
from bdc.sql.pgwire.held import Held
from bdc.sql.pgwire.results import format_of
from bdc.sql.pgwire.settings import Settings
from bdc.sql.pgwire.transaction import Transaction
from bdc.sql.statements import split


@dataclass
class Session:
    """What a client that has logged in does."""

    connection: Connection
    services: Services
    user: str
    settings: Settings
    _running: asyncio.Task[None] | None = None
    _canceled: bool = False

    def __post_init__(self) -> None:
        self._held, self._transaction = Held(), Transaction(self.settings)
        asking = Executor(self.services, self.user, self.settings)
        self._describing = Describing(self.services, asking, self._held, self.user, self.settings)
        self._answering = Answering(self.connection, asking, self._held, self.settings, self._transaction)

    async def run(self) -> None:
        """Answer messages until the client goes. Raises FatalError, GoneError."""
        try:
            skipping = False
            while True:
                message = await self.connection.message()
                if isinstance(message, wire.Terminate):
                    return
                if isinstance(message, wire.Sync):
                    skipping = False
                    await self._synced()
                elif skipping or isinstance(message, wire.CopyInput):
                    continue
                else:
                    skipping = not await self._guarded(message)
                await self.connection.drain()
        finally:
            await self._held.close_all(held=True)

    @property
    def idle(self) -> bool:
        """Whether it does nothing, and has begun nothing."""
        return self._transaction.status == "I" and not (self._running and not self._running.done())

    def cancel(self) -> None:
        """Cancel what runs, as another connection asked."""
        if self._running and not self._running.done():
            self._canceled = True
            self._running.cancel()

    async def _guarded(self, message: wire.Message) -> bool:
        """Do what a message asks; False where it failed and what follows is to be left out until Sync."""
        self._canceled = False
        self._running = asyncio.create_task(self._do(message))
        gone = asyncio.create_task(self.connection.gone.wait())
        seconds = self.settings.timeout_seconds
        try:
            await asyncio.wait((self._running, gone), timeout=seconds or None, return_when=asyncio.FIRST_COMPLETED)
            late = not self._running.done() and not gone.done()
            if not self._running.done():
                self._running.cancel()
            try:
                await self._running
            except asyncio.CancelledError:
                if gone.done():
                    raise GoneError from None
                if not (self._canceled or late):
                    raise
                why = "statement timeout" if late else "user request"
                raise SqlError(f"canceling statement due to {why}", CANCELED) from None
        except (FatalError, GoneError):
            raise
        except SqlError as error:
            self._failed(error)
            return await self._after_error(message)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 whatever is wrong here is told without what it knows
            sys.stderr.write(f"{self.user}@{self.connection.peer}: {type(error).__name__}: {error}\n")
            self._failed(SqlError("internal error of the gateway", INTERNAL_ERROR, "bdc logs sql-gateway"))
            return await self._after_error(message)
        finally:
            gone.cancel()
        return True

    async def _after_error(self, message: wire.Message) -> bool:
        if isinstance(message, wire.Query):
            self.connection.write(wire.ready(self._transaction.status))
            return True
        return False

    def _failed(self, error: SqlError) -> None:
        self._transaction.failed()
        more = {"H": error.hint, "P": str(error.position) if error.position else None}
        self.connection.write(wire.problem("E", "ERROR", error.state, error.message, more))

    async def _synced(self) -> None:
        if self._transaction.status == "I":
            await self._held.close_all(held=False)
        self.connection.write(wire.ready(self._transaction.status))

    async def _do(self, message: wire.Message) -> None:
        match message:
            case wire.Query():
                await self._simple(message.sql)
            case wire.Parse():
                await self._parse(message)
            case wire.Bind():
                await self._bind(message)
            case wire.Describe():
                await self._describe(message)
            case wire.Execute():
                await self._execute(message)
            case wire.Close():
                if message.kind == "S":
                    self._held.forget(message.name)
                else:
                    await self._held.close([message.name])
                self.connection.write(wire.CLOSE_COMPLETE)
            case wire.Flush():
                pass
            case _:
                raise wire.malformed("unexpected message")

    # --- the simple protocol

    async def _simple(self, sql: str) -> None:
        statements = (await aside(len(sql), split, sql)).all
        if not statements:
            self.connection.write(wire.EMPTY_QUERY)
        await self._held.close([""])
        for one in statements:
            portal = Portal(await self._prepared(one.text, ()))
            try:
                await self._answering.answer(portal, 0, described=False)
            finally:
                await end(portal)
        if self._transaction.status == "I":
            await self._held.close_all(held=False)
        self.connection.write(wire.ready(self._transaction.status))

    # --- the extended protocol

    async def _parse(self, message: wire.Parse) -> None:
        self._held.check_statement(message.name)
        statements = (await aside(len(message.sql), split, message.sql)).all
        if len(statements) > 1:
            raise SqlError("cannot insert multiple commands into a prepared statement", SYNTAX_ERROR)
        self._held.keep_statement(message.name, await self._prepared(statements[0].text if statements else "", message.types))
        self.connection.write(wire.PARSE_COMPLETE)

    async def _prepared(self, text: str, types: tuple[int, ...]) -> Prepared:
        if not text:
            return Prepared(None, types)
        command = commands.command(text)
        self._transaction.allows(command)
        query = command.sql if isinstance(command, commands.Query | commands.Declare | commands.Copy | commands.Explain) else None
        asked = await aside(len(query), planning.plan, query) if query is not None else None
        count = asked.parameters if asked else 0
        return Prepared(command, (*types, *[0] * (count - len(types))), asked)

    async def _bind(self, message: wire.Bind) -> None:
        prepared = self._held.statement(message.statement)
        self._held.check_portal(message.portal)
        wanted = len(prepared.types)
        if len(message.values) != wanted:
            raise SqlError(f"bind message supplies {len(message.values)} parameters, but prepared statement requires {wanted}", "08P01")
        formats = tuple(format_of(message.formats, at) for at in range(wanted))
        if any(not kind and form for kind, form in zip(prepared.types, formats, strict=True)):
            await self._describing.resolve(prepared)  # binary values, of a client that knows the types without having asked
        await self._held.close([message.portal])
        self._held.keep_portal(message.portal, Portal(prepared, message.values, formats, message.result_formats))
        self.connection.write(wire.BIND_COMPLETE)

    async def _describe(self, message: wire.Describe) -> None:
        if message.kind == "P":
            portal = self._held.portal(message.name)
            self._answering.write_columns(await self._describing.columns(portal), portal.result_formats)
            return
        prepared = self._held.statement(message.name)
        found = await self._describing.statement(prepared)
        self.connection.write(wire.parameter_description(prepared.types))
        self._answering.write_columns(found, ())

    async def _execute(self, message: wire.Execute) -> None:
        portal = self._held.portal(message.portal)
        if portal.prepared.command is None:
            self.connection.write(wire.EMPTY_QUERY)
            return
        await self._answering.answer(portal, max(0, message.most), described=True)

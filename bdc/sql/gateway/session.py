"""A client's session: statements, portals and cursors, transactions, and what goes wrong in them.

https://www.postgresql.org/docs/17/protocol-flow.html. There is nothing to commit: transactions are those of reading, each query sees
what its sources have.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from bdc.sql.gateway import commands, planning, rows, wire
from bdc.sql.gateway.asking import Asking, Portal, Prepared, Services, aside, end
from bdc.sql.gateway.connection import Connection, GoneError
from bdc.sql.gateway.dialect import Translated
from bdc.sql.gateway.errors import (
    CANCELED,
    DUPLICATE_CURSOR,
    DUPLICATE_STATEMENT,
    IN_FAILED_TRANSACTION,
    INTERNAL_ERROR,
    INVALID_CURSOR,
    INVALID_STATEMENT,
    NOT_SUPPORTED,
    SYNTAX_ERROR,
    FatalError,
    SqlError,
)
from bdc.sql.gateway.oids import TEXT
from bdc.sql.gateway.parameters import literal
from bdc.sql.gateway.results import Column, Federated, columns, format_of
from bdc.sql.gateway.settings import Settings
from bdc.sql.gateway.values import zone
from bdc.sql.statements import split

_CHUNK = 5000
"""Rows that are made ready at once, before others have their turn."""
_MOST_STATEMENTS = 1000
"""Prepared statements and portals that a session may have."""


@dataclass
class Session:
    """What a client that has logged in does."""

    connection: Connection
    services: Services
    user: str
    settings: Settings
    status: str = "I"
    _statements: dict[str, Prepared] = field(default_factory=dict)
    _portals: dict[str, Portal] = field(default_factory=dict)
    _running: asyncio.Task[None] | None = None
    _canceled: bool = False

    def __post_init__(self) -> None:
        self._asking = Asking(self.services, self.user, self.settings)

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
            await self._close(list(self._portals))

    @property
    def idle(self) -> bool:
        """Whether it does nothing, and has begun nothing."""
        return self.status == "I" and not (self._running and not self._running.done())

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
            self.connection.write(wire.ready(self.status))
            return True
        return False

    def _failed(self, error: SqlError) -> None:
        if self.status == "T":
            self.status = "E"
        more = {"H": error.hint, "P": str(error.position) if error.position else None}
        self.connection.write(wire.problem("E", "ERROR", error.state, error.message, more))

    async def _synced(self) -> None:
        if self.status == "I":
            await self._close([name for name, portal in self._portals.items() if not portal.hold])
        self.connection.write(wire.ready(self.status))

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
                    self._statements.pop(message.name, None)
                else:
                    await self._close([message.name])
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
        await self._close([""])
        for one in statements:
            portal = Portal(await self._prepared(one.text, ()))
            try:
                await self._answer(portal, 0, described=False)
            finally:
                await end(portal)
        if self.status == "I":
            await self._close([name for name, portal in self._portals.items() if not portal.hold])
        self.connection.write(wire.ready(self.status))

    # --- the extended protocol

    async def _parse(self, message: wire.Parse) -> None:
        if message.name and message.name in self._statements:
            raise SqlError(f'prepared statement "{message.name}" already exists', DUPLICATE_STATEMENT)
        if len(self._statements) >= _MOST_STATEMENTS:
            raise SqlError("too many prepared statements", "53000", "DEALLOCATE those that aren't needed")
        statements = (await aside(len(message.sql), split, message.sql)).all
        if len(statements) > 1:
            raise SqlError("cannot insert multiple commands into a prepared statement", SYNTAX_ERROR)
        self._statements[message.name] = await self._prepared(statements[0].text if statements else "", message.types)
        self.connection.write(wire.PARSE_COMPLETE)

    async def _prepared(self, text: str, types: tuple[int, ...]) -> Prepared:
        if not text:
            return Prepared(None, types)
        command = commands.command(text)
        self._allowed(command)
        query = command.sql if isinstance(command, commands.Ask | commands.Declare | commands.Copy | commands.Explain) else None
        asked = await aside(len(query), planning.plan, query, self.user) if query is not None else None
        count = asked.parameters if asked else 0
        return Prepared(command, (*types, *[0] * (count - len(types))), asked)

    def _allowed(self, command: commands.Command | None) -> None:
        """Raise SqlError for what a transaction that failed doesn't take."""
        heals = isinstance(command, commands.End) or (isinstance(command, commands.Savepoint) and command.heals)
        if self.status == "E" and not heals:
            raise SqlError("current transaction is aborted, commands ignored until end of transaction block", IN_FAILED_TRANSACTION)

    async def _bind(self, message: wire.Bind) -> None:
        prepared = self._statement(message.statement)
        if message.portal and message.portal in self._portals:
            raise SqlError(f'cursor "{message.portal}" already exists', DUPLICATE_CURSOR)
        wanted = len(prepared.types)
        if len(message.values) != wanted:
            raise SqlError(f"bind message supplies {len(message.values)} parameters, but prepared statement requires {wanted}", "08P01")
        if len(self._portals) >= _MOST_STATEMENTS:
            raise SqlError("too many portals", "53000", "close those that aren't needed")
        await self._close([message.portal])
        self._portals[message.portal] = Portal(prepared, message.values, message.formats, message.result_formats)
        self.connection.write(wire.BIND_COMPLETE)

    def _statement(self, name: str) -> Prepared:
        if name not in self._statements:
            raise SqlError(f'prepared statement "{name}" does not exist', INVALID_STATEMENT)
        return self._statements[name]

    def _portal(self, name: str) -> Portal:
        if name not in self._portals:
            raise SqlError(f'portal "{name}" does not exist' if not name else f'cursor "{name}" does not exist', INVALID_CURSOR)
        return self._portals[name]

    async def _describe(self, message: wire.Describe) -> None:
        if message.kind == "P":
            portal = self._portal(message.name)
            found = await self._columns(portal)
            self._write_columns(found, portal.result_formats)
            return
        prepared = self._statement(message.name)
        types, found = await self._described(prepared)
        prepared.types = tuple(types)
        self.connection.write(wire.parameter_description(types))
        self._write_columns(found, ())

    def _write_columns(self, found: Sequence[Column] | None, formats: Sequence[int]) -> None:
        if found is None:
            self.connection.write(wire.NO_DATA)
            return
        if len(formats) > 1 and len(formats) != len(found):
            raise SqlError(f"bind message has {len(formats)} result formats but query has {len(found)} columns", "08P01")
        fields = [wire.Field(one.name, one.kind, one.size, one.modifier, format_of(formats, at)) for at, one in enumerate(found)]
        self.connection.write(wire.row_description(fields))

    async def _columns(self, portal: Portal) -> Sequence[Column] | None:
        """The columns that a portal will give: a query is begun for that."""
        command = portal.prepared.command
        if isinstance(command, commands.Fetch):
            of = self._portal(command.name)
            if of.result is None:
                of.result = await self._asking.begin(of)
            return of.result.columns
        if not isinstance(command, commands.Ask | commands.Show | commands.Explain):
            return None
        if portal.result is None:
            portal.result = await self._asking.begin(portal)
        return portal.result.columns

    async def _described(self, prepared: Prepared) -> tuple[list[int], Sequence[Column] | None]:
        """The types of a statement's parameters, and its columns, before it has values."""
        command, asked = prepared.command, prepared.asked
        if isinstance(command, commands.Ask) and asked:
            if asked.tree is None:
                types, found = await self.services.catalogs.describe(asked.sql, prepared.types)
                return types, columns(found)
            translated = await self._guessed(asked, prepared.types)
            empty = f"SELECT * FROM ({translated.sql}) WHERE false"  # noqa: S608 a whole query
            running = await self.services.trino.start(empty, self.user, zone=self.settings.time_zone)
            result = Federated(running, translated.names, translated.quotients, zone(self.settings.time_zone))
            await result.close()
            return [one or TEXT for one in prepared.types], result.columns
        portal = Portal(prepared)
        try:
            return list(prepared.types), await self._columns(portal)
        finally:
            await end(portal)

    async def _guessed(self, asked: planning.Asked, types: Sequence[int]) -> Translated:
        """A query whose parameters have no values yet: NULLs, or where only a number is understood, one."""
        try:
            return await self._asking.translated(asked, [literal(None, one, 0) for one in types])
        except SqlError as error:
            if error.state != NOT_SUPPORTED or not types:
                raise
            return await self._asking.translated(asked, ["1" if one in (0, TEXT) else literal(None, one, 0) for one in types])

    async def _execute(self, message: wire.Execute) -> None:
        portal = self._portal(message.portal)
        if portal.prepared.command is None:
            self.connection.write(wire.EMPTY_QUERY)
            return
        await self._answer(portal, max(0, message.most), described=True)

    # --- statements

    async def _answer(self, portal: Portal, most: int, *, described: bool) -> None:
        """Run a statement, and send what it gives."""
        command = portal.prepared.command
        self._allowed(command)
        match command:
            case commands.Ask() | commands.Show() | commands.Explain():
                if portal.result is None:
                    portal.result = await self._asking.begin(portal)
                if not described:
                    self._write_columns(portal.result.columns, ())
                tag = {commands.Show: "SHOW", commands.Explain: "EXPLAIN"}.get(type(command), "SELECT")
                await self._send(portal, most, tag)
            case commands.Fetch():
                await self._fetch(command, portal, described=described)
            case commands.Declare():
                await self._declare(command, portal)
            case commands.Copy():
                await self._copy(command, portal)
            case None:
                self.connection.write(wire.EMPTY_QUERY)
            case _:
                self.connection.write(wire.command_complete(await self._settle(command)))

    async def _settle(self, command: commands.Command) -> str:
        """A statement without rows; its tag."""
        match command:
            case commands.Begin():
                if self.status != "I":
                    self._warn("there is already a transaction in progress", "25001")
                self.status = "T"
                return command.tag
            case commands.End():
                return await self._finish(command)
            case commands.Savepoint():
                return self._savepoint(command)
            case commands.Set():
                return self._set(command)
            case commands.CloseCursor():
                return await self._close_cursor(command)
            case commands.Deallocate():
                return self._deallocate(command)
            case commands.Done():
                return await self._discard(command)
        raise SqlError("this statement isn't supported", NOT_SUPPORTED)

    def _savepoint(self, command: commands.Savepoint) -> str:
        if self.status == "I":
            raise SqlError(f"{command.tag} can only be used in transaction blocks", "25P01")
        self.status = "T"
        return command.tag

    def _set(self, command: commands.Set) -> str:
        told = self.settings.put(command.name, command.value)
        for name, value in self.settings.told() if command.name == "all" else [told] if told else []:
            self.connection.write(wire.parameter_status(name, value))
        return command.tag

    async def _close_cursor(self, command: commands.CloseCursor) -> str:
        if command.name is None:
            await self._close(list(self._portals))
            return "CLOSE CURSOR ALL"
        self._portal(command.name)
        await self._close([command.name])
        return "CLOSE CURSOR"

    def _deallocate(self, command: commands.Deallocate) -> str:
        if command.name is None:
            self._statements.clear()
            return "DEALLOCATE ALL"
        if self._statements.pop(command.name, None) is None:
            raise SqlError(f'prepared statement "{command.name}" does not exist', INVALID_STATEMENT)
        return "DEALLOCATE"

    async def _discard(self, command: commands.Done) -> str:
        if command.tag == "DISCARD ALL":
            if self.status != "I":
                raise SqlError("DISCARD ALL cannot run inside a transaction block", "25001")
            await self._close(list(self._portals))
            self._statements.clear()
            self.settings.put("all", None)
        return command.tag

    async def _finish(self, command: commands.End) -> str:
        if self.status == "I":
            self._warn("there is no transaction in progress", "25P01")
        tag = "ROLLBACK" if self.status == "E" else command.tag
        self.status = "T" if command.chained and self.status != "I" else "I"
        await self._close([name for name, portal in self._portals.items() if not (portal.hold and tag == "COMMIT")])
        return tag

    def _warn(self, text: str, state: str) -> None:
        self.connection.write(wire.problem("N", "WARNING", state, text, {}))

    async def _declare(self, command: commands.Declare, portal: Portal) -> None:
        if self.status == "I" and not command.hold:
            raise SqlError("DECLARE CURSOR can only be used in transaction blocks", "25P01", "BEGIN, or WITH HOLD")
        if command.name in self._portals:
            raise SqlError(f'cursor "{command.name}" already exists', DUPLICATE_CURSOR)
        prepared = Prepared(commands.Ask(command.sql), portal.prepared.types, portal.prepared.asked)
        cursor = Portal(prepared, portal.values, portal.formats, (1,) if command.binary else (), hold=command.hold)
        cursor.result = await self._asking.begin(cursor)  # errors of the query are those of DECLARE
        self._portals[command.name] = cursor
        self.connection.write(wire.command_complete("DECLARE CURSOR"))

    async def _fetch(self, command: commands.Fetch, portal: Portal, *, described: bool) -> None:
        cursor = self._portal(command.name)
        if cursor.result is None:
            cursor.result = await self._asking.begin(cursor)
        formats = portal.result_formats or cursor.result_formats
        if command.tag == "FETCH" and not described:
            self._write_columns(cursor.result.columns, formats)
        sent = await self._rows(cursor, command.most, formats, show=command.tag == "FETCH")
        self.connection.write(wire.command_complete(f"{command.tag} {sent}"))

    async def _send(self, portal: Portal, most: int, tag: str) -> None:
        sent = await self._rows(portal, most or None, portal.result_formats)
        if most and not portal.ended:
            self.connection.write(wire.PORTAL_SUSPENDED)
        else:
            self.connection.write(wire.command_complete(f"{tag} {sent}" if tag == "SELECT" else tag))

    async def _rows(self, portal: Portal, most: int | None, formats: Sequence[int], *, show: bool = True) -> int:
        """Send the next rows of a result, as fast as the client takes them; how many there were."""
        result = portal.result
        assert result is not None  # noqa: S101 it was begun
        encoders, sent = result.encoders(formats), 0
        while not portal.ended and (most is None or sent < most):
            found = await result.rows(_CHUNK if most is None else min(_CHUNK, most - sent))
            if not found:
                portal.ended = True
                await result.close()
                break
            sent += len(found)
            if show:
                self.connection.write(rows.data_rows(found, encoders))
                await self.connection.drain()
            await asyncio.sleep(0)
        return sent

    async def _copy(self, command: commands.Copy, portal: Portal) -> None:
        portal.result = await self._asking.begin(portal)
        titles = [one.name for one in portal.result.columns]
        self.connection.write(wire.copy_out(len(titles)))
        form = rows.CopyForm(command.csv, command.separator.encode(), command.null.encode())
        if command.header:
            self.connection.write(form.lines([titles], [str.encode] * len(titles)))
        encoders, sent = portal.result.encoders(()), 0
        while found := await portal.result.rows(_CHUNK):
            sent += len(found)
            self.connection.write(form.lines(found, encoders))
            await self.connection.drain()
            await asyncio.sleep(0)
        self.connection.write(wire.COPY_DONE)
        self.connection.write(wire.command_complete(f"COPY {sent}"))

    async def _close(self, names: Sequence[str]) -> None:
        for name in names:
            if portal := self._portals.pop(name, None):
                await end(portal)

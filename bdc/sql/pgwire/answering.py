"""Answers statements: runs them, and sends what they give as fast as the client takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bdc.sql.pgwire import commands, rows, wire
from bdc.sql.pgwire.connection import Connection
from bdc.sql.pgwire.errors import NOT_SUPPORTED, SqlError
from bdc.sql.pgwire.execution import Executor, Portal, Prepared
from bdc.sql.pgwire.held import Held
from bdc.sql.pgwire.results import Catalogued, Column, Result, format_of
from bdc.sql.pgwire.settings import Settings
from bdc.sql.pgwire.transaction import Told, Transaction

_CHUNK = 5000
"""Rows that are made ready at once, before others have their turn."""


class Answering:
    """Runs the statements of one session."""

    def __init__(self, connection: Connection, asking: Executor, held: Held, settings: Settings, transaction: Transaction) -> None:
        self._connection, self._asking, self._held = connection, asking, held
        self._settings, self._transaction = settings, transaction

    async def answer(self, portal: Portal, most: int, *, described: bool) -> None:
        """Run a statement, and send what it gives, at most so many rows; 0 is all. Raises SqlError."""
        command = portal.prepared.command
        self._transaction.allows(command)
        match command:
            case commands.Query() | commands.Show() | commands.Explain():
                if portal.result is None:
                    portal.result = await self._asking.begin(portal)
                self._apply(portal.result)
                if not described:
                    self.write_columns(portal.result.columns, ())
                tag = {commands.Show: "SHOW", commands.Explain: "EXPLAIN"}.get(type(command), "SELECT")
                await self._send(portal, most, tag)
            case commands.Fetch():
                await self._fetch(command, portal, described=described)
            case commands.Declare():
                await self._declare(command, portal)
            case commands.Copy():
                await self._copy(command, portal)
            case None:
                self._connection.write(wire.EMPTY_QUERY)
            case _:
                self._connection.write(wire.command_complete(await self._settle(command)))

    def write_columns(self, found: Sequence[Column] | None, formats: Sequence[int]) -> None:
        """Say what columns rows will have; None is no rows. Raises SqlError."""
        if found is None:
            self._connection.write(wire.NO_DATA)
            return
        if len(formats) > 1 and len(formats) != len(found):
            raise SqlError(f"bind message has {len(formats)} result formats but query has {len(found)} columns", "08P01")
        fields = [wire.Field(one.name, one.kind, one.size, one.modifier, format_of(formats, at)) for at, one in enumerate(found)]
        self._connection.write(wire.row_description(fields))

    # --- statements without rows

    async def _settle(self, command: commands.Command) -> str:
        """Do it; its tag."""
        match command:
            case commands.Begin():
                self._warn(self._transaction.begin(), "25001")
                return command.tag
            case commands.End():
                return await self._finish(command)
            case commands.Savepoint():
                self._tell(self._transaction.savepoint(command))
                return command.tag
            case commands.Set():
                return self._set(command)
            case commands.CloseCursor():
                return await self._close_cursor(command)
            case commands.Deallocate():
                if command.name is not None:
                    self._held.statement(command.name)
                self._held.forget(command.name)
                return "DEALLOCATE ALL" if command.name is None else "DEALLOCATE"
            case commands.NoOp():
                return await self._discard(command)
        raise SqlError("this statement isn't supported", NOT_SUPPORTED)

    async def _finish(self, command: commands.End) -> str:
        if self._transaction.status == "I":
            self._warn("there is no transaction in progress", "25P01")
        tag, told = self._transaction.end(command)
        self._tell(told)
        await self._held.close_all(held=tag != "COMMIT")
        return tag

    def _set(self, command: commands.Set) -> str:
        if command.local and self._transaction.status == "I":
            what = "SET TRANSACTION" if command.name == "transaction_isolation" else "SET LOCAL"
            self._warn(f"{what} can only be used in transaction blocks", "25P01")
        else:
            self._tell(self._settings.put(command.name, command.value, local=command.local))
        return command.tag

    def _apply(self, result: Result) -> None:
        """Have the settings that a query made by set_config(), once."""
        if isinstance(result, Catalogued):
            changed, result.changed = result.changed, ()
            for name, value, local in changed:
                if not local or self._transaction.status != "I":
                    self._tell(self._settings.put(name, value, local=local))

    async def _close_cursor(self, command: commands.CloseCursor) -> str:
        if command.name is None:
            await self._held.close_all(held=True)
            return "CLOSE CURSOR ALL"
        self._held.portal(command.name)
        await self._held.close([command.name])
        return "CLOSE CURSOR"

    async def _discard(self, command: commands.NoOp) -> str:
        if command.tag == "DISCARD ALL":
            if self._transaction.status != "I":
                raise SqlError("DISCARD ALL cannot run inside a transaction block", "25001")
            await self._held.close_all(held=True)
            self._held.forget(None)
            self._tell(self._settings.put("all", None))
        return command.tag

    def _tell(self, changed: Told) -> None:
        for name, value in changed:
            self._connection.write(wire.parameter_status(name, value))

    def _warn(self, text: str | None, state: str) -> None:
        if text:
            self._connection.write(wire.problem("N", "WARNING", state, text, {}))

    # --- cursors

    async def _declare(self, command: commands.Declare, portal: Portal) -> None:
        if self._transaction.status == "I" and not command.hold:
            raise SqlError("DECLARE CURSOR can only be used in transaction blocks", "25P01", "BEGIN, or WITH HOLD")
        self._held.check_portal(command.name)
        prepared = Prepared(commands.Query(command.sql), portal.prepared.types, portal.prepared.asked)
        cursor = Portal(prepared, portal.values, portal.formats, (1,) if command.binary else (), hold=command.hold)
        cursor.result = await self._asking.begin(cursor)  # errors of the query are those of DECLARE
        self._apply(cursor.result)
        self._held.keep_portal(command.name, cursor)
        self._connection.write(wire.command_complete("DECLARE CURSOR"))

    async def _fetch(self, command: commands.Fetch, portal: Portal, *, described: bool) -> None:
        cursor = self._held.portal(command.name)
        if cursor.result is None:
            cursor.result = await self._asking.begin(cursor)
        formats = portal.result_formats or cursor.result_formats
        if command.tag == "FETCH" and not described:
            self.write_columns(cursor.result.columns, formats)
        sent = await self._rows(cursor, command.most, formats, show=command.tag == "FETCH")
        self._connection.write(wire.command_complete(f"{command.tag} {sent}"))

    # --- rows

    async def _send(self, portal: Portal, most: int, tag: str) -> None:
        sent = await self._rows(portal, most or None, portal.result_formats)
        if most and not portal.ended:
            self._connection.write(wire.PORTAL_SUSPENDED)
        else:
            self._connection.write(wire.command_complete(f"{tag} {sent}" if tag == "SELECT" else tag))

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
                self._connection.write(rows.data_rows(found, encoders))
                await self._connection.drain()
            await asyncio.sleep(0)
        return sent

    async def _copy(self, command: commands.Copy, portal: Portal) -> None:
        form = command.form
        binary = form.kind == "binary"
        portal.result_formats = (1,) if binary else ()
        portal.result = await self._asking.begin(portal)
        self._apply(portal.result)
        titles = [one.name for one in portal.result.columns]
        forced, encoders, sent = form.forces(titles), portal.result.encoders(portal.result_formats), 0
        self._connection.write(wire.copy_out(len(titles), binary=binary) + form.titled(titles))
        head = form.head
        while found := await portal.result.rows(_CHUNK):
            sent += len(found)
            self._connection.write(form.lines(found, encoders, forced, head))
            head = b""
            await self._connection.drain()
            await asyncio.sleep(0)
        self._connection.write(form.ends(head) + wire.COPY_DONE + wire.command_complete(f"COPY {sent}"))

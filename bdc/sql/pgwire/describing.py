"""What statements take and give before they run: the types of their parameters, and their columns."""

from __future__ import annotations

from collections.abc import Sequence

from bdc.sql.pgwire import commands, planning
from bdc.sql.pgwire.dialect import Translated, without_tables
from bdc.sql.pgwire.errors import NOT_SUPPORTED, UNDETERMINED_TYPE, SqlError
from bdc.sql.pgwire.execution import Executor, Portal, Prepared, Services, aside, end
from bdc.sql.pgwire.held import Held
from bdc.sql.pgwire.oids import TEXT
from bdc.sql.pgwire.parameters import example, literal
from bdc.sql.pgwire.results import Column, Federated, columns
from bdc.sql.pgwire.settings import Settings
from bdc.sql.pgwire.values import zone


class Describing:
    """Describes a session's statements and portals."""

    def __init__(self, services: Services, asking: Executor, held: Held, user: str, settings: Settings) -> None:
        self._services, self._asking, self._held, self._user, self._settings = services, asking, held, user, settings

    async def columns(self, portal: Portal) -> Sequence[Column] | None:
        """The columns that a portal will give, None for none: a query is begun for that. Raises SqlError."""
        command = portal.prepared.command
        if isinstance(command, commands.Fetch):
            of = self._held.portal(command.name)
            if of.result is None:
                of.result = await self._asking.begin(of)
            return of.result.columns
        if not isinstance(command, commands.Query | commands.Show | commands.Explain):
            return None
        if portal.result is None:
            portal.result = await self._asking.begin(portal)
        return portal.result.columns

    async def statement(self, prepared: Prepared) -> Sequence[Column] | None:
        """A statement's columns, before its parameters have values; those that had no type get theirs. Raises SqlError."""
        command, asked = prepared.command, prepared.asked
        if isinstance(command, commands.Query) and asked:
            if asked.tree is None:
                types, found = await self._services.catalogs.describe(asked.sql, prepared.types)
                prepared.types = tuple(types)
                return columns(found)
            await self.resolve(prepared)
            translated = await self._without_values(asked, prepared.types)
            empty = f"SELECT * FROM ({translated.sql}) WHERE false"  # noqa: S608 a whole query
            running = await self._services.trino.start(empty, self._user, zone=self._settings.time_zone)
            result = Federated(running, translated.names, translated.quotients, zone(self._settings.time_zone))
            await result.close()
            return result.columns
        await self.resolve(prepared)
        portal = Portal(prepared, (None,) * len(prepared.types))
        try:
            return await self.columns(portal)
        finally:
            await end(portal)

    async def resolve(self, prepared: Prepared) -> None:
        """Give parameters without a type the one that PostgreSQL gives them where they stand: the master says it. Raises SqlError."""
        asked = prepared.asked
        if 0 not in prepared.types or asked is None or asked.tree is None:
            return
        tables = await self._services.names.find(asked.names, self._user, self._settings.search_path)
        query = await aside(len(asked.sql), without_tables, asked.sql, asked.tree, tables)
        try:
            found, _ = await self._services.catalogs.describe(query, prepared.types)
        except SqlError as error:
            if error.state == UNDETERMINED_TYPE or error.state.startswith(("08", "57")):
                raise
            found = []  # the query is not PostgreSQL's, or not allowed: the translation will say so
        prepared.types = tuple(one or (found[at] if at < len(found) else 0) or TEXT for at, one in enumerate(prepared.types))

    async def _without_values(self, asked: planning.PlannedQuery, types: Sequence[int]) -> Translated:
        """A query whose parameters have no values yet: NULLs, or where only what is written out is understood, an example."""
        try:
            return await self._asking.translated(asked, [literal(None, one, 0) for one in types])
        except SqlError as error:
            if error.state != NOT_SUPPORTED or not types:
                raise
            return await self._asking.translated(asked, [example(one) for one in types])

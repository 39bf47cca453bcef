"""How a statement gets its rows: from the federation, translated, or from the master, where it asks for system catalogs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from bdc.sql.pgwire import commands, planning
from bdc.sql.pgwire.catalogs import Catalogs
from bdc.sql.pgwire.dialect import Translated
from bdc.sql.pgwire.errors import NOT_SUPPORTED, SqlError
from bdc.sql.pgwire.names import Names
from bdc.sql.pgwire.oids import TEXT
from bdc.sql.pgwire.parameters import literal
from bdc.sql.pgwire.results import Catalogued, Federated, Listed, Result, format_of
from bdc.sql.pgwire.seen import Seen
from bdc.sql.pgwire.settings import Settings
from bdc.sql.pgwire.shadows import mentioned
from bdc.sql.pgwire.trino import Trino
from bdc.sql.pgwire.values import zone

P = ParamSpec("P")
T = TypeVar("T")
_OF_NUMBERS = (4, 8)
"""Bytes of whole numbers in binary."""
_LONG = 20_000
"""Characters of a statement that take long to read."""


@dataclass(frozen=True)
class Services:
    """What sessions ask."""

    trino: Trino
    catalogs: Catalogs
    names: Names
    seen: Seen


@dataclass
class Prepared:
    """A statement that was parsed."""

    command: commands.Command | None
    types: tuple[int, ...]
    asked: planning.PlannedQuery | None = None


@dataclass
class Portal:
    """A statement with its parameters' values, or a cursor; `result` is there once it runs."""

    prepared: Prepared
    values: tuple[bytes | None, ...] = ()
    formats: tuple[int, ...] = ()
    result_formats: tuple[int, ...] = ()
    result: Result | None = None
    ended: bool = False
    hold: bool = False


class Executor:
    """What a user's queries are asked with: the settings are the session's, and change with it."""

    def __init__(self, services: Services, user: str, settings: Settings) -> None:
        self._services, self._user, self._settings = services, user, settings

    async def begin(self, portal: Portal) -> Result:
        """Begin a query, or what else gives rows. Raises SqlError."""
        command, asked = portal.prepared.command, portal.prepared.asked
        if isinstance(command, commands.Show):
            return Listed([command.name], [[await self._shown(command.name)]])
        if asked is None:
            raise SqlError("this statement gives no rows", NOT_SUPPORTED)
        if asked.tree is None:
            if isinstance(command, commands.Explain):
                raise SqlError("EXPLAIN is for queries of tables", NOT_SUPPORTED)
            return await self._catalogued(portal, asked)
        values = [literal(value, portal.prepared.types[at], format_of(portal.formats, at)) for at, value in enumerate(portal.values)]
        translated = await self.translated(asked, values)
        zoned = self._settings.time_zone
        if isinstance(command, commands.Explain):
            return await self._explained(translated.sql, analyze=command.analyze)
        running = await self._services.trino.start(translated.sql, self._user, zone=zoned)
        try:
            return Federated(running, translated.names, translated.quotients, zone(zoned))
        except BaseException:
            await running.close()
            raise

    async def translated(self, asked: planning.PlannedQuery, values: Sequence[str]) -> Translated:
        """A query for Trino, with its parameters' values. Raises SqlError."""
        tables = await self._services.names.find(asked.names, self._user, self._settings.search_path)
        return await aside(len(asked.sql) + sum(map(len, values)), planning.translate, asked, tables, self._user, values)

    async def _explained(self, sql: str, *, analyze: bool) -> Result:
        running = await self._services.trino.start(
            f"EXPLAIN {'ANALYZE ' if analyze else ''}{sql}", self._user, zone=self._settings.time_zone
        )
        try:
            lines: list[str] = []
            while (page := await running.page()) is not None:
                lines += [line for row in page for line in str(row[0]).rstrip().split("\n")]
        finally:
            await running.close()
        sent = [f"Remote SQL: {sql}", *lines]
        return Listed(["QUERY PLAN"], [[line] for line in sent])

    async def _catalogued(self, portal: Portal, asked: planning.PlannedQuery) -> Result:
        settings = {
            "catalogs.role": self._user,
            "search_path": self._settings.get("search_path") or "",
            "TimeZone": self._settings.time_zone,
        }
        given = [_written(value, format_of(portal.formats, at)) for at, value in enumerate(portal.values) if value is not None]
        seen = await self._services.seen.by(self._user, mentioned([*asked.literals, *given])) if asked.tables else None
        types = portal.prepared.types[: len(portal.values)]
        found = await self._services.catalogs.ask(asked.sql, settings, portal.values, types, portal.formats, portal.result_formats, seen)
        return Catalogued(found.results, found.changed)

    async def _shown(self, name: str) -> str:
        if (value := self._settings.get(name)) is not None:
            return value
        found = await self._services.catalogs.ask("SELECT current_setting($1)", {"catalogs.role": self._user}, [name.encode()], [TEXT])
        return (found.results[0].get_value(0, 0) or b"").decode()


def _written(value: bytes, binary: int) -> str:
    """A parameter as text, for the names and OIDs in it: pgjdbc and Npgsql send OIDs as numbers in binary."""
    text = value.decode(errors="replace")
    return f"{text} {int.from_bytes(value)}" if binary and len(value) in _OF_NUMBERS else text


async def aside(size: int, work: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
    """Work on a long text in a thread, so that others go on meanwhile."""
    return work(*arguments, **more) if size < _LONG else await asyncio.to_thread(work, *arguments, **more)


_ENDING: set[asyncio.Task[None]] = set()
"""Results that are being ended: also where who began it is cancelled meanwhile."""


async def end(portal: Portal) -> None:
    """End a portal's result, once."""
    if portal.result is not None and not portal.ended:
        portal.ended = True
        task = asyncio.create_task(portal.result.close())
        _ENDING.add(task)
        task.add_done_callback(_ENDING.discard)
        await asyncio.shield(task)

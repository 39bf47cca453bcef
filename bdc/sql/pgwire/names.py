"""Where tables are: the catalogs of names, and their columns' types, as Trino tells them to a user."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

from bdc.sql.pgwire.dialect import Kind, Tables, kind
from bdc.sql.pgwire.errors import UNDEFINED_TABLE, SqlError
from bdc.sql.pgwire.trino import Trino, fetched
from bdc.sql.polybase.names import HOMES
from bdc.sql.quoting import identifier, literal

Name = tuple[str, ...]
_KEPT_SECONDS = 10.0
"""How long a table's columns are believed; what is defined anew is in Trino within as long."""
_MOST = 10_000


class Names:
    """Looks tables up, and remembers them for some seconds."""

    def __init__(self, trino: Trino) -> None:
        self._trino = trino
        self._kept: dict[tuple[str, Name, tuple[str, ...]], tuple[float, tuple[str, dict[str, Kind]]]] = {}

    async def find(self, wanted: Iterable[Name], user: str, search_path: tuple[str, ...]) -> Tables:
        """The tables of names of one to three parts. Raises SqlError for one that isn't there, or not for this user."""
        found = {}
        for name in wanted:
            found[name] = await self._one(name, user, search_path)
        return Tables(found)

    async def _one(self, name: Name, user: str, search_path: tuple[str, ...]) -> tuple[str, dict[str, Kind]]:
        key, now = (user, name, search_path if len(name) == 1 else ()), time.monotonic()
        if (kept := self._kept.get(key)) and now - kept[0] < _KEPT_SECONDS:
            return kept[1]
        if len(self._kept) > _MOST:
            self._kept.clear()
        table = await self._ask(name, user, search_path)
        self._kept[key] = now, table
        return table

    async def _ask(self, name: Name, user: str, search_path: tuple[str, ...]) -> tuple[str, dict[str, Kind]]:
        if len(name) > 3:
            raise SqlError(f"improper relation name (too many dotted names): {'.'.join(name)}", "42601")
        catalogs = (name[0],) if len(name) == 3 else HOMES
        schemas = search_path if len(name) == 1 else (name[-2],)
        if not schemas:
            raise _missing(name)
        rows = await fetched(
            self._trino,
            "SELECT table_cat, table_schem, column_name, type_name FROM system.jdbc.columns "  # noqa: S608 literals, quoted
            f"WHERE table_cat IN ({listed(catalogs)}) AND table_schem IN ({listed(schemas)}) "
            f"AND table_name = {literal(name[-1].lower())} ORDER BY ordinal_position",
            user,
        )
        homes: dict[tuple[str, str], dict[str, Kind]] = {}
        for catalog, schema, column, type_name in rows:
            homes.setdefault((catalog, schema), {})[column] = kind(type_name)
        for schema in schemas:
            for catalog in catalogs:
                if columns := homes.get((catalog.lower(), schema.lower())):
                    whole = identifier(catalog, schema, name[-1])
                    return whole.lower(), columns
        raise _missing(name)


def _missing(name: Name) -> SqlError:
    return SqlError(
        f'relation "{".".join(name)}" does not exist',
        UNDEFINED_TABLE,
        "names are schema.table of external tables, the lake and the master, or catalog.schema.table; bdc sql table list shows what failed",
    )


def listed(words: Collection[str]) -> str:
    """Literals, for IN: in lower case, as names are in Trino."""
    return ", ".join(literal(word.lower()) for word in words)

"""What tables a user may query, as Trino tells that user: the rows that the views of the master's schema `catalogs` are made of.

Which tables there are is asked for each statement of system catalogs that needs to know, but at most once a second for a user: a table that
was made a second ago is there. Their columns are kept for a minute, as they are one look into HDFS for each table of the lake, while those
of tables that the statement names, or that are new, are asked anew. A table whose columns Trino doesn't tell (it can't be read, by HDFS's
permissions or as it is broken) isn't shown.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from math import inf
from typing import Any

from bdc.sql.pgwire.names import listed
from bdc.sql.pgwire.shadows import SCHEMA
from bdc.sql.pgwire.trino import Trino, fetched
from bdc.sql.pgwire.values import type_of
from bdc.sql.polybase.names import HOMES

_NOW_SECONDS, _KEPT_SECONDS = 1.0, 60.0
_HIDDEN = frozenset({"information_schema", SCHEMA})
"""Schemas that are no tables of anybody's: Trino's catalogs, and the views by which these are shown."""
_MOST_USERS = 200
_FEW = 50
"""Tables that are asked for by their names; Trino looks them up one by one then, without listing."""
_LONGEST = 63
"""Bytes of a name in PostgreSQL: NAMEDATALEN. Longer ones have no place in its catalogs."""
_FIRST, _OIDS = 2**30, 2**30
"""OIDs of what the master doesn't have: from the middle of those that are positive integers everywhere, where a server's own don't come."""

Place = tuple[str, str]
"""Schema and table."""


@dataclass(frozen=True)
class Column:
    """A column, by Trino's name of its type."""

    name: str
    kind: str
    required: bool
    comment: str | None


@dataclass(frozen=True)
class Snapshot:
    """What a user may query. Rows are those of COPY FROM STDIN, of the tables schemas, relations and columns; equal ones have one key."""

    schemas: bytes
    relations: bytes
    columns: bytes
    key: bytes


@dataclass
class _Known:
    """What a user was told."""

    homes: dict[Place, tuple[str, bool]] = field(default_factory=dict)  # its catalog, and whether it is a view
    schemas: tuple[str, ...] = ()
    columns: dict[Place, list[Column]] = field(default_factory=dict)
    listed_at: float = -inf
    read_at: float = -inf
    looked: dict[Place, float] = field(default_factory=dict)  # when each table was asked for its columns
    made: Snapshot | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Seen:
    """Asks Trino what users may query."""

    def __init__(self, trino: Trino) -> None:
        self._trino = trino
        self._of: dict[str, _Known] = {}

    async def by(self, user: str, words: Collection[str] = ()) -> Snapshot:
        """What a user may query now; `words` are names of tables, and OIDs, that matter. Raises SqlError."""
        if user not in self._of and len(self._of) >= _MOST_USERS:
            del self._of[min(self._of, key=lambda one: self._of[one].listed_at)]
        known = self._of.setdefault(user, _Known())
        async with known.lock:
            if time.monotonic() - known.listed_at >= _NOW_SECONDS:
                await self._list(known, user)
            await self._look(known, user, words)
            if known.made is None:
                known.made = await asyncio.to_thread(snapshot, known.schemas, known.homes, known.columns)
            return known.made

    async def _list(self, known: _Known, user: str) -> None:
        asked, homes = time.monotonic(), listed(HOMES)
        rows = await fetched(
            self._trino,
            f"SELECT table_cat, table_schem, table_name, table_type FROM system.jdbc.tables WHERE table_cat IN ({homes}) "  # noqa: S608
            f"UNION ALL SELECT table_catalog, table_schem, NULL, NULL FROM system.jdbc.schemas WHERE table_catalog IN ({homes})",
            user,
        )
        found: dict[Place, tuple[str, bool]] = {}
        schemas = set()
        for catalog, schema, table, kind in sorted(rows, key=lambda row: -HOMES.index(row[0])):
            if schema in _HIDDEN or _long(schema):
                continue
            if table is not None and not _long(table):
                found[schema, table] = catalog, kind == "VIEW"
            if table is not None or catalog != "external":
                schemas.add(schema)
        if (found, tuple(sorted(schemas))) != (known.homes, known.schemas):
            known.homes, known.schemas, known.made = found, tuple(sorted(schemas)), None
        known.listed_at = asked

    async def _look(self, known: _Known, user: str, words: Collection[str]) -> None:
        """Have the columns of all tables, and those that matter as they are now."""
        now = time.monotonic()
        places = {place for place, (catalog, _) in known.homes.items() if catalog != "master"}
        if now - known.read_at >= _KEPT_SECONDS:
            wanted = places
        else:
            named = {place for place in places if place[1] in words or str(oid_of(*place)) in words}
            stale = {one for one in named if now - known.looked.get(one, -inf) >= _NOW_SECONDS}
            wanted = (places - known.looked.keys()) | stale
        if not wanted:
            return
        found = await self._columns(known, user, wanted)
        if wanted is places:
            known.read_at = now
        columns = {place: of for place, of in known.columns.items() if place in places and place not in wanted} | found
        known.looked = {place: one for place, one in known.looked.items() if place in places} | dict.fromkeys(wanted, now)
        if known.columns != columns:
            known.columns, known.made = columns, None

    async def _columns(self, known: _Known, user: str, wanted: set[Place]) -> dict[Place, list[Column]]:
        some = ""
        if len(wanted) <= _FEW:
            schemas, tables = {place[0] for place in wanted}, {place[1] for place in wanted}
            some = f"AND table_schem IN ({listed(schemas)}) AND table_name IN ({listed(tables)}) "
        rows = await fetched(
            self._trino,
            "SELECT table_cat, table_schem, table_name, column_name, type_name, is_nullable, remarks FROM system.jdbc.columns "  # noqa: S608
            f"WHERE table_cat IN ({listed(set(HOMES) - {'master'})}) {some}ORDER BY ordinal_position",
            user,
        )
        found: dict[Place, list[Column]] = {}
        for catalog, schema, table, name, kind, nullable, comment in rows:
            place = schema, table
            if place in wanted and known.homes[place][0] == catalog and not _long(name):
                found.setdefault(place, []).append(Column(name, kind, nullable == "NO", comment))
        return found


def snapshot(schemas: Iterable[str], homes: Mapping[Place, tuple[str, bool]], columns: Mapping[Place, list[Column]]) -> Snapshot:
    """Rows for the master of what there is."""
    taken: set[int] = set()

    def oid(*parts: str) -> int:
        found = oid_of(*parts)
        while found in taken:
            found = _FIRST + (found + 1 - _FIRST) % _OIDS
        taken.add(found)
        return found

    parts: dict[str, list[list[Any]]] = {"schemas": [[oid(one), one] for one in sorted(schemas)], "relations": [], "columns": []}
    for (schema, table), (catalog, view) in sorted(homes.items()):
        of = columns.get((schema, table), [])
        if catalog != "master" and not of:
            continue
        number = oid(schema, table)
        kind = "f" if catalog == "external" else "v" if view else "r"
        parts["relations"].append([number, schema, table, catalog, kind, len(of)])
        for place, one in enumerate(of):
            parts["columns"].append([number, place + 1, one.name, *postgresql_type(one.kind), one.required, one.comment])
    made = {name: b"".join(_line(row) for row in rows) for name, rows in parts.items()}
    return Snapshot(**made, key=hashlib.blake2b(b"\0".join(made.values()), digest_size=16).digest())


def oid_of(*parts: str) -> int:
    """The OID of a schema, or of a table, that the master doesn't have: the same in each gateway, unless two names have one."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return _FIRST + int.from_bytes(digest) % _OIDS


def _long(name: str) -> bool:
    return len(name.encode()) > _LONGEST


_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _line(row: Iterable[Any]) -> bytes:
    """https://www.postgresql.org/docs/17/sql-copy.html: text."""
    return ("\t".join("\\N" if one is None else str(one).translate(_ESCAPED) for one in row) + "\n").encode()


_SPELLED = re.compile(r"(?P<name>[a-z ]+?)(?:\((?P<sizes>.*)\))?(?P<zone> with time zone)?", re.DOTALL)


def postgresql_type(text: str) -> tuple[int, int]:
    """The OID and the modifier that a column has in results, from Trino's name of its type, such as decimal(10,2) or array(varchar)."""
    found = type_of(_signature(text), UTC)
    return found.oid, found.modifier


def _signature(text: str) -> dict[str, Any]:
    """A type as Trino's client protocol has it, as far as PostgreSQL's type depends on it."""
    spelled = _SPELLED.fullmatch(text)
    if not spelled:
        return {"rawType": text, "arguments": []}
    name, sizes = spelled["name"] + (spelled["zone"] or ""), spelled["sizes"]
    if name == "array" and sizes:
        return {"rawType": name, "arguments": [{"value": _signature(sizes)}]}
    if name in ("map", "row"):
        return {"rawType": "json", "arguments": []}
    plain = sizes.split(",") if sizes and re.fullmatch(r"[\d, ]+", sizes) else []
    return {"rawType": name, "arguments": [{"value": int(one)} for one in plain]}

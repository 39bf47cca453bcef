"""Results of queries: their columns, and their rows as they come, from Trino or from the master."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Protocol

import psycopg

from bdc.sql.pgwire.numerics import computed
from bdc.sql.pgwire.oids import NUMERIC, TEXT
from bdc.sql.pgwire.trino import Running
from bdc.sql.pgwire.values import Encode, Type, numeric_binary, type_of

Row = Sequence[Any]


@dataclass(frozen=True)
class Column:
    """A column of a result: `kind` is its type's OID, and `size` and `modifier` the type's."""

    name: str
    kind: int
    size: int
    modifier: int


class Result(Protocol):
    """A result that is being fetched."""

    @property
    def columns(self) -> Sequence[Column]:
        """Its columns."""

    def encoders(self, formats: Sequence[int]) -> list[Encode]:
        """What makes bytes of values, for these formats of columns; one is for all, none is text."""

    async def rows(self, most: int) -> Sequence[Row]:
        """The next rows, at most so many; none when there are no more. Raises SqlError."""

    async def close(self) -> None:
        """End it: nobody wants the rest."""


def format_of(formats: Sequence[int], at: int) -> int:
    """A column's format."""
    return formats[0] if len(formats) == 1 else formats[at] if formats else 0


class Federated:
    """A result of Trino's. The page after this one is fetched while this one is sent."""

    def __init__(self, running: Running, names: Sequence[str], quotients: frozenset[int], at: tzinfo) -> None:
        self._running, self._quotients = running, quotients
        self._types = [
            _QUOTIENT if place in quotients else type_of(column["typeSignature"], at) for place, column in enumerate(running.columns)
        ]
        titles = list(names) or [column["name"] for column in running.columns]
        self.columns = [Column(name, one.oid, one.size, one.modifier) for name, one in zip(titles, self._types, strict=True)]
        self._page: list[Row] = []
        self._at = 0
        self._next: asyncio.Task[list[list[Any]] | None] | None = None

    def encoders(self, formats: Sequence[int]) -> list[Encode]:
        """See `Result`."""
        return [one.binary if format_of(formats, at) else one.text for at, one in enumerate(self._types)]

    async def rows(self, most: int) -> Sequence[Row]:
        """See `Result`."""
        if self._at >= len(self._page):
            page = await (self._next or self._running.page())
            self._page, self._at, self._next = list(page or []), 0, None
            if page is not None and self._running.more:
                self._next = asyncio.create_task(self._running.page())
        rows = self._page[self._at : self._at + most]
        self._at += len(rows)
        return [self._divided(row) for row in rows] if self._quotients else rows

    def _divided(self, row: Row) -> Row:
        found = list(row)
        for at in self._quotients:
            found[at] = computed(row[at])
        return found

    async def close(self) -> None:
        """See `Result`."""
        if self._next:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
        await self._running.close()


class Catalogued:
    """A result of the master's, whole: in each format that is asked for. `changed` are settings that it made: names, values, whether for
    the transaction alone."""

    def __init__(self, found: Mapping[int, psycopg.pq.abc.PGresult], changed: Sequence[tuple[str, str | None, bool]] = ()) -> None:
        self._found, self.changed = found, changed
        self._any = next(iter(found.values()))
        self._formats: Sequence[int] = ()
        self._at = 0
        self.columns = columns(self._any)

    def encoders(self, formats: Sequence[int]) -> list[Encode]:
        """See `Result`."""
        self._formats = formats
        return [bytes] * len(self.columns)

    async def rows(self, most: int) -> Sequence[Row]:
        """See `Result`."""
        until = min(self._any.ntuples, self._at + most)
        of = [self._found.get(format_of(self._formats, at), self._any) for at in range(len(self.columns))]
        found = [[one.get_value(row, at) for at, one in enumerate(of)] for row in range(self._at, until)]
        self._at = until
        return found

    async def close(self) -> None:
        """See `Result`."""


class Listed:
    """A result that is text already."""

    def __init__(self, names: Sequence[str], found: Sequence[Sequence[str]]) -> None:
        self.columns = [Column(name, 25, -1, -1) for name in names]
        self._left = list(found)

    def encoders(self, formats: Sequence[int]) -> list[Encode]:  # noqa: ARG002 text has one form
        """See `Result`."""
        return [str.encode] * len(self.columns)

    async def rows(self, most: int) -> Sequence[Row]:
        """See `Result`."""
        found, self._left = self._left[:most], self._left[most:]
        return found

    async def close(self) -> None:
        """See `Result`."""


def columns(found: psycopg.pq.abc.PGresult) -> list[Column]:
    """The columns of a result of libpq's. Types that aren't PostgreSQL's own are told as text: those of names in the schema `catalogs`."""
    types = [found.ftype(at) if found.ftype(at) < _FIRST_NORMAL else TEXT for at in range(found.nfields)]
    return [Column((found.fname(at) or b"").decode(), kind, found.fsize(at), found.fmod(at)) for at, kind in enumerate(types)]


_FIRST_NORMAL = 16384
"""PostgreSQL's FirstNormalObjectId: OIDs of what users make."""
_QUOTIENT = Type(NUMERIC, -1, str.encode, numeric_binary)

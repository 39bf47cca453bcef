"""What a statement gives: columns, and rows that come as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol, Self

from bdc.sql.statements import Statement

Value = None | bool | int | float | Decimal | str | bytes | list[Any] | dict[str, Any]
"""A value, exact. Dates, times, intervals, JSON, UUIDs and all that Python would round or refuse are text, as the engine writes them."""

Row = tuple[Value, ...]


@dataclass(frozen=True)
class Column:
    """A column's name and its type in the engine's words."""

    name: str
    type: str


@dataclass
class Result:
    """One statement's result. `rows` can be gone through once and holds a few rows at a time.

    `command` (CREATE TABLE, INSERT 0 5, ...) and `affected` rows are there for statements without columns.
    """

    columns: list[Column]
    rows: Iterator[Row] = field(default_factory=lambda: iter(()))
    command: str | None = None
    affected: int | None = None

    def close(self) -> None:
        """End it at the server too, when not all rows were read."""
        if callable(close := getattr(self.rows, "close", None)):
            close()


class Session(Protocol):
    """A connection to one engine; what statements set in it (USE, SET) stays set."""

    @property
    def schema(self) -> str:
        """Where names are looked up, as the engine has it; "" where nowhere is chosen."""

    def query(self, statement: Statement | str) -> Result:
        """Run one statement: one that `statements` gave as it was read there, or a text. Raises QueryError; a KeyboardInterrupt here or
        while reading rows cancels it at the server.
        """

    def close(self) -> None:
        """End it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

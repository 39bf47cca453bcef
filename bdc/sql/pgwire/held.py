"""What a session has under names: prepared statements, and portals, of which cursors are some."""

from __future__ import annotations

from collections.abc import Iterable

from bdc.sql.pgwire.errors import DUPLICATE_CURSOR, DUPLICATE_STATEMENT, INVALID_CURSOR, INVALID_STATEMENT, SqlError
from bdc.sql.pgwire.execution import Portal, Prepared, end

_MOST = 1000
"""Prepared statements and portals that a session may have."""


class Held:
    """Prepared statements and portals by their names; "" is the one that has none, and is replaced."""

    def __init__(self) -> None:
        self._statements: dict[str, Prepared] = {}
        self._portals: dict[str, Portal] = {}

    def check_statement(self, name: str) -> None:
        """Raise SqlError unless a statement may get this name."""
        if name and name in self._statements:
            raise SqlError(f'prepared statement "{name}" already exists', DUPLICATE_STATEMENT)
        if len(self._statements) >= _MOST:
            raise SqlError("too many prepared statements", "53000", "DEALLOCATE those that aren't needed")

    def keep_statement(self, name: str, prepared: Prepared) -> None:
        """Give a statement a name."""
        self._statements[name] = prepared

    def statement(self, name: str) -> Prepared:
        """A statement by its name. Raises SqlError."""
        if name not in self._statements:
            raise SqlError(f'prepared statement "{name}" does not exist', INVALID_STATEMENT)
        return self._statements[name]

    def forget(self, name: str | None) -> None:
        """Forget a statement, or all; one that isn't there is none to forget."""
        if name is None:
            self._statements.clear()
        else:
            self._statements.pop(name, None)

    def check_portal(self, name: str) -> None:
        """Raise SqlError unless a portal may get this name."""
        if name and name in self._portals:
            raise SqlError(f'cursor "{name}" already exists', DUPLICATE_CURSOR)
        if len(self._portals) >= _MOST:
            raise SqlError("too many portals", "53000", "close those that aren't needed")

    def keep_portal(self, name: str, portal: Portal) -> None:
        """Give a portal a name."""
        self._portals[name] = portal

    def portal(self, name: str) -> Portal:
        """A portal by its name. Raises SqlError."""
        if name not in self._portals:
            raise SqlError(f'portal "{name}" does not exist' if not name else f'cursor "{name}" does not exist', INVALID_CURSOR)
        return self._portals[name]

    async def close(self, names: Iterable[str]) -> None:
        """Close portals, those that are there."""
        for name in names:
            if portal := self._portals.pop(name, None):
                await end(portal)

    async def close_all(self, *, held: bool) -> None:
        """Close portals: all, or but those of cursors WITH HOLD."""
        await self.close([name for name, portal in self._portals.items() if held or not portal.hold])

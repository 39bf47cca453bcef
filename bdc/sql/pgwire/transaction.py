"""Transactions. The gateway reads, so there is nothing to commit: what a transaction has of its own are settings, cursors, its failure."""

from __future__ import annotations

from bdc.sql.pgwire import commands
from bdc.sql.pgwire.errors import IN_FAILED_TRANSACTION, NO_ACTIVE_TRANSACTION, SqlError
from bdc.sql.pgwire.settings import Settings

Told = list[tuple[str, str]]


class Transaction:
    """A session's state: `status` is I out of a transaction, T in one, E in one that failed."""

    def __init__(self, settings: Settings) -> None:
        self.status = "I"
        self._settings = settings

    def allows(self, command: commands.Command | None) -> None:
        """Raise SqlError for what a transaction that failed doesn't take."""
        heals = isinstance(command, commands.End) or (isinstance(command, commands.Savepoint) and command.tag == "ROLLBACK")
        if self.status == "E" and not heals:
            raise SqlError("current transaction is aborted, commands ignored until end of transaction block", IN_FAILED_TRANSACTION)

    def failed(self) -> None:
        """A statement failed."""
        if self.status == "T":
            self.status = "E"

    def begin(self) -> str | None:
        """BEGIN; a warning, where there is one."""
        if self.status != "I":
            return "there is already a transaction in progress"
        self.status = "T"
        self._settings.begin()
        return None

    def end(self, command: commands.End) -> tuple[str, Told]:
        """COMMIT or ROLLBACK: the tag of what was done, and the settings that clients are to be told."""
        if self.status == "I":
            return command.tag, []
        tag = "ROLLBACK" if self.status == "E" else command.tag
        told = self._settings.end(committed=tag == "COMMIT")
        self.status = "I"
        if command.chained:
            self.begin()
        return tag, told

    def savepoint(self, command: commands.Savepoint) -> Told:
        """SAVEPOINT, RELEASE, ROLLBACK TO; the settings that clients are to be told. Raises SqlError."""
        if self.status == "I":
            what = {"RELEASE": "RELEASE SAVEPOINT", "ROLLBACK": "ROLLBACK TO SAVEPOINT"}.get(command.tag, command.tag)
            raise SqlError(f"{what} can only be used in transaction blocks", NO_ACTIVE_TRANSACTION)
        if command.tag == "SAVEPOINT":
            self._settings.save(command.name)
            return []
        if command.tag == "RELEASE":
            self._settings.release(command.name)
            return []
        told = self._settings.restore(command.name)
        self.status = "T"
        return told

"""Errors as PostgreSQL's clients get them."""

from __future__ import annotations

from bdc.errors import BdcError

SYNTAX_ERROR = "42601"
UNDEFINED_TABLE = "42P01"
NOT_SUPPORTED = "0A000"
PROTOCOL_VIOLATION = "08P01"
READ_ONLY = "25006"
IN_FAILED_TRANSACTION = "25P02"
NO_ACTIVE_TRANSACTION = "25P01"
INVALID_CURSOR = "34000"
INVALID_STATEMENT = "26000"
DUPLICATE_CURSOR, DUPLICATE_STATEMENT = "42P03", "42P05"
INVALID_TEXT = "22P02"
UNDEFINED_PARAMETER, UNDETERMINED_TYPE = "42P02", "42P18"
CANCELED = "57014"
SHUTTING_DOWN, CANNOT_CONNECT_NOW = "57P01", "57P03"
TOO_MANY_CONNECTIONS = "53300"
INVALID_PASSWORD, INVALID_AUTHORIZATION = "28P01", "28000"
UNDEFINED_DATABASE = "3D000"
INSUFFICIENT_PRIVILEGE = "42501"
INTERNAL_ERROR = "XX000"
CONNECTION_FAILURE = "08006"


class SqlError(BdcError):
    """What a statement fails with. `state` is the SQLSTATE, `position` the character (from 1) of the statement it is about."""

    def __init__(self, message: str, state: str, hint: str | None = None, position: int | None = None) -> None:
        super().__init__(message, hint)
        self.state, self.position = state, position


class FatalError(SqlError):
    """Ends the connection."""

"""The errors of SQL engines, with their own codes and the place in the statement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bdc.errors import BdcError

_SERVICE = re.compile(r" \(Service: .*")
"""What Amazon's client adds to a store's own words."""


class QueryError(BdcError):
    """A statement failed. `code` is Trino's error name or PostgreSQL's SQLSTATE; line and column count from 1 in the statement."""

    def __init__(self, text: str, code: str | None = None, place: tuple[int, int] | None = None, hint: str | None = None) -> None:
        self.text, self.code, self.place = text, code, place
        super().__init__(_message(text, code, place), hint)

    def inside(self, file: str, line: int) -> QueryError:
        """The same error with its place in a file, of a statement that starts in that line: `file:line:column: ...`."""
        place = f"{line + self.place[0] - 1}:{self.place[1]}" if self.place else str(line)
        return QueryError(f"{file}:{place}: {self.text}", self.code, None, self.hint)


def _message(text: str, code: str | None, place: tuple[int, int] | None) -> str:
    where = f"line {place[0]}, column {place[1]}: " if place else ""
    return f"{where}{text}{f' ({code})' if code else ''}"


def with_cause(text: str, kind: str, failure: Mapping[str, Any] | None) -> str:
    """The text of one of Trino's errors. One of another system (EXTERNAL) has the words of its innermost cause, too: those of a store's
    client, say, and not just that a folder couldn't be listed.

    `failure`: its failureInfo, https://trino.io/docs/current/develop/client-protocol.html.
    """
    cause = ""
    while failure and kind == "EXTERNAL":
        cause, failure = str(failure.get("message") or cause), failure.get("cause")
    cause = _SERVICE.sub("", cause.partition("\n")[0])[:300]
    return text if cause in text else f"{text}: {cause}"

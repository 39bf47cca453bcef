"""What is said in Trino's protocol, whoever carries it: paths, headers, and pages of answers.

https://trino.io/docs/current/develop/client-protocol.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

STATEMENT, QUERIES, INFO = "/v1/statement", "/v1/query", "/v1/info"
"""Where statements go; a page that asks for a password and does nothing; the one that asks for none."""

SESSION_HEADER = "X-Trino-Session"


def basic(user: str, password: str) -> str:
    """The header Authorization of a user with a password."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def properties(values: Mapping[str, str]) -> str:
    """The header X-Trino-Session: a session's properties."""
    return ",".join(f"{name}={quote(value)}" for name, value in values.items())


@dataclass(frozen=True)
class Page:
    """One answer to a statement. `following` is where the next is; `error` and `columns` as the protocol has them."""

    following: str | None
    error: dict[str, Any] | None
    columns: list[dict[str, Any]] | None
    rows: list[list[Any]] | None
    state: str


def page(answer: Mapping[str, Any]) -> Page:
    """An answer's JSON, read."""
    state = str(answer.get("stats", {}).get("state", "unknown"))
    return Page(answer.get("nextUri"), answer.get("error"), answer.get("columns"), answer.get("data") or None, state)

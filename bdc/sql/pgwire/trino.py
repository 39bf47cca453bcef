"""Queries on Trino whose rows are fetched as they are wanted: one page is in memory at a time, and Trino waits while nobody takes it.

https://trino.io/docs/current/develop/client-protocol.html
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import orjson

from bdc.kube.connection import Credentials
from bdc.sql.errors import with_cause
from bdc.sql.pgwire.errors import (
    CANNOT_CONNECT_NOW,
    INSUFFICIENT_PRIVILEGE,
    INTERNAL_ERROR,
    NOT_SUPPORTED,
    SYNTAX_ERROR,
    UNDEFINED_TABLE,
    SqlError,
)
from bdc.trino.protocol import SESSION_HEADER, STATEMENT, Page, basic, page
from bdc.trino.protocol import properties as written

SOURCE = "bdc-gateway"
_PAGE = "8MB"
"""How much of a result Trino may send at once; it sends what it has, so that first rows don't wait."""
_BUSY = (502, 503, 504)
_TRY_SECONDS, _ANSWER_SECONDS = 10.0, 60.0
_CONNECT_SECONDS = 15.0
"""With TLS, which takes Trino long when hundreds come at once."""
_OK = 200

_STATES = {
    "SYNTAX_ERROR": SYNTAX_ERROR,
    "TABLE_NOT_FOUND": UNDEFINED_TABLE,
    "SCHEMA_NOT_FOUND": "3F000",
    "CATALOG_NOT_FOUND": "3F000",
    "COLUMN_NOT_FOUND": "42703",
    "AMBIGUOUS_NAME": "42702",
    "FUNCTION_NOT_FOUND": "42883",
    "TYPE_MISMATCH": "42804",
    "TYPE_NOT_FOUND": "42704",
    "DIVISION_BY_ZERO": "22012",
    "NUMERIC_VALUE_OUT_OF_RANGE": "22003",
    "INVALID_CAST_ARGUMENT": "22P02",
    "INVALID_FUNCTION_ARGUMENT": "22023",
    "INVALID_LITERAL": "22P02",
    "SUBQUERY_MULTIPLE_ROWS": "21000",
    "EXPRESSION_NOT_AGGREGATE": "42803",
    "EXPRESSION_NOT_SCALAR": "42803",
    "NOT_SUPPORTED": NOT_SUPPORTED,
    "PERMISSION_DENIED": INSUFFICIENT_PRIVILEGE,
    "USER_CANCELED": "57014",
    "ADMINISTRATIVELY_CANCELED": "57014",
    "ADMINISTRATIVELY_KILLED": "57014",
    "EXCEEDED_TIME_LIMIT": "57014",
    "ABANDONED_QUERY": "57014",
    "QUERY_QUEUE_FULL": "53400",
    "EXCEEDED_LOCAL_MEMORY_LIMIT": "53200",
    "EXCEEDED_GLOBAL_MEMORY_LIMIT": "53200",
    "CLUSTER_OUT_OF_MEMORY": "53200",
    "SERVER_STARTING_UP": CANNOT_CONNECT_NOW,
    "SERVER_SHUTTING_DOWN": CANNOT_CONNECT_NOW,
}
"""SQLSTATEs (PostgreSQL's appendix A) of Trino's errors (io.trino.spi.StandardErrorCode)."""


_UNSENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Errors of a connection that was never made."""


class Trino:
    """Trino as the gateway's account, which asks in the name of users."""

    def __init__(self, url: str, account: Credentials, ca_file: str) -> None:
        self._url = url
        self._auth = basic(account.username, account.password.get_secret_value())
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca_file), limit=0, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_ANSWER_SECONDS),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def start(self, sql: str, user: str, *, zone: str = "UTC", properties: Mapping[str, str] | None = None) -> Running:
        """Begin a query as a user; it has its columns when this comes back. Raises SqlError."""
        headers = {
            "Authorization": self._auth,
            "X-Trino-User": user,
            "X-Trino-Source": SOURCE,
            "X-Trino-Time-Zone": zone,
            "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
            "Accept-Encoding": "identity",  # it is near: packing rows costs more than sending them
        }
        if properties:
            headers[SESSION_HEADER] = written(properties)
        running = Running(self._http, headers)
        try:
            await running.begin(f"{self._url}{STATEMENT}", sql)
        except BaseException:
            await running.close()
            raise
        return running


class Running:
    """A query that runs. `columns`: name, type and typeSignature of each."""

    def __init__(self, http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
        self._http, self._headers = http, headers
        self._next: str | None = None
        self._rows: list[list[Any]] | None = None
        self.columns: list[dict[str, Any]] = []

    async def begin(self, url: str, sql: str) -> None:
        """Send the statement, and wait for its columns."""
        self._take(await self._ask("POST", url, sql.encode()))
        while not self.columns and self._next:
            await self._follow()

    @property
    def more(self) -> bool:
        """Whether there may be rows that `page` didn't give yet."""
        return self._next is not None or self._rows is not None

    async def page(self) -> list[list[Any]] | None:
        """The next rows; None when there are no more. Raises SqlError."""
        while self._rows is None and self._next:
            await self._follow()
        rows, self._rows = self._rows, None
        return rows

    async def close(self) -> None:
        """Cancel it, unless it has ended."""
        url, self._next, self._rows = self._next, None, None
        if url:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with asyncio.timeout(5), self._http.delete(url, headers=self._headers):
                    pass

    async def _follow(self) -> None:
        url = str(self._next)
        self._take(await self._ask("GET", f"{url}{'&' if '?' in url else '?'}targetResultSize={_PAGE}"))

    def _take(self, answer: Page) -> None:
        self._next = answer.following
        if answer.error:
            raise _error(answer.error)
        if not self.columns and answer.columns:
            self.columns = answer.columns
        if answer.rows:
            self._rows = answer.rows

    async def _ask(self, method: str, url: str, body: bytes | None = None) -> Page:
        """An answer; a server that is busy is asked again, which the protocol allows."""
        until = asyncio.get_running_loop().time() + _TRY_SECONDS
        while True:
            try:
                async with self._http.request(method, url, data=body, headers=self._headers) as answer:
                    content = await answer.read()
                    if answer.status == _OK:
                        return page(orjson.loads(content))
                    if answer.status not in _BUSY:
                        raise _refusal(answer.status, content)
            except (aiohttp.ClientError, TimeoutError) as error:
                sent = method == "POST" and not isinstance(error, _UNSENT)  # it may run already
                if sent or asyncio.get_running_loop().time() >= until:
                    raise SqlError(f"the federation does not answer: {_cause(error)}", CANNOT_CONNECT_NOW, "bdc status") from error
            if asyncio.get_running_loop().time() >= until:
                raise SqlError("the federation is not up", CANNOT_CONNECT_NOW, "try again in some seconds; bdc status")
            await asyncio.sleep(0.2)


async def fetched(trino: Trino, sql: str, user: str) -> list[list[Any]]:
    """All rows of a query, as a user. Raises SqlError."""
    running = await trino.start(sql, user)
    try:
        rows: list[list[Any]] = []
        while (page := await running.page()) is not None:
            rows += page
            await asyncio.sleep(0)
        return rows
    finally:
        await running.close()


def _cause(error: BaseException) -> str:
    return "timed out" if isinstance(error, TimeoutError) else str(error) or type(error).__name__


def _refusal(status: int, content: bytes) -> SqlError:
    text = content.decode(errors="replace").strip()
    if status == 404:
        return SqlError("the federation was started anew, and the query is lost", "57P02", "run it again")
    if status == 401:
        return SqlError("the federation does not know the gateway", CANNOT_CONNECT_NOW, "bdc up; bdc logs sql-gateway")
    return SqlError(f"the federation refuses this: {text[:200]}", INSUFFICIENT_PRIVILEGE)


def _error(found: dict[str, Any]) -> SqlError:
    name = str(found.get("errorName"))
    text = with_cause(str(found.get("message", name)), str(found.get("errorType")), found.get("failureInfo"))
    if name == "SERVER_STARTING_UP":
        return SqlError("the federation is still starting", CANNOT_CONNECT_NOW, "try again in some seconds; bdc status")
    place = found.get("errorLocation") or {}
    state = _STATES.get(name) or (INTERNAL_ERROR if found.get("errorType") == "INTERNAL_ERROR" else "38000")
    told = text.removeprefix(f"line {place.get('lineNumber')}:{place.get('columnNumber')}: ").removeprefix("ERROR: ")
    return SqlError(told, state)

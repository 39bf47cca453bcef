"""Short queries on Trino's endpoint, as any client asks it: TLS from the cluster's CA, user and password.

Spoken with the standard library, so that `bdc status` doesn't load a client.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bdc.errors import BdcError
from bdc.kube import Kube
from bdc.kube.connection import EndpointConnection
from bdc.kube.endpoints import credentials, reach
from bdc.trino.protocol import INFO, QUERIES, STATEMENT, basic, page

if TYPE_CHECKING:
    from bdc.config.model import Config


@dataclass(frozen=True)
class Answer:
    """Trino's version, and how long `SELECT 1` took; None while it is starting. `rows` are those of what was asked beyond it."""

    version: str
    seconds: float | None
    rows: Sequence[list[Any]] = ()


def select_one(kube: Kube, config: Config, timeout_seconds: float, more: str | None = None) -> Answer:
    """Ask `SELECT 1`, and another query over the same connection.

    Raises BdcError when one failed or took too long, OSError when nobody answers.
    """
    with _session(kube, config, timeout_seconds) as (connection, headers):
        info = _send(connection, "GET", INFO, {})
        version, begun = str(info["nodeVersion"]["version"]), time.monotonic()
        if info["starting"]:
            return Answer(version, None)
        _run(connection, headers, "SELECT 1", timeout_seconds)
        seconds = time.monotonic() - begun
        return Answer(version, seconds, _run(connection, headers, more, timeout_seconds) if more else ())


def query(kube: Kube, config: Config, sql: str, timeout_seconds: float) -> list[list[Any]]:
    """The rows of a query, as JSON has them. Raises BdcError when it failed or took too long, OSError when nobody answers."""
    with _session(kube, config, timeout_seconds) as (connection, headers):
        return _run(connection, headers, sql, timeout_seconds)


def refusal(kube: Kube, config: Config, user: str, password: str, timeout_seconds: float) -> str:
    """Why Trino doesn't let a user in; empty where it does."""
    try:
        with _connected(kube, config, timeout_seconds) as connection:
            connection.request("GET", QUERIES, None, {"Authorization": basic(user, password)})
            status = connection.getresponse().status
    except (BdcError, OSError) as error:
        return str(error)
    return "" if status == 200 else f"HTTP status {status}"


@contextmanager
def _session(kube: Kube, config: Config, timeout_seconds: float) -> Iterator[tuple[http.client.HTTPConnection, dict[str, str]]]:
    user = credentials(kube, config.name)
    password = user.password.get_secret_value()
    headers = {"Authorization": basic(user.username, password), "X-Trino-User": user.username, "X-Trino-Source": "bdc status"}
    with _connected(kube, config, timeout_seconds, user.ca) as connection:
        yield connection, headers


@contextmanager
def _connected(kube: Kube, config: Config, timeout_seconds: float, authority: str | None = None) -> Iterator[http.client.HTTPConnection]:
    with reach(kube, config, "trino", authority=authority) as reached, closing(_Connection(reached, timeout_seconds)) as connection:
        try:
            yield connection
        except http.client.HTTPException as error:
            raise BdcError(f"its endpoint doesn't speak HTTP as it should: {type(error).__name__}") from error


def _run(connection: http.client.HTTPConnection, headers: dict[str, str], sql: str, timeout_seconds: float) -> list[list[Any]]:
    begun, first = time.monotonic(), sql.splitlines()[0]
    rows: list[list[Any]] = []
    answer = page(_send(connection, "POST", STATEMENT, headers, sql.encode()))
    while answer.following:
        if time.monotonic() - begun > timeout_seconds:
            raise BdcError(f"{first} took more than {timeout_seconds:g} s ({answer.state})")
        answer = page(_send(connection, "GET", urlsplit(answer.following).path, headers))
        rows += answer.rows or []
    if answer.error:
        raise BdcError(f"{first} failed: {answer.error.get('message')}")
    return rows


def _send(
    connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> dict[str, Any]:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    data = response.read()
    if response.status == 401:
        raise BdcError("Trino doesn't accept the cluster's password", "renew it where it is used: bdc up")
    if response.status >= 400:
        raise BdcError(f"Trino answers with HTTP status {response.status}")
    return dict(json.loads(data))


class _Connection(http.client.HTTPSConnection):
    """HTTPS whose certificate is checked against a name that isn't the address."""

    def __init__(self, reached: EndpointConnection, timeout_seconds: float) -> None:
        super().__init__(reached.host, reached.port, timeout=timeout_seconds)
        self._seconds, self._name = timeout_seconds, reached.server_name
        self._tls = ssl.create_default_context(cafile=str(reached.ca_file))

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self._seconds)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._name)

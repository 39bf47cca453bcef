"""Statements on Trino. Values come as Trino writes them, so that no timestamp or decimal loses a digit on the way.

https://trino.io/docs/current/develop/client-protocol.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import partial
from typing import Any, Self

import requests
import trino.auth
import trino.client
import trino.exceptions

from bdc.errors import BdcError, UnhealthyError
from bdc.kube.connection import Credentials, EndpointConnection
from bdc.kube.tls import session
from bdc.sql.errors import QueryError, with_cause
from bdc.sql.result import Column, Result, Row, Value
from bdc.sql.statements import Statement, text_of
from bdc.sql.suggestions import of_syntax
from bdc.trino.protocol import SESSION_HEADER
from bdc.trino.protocol import properties as written

SOURCE = "bdc"
_PLACE = re.compile(r"^line \d+:\d+: ")
_WAIT_SECONDS = 120


class Federation:
    """A session with Trino."""

    def __init__(
        self,
        reached: EndpointConnection,
        credentials: Credentials,
        catalog: str | None = None,
        schema: str | None = None,
        wait_seconds: float = _WAIT_SECONDS,
    ) -> None:
        self._http = session(str(reached.ca_file), reached.server_name)
        self._client = trino.client.ClientSession(
            user=credentials.username, catalog=catalog, schema=schema, source=SOURCE, encoding=None, timezone=None
        )
        self._request = partial(
            trino.client.TrinoRequest,
            reached.host if ":" not in reached.host else f"[{reached.host}]",
            reached.port,
            self._client,
            self._http,
            "https",
            trino.auth.BasicAuthentication(credentials.username, credentials.password.get_secret_value()),
            request_timeout=wait_seconds,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def schema(self) -> str:
        """Where names are looked up: catalog.schema, as far as they are set."""
        return ".".join(part for part in (self._client.catalog, self._client.schema) if part)

    def query(self, statement: Statement | str, properties: Mapping[str, str] | None = None) -> Result:
        """Run one statement, with these session properties for it alone; see `Session`."""
        sql = text_of(statement)
        query = trino.client.TrinoQuery(self._request(), sql, legacy_primitive_types=True)
        headers = {SESSION_HEADER: written({**self._client.properties, **properties})} if properties else None
        with _running(query, sql):
            found = query.execute(additional_http_headers=headers)
            described = query.columns or []
        if query.update_type is not None:
            with _running(query, sql):
                rows = list(found)
            return Result([], command=query.update_type, affected=_affected(query.update_count, rows))
        columns = [Column(str(column["name"]), str(column["type"])) for column in described]
        converters = [converter(column["typeSignature"]) for column in described]
        return Result(columns, _rows(query, sql, found, converters))


def converter(signature: Mapping[str, Any]) -> Callable[[Any], Value]:
    """How a type's JSON becomes a value, from its `typeSignature`."""
    kind = signature["rawType"]
    arguments = [argument.get("value") for argument in signature.get("arguments") or []]
    if make := _SIMPLE.get(kind):
        return lambda value: None if value is None else make(value)
    if kind == "array":
        one = converter(arguments[0])
        return lambda value: None if value is None else [one(item) for item in value]
    if kind == "map":
        key, item = converter(arguments[0]), converter(arguments[1])
        return lambda value: None if value is None else {str(key(k)): item(v) for k, v in value.items()}
    if kind == "row":
        fields = [_field(argument, place) for place, argument in enumerate(arguments)]
        return lambda value: None if value is None else {name: one(item) for (name, one), item in zip(fields, value, strict=True)}
    return lambda value: value


_SIMPLE: dict[str, Callable[[Any], Value]] = {
    "decimal": Decimal,
    "double": float,
    "real": float,
    "varbinary": base64.b64decode,
    "tinyint": int,
    "smallint": int,
    "integer": int,
    "bigint": int,
}


def _field(argument: Mapping[str, Any], place: int) -> tuple[str, Callable[[Any], Value]]:
    named = argument.get("fieldName") or {}
    return str(named.get("name") or f"field{place}"), converter(argument["typeSignature"])


def _rows(query: Any, sql: str, found: Any, converters: list[Callable[[Any], Value]]) -> Iterator[Row]:
    with _running(query, sql):
        for row in found:
            yield tuple(convert(value) for convert, value in zip(converters, row, strict=True))


def _affected(count: int | None, rows: list[list[Any]]) -> int | None:
    return count if count is not None else rows[0][0] if rows and rows[0] and isinstance(rows[0][0], int) else None


@contextmanager
def _running(query: Any, sql: str) -> Iterator[None]:
    """Errors become ours; whatever else ends this early cancels the query at the server."""
    try:
        yield
    except trino.exceptions.TrinoQueryError as error:
        raise _query_error(error, sql) from error
    except (trino.exceptions.Error, trino.exceptions.HttpError, requests.RequestException) as error:
        raise _connection_error(error) from error
    except BaseException:
        with suppress(trino.exceptions.Error, trino.exceptions.HttpError, requests.RequestException):
            query.cancel()
        raise


def _query_error(error: Any, sql: str) -> BdcError:
    if error.error_name == "SERVER_STARTING_UP":
        return UnhealthyError("the federation is still starting", "try again in some seconds; bdc status")
    text = with_cause(_PLACE.sub("", str(error.message)), error.error_type, error.failure_info)
    if error.error_name == "USER_CANCELED":
        return QueryError("the query was cancelled", error.error_name)
    hint = _HINTS.get(str(error.error_name))
    if error.error_name == "SYNTAX_ERROR":
        text, hint = of_syntax(text, sql, error.error_location)
    return QueryError(text, error.error_name, error.error_location, hint)


_HINTS = {
    "CATALOG_NOT_FOUND": "SHOW CATALOGS lists them",
    "SCHEMA_NOT_FOUND": "SHOW SCHEMAS FROM catalog lists them",
    "TABLE_NOT_FOUND": "SHOW TABLES FROM catalog.schema lists them",
    "MISSING_CATALOG_NAME": "write catalog.schema.table, or name a catalog with --catalog",
    "MISSING_SCHEMA_NAME": "write catalog.schema.table, or name a schema with --schema",
    "EXCEEDED_LOCAL_MEMORY_LIMIT": "ask for less at once, or raise federation.coordinator.memory",
    "CLUSTER_OUT_OF_MEMORY": "ask for less at once, or raise federation.coordinator.memory",
}


def _connection_error(error: Exception) -> BdcError:
    text = str(error)
    if "error 401" in text:
        return BdcError("the federation does not accept the user name or the password", "bdc credentials show prints the right ones")
    if "error 403" in text:
        return BdcError("the federation forbids this", "bdc logs federation says more")
    if "CERTIFICATE_VERIFY_FAILED" in text or "CertificateError" in text:
        return BdcError("the federation shows a certificate that isn't the cluster's", "bdc endpoints trino")
    if "authenticators were not loaded" in text:
        return UnhealthyError("the federation is still starting", "try again in some seconds; bdc status")
    for status in ("502", "503", "504"):
        if f"error {status}" in text:
            return UnhealthyError(f"the federation is not up (HTTP {status})", "bdc status")
    reason = "connection refused" if "refused" in text else "timed out" if "imed out" in text else text[:200]
    return UnhealthyError(f"the federation does not answer: {reason}", "bdc status shows it; bdc endpoints trino shows the way")

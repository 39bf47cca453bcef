"""What the Kubernetes API's refusals mean, and what to do about them.

* `ApiError`: the API server answered with an error; `code` is the HTTP status, `reason` Kubernetes' own word for it.
* `ApiNotFoundError`: the object does not exist (404); an `ApiError` that callers catch often, with exit code 3.
* `ApiForbiddenError` (403), `ApiConflictError` (409: it exists, or has changed since), `ApiInvalidError` (422).
* `UnreachableError` (of bdc.errors): nobody answered.
* `UnknownKindError`: the server answered, and has no such kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bdc.errors import BdcError, NotFoundError
from bdc.kube.user_context import UserContext

_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)"| at the cluster scope)?'
)


class ApiError(BdcError):
    """The API server refused a request."""

    def __init__(self, code: int, reason: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.code = code
        self.reason = reason


class ApiNotFoundError(ApiError, NotFoundError):
    """The object, or the path, does not exist."""

    exit_code = NotFoundError.exit_code


class ApiForbiddenError(ApiError):
    """Whose kubeconfig it is may not do this."""


class ApiConflictError(ApiError):
    """The object is there already, or has changed since it was read."""


class ApiInvalidError(ApiError):
    """The object can't be as it was sent, or a JSON patch's `test` failed."""


class UnknownKindError(BdcError):
    """The API server has no such kind."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(f"the cluster has no kind {kind} in {api_version}", "install its CustomResourceDefinition, or update the cluster")


def api_error(code: int, status: Mapping[str, Any], server: str, person: UserContext | None = None) -> ApiError:
    """The error for an HTTP status >= 400 with the `Status` object that came with it; `person`: the ordinary user that we are."""
    reason = str(status.get("reason") or "")
    message = str(status.get("message") or reason or f"HTTP status {code}")
    if code == 404:
        return ApiNotFoundError(code, reason or "NotFound", message)
    if code == 401:
        return ApiError(
            code,
            reason or "Unauthorized",
            f"the Kubernetes API at {server} does not accept the credentials: {message}",
            f"they have ended: ask the administrator of {person.cluster} for a new file (bdc context export {person.name})"
            if person
            else "they may have expired: log in to the cluster again, or get a new kubeconfig",
        )
    if code == 403 and person:
        hint = f"you are {person.name} in the cluster {person.cluster}, and open to you is: {', '.join(person.pools) or 'no Spark pool'}"
        return ApiForbiddenError(code, reason or "Forbidden", message, hint)
    if code == 403:
        return ApiForbiddenError(code, reason or "Forbidden", message, _rights(message))
    return {409: ApiConflictError, 422: ApiInvalidError}.get(code, ApiError)(code, reason, message)


def _rights(message: str) -> str:
    found = _FORBIDDEN.search(message)
    if not found:
        return "use a kubeconfig with more rights"
    resource = found["resource"] + (f".{found['group']}" if found["group"] else "")
    where = f"in namespace {found['namespace']}" if found["namespace"] else "in the whole cluster"
    return f'let {found["user"]} "{found["verb"]}" {resource} {where}, or use a kubeconfig with more rights'

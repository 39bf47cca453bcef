"""What the API's refusals say."""

from __future__ import annotations

import pytest

from bdc.kube import ApiConflictError, ApiError, ApiForbiddenError, ApiInvalidError, ApiNotFoundError
from bdc.kube.errors import api_error

SERVER = "https://k:6443"


def test_forbidden_names_the_right_that_is_missing() -> None:
    message = 'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "shop"'
    error = api_error(403, {"reason": "Forbidden", "message": message}, SERVER)
    assert error.hint == 'let ann "list" pods in namespace shop, or use a kubeconfig with more rights'
    cluster = 'x is forbidden: User "ann" cannot create resource "leases" in API group "coordination.k8s.io" at the cluster scope'
    assert "leases.coordination.k8s.io in the whole cluster" in str(api_error(403, {"message": cluster}, SERVER).hint)


def test_other_codes() -> None:
    assert isinstance(api_error(404, {"message": "gone"}, SERVER), ApiNotFoundError)
    assert api_error(404, {}, SERVER).exit_code == 3
    assert "expired" in str(api_error(401, {}, SERVER).hint)
    assert api_error(500, {}, SERVER).message == "HTTP status 500"


@pytest.mark.parametrize(
    ("code", "error"),
    [(403, ApiForbiddenError), (404, ApiNotFoundError), (409, ApiConflictError), (422, ApiInvalidError), (400, ApiError)],
)
def test_refusals_that_callers_tell_apart_have_a_class(code: int, error: type[ApiError]) -> None:
    assert type(api_error(code, {}, SERVER)) is error

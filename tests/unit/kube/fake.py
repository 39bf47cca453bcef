"""A Kubernetes API in memory: objects by path, with resource versions. Enough for locks and kept state."""

from __future__ import annotations

import base64
import copy
import itertools
import threading
from collections.abc import Callable
from typing import Any

from bdc.kube import ApiConflictError, ApiNotFoundError, Kube
from bdc.kube.client import Resource
from bdc.kube.credentials import PlainCredentials
from bdc.kube.kubeconfig import Access

KINDS = {"Secret": Resource("/api/v1", "secrets", namespaced=True)}


class FakeKube(Kube):
    """Keeps what is written. `before` is called with each request, and may raise."""

    def __init__(self) -> None:
        super().__init__(Access("http://fake", PlainCredentials()))
        self.objects: dict[str, dict[str, Any]] = {}
        self.before: Callable[[str, str], None] = lambda method, path: None
        self._versions = itertools.count(1)
        self._guard = threading.RLock()

    def resource(self, api_version: str, kind: str) -> Resource:
        return KINDS[kind]

    def request(
        self, method: str, path: str, body: Any = None, *, query: Any = None, content_type: str = "", timeout: float = 60
    ) -> dict[str, Any]:
        self.before(method, path)
        with self._guard:
            return copy.deepcopy(getattr(self, f"_{method.lower()}")(path, copy.deepcopy(body), query or {}))

    def _get(self, path: str, _body: Any, query: dict[str, str]) -> dict[str, Any]:
        if path in self.objects:
            return self.objects[path]
        if path.rsplit("/", 1)[-1] in ("secrets", "leases", "configmaps", "pods"):
            wanted = dict(pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair)
            found = [one for at, one in self.objects.items() if at.startswith(f"{path}/")]
            return {"items": [one for one in found if wanted.items() <= (one["metadata"].get("labels") or {}).items()]}
        raise ApiNotFoundError(404, "NotFound", f"{path} not found")

    def _post(self, path: str, body: dict[str, Any], _query: Any) -> dict[str, Any]:
        at = f"{path}/{body['metadata']['name']}"
        if at in self.objects:
            raise ApiConflictError(409, "AlreadyExists", f"{at} already exists")
        return self._store(at, body)

    def _put(self, path: str, body: dict[str, Any], _query: Any) -> dict[str, Any]:
        if self._get(path, None, {})["metadata"]["resourceVersion"] != body["metadata"].get("resourceVersion"):
            raise ApiConflictError(409, "Conflict", f"{path} was changed")
        return self._store(path, body)

    def _patch(self, path: str, body: dict[str, Any], _query: Any) -> dict[str, Any]:
        return self._store(path, body)

    def _delete(self, path: str, body: Any, _query: Any) -> dict[str, Any]:
        if path not in self.objects:
            raise ApiNotFoundError(404, "NotFound", f"{path} not found")
        version = ((body or {}).get("preconditions") or {}).get("resourceVersion")
        if version and self._get(path, None, {})["metadata"]["resourceVersion"] != version:
            raise ApiConflictError(409, "Conflict", f"{path} was changed")
        self.objects.pop(path)
        return {}

    def _store(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        version = str(next(self._versions))
        body["metadata"] |= {"resourceVersion": version, "uid": body["metadata"].get("uid", f"uid-{version}")}
        if body.get("stringData"):
            encoded = {key: base64.b64encode(value.encode()).decode() for key, value in body.pop("stringData").items()}
            body["data"] = {**body.get("data", {}), **encoded}
        self.objects[path] = body
        return body

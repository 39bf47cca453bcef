"""A Kubernetes API in memory: enough of it for tests of what talks through `Kube.request`, `text` and `proxy`."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from bdc.config.secret_data import encoded
from bdc.errors import BdcError
from bdc.kube import ApiConflictError, ApiError, ApiInvalidError, ApiNotFoundError, Kube, Resource
from bdc.kube.credentials import PlainCredentials
from bdc.kube.kubeconfig import Access
from bdc.kube.user_context import UserContext

Json = dict[str, Any]

_KINDS = {
    "ConfigMap": Resource("/api/v1", "configmaps", namespaced=True),
    "Pod": Resource("/api/v1", "pods", namespaced=True),
    "Secret": Resource("/api/v1", "secrets", namespaced=True),
    "Namespace": Resource("/api/v1", "namespaces", namespaced=False),
    "PersistentVolumeClaim": Resource("/api/v1", "persistentvolumeclaims", namespaced=True),
    "Deployment": Resource("/apis/apps/v1", "deployments", namespaced=True),
    "RoleBinding": Resource("/apis/rbac.authorization.k8s.io/v1", "rolebindings", namespaced=True),
}


class FakeKube(Kube):
    """Objects by path, with resource versions; many threads may use it.

    `fail(method, path, error)` makes requests fail, `before` is called with each request and may raise; `logs` and `pages` answer `text`
    and `proxy`.
    """

    def __init__(self) -> None:
        super().__init__(Access("https://fake:6443", PlainCredentials()))
        self.known_person: UserContext | None = None
        self.objects: dict[str, Json] = {}
        self.calls: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.logs: dict[str, str | Callable[[Mapping[str, Any]], str]] = {}
        self.pages: dict[str, Any] = {}
        self.before: Callable[[str, str], None] = lambda method, path: None
        self._failures: list[tuple[str, str, BdcError, int]] = []
        self._numbers = itertools.count(1)
        self._guard = threading.RLock()

    @property
    def person(self) -> UserContext | None:
        return self.known_person

    def resource(self, api_version: str, kind: str) -> Resource:
        return _KINDS[kind]

    def put(self, path: str, obj: Json) -> Json:
        """Place an object at its path."""
        stored = deepcopy(obj)
        metadata = stored.setdefault("metadata", {})
        metadata.setdefault("name", path.rsplit("/", 1)[-1])
        metadata.setdefault("uid", f"uid-{next(self._numbers)}")
        metadata.setdefault("resourceVersion", "1")
        metadata.setdefault("creationTimestamp", "2026-11-21T10:00:00Z")
        self.objects[path] = stored
        return stored

    def fail(self, method: str, part: str, error: BdcError, times: int = 1) -> None:
        """Let the next `times` requests of that method whose path contains `part` fail."""
        self._failures.append((method, part, error, times))

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Json:
        self.before(method, path)
        with self._guard:
            self.calls.append((method, path))
            self.bodies.append(deepcopy(body))
            self._maybe_fail(method, path)
            return deepcopy(self._answer(method, path, deepcopy(body), **options))

    def _answer(self, method: str, path: str, body: Any, **options: Any) -> Json:
        query = options.get("query") or {}
        if method == "POST":
            return self._post(path, body, trial="dryRun" in query)
        if method == "GET" and path not in self.objects and self._is_collection(path):
            return self._list(path, query)
        if method == "PATCH" and options.get("content_type") == "application/apply-patch+yaml":
            return self._write(path, body)
        if path not in self.objects:
            raise ApiNotFoundError(404, "NotFound", f"{path} not found")
        if method == "PUT":
            self._check_version(path, body["metadata"].get("resourceVersion"))
            return self._write(path, body)
        if method == "PATCH":
            _patch(self.objects[path], body)
            self.objects[path]["metadata"]["resourceVersion"] = str(next(self._numbers))
        if method == "DELETE":
            self._check_version(path, ((body or {}).get("preconditions") or {}).get("resourceVersion"))
            return self.objects.pop(path)
        return self.objects[path]

    def _check_version(self, path: str, wanted: str | None) -> None:
        if wanted not in (None, self.objects[path]["metadata"].get("resourceVersion")):
            raise ApiConflictError(409, "Conflict", f"{path} has changed")

    def _write(self, path: str, body: Json) -> Json:
        body["metadata"]["resourceVersion"] = str(next(self._numbers))
        if old := self.objects.get(path):
            body["metadata"]["uid"] = old["metadata"]["uid"]
        return self.put(path, body)

    def text(self, path: str, **options: Any) -> str:
        self.calls.append(("GET", path))
        self._maybe_fail("GET", path)
        found = self.logs.get(path)
        if found is None:
            raise ApiNotFoundError(404, "NotFound", f"{path} not found")
        return found(options.get("query") or {}) if callable(found) else found

    def proxy(self, namespace: str, pod: str, port: int, path: str, **options: Any) -> bytes:
        where = f"{pod}:{port}{path}"
        self.calls.append(("PROXY", where))
        self._maybe_fail("PROXY", where)
        if where not in self.pages:
            raise ApiError(503, "ServiceUnavailable", f"no answer from {where}")
        found = self.pages[where]
        if isinstance(found, BaseException):
            raise found
        return found if isinstance(found, bytes) else json.dumps(found).encode()

    def _maybe_fail(self, method: str, path: str) -> None:
        for at, (wanted, part, error, times) in enumerate(self._failures):
            if wanted == method and part in path:
                if times <= 1:
                    del self._failures[at]
                else:
                    self._failures[at] = (wanted, part, error, times - 1)
                raise error

    def _post(self, path: str, body: Json, *, trial: bool = False) -> Json:
        target = f"{path}/{body['metadata']['name']}"
        if target in self.objects:
            raise ApiConflictError(409, "AlreadyExists", f"{target} already exists")
        if text := body.pop("stringData", None):
            body["data"] = {**body.get("data", {}), **encoded(text)}
        return body if trial else self.put(target, body)

    def _is_collection(self, path: str) -> bool:
        plurals = ("pods", "jobs", "cronjobs", "events", "nodes", "deployments", "statefulsets", "persistentvolumeclaims", "storageclasses",
                   "poddisruptionbudgets", "leases", "services", "secrets", "configmaps", "namespaces", "resourcequotas",
                   "serviceaccounts", "rolebindings")  # fmt: skip
        return path.rsplit("/", 1)[-1] in plurals

    def _list(self, path: str, query: Mapping[str, Any]) -> Json:
        found = [deepcopy(obj) for where, obj in self.objects.items() if where.startswith(f"{path}/") and "/" not in where[len(path) + 1 :]]
        wanted = [term for term in str(query.get("labelSelector", "")).split(",") if term]
        return {"items": [obj for obj in found if all(_matches(obj, term) for term in wanted)], "metadata": {}}


def _matches(obj: Json, term: str) -> bool:
    labels = obj["metadata"].get("labels") or {}
    if "!=" in term:
        key, _, value = term.partition("!=")
        return labels.get(key) != value
    key, equals, value = term.partition("=")
    return labels.get(key) == value if equals else key in labels


def _patch(target: Json, change: Json | list[Json]) -> None:
    """A merge patch, or a JSON patch of test, add and replace."""
    if isinstance(change, dict):
        _merge(target, change)
        return
    for step in change:
        *folders, last = [part.replace("~1", "/") for part in step["path"].split("/")[1:]]
        holder = target
        for folder in folders:
            holder = holder[folder]
        if step["op"] == "test" and holder.get(last) != step["value"]:
            raise ApiInvalidError(422, "Invalid", "the server rejected our request due to an error in our request")
        holder[last] = step["value"]


def _merge(target: Json, change: Json) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        elif value is None:
            target.pop(key, None)
        else:
            target[key] = value

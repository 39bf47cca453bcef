"""A Kubernetes API in memory: enough of it for tests of what talks through `Kube.request`, `text` and `proxy`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from bdc.errors import BdcError
from bdc.kube import ApiConflictError, ApiError, ApiInvalidError, ApiNotFoundError, Kube
from bdc.kube.user_context import UserContext

Json = dict[str, Any]


class FakeKube(Kube):
    """Objects by path. `fail(method, path, error)` makes requests fail; `logs` and `pages` answer `text` and `proxy`."""

    def __init__(self) -> None:
        self.known_person: UserContext | None = None
        self.objects: dict[str, Json] = {}
        self.calls: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.logs: dict[str, str | Callable[[Mapping[str, Any]], str]] = {}
        self.pages: dict[str, Any] = {}
        self._failures: list[tuple[str, str, BdcError, int]] = []
        self._uids = itertools.count(1)

    @property
    def person(self) -> UserContext | None:
        return self.known_person

    @property
    def server(self) -> str:
        return "https://fake:6443"

    def put(self, path: str, obj: Json) -> Json:
        """Place an object at its path."""
        stored = deepcopy(obj)
        metadata = stored.setdefault("metadata", {})
        metadata.setdefault("name", path.rsplit("/", 1)[-1])
        metadata.setdefault("uid", f"uid-{next(self._uids)}")
        metadata.setdefault("resourceVersion", "1")
        metadata.setdefault("creationTimestamp", "2026-11-21T10:00:00Z")
        self.objects[path] = stored
        return stored

    def fail(self, method: str, part: str, error: BdcError, times: int = 1) -> None:
        """Let the next `times` requests of that method whose path contains `part` fail."""
        self._failures.append((method, part, error, times))

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Json:
        self.calls.append((method, path))
        self.bodies.append(deepcopy(body))
        self._maybe_fail(method, path)
        if method == "POST":
            return self._post(path, body, trial="dryRun" in (options.get("query") or {}))
        if method == "GET" and path not in self.objects and self._is_collection(path):
            return self._list(path, options.get("query") or {})
        if path not in self.objects:
            raise ApiNotFoundError(404, "NotFound", f"{path} not found")
        if method == "PATCH":
            _patch(self.objects[path], body)
            self.objects[path]["metadata"]["resourceVersion"] = str(next(self._uids))
        if method == "DELETE":
            wanted = ((body or {}).get("preconditions") or {}).get("resourceVersion")
            if wanted not in (None, self.objects[path]["metadata"].get("resourceVersion")):
                raise ApiConflictError(409, "Conflict", f"{path} has changed")
            return self.objects.pop(path)
        return deepcopy(self.objects[path])

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
        return deepcopy(body if trial else self.put(target, body))

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
        else:
            target[key] = value

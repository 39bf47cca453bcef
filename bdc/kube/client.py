"""The Kubernetes API as the rest of bdc sees it: JSON over HTTP (docs/adr/0032)."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from bdc.kube.errors import ApiNotFoundError, UnknownKindError
from bdc.kube.kubeconfig import Access, load
from bdc.kube.rest import Rest
from bdc.kube.user_context import UserContext

FIELD_MANAGER = "bdc"
Query = Mapping[str, str | int | bool]


@dataclass(frozen=True)
class Resource:
    """Where the objects of one kind are: the path of their group, their plural, and whether they live in namespaces."""

    base: str
    plural: str
    namespaced: bool


class Kube:
    """One cluster's API. Safe to use from many threads."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._rest = Rest(access)
        self._kinds: dict[str, dict[str, Resource]] = {}
        self._lock = threading.Lock()

    @property
    def person(self) -> UserContext | None:
        """Who we are, where the kubeconfig is that of a cluster's ordinary user."""
        return self.access.person

    @property
    def server(self) -> str:
        """The API server's address."""
        return self.access.server

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Query | None = None,
        content_type: str = "application/json",
        timeout: float = 60,
    ) -> dict[str, Any]:
        """Send one request with a JSON body and return the JSON answer. `timeout` in seconds.

        Raises ApiError (a 404 as ApiNotFoundError) and UnreachableError.
        """
        headers = {} if body is None else {"Content-Type": content_type}
        data = None if body is None else json.dumps(body).encode()
        answer = self._rest.send(method, path, data, query, headers, timeout)
        return dict(json.loads(answer)) if answer else {}

    def text(self, path: str, *, query: Query | None = None, timeout: float = 60) -> str:
        """GET something that isn't JSON, such as a container's log."""
        return self._rest.send("GET", path, None, query, {"Accept": "*/*"}, timeout).decode(errors="replace")

    def proxy(
        self,
        namespace: str,
        pod: str,
        port: int,
        path: str,
        *,
        scheme: Literal["http", "https"] = "http",
        query: Query | None = None,
        timeout: float = 30,
    ) -> bytes:
        """GET an address of a pod through the API server, with the kubeconfig's rights; sent once, as a pod may be gone."""
        target = f"{'https:' if scheme == 'https' else ''}{pod}:{port}"
        where = f"/api/v1/namespaces/{namespace}/pods/{quote(target, safe=':')}/proxy/{quote(path.lstrip('/'), safe='/')}"
        return self._rest.send("GET", where, None, query, {"Accept": "*/*"}, timeout, patient=False)

    def resource(self, api_version: str, kind: str) -> Resource:
        """Where a kind's objects are, by discovery: one GET per group and version, kept. Raises UnknownKindError."""
        with self._lock:
            if found := self._kinds.get(api_version, {}).get(kind):
                return found
            self._kinds[api_version] = self._discover(api_version, kind)
            if found := self._kinds[api_version].get(kind):
                return found
        raise UnknownKindError(api_version, kind)

    def _discover(self, api_version: str, kind: str) -> dict[str, Resource]:
        base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            entries = self.request("GET", base)["resources"]
        except ApiNotFoundError:
            raise UnknownKindError(api_version, kind) from None
        return {entry["kind"]: Resource(base, entry["name"], entry["namespaced"]) for entry in entries if "/" not in entry["name"]}

    def path(self, obj: Mapping[str, Any], *, collection: bool = False) -> str:
        """The path of an object (or of the collection it is in) from its apiVersion, kind and metadata."""
        where = self.resource(obj["apiVersion"], obj["kind"])
        metadata = obj["metadata"]
        path = where.base
        if where.namespaced:
            path += f"/namespaces/{metadata.get('namespace') or self.access.namespace}"
        path += f"/{where.plural}"
        return path if collection else f"{path}/{metadata['name']}"

    def get(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """The object as it is now; only apiVersion, kind and metadata of `obj` are used."""
        return self.request("GET", self.path(obj))

    def apply(self, obj: Mapping[str, Any], *, manager: str = FIELD_MANAGER, force: bool = True, dry_run: bool = False) -> dict[str, Any]:
        """Server-side apply: the object as the server has it then."""
        query: dict[str, str | int | bool] = {"fieldManager": manager, "force": force}
        if dry_run:
            query["dryRun"] = "All"
        return self.request("PATCH", self.path(obj), obj, query=query, content_type="application/apply-patch+yaml")

    def patch(self, path: str, change: Mapping[str, Any], *, query: Query | None = None) -> dict[str, Any]:
        """Merge a change into an object (RFC 7386: None takes a key out); the object as it is then.

        With metadata.resourceVersion in the change, raises ApiConflictError where somebody else has changed the object since.
        """
        return self.request("PATCH", path, change, query=query, content_type="application/merge-patch+json")

    def close(self) -> None:
        """Close idle connections."""
        self._rest.close()


def connect(kubeconfig: Path | None = None, context: str | None = None) -> Kube:
    """The cluster of a kubeconfig (else $KUBECONFIG, ~/.kube/config, the pod's own); nothing is sent yet."""
    return Kube(load(kubeconfig, context))

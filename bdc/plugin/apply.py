"""Writes objects to the cluster and keeps what Pulumi's state says about them.

Every resource has its own field manager, named after its URN: an object left by a killed run is known by it and adopted.
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Mapping
from typing import Any

from bdc.errors import BdcError
from bdc.kube import ApiConflictError, ApiError, ApiNotFoundError, Kube
from bdc.plugin.codec import UNKNOWN, conceal, plain
from bdc.plugin.kinds import annotation, object_id
from bdc.plugin.semantics import prune, without_surplus

_SERVER_SET = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "selfLink")
_TRIES = 5
Object = dict[str, Any]


def field_manager(urn: str) -> str:
    """The field manager of a resource."""
    return "pulumi-kubernetes-" + hashlib.sha256(urn.encode()).hexdigest()[:8]


def body(properties: Mapping[str, Any]) -> Object:
    """The object in a resource's wrapped properties, without Pulumi's own `__` keys."""
    return {key: value for key, value in plain(properties).items() if not key.startswith("__")}


def state(live: Object, inputs: Mapping[str, Any], manager: str) -> Object:
    """What goes into Pulumi's state for an object; wrapped. The official plugin can go on from it."""
    return {
        **conceal(live, inputs),
        "__inputs": conceal(plain(inputs), inputs),
        "__initialApiVersion": live["apiVersion"],
        "__fieldManager": manager,
    }


def previewed(obj: Object, inputs: Mapping[str, Any]) -> Object:
    """What a preview says an object will be: what only the server can set is unknown, not absent, as a program may read it."""
    shown = copy.deepcopy(obj)
    shown.pop("status", None)
    if isinstance(shown.get("metadata"), dict):
        shown["metadata"] |= dict.fromkeys(("uid", "resourceVersion", "creationTimestamp", "generation"), UNKNOWN)
    if shown.get("kind") == "Service" and isinstance(shown.get("spec"), dict):
        for key in ("clusterIP", "clusterIPs"):
            shown["spec"].setdefault(key, UNKNOWN)
    return dict(conceal(shown, inputs))


def as_inputs(live: Object) -> Object:
    """The whole live object as inputs, for an import: without what the server sets."""
    inputs = {key: copy.deepcopy(value) for key, value in live.items() if key != "status"}
    for key in _SERVER_SET:
        inputs["metadata"].pop(key, None)
    return inputs


def observed(live: Object, inputs: Object) -> Object:
    """The inputs as the cluster has them now; where they differ from `inputs`, that is drift."""
    seen: Object = prune(live, inputs, surplus=inputs.get("kind") != "Pod")
    for key in ("data", "binaryData"):
        if inputs.get("kind") in ("ConfigMap", "Secret") and isinstance(inputs.get(key), dict):
            seen[key] = live.get(key) or {}  # a key that somebody added changes what pods see, too
    return seen


class Writer:
    """Creates and updates objects by server-side apply."""

    def __init__(self, kube: Kube, *, force: bool, upsert: bool) -> None:
        self._kube, self._force, self._upsert = kube, force, upsert

    def create(self, obj: Object, manager: str, *, dry_run: bool) -> Object:
        """The new object. One that is there already is refused unless it is ours, from a run that died."""
        try:
            live = self._kube.get(obj)
        except ApiNotFoundError:
            return self._patiently(obj, manager, dry_run=dry_run)
        if not self._upsert and not _managed(live, manager):
            name = f"{obj['kind']} {object_id(obj)}"
            raise ApiConflictError(
                409, "AlreadyExists", f"{name} already exists, and was not made by this stack",
                f"delete it, or choose another name: kubectl get {obj['kind'].lower()} {obj['metadata']['name']} -o yaml shows whose it is",
            )  # fmt: skip
        return self._apply(obj, manager, dry_run=dry_run)

    def update(self, obj: Object, manager: str, *, dry_run: bool) -> Object:
        """The changed object; lists that the program declares lose what others put there."""
        forced = self._forced(obj) and obj["kind"] != "Pod"
        try:
            live = self._apply(obj, manager, dry_run=dry_run)
        except ApiError as error:
            # Somebody changed an element's key, such as a port's number: applying would add ours beside theirs.
            if not forced or error.reason != "Invalid":
                raise
            return self._overwrite(obj, manager, error, dry_run=dry_run)
        if dry_run or not forced or not (patch := without_surplus(live, obj)):
            return live
        return self._merge(obj, patch, manager, dry_run=False)

    def _overwrite(self, obj: Object, manager: str, invalid: ApiError, *, dry_run: bool) -> Object:
        """Put the declared lists in the place of those that are there, then apply, to own the fields."""
        try:
            live = self._merge(obj, obj, manager, dry_run=dry_run)
        except ApiError:
            raise invalid from None
        return live if dry_run else self._apply(obj, manager, dry_run=False)

    def _merge(self, obj: Object, patch: Object, manager: str, *, dry_run: bool) -> Object:
        query = {"fieldManager": manager} | ({"dryRun": "All"} if dry_run else {})
        return self._kube.patch(self._kube.path(obj), patch, query=query)

    def _patiently(self, obj: Object, manager: str, *, dry_run: bool) -> Object:
        """Apply, again for a moment when the namespace is not there yet."""
        pause = 0.25
        for attempt in range(_TRIES):
            try:
                return self._apply(obj, manager, dry_run=dry_run)
            except ApiNotFoundError:
                if dry_run or attempt == _TRIES - 1:
                    raise
                time.sleep(pause)
                pause *= 2
        raise AssertionError("unreachable")

    def _apply(self, obj: Object, manager: str, *, dry_run: bool) -> Object:
        try:
            return self._kube.apply(obj, manager=manager, force=self._forced(obj) or dry_run, dry_run=dry_run)
        except ApiError as error:
            if error.reason == "Conflict":
                raise BdcError(
                    f"{obj['kind']} {object_id(obj)}: {error.message}", "annotate it pulumi.com/patchForce: true to take the fields"
                ) from error
            raise

    def _forced(self, obj: Object) -> bool:
        return self._force or annotation(obj, "patchForce") == "true"


def _managed(live: Object, manager: str) -> bool:
    return any(entry.get("manager") == manager for entry in live["metadata"].get("managedFields") or [])

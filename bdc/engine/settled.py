"""Whether a stack is exactly what its last finished `up` left: then there is nothing to do, and no Pulumi has to be run to find that.

After an `up` a record is written beside the copy of the stack's state: what stands for all that the program was made from, and for each
object in the state, its uid and what counts of it (live_objects.py). It is removed before anything begins that may change the stack, so a
run that failed or was killed leaves none. A stack is settled while inputs and objects are those of its record, and each object is ready;
where one isn't, as after a loss of power, there is only something to wait for (waiting.py).

A record is written only of objects that are what the program declares, as the plugin's own comparison for drift has it: somebody may have
changed one while `up` was at work. Values that the state has encrypted aren't compared; there the object's version must be the state's.

What stands for them is an HMAC under the state's passphrase, as either may hold secrets. What can't be decided isn't settled.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from operator import itemgetter
from typing import Any

from bdc.engine.live_objects import Object, Place, Works, counted, fetch, leaves, place_of
from bdc.engine.passphrase import Passphrase
from bdc.engine.plugin_selection import Plugin
from bdc.engine.stacks import StackProgram
from bdc.engine.state_store import StateStore
from bdc.errors import BdcError
from bdc.kube import ApiError, Kube
from bdc.plugin.readiness import NotLiveError

FORMAT = 1
_AT_ONCE = 8
_UNFINISHED = ("delete", "initErrors", "pendingReplacement", "taint")

Record = dict[str, Any]


class Settlement:
    """The records of one cluster's stacks. `secret` is the passphrase of the store, `plugin` what serves the stacks' objects."""

    def __init__(self, kube: Kube | None, store: StateStore, secret: Passphrase, plugin: Plugin) -> None:
        self._kube, self._store, self._key, self._plugin = kube, store, secret.value.encode(), plugin

    def inputs(self, program: StackProgram) -> str | None:
        """What stands for all that the program is made from now; None where that isn't known, or nobody would keep a record."""
        if self._kube is None or program.inputs is None or self._store.copy(program.name) is None:
            return None
        found = program.inputs()
        return None if found is None else self._sealed(program.stack, str(self._plugin), found)

    def unready(self, program: StackProgram, inputs: str | None) -> list[Object] | None:
        """Objects that aren't ready, in the order in which they were made, of a stack that is otherwise what its last finished `up` left.

        None where it isn't, or nobody knows; then Pulumi has to say. Raises BdcError where a newer bdc has written its state.
        """
        copy = self._store.copy(program.name)
        if inputs is None or self._kube is None or copy is None:
            return None
        record = copy.record()
        if record is None or record.get("format") != FORMAT or record["inputs"] != inputs:
            return None
        kube, works = self._kube, Works(self._kube)

        def look(group: Record) -> list[tuple[int, Object]] | None:
            known, place = group["objects"], Place(group["apiVersion"], group["kind"], group["path"])
            live = fetch(kube, place, known)
            if any(name not in live or leaves(live[name]) or self._seen(live[name]) != seen for name, (_, seen) in known.items()):
                return None
            return [(order, live[name]) for name, (order, _) in known.items() if not works(live[name])]

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                found = list(pool.map(look, record["groups"]))
            except (ApiError, NotLiveError):  # such as no right to list a kind, or a Job that has failed
                return None
        if any(one is None for one in found):
            return None
        return [obj for _, obj in sorted((each for one in found for each in one or []), key=itemgetter(0))]

    def keep(self, program: StackProgram, inputs: str | None, export: Callable[[], Mapping[str, Any]]) -> None:
        """Write the record after an `up` that began with these inputs and left the state that `export` gives; none where it isn't sure."""
        copy = self._store.copy(program.name)
        if inputs is None or self._kube is None or copy is None:
            return
        with suppress(BdcError):  # without a record the next run asks Pulumi
            groups = self._groups(self._kube, export()["deployment"])
            if groups is not None and self.inputs(program) == inputs:
                copy.keep_record({"format": FORMAT, "inputs": inputs, "groups": groups})

    def _groups(self, kube: Kube, deployment: Mapping[str, Any]) -> list[Record] | None:
        """The objects in the state, by place, as they are now; None where one isn't what the program declares."""
        resources = [one for one in deployment.get("resources") or [] if one.get("custom") and not one["type"].startswith("pulumi:")]
        if deployment.get("pending_operations") or any(not _finished(one) for one in resources):
            return None
        placed: dict[Place, dict[str, Mapping[str, Any]]] = {}
        order = {one["urn"]: number for number, one in enumerate(resources)}
        for one in resources:
            placed.setdefault(place_of(kube, one["outputs"]), {})[one["outputs"]["metadata"]["name"]] = one
        groups = []
        for place, known in placed.items():
            live = fetch(kube, place, known)
            if any(name not in live or not _is_as_declared(live[name], one) for name, one in known.items()):
                return None
            seen = {name: (order[one["urn"]], self._seen(live[name])) for name, one in known.items()}
            groups.append({"apiVersion": place.api_version, "kind": place.kind, "path": place.path, "objects": seen})
        return groups

    def _seen(self, obj: Object) -> str:
        """What stands for this very object as it is: another one of its name has another uid."""
        return self._sealed(obj["metadata"]["uid"], counted(obj))

    def _sealed(self, *what: object) -> str:
        text = json.dumps(what, sort_keys=True, separators=(",", ":"))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _finished(resource: Mapping[str, Any]) -> bool:
    """Whether a resource of the state is an object in Kubernetes that nothing is left to do about."""
    was = resource.get("outputs") or {}
    named = {"apiVersion", "kind"} <= was.keys() and {"name", "uid"} <= (was.get("metadata") or {}).keys()
    return named and resource["type"].startswith("kubernetes:") and not any(resource.get(key) for key in _UNFINISHED)


def _is_as_declared(live: Object, resource: Mapping[str, Any]) -> bool:
    from bdc.plugin.apply import observed
    from bdc.plugin.codec import SIGNATURE

    was = resource["outputs"]["metadata"]
    if live["metadata"]["uid"] != was["uid"] or live["metadata"].get("deletionTimestamp"):
        return False
    declared = {key: value for key, value in (resource.get("inputs") or {}).items() if not key.startswith("__")}
    if SIGNATURE in _keys(declared):
        return bool(live["metadata"]["resourceVersion"] == was.get("resourceVersion"))
    return bool(observed(live, declared) == declared)


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from _keys(one)
    elif isinstance(value, list):
        for one in value:
            yield from _keys(one)

"""Objects as the cluster has them now: all of a kind in a namespace with one request, and what of an object somebody may have changed.

What counts is everything but the status and what the API server keeps for itself. Of the metadata that is labels and annotations. A few
annotations, and the volume that a claim gets, are written by Kubernetes' controllers after an object was made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bdc.kube import ApiNotFoundError, Kube
from bdc.plugin.conditions import condition
from bdc.plugin.kinds import annotation
from bdc.plugin.readiness import waiting_for

Object = dict[str, Any]

_WORKLOADS = ("Deployment", "StatefulSet")
_CONTROLLERS: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("deployment.kubernetes.io/",),
    "PersistentVolumeClaim": ("pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/"),
}
"""Prefixes of annotations that controllers write, by kind.

https://kubernetes.io/docs/reference/labels-annotations-taints/
"""


@dataclass(frozen=True)
class Place:
    """Where objects of one kind are: in a namespace, or in the cluster. `path` is the collection's."""

    api_version: str
    kind: str
    path: str


def place_of(kube: Kube, obj: Mapping[str, Any]) -> Place:
    """The place of an object, by discovery. Raises UnknownKindError."""
    return Place(obj["apiVersion"], obj["kind"], kube.path(obj, collection=True))


def fetch(kube: Kube, place: Place, names: Collection[str]) -> dict[str, Object]:
    """Those of the named objects that are there, whole: a list's items don't say what they are."""
    if len(names) == 1:
        (name,) = names
        try:
            found = [kube.request("GET", f"{place.path}/{name}")]
        except ApiNotFoundError:
            found = []
    else:
        found = kube.request("GET", place.path)["items"]
    kind = {"apiVersion": place.api_version, "kind": place.kind}
    return {obj["metadata"]["name"]: {**obj, **kind} for obj in found if obj["metadata"]["name"] in names}


def counted(obj: Mapping[str, Any]) -> Object:
    """The object without its status and what only the server and controllers write."""
    metadata, kind = obj["metadata"], obj["kind"]
    theirs, annotations = _CONTROLLERS.get(kind, ()), metadata.get("annotations") or {}
    ours = {key: value for key, value in annotations.items() if not key.startswith(theirs)}
    found = {key: value for key, value in obj.items() if key not in ("status", "metadata")}
    if kind == "PersistentVolumeClaim":  # from then on the server lets nobody change it
        found["spec"] = {key: value for key, value in obj["spec"].items() if key != "volumeName"}
    return {**found, "metadata": {"labels": metadata.get("labels") or {}, "annotations": ours}}


def leaves(obj: Mapping[str, Any]) -> bool:
    """Whether somebody has begun to delete it."""
    return bool(obj["metadata"].get("deletionTimestamp"))


class Works:
    """Whether an object is ready as things are now: by the plugin's rules and, for a workload, by its pods.

    After a loss of power a workload's status may say for a while what was before it. Raises NotLiveError for what never will be.
    """

    def __init__(self, kube: Kube) -> None:
        self._kube, self._pods = kube, dict[str, list[Object]]()

    def __call__(self, obj: Object) -> bool:
        """Whether it is."""
        if annotation(obj, "skipAwait") == "true":
            return True
        if waiting_for(self._kube, obj):
            return False
        return obj["kind"] not in _WORKLOADS or _ready_pods(obj, self._pods_in(obj["metadata"]["namespace"])) >= obj["spec"]["replicas"]

    def _pods_in(self, namespace: str) -> list[Object]:
        if namespace not in self._pods:
            self._pods[namespace] = self._kube.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
        return self._pods[namespace]


def _ready_pods(workload: Object, pods: Iterable[Object]) -> int:
    """How many of the pods are the workload's, ready, and stay."""
    labels = (workload["spec"]["selector"].get("matchLabels") or {}).items()
    mine = [pod for pod in pods if labels <= (pod["metadata"].get("labels") or {}).items() and not leaves(pod)]
    return sum(condition(pod, "Ready").get("status") == "True" for pod in mine)

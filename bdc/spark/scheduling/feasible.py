"""Whether an application can ever begin: its Secrets are there, and some node could take its driver and its executors.

What a node could take is what it has for pods, less what stays on it: pods of DaemonSets and of the node itself, and on the only node all
that isn't an application. Whoever may not read nodes (ordinary users) hears from the scheduler instead; where nodes are added on demand,
nobody knows the largest one, so nothing is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bdc.config.quantity import cores, human, size
from bdc.errors import BdcError, UsageError
from bdc.kube import ApiConflictError, ApiError, ApiNotFoundError, Kube
from bdc.spark.admission import Amount, requests
from bdc.spark.application import SecretVariable
from bdc.spark.memory import spark_mebibytes
from bdc.spark.scheduling.sizing import driver_pod, executor

Json = Mapping[str, Any]
_MIB = 2**20
_EASILY = 4
"""Where a node has so many times what is asked for, what stays on it needn't be looked at."""

_STAY = {"Node", "DaemonSet"}
_STAY_ON_THE_ONLY_ONE = _STAY | {"ReplicaSet", "StatefulSet"}
_PASSING = "node.kubernetes.io/"
"""Taints that Kubernetes puts on a node for a time: not ready, under pressure, cordoned."""

_AUTOSCALERS = ("/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status", "/apis/karpenter.sh")
"""What is there where nodes are added on demand.

https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md (also GKE and AKS), https://karpenter.sh/docs/
"""


def check_secrets(kube: Kube, namespace: str, secrets: Iterable[SecretVariable]) -> None:
    """Raise UsageError for a Secret that isn't there. It isn't read: making it, as a trial only, would be a conflict."""
    for name in sorted({one.secret for one in secrets}):
        trial = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
        try:
            kube.request("POST", f"/api/v1/namespaces/{namespace}/secrets", trial, query={"dryRun": "All"})
        except ApiConflictError:
            continue
        except ApiError:
            return  # who may not even try hears from the kubelet
        raise UsageError(
            f"there is no Secret {name} in the namespace {namespace}",
            f"make it: kubectl -n {namespace} create secret generic {name} --from-literal=KEY=VALUE",
        )


def check_room(kube: Kube, entries: Mapping[str, str]) -> None:
    """Raise UsageError when no node could ever take the driver or an executor of these settings; it says what the largest could be."""
    wanted = {"driver": driver_pod(entries), "executor": executor(entries)}
    both = wanted["driver"] + wanted["executor"]
    try:
        nodes = [node for node in kube.request("GET", "/api/v1/nodes")["items"] if _usable(node)]
        if not nodes or any(both.times(_EASILY).fits(_allocatable(node)) for node in nodes) or _grows(kube):
            return
        rooms = _rooms(nodes, kube.request("GET", "/api/v1/pods")["items"])
    except (BdcError, ValueError):  # who may not look, or an unusual quantity: Kubernetes says it then
        return
    for role, amount in wanted.items():
        if not any(amount.fits(room) for room in rooms):
            raise _too_large(role, amount, rooms, entries)
    if len(rooms) == 1 and not both.fits(rooms[0]):
        raise UsageError(
            f"the driver and one executor ask for {both}, and the node has {rooms[0]} for applications",
            "ask for less (--driver-memory, --executor-memory)",
        )


def _usable(node: Json) -> bool:
    """Whether applications may run there: neither drivers nor executors tolerate a taint that stays."""
    taints = node["spec"].get("taints") or []
    return not any(one["effect"] in ("NoSchedule", "NoExecute") and not one["key"].startswith(_PASSING) for one in taints)


def _grows(kube: Kube) -> bool:
    """Whether nodes are added on demand."""
    for path in _AUTOSCALERS:
        try:
            kube.request("GET", path)
        except ApiNotFoundError:
            continue
        return True
    return False


def _rooms(nodes: Sequence[Json], pods: Iterable[Json]) -> list[Amount]:
    """What each node could give to applications if nothing ran that can go."""
    stay = _STAY_ON_THE_ONLY_ONE if len(nodes) == 1 else _STAY
    rooms = {node["metadata"]["name"]: _allocatable(node) for node in nodes}
    for pod in pods:
        owners = {owner["kind"] for owner in pod["metadata"].get("ownerReferences") or []}
        node = pod["spec"].get("nodeName")
        if node in rooms and owners & stay and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
            rooms[node] -= requests(pod)
    return list(rooms.values())


def _allocatable(node: Json) -> Amount:
    has = node["status"]["allocatable"]
    return Amount(cores(has["cpu"]), size(has["memory"]))


def _too_large(role: str, amount: Amount, rooms: Sequence[Amount], entries: Mapping[str, str]) -> UsageError:
    heap = spark_mebibytes(entries.get(f"spark.{role}.memory", "1g"), f"{role}-memory") * _MIB
    enough = [room.memory for room in rooms if amount.cpu <= room.cpu]
    most = int((max(enough, default=0.0) - (amount.memory - heap)) // _MIB)
    if most >= 1:
        return UsageError(
            f"{'an' if role == 'executor' else 'the'} {role} with --{role}-memory {heap // _MIB}m asks for {human(amount.memory)}, "
            "and no node can ever take it",
            f"the largest that fits: --{role}-memory {most}m",
        )
    cpu = max(room.cpu for room in rooms)
    key = "--driver-cores" if role == "driver" else "--conf spark.kubernetes.executor.request.cores"
    return UsageError(f"{key}: the {role} asks for {amount}, and no node can ever take it", f"the largest node has {cpu:.3g} cores for it")

"""Asks a host or a Kubernetes whether the cluster can be there, before anything is made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bdc import images
from bdc.cluster import Substrate
from bdc.config import workloads
from bdc.config.names import IMAGES
from bdc.config.quantity import cores, size
from bdc.errors import BdcError, NotFoundError, UnhealthyError, UsageError
from bdc.kube import Kube
from bdc.kube.wait import until
from bdc.lifecycle import disk
from bdc.lifecycle.capacity import Node, asks, check
from bdc.lifecycle.last_applied import refuse_fixed

if TYPE_CHECKING:
    from bdc.config.model import Config

_NODE_CPU, _NODE_MEMORY = 0.35, 900 * 2**20
"""What a new embedded node keeps for itself: requests of kube-system, and memory of its daemons."""

_PRESSURE_SECONDS, _POLL_SECONDS = 75.0, 2.0
_SHORT_OF = {"node.kubernetes.io/disk-pressure": "disk", "node.kubernetes.io/memory-pressure": "memory"}
"""Taints that pass by themselves once something was freed."""


def host(config: Config) -> str:
    """Whether this host, once it is a node, has CPU, memory and disk. Raises UnhealthyError."""
    memory = int(next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:")).split()[1]) * 1024
    count = float(len(os.sched_getaffinity(0)))
    fits = check(asks(config), [Node(os.uname().nodename, count, memory, count - _NODE_CPU, memory - _NODE_MEMORY)])
    to_build = config.images.registry is None and bool(images.missing(IMAGES))
    return f"{fits} · {disk.check(disk.needs(images_missing=to_build), workloads.volumes(config))}"


def ports(config: Config, substrate: Substrate) -> None:
    """Whether the endpoints' NodePorts are free of this host's own programs. Raises UnhealthyError."""
    if config.network.expose != "nodeport":
        return
    for endpoint in workloads.endpoints(config):
        if who := substrate.listener(endpoint.port):
            raise UnhealthyError(
                f"port {endpoint.port} ({endpoint.title}) is taken by {who}",
                "stop that program, or set network.expose to none and use `bdc connect`; nothing was made",
            )


def registry(config: Config) -> str:
    """Whether images.registry has every image of this release. Raises NotFoundError naming those it lacks.

    A registry that this machine can't ask may well answer the nodes: then their pulls decide, and a failing one ends `up` by its name.
    """
    if not (place := config.images.registry):
        return ""
    try:
        lacking = images.absent(IMAGES, place)
    except images.UnaskedError as error:
        return f"images not looked for ({error.message})"
    if lacking:
        raise NotFoundError(
            f"the registry lacks {', '.join(lacking)}",
            f"put this release's images there: bdc images push --registry {place}; nothing was made",
        )
    return f"{len(IMAGES)} images at {place}"


def fixed(config: Config, kube: Kube, storage_class: str | None) -> None:
    """Refuse what can't change in place, where the cluster answers now; `cluster` looks again. Raises UsageError."""
    try:
        refuse_fixed(config, kube, storage_class)
    except UsageError:
        raise
    except BdcError:  # a node that is stopped, or only starting
        return


def cluster(config: Config, kube: Kube, storage_class: str | None, *, say: Callable[[str], None] = lambda _: None) -> str:
    """Whether the Kubernetes has room, a storage class and free ports for this cluster.

    Raises UsageError where bdc.yaml wants of a cluster what can't change in place, else UnhealthyError.
    """
    refuse_fixed(config, kube, storage_class)
    _pressure(kube, say)
    fits = check(asks(config), nodes(kube, config.name))
    _storage_class(kube, storage_class)
    if config.network.expose == "nodeport":
        _services(kube, config)
    return fits


def nodes(kube: Kube, namespace: str) -> list[Node]:
    """Nodes that take pods, with what other namespaces' pods leave free."""
    pods = kube.request("GET", "/api/v1/pods", query={"fieldSelector": "status.phase!=Succeeded,status.phase!=Failed"})["items"]
    used: dict[str, tuple[float, int]] = {}
    for pod in pods:
        node = pod["spec"].get("nodeName")
        if node and pod["metadata"]["namespace"] != namespace:
            cpu, memory = used.get(node, (0.0, 0))
            more_cpu, more_memory = _requests(pod)
            used[node] = (cpu + more_cpu, memory + more_memory)
    return list(_free(_nodes(kube), used))


def _pressure(kube: Kube, say: Callable[[str], None]) -> None:
    """Wait where all nodes are short of disk or memory: one that was just freed takes pods again after a moment. Raises UnhealthyError."""
    text = short_of = ""

    def relieved() -> bool:
        nonlocal text, short_of
        every = _nodes(kube)
        found = [(node, taint["key"]) for node in every for taint in node["spec"].get("taints") or [] if taint["key"] in _SHORT_OF]
        if not found or len({node["metadata"]["name"] for node, _ in found}) < len(every):
            return True
        node, key = found[0]
        short_of = _SHORT_OF[key]
        text = f"node {node['metadata']['name']} is short of {short_of}, so it takes no pods"
        say(text)
        return False

    def late() -> UnhealthyError:
        return UnhealthyError(text, f"free some {short_of} on it (bdc doctor says more), then run bdc up again")

    until(relieved, late, seconds=_PRESSURE_SECONDS, pause_seconds=_POLL_SECONDS)


def _nodes(kube: Kube) -> list[dict[str, Any]]:
    return list(kube.request("GET", "/api/v1/nodes")["items"])


def _free(items: Iterable[dict[str, Any]], used: dict[str, tuple[float, int]]) -> Iterable[Node]:
    for node in items:
        name = node["metadata"]["name"]
        taints = node["spec"].get("taints") or []
        if node["spec"].get("unschedulable") or any(taint["effect"] in {"NoSchedule", "NoExecute"} for taint in taints):
            continue
        cpu, memory = cores(node["status"]["allocatable"]["cpu"]), size(node["status"]["allocatable"]["memory"])
        used_cpu, used_memory = used.get(name, (0.0, 0))
        yield Node(name, cpu, memory, cpu - used_cpu, memory - used_memory)


def _requests(pod: dict[str, Any]) -> tuple[float, int]:
    asked = [container.get("resources", {}).get("requests", {}) for container in pod["spec"]["containers"]]
    return sum(cores(one.get("cpu", "0")) for one in asked), sum(size(one.get("memory", "0")) for one in asked)


def _storage_class(kube: Kube, wanted: str | None) -> None:
    classes = kube.request("GET", "/apis/storage.k8s.io/v1/storageclasses")["items"]
    names = [one["metadata"]["name"] for one in classes]
    if wanted is not None and wanted not in names:
        there = ", ".join(names) or "none"
        raise UnhealthyError(f"there is no StorageClass {wanted} (there is: {there})", "set cluster.storage_class to one of them")
    default = "storageclass.kubernetes.io/is-default-class"
    if wanted is None and not any((one["metadata"].get("annotations") or {}).get(default) == "true" for one in classes):
        there = ", ".join(names) or "none"
        raise UnhealthyError(f"the Kubernetes has no default StorageClass (there is: {there})", "set cluster.storage_class to one of them")


def _services(kube: Kube, config: Config) -> None:
    ours = {endpoint.port: endpoint for endpoint in workloads.endpoints(config)}
    for service in kube.request("GET", "/api/v1/services")["items"]:
        for port in service["spec"].get("ports") or []:
            if port.get("nodePort") in ours and service["metadata"]["namespace"] != config.name:
                taken, metadata = ours[port["nodePort"]], service["metadata"]
                raise UnhealthyError(
                    f"port {taken.port} ({taken.title}) is taken by Service {metadata['namespace']}/{metadata['name']}",
                    "set network.expose to none for one of the two clusters and use `bdc connect`; nothing was made",
                )

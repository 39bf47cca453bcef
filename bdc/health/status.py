"""The status of a cluster: for each part the replicas that Kubernetes counts, and what the engine itself says.

A part is ready when every wanted replica is ready and its engine answers well. Everything is asked at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from bdc.config.model import PARTS, Config
from bdc.config.names import COMPONENT, INSTANCE, MANAGED_BY, PART, WORKLOADS, Workload
from bdc.errors import BdcError, NotFoundError
from bdc.health.probes import PROBES, Probe
from bdc.kube import ApiNotFoundError, Kube
from bdc.kube.diagnose import diagnose_pod

State = Literal["ready", "degraded", "down", "missing"]

TITLES = {
    "storage": "storage pool",
    "master": "SQL master",
    "metastore": "metastore",
    "federation": "federation",
    "spark": "Spark pool",
}
_OPTIONAL = {"trino-worker"}


@dataclass(frozen=True)
class PartStatus:
    """One part. `replicas` is ready/wanted for each workload, "1/1 1/1"; `age_seconds` that of its oldest pod, None without one."""

    name: str
    title: str
    ready: bool
    state: State
    replicas: str
    detail: str
    restarts: int
    age_seconds: float | None


@dataclass(frozen=True)
class ClusterStatus:
    """All parts; ready when each is."""

    cluster: str
    ready: bool
    parts: tuple[PartStatus, ...]


def status(kube: Kube, config: Config) -> ClusterStatus:
    """Ask Kubernetes and every engine. Raises NotFoundError when there is no such cluster, UnreachableError without Kubernetes."""
    with ThreadPoolExecutor(len(PARTS) + 4) as pool:
        probes = {part: pool.submit(_probed, probe, kube, config) for part, probe in PROBES.items()}
        kinds = {kind: pool.submit(_listed, kube, config.name, kind) for kind in ("StatefulSet", "Deployment")}
        pods = pool.submit(_pods, kube, config.name)
        there = {(kind, one["metadata"]["name"]): one for kind, found in kinds.items() for one in found.result()}
        if not there:
            for probe in probes.values():
                probe.cancel()
            raise NotFoundError(f"there is no cluster {config.name}", "bring it up with bdc up, or name another with -c")
        parts = tuple(_part(kube, name, there, pods.result(), probes[name].result()) for name in PARTS)
    return ClusterStatus(config.name, all(part.ready for part in parts), parts)


def _probed(probe: Probe, kube: Kube, config: Config) -> tuple[bool, str]:
    """What an engine says; a probe that can't ask is an engine that isn't well."""
    try:
        return probe(kube, config)
    except BdcError as error:
        return False, error.message
    except (OSError, ValueError, KeyError, IndexError) as error:
        return False, f"{type(error).__name__}: {error}"


def _listed(kube: Kube, namespace: str, kind: str) -> Sequence[dict[str, Any]]:
    path = f"/apis/apps/v1/namespaces/{namespace}/{kind.lower()}s"
    query = {"labelSelector": f"{MANAGED_BY}=bdc,{INSTANCE}={namespace}"}
    return list(kube.request("GET", path, query=query)["items"])


def _pods(kube: Kube, namespace: str) -> list[dict[str, Any]]:
    try:
        found = kube.request("GET", f"/api/v1/namespaces/{namespace}/pods", query={"labelSelector": f"{INSTANCE}={namespace}"})
    except ApiNotFoundError:
        return []
    return list(found["items"])


def _part(
    kube: Kube, name: str, there: dict[tuple[str, str], dict[str, Any]], pods: Sequence[dict[str, Any]], probe: tuple[bool, str]
) -> PartStatus:
    workloads = [one for one in WORKLOADS if one.part == name and ((one.kind, one.name) in there or one.name not in _OPTIONAL)]
    counts = [_count(there.get((one.kind, one.name))) for one in workloads]
    names = {one.name for one in workloads}
    own = [pod for pod in pods if pod["metadata"]["labels"].get(PART) == name and pod["metadata"]["labels"].get(COMPONENT) in names]
    complete = all(wanted > 0 and ready >= wanted for ready, wanted in counts)
    answers, detail = probe
    state: State = "ready" if complete and answers else "degraded" if any(ready for ready, _ in counts) else "down"
    if not any((one.kind, one.name) in there for one in workloads):
        state = "missing"
    if not complete:
        detail = _trouble(kube, own) or _short(workloads, counts) or detail
    ages = [_age(pod) for pod in own if pod["status"].get("startTime")]
    return PartStatus(
        name=name,
        title=TITLES[name],
        ready=state == "ready",
        state=state,
        replicas=" ".join(f"{ready}/{wanted}" for ready, wanted in counts),
        detail=detail,
        restarts=sum(one.get("restartCount", 0) for pod in own for one in pod["status"].get("containerStatuses") or []),
        age_seconds=max(ages, default=None),
    )


def _count(workload: dict[str, Any] | None) -> tuple[int, int]:
    """Ready and wanted replicas. A workload that isn't there, or is scaled away, lacks one: every workload of a cluster has a pod."""
    if workload is None:
        return 0, 1
    return workload.get("status", {}).get("readyReplicas", 0), max(1, workload["spec"].get("replicas", 1))


def _trouble(kube: Kube, pods: Sequence[dict[str, Any]]) -> str:
    found = next((found for pod in pods if (found := diagnose_pod(kube, pod))), None)
    return str(found).splitlines()[0] if found else ""


def _short(workloads: Sequence[Workload], counts: Sequence[tuple[int, int]]) -> str:
    lacking = [f"{one.title}: {ready} of {wanted} ready" for one, (ready, wanted) in zip(workloads, counts, strict=True) if ready < wanted]
    return "; ".join(lacking)


def _age(pod: dict[str, Any]) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(pod["status"]["startTime"])).total_seconds()

"""What Kubernetes says of a cluster at one moment: workloads, pods, nodes, Spark pools and their Connect servers, the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bdc.config import workloads
from bdc.config.names import COMPONENT, INSTANCE, MANAGED_BY, selector
from bdc.config.workloads import Workload
from bdc.errors import NotFoundError
from bdc.kube import ApiError, ApiForbiddenError, ApiNotFoundError, Kube
from bdc.kube.configuration import applied
from bdc.kube.selector import label_selector
from bdc.spark.scheduling.pools import Pool, pools

if TYPE_CHECKING:
    from bdc.config.dotted import Plain

Json = Mapping[str, Any]

_CONNECT = "spark-connect"


@dataclass(frozen=True)
class Observed:
    """One workload as it is: its object (None when it isn't there), its pods, replicas ready and wanted."""

    workload: Workload
    obj: Json | None
    pods: tuple[Json, ...]

    @property
    def wanted(self) -> int:
        """Replicas that are asked for, at least one: what somebody scaled away is missing."""
        return max(1, int(self.obj["spec"].get("replicas", 1))) if self.obj else 0

    @property
    def ready(self) -> int:
        """Pods that are ready, of the newest template or not."""
        return min(sum(map(is_ready, self.pods)), self.wanted)

    @property
    def restarts(self) -> int:
        """Restarts of all containers of its pods."""
        return sum(int(one.get("restartCount", 0)) for pod in self.pods for one in pod.get("status", {}).get("containerStatuses") or [])

    @property
    def since(self) -> datetime | None:
        """When it was made."""
        return time(self.obj["metadata"]["creationTimestamp"]) if self.obj else None


@dataclass(frozen=True)
class Snapshot:
    """A cluster at one moment. `nodes` is empty where we may not see them, and so is `applied`, the configuration by dotted key, which is
    there once an `up` has finished.
    """

    cluster: str
    workloads: tuple[Observed, ...]
    pods: tuple[Json, ...]
    nodes: tuple[Json, ...]
    pools: tuple[Pool, ...]
    applied: Mapping[str, Plain]

    def workload(self, name: str) -> Observed:
        """One workload by its name."""
        return next(one for one in self.workloads if one.workload.name == name)

    def of(self, part: str) -> list[Observed]:
        """The workloads of a part that are there or should be."""
        return [one for one in self.workloads if one.workload.part == part and (one.obj or one.workload.asked_for(self.applied))]


def observe(kube: Kube, cluster: str) -> Snapshot:
    """Look at a cluster. Raises NotFoundError when its namespace isn't there or isn't bdc's."""
    with ThreadPoolExecutor(6) as pool:
        there = pool.submit(_check, kube, cluster)
        paths = {kind: f"/apis/apps/v1/namespaces/{cluster}/{kind.lower()}s" for kind in ("StatefulSet", "Deployment")}
        asked = {kind: pool.submit(_list, kube, path, {INSTANCE: cluster}) for kind, path in paths.items()}
        asked["Pod"] = pool.submit(_pods, kube, cluster)
        nodes = pool.submit(_nodes, kube)
        spark_pools = pool.submit(pools, kube, cluster)
        configuration = pool.submit(_applied, kube, cluster)
        there.result()
        objects = {(kind, obj["metadata"]["name"]): obj for kind in paths for obj in asked[kind].result()}
        pods = tuple(asked["Pod"].result())
        observed = tuple(Observed(one, objects.get((one.kind, one.name)), _of(pods, one.name)) for one in workloads.WORKLOADS)
        servers = pool.map(lambda one: _connect_server(kube, cluster, one), spark_pools.result())
        observed += tuple(one for one in servers if one)
        return Snapshot(cluster, observed, pods, tuple(nodes.result()), tuple(spark_pools.result()), configuration.result())


def cluster_pods(kube: Kube, cluster: str) -> list[Json]:
    """The pods of a cluster and nothing else of it. Raises NotFoundError as `observe`."""
    _check(kube, cluster)
    return _pods(kube, cluster)


def is_ready(pod: Json) -> bool:
    """Whether a pod is ready and stays."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod.get("status", {}).get("conditions") or [])


def ready_pod(observed: Observed) -> str | None:
    """The name of a pod that can be asked."""
    return next((str(pod["metadata"]["name"]) for pod in observed.pods if is_ready(pod)), None)


def time(text: str) -> datetime:
    """A Kubernetes time."""
    return datetime.fromisoformat(text)


def _of(pods: Sequence[Json], component: str) -> tuple[Json, ...]:
    return tuple(pod for pod in pods if pod["metadata"].get("labels", {}).get(COMPONENT) == component)


def _connect_server(kube: Kube, cluster: str, pool: Pool) -> Observed | None:
    """A Spark pool's own Connect server; None where it has none, or we may not see it."""
    of = next(one for one in workloads.WORKLOADS if one.name == _CONNECT)
    try:
        found = kube.request("GET", f"/apis/apps/v1/namespaces/{pool.namespace}/deployments/{_CONNECT}", timeout=5)
        pods = _list(kube, f"/api/v1/namespaces/{pool.namespace}/pods", selector(cluster, _CONNECT))
    except (ApiNotFoundError, ApiForbiddenError):
        return None
    return Observed(replace(of, title=f"{of.title} of pool {pool.name}"), found, tuple(pods))


def _check(kube: Kube, cluster: str) -> None:
    try:
        found = kube.request("GET", f"/api/v1/namespaces/{cluster}", timeout=5)
    except ApiNotFoundError:
        raise _absent(cluster) from None
    if found["metadata"].get("labels", {}).get(MANAGED_BY) != "bdc":
        raise _absent(cluster)


def _pods(kube: Kube, cluster: str) -> list[Json]:
    return _list(kube, f"/api/v1/namespaces/{cluster}/pods", {INSTANCE: cluster})


def _list(kube: Kube, path: str, labels: Mapping[str, str]) -> list[Json]:
    return list(kube.request("GET", path, query={"labelSelector": label_selector(labels)}, timeout=5).get("items") or [])


def _nodes(kube: Kube) -> list[Json]:
    try:
        return list(kube.request("GET", "/api/v1/nodes", timeout=5).get("items") or [])
    except ApiError:
        return []


def _applied(kube: Kube, cluster: str) -> dict[str, Plain]:
    try:
        return applied(kube, cluster, timeout=5)
    except (ApiError, ValueError):
        return {}


def _absent(cluster: str) -> NotFoundError:
    return NotFoundError(f"there is no cluster {cluster} here", "make it: bdc up; or name another: bdc --cluster NAME status")

"""Where applications run: in the cluster's own namespace, or in those of its pools, and how full these are.

A pool is a namespace with the label `bdc.dev/pool`. Names of applications are a pool's own; whoever names one without its pool means
the only one of this name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bdc.config.names import INSTANCE, POOL, pool_namespace
from bdc.errors import NotFoundError, UsageError
from bdc.kube import ApiForbiddenError, ApiNotFoundError, Kube
from bdc.kube.selector import label_selector
from bdc.spark.queries import job_path

DEFAULT = "default"
"""The pool of applications that name none, where several are."""


@dataclass(frozen=True)
class Pool:
    """Where applications run; without a name the cluster's own namespace, which is the place where there are no pools."""

    name: str | None
    namespace: str


@dataclass(frozen=True)
class PoolStatus:
    """How full a pool is: applications that have begun and that wait, and CPU (cores) and memory (bytes) of those that have begun.

    The limits are None where the pool has none; `waiting` has the next application first.
    """

    name: str
    running: int
    waiting: tuple[str, ...]
    cpu: float
    cpu_limit: float | None
    memory: float
    memory_limit: float | None


def pools(kube: Kube, cluster: str) -> list[Pool]:
    """The pools of a cluster by name, or those open to an ordinary user; none where we may not look for them."""
    if person := kube.person:
        return [Pool(name, pool_namespace(cluster, name)) for name in person.pools]
    try:
        query = {"labelSelector": label_selector({INSTANCE: cluster, POOL: None})}
        found = kube.request("GET", "/api/v1/namespaces", query=query)["items"]
    except ApiForbiddenError:
        return []
    return sorted((Pool(one["metadata"]["labels"][POOL], one["metadata"]["name"]) for one in found), key=lambda pool: str(pool.name))


def places(kube: Kube, cluster: str) -> list[Pool]:
    """Everywhere where applications of a cluster may be: its own namespace first, then its pools, which are all that is open to users."""
    return [*([] if kube.person else [Pool(None, cluster)]), *pools(kube, cluster)]


def chosen(kube: Kube, cluster: str, wanted: str | None) -> Pool:
    """Where an application is to run. Raises UsageError where that has to be said, and for a pool that isn't there."""
    found = pools(kube, cluster)
    if wanted is not None:
        return named(found, wanted)
    if not found:
        check_open(kube)
        return Pool(None, cluster)
    if len(found) == 1:
        return found[0]
    if default := [pool for pool in found if pool.name == DEFAULT]:
        return default[0]
    raise UsageError("there are several pools, and none is named", f"add --pool; pools: {_names(found)}")


def holding(kube: Kube, cluster: str, name: str, pool: str | None = None, path: Callable[[str, str], str] = job_path) -> Pool:
    """Where the application (or by `path` the schedule) of this name is. Raises UsageError when several pools have one.

    Where nobody has one, the first place is as good as any for saying so.
    """
    found = places(kube, cluster) if pool is None else [named(pools(kube, cluster), pool)]
    if not found:
        check_open(kube)
    if len(found) == 1:
        return found[0]
    there = [place for place in found if _has(kube, path(place.namespace, name))]
    if len(there) > 1:
        raise UsageError(f"there are several {name}", f"name its pool with --pool: {_names(there)}")
    return (there or found)[0]


def check_open(kube: Kube) -> None:
    """Raise UsageError for an ordinary user to whom no pool is open."""
    if (person := kube.person) and not person.pools:
        raise UsageError(
            f"no Spark pool of the cluster {person.cluster} is open to {person.name}; bdc hdfs and bdc sql are",
            f"its administrator opens one and makes a new file: bdc context export {person.name} --pool NAME -f FILE",
        )


def pool_status(kube: Kube, pool: Pool) -> PoolStatus:
    """How full a pool is."""
    from bdc.spark.admission import UNBOUNDED, bounds, queue, runs, taken
    from bdc.spark.defaults import defaults_of
    from bdc.spark.scheduling.queueing import unfinished

    limit = bounds(defaults_of(kube, pool.namespace))
    jobs, pods = unfinished(kube, pool.namespace)
    used, most = taken(jobs, pods), limit or UNBOUNDED
    return PoolStatus(
        name=pool.name or "",
        running=sum(map(runs, jobs)),
        waiting=tuple(job["metadata"]["name"] for job in queue(jobs)),
        cpu=round(used.cpu, 3),
        cpu_limit=None if most.cpu == UNBOUNDED.cpu else most.cpu,
        memory=used.memory,
        memory_limit=None if most.memory == UNBOUNDED.memory else most.memory,
    )


def named(found: list[Pool], name: str) -> Pool:
    """The pool of this name. Raises NotFoundError."""
    for pool in found:
        if pool.name == name:
            return pool
    names = _names(found)
    raise NotFoundError(f"there is no pool {name}", f"pools: {names}" if names else "pools are set in bdc.yaml: spark.pools.NAME")


def _names(found: list[Pool]) -> str:
    return ", ".join(str(pool.name) for pool in found if pool.name)


def _has(kube: Kube, path: str) -> bool:
    try:
        kube.request("GET", path)
    except ApiNotFoundError:
        return False
    return True

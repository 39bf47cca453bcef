"""What a configuration asks of its nodes, and whether they have it: the sum that preflight makes before anything is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bdc.config import workloads
from bdc.config.quantity import cores, human, human_of, size
from bdc.errors import UnhealthyError

if TYPE_CHECKING:
    from bdc.config.model import Config, Resources

_AUTH_PROXY = (0.01, 24 * 2**20)


@dataclass(frozen=True)
class PodRequest:
    """Requests of one kind of pod; `memory` in bytes, each for one pod."""

    name: str
    part: str
    replicas: int
    cpu: float
    memory: int


@dataclass(frozen=True)
class Node:
    """A node's allocatable capacity and what is left of it beside this cluster's own pods; memory in bytes."""

    name: str
    cpu: float
    memory: int
    free_cpu: float
    free_memory: int


def asks(config: Config) -> list[PodRequest]:
    """Every pod that `up` makes, and one Spark application with one executor."""
    return list(_asks(config))


def _asks(config: Config) -> Iterator[PodRequest]:
    spark = config.spark
    for one in workloads.WORKLOADS:
        if replicas := one.replicas(config):
            yield _ask(one.title, one.part, replicas, workloads.value(config, one.resources), auth_proxy=one.auth_proxy)
    if connects := sum(pool.connect for pool in spark.pools.values()):
        yield _ask("pools' Spark Connect", "spark", connects, spark.connect)
    heap = size(spark.driver_memory) + size(spark.memory_overhead)
    yield PodRequest("Spark driver", "spark", 1, cores(spark.cpu), heap)
    yield PodRequest("Spark executor", "spark", 1, cores(spark.cpu), size(spark.executor_memory) + size(spark.memory_overhead))


def _ask(name: str, part: str, replicas: int, of: Resources, *, auth_proxy: bool = False) -> PodRequest:
    extra_cpu, extra_memory = _AUTH_PROXY if auth_proxy else (0.0, 0)
    return PodRequest(name, part, replicas, cores(of.cpu) + extra_cpu, size(of.memory) + extra_memory)


def total(asked: Sequence[PodRequest]) -> tuple[float, int]:
    """Sum of CPU (cores) and memory (bytes)."""
    return sum(ask.cpu * ask.replicas for ask in asked), sum(ask.memory * ask.replicas for ask in asked)


def check(asked: Sequence[PodRequest], nodes: Sequence[Node]) -> str:
    """One line that says it fits. Raises UnhealthyError with what is missing and which setting to lower.

    Pods are placed largest first, each on the node with most free memory, as the scheduler's default spreads them; what does not
    fit here will not fit there either, but for rare packings.
    """
    cpu, memory = total(asked)
    free = {node.name: [node.free_cpu, float(node.free_memory)] for node in nodes}
    for ask in sorted(asked, key=lambda one: -one.memory):
        for _ in range(ask.replicas):
            fitting = [name for name, left in free.items() if left[0] >= ask.cpu - 1e-9 and left[1] >= ask.memory]
            if not fitting:
                raise _too_little(ask, asked, nodes)
            best = max(fitting, key=lambda name: free[name][1])
            free[best][0] -= ask.cpu
            free[best][1] -= ask.memory
    have_cpu, have_memory = sum(node.free_cpu for node in nodes), sum(node.free_memory for node in nodes)
    return f"CPU {cpu:.2f} of {have_cpu:.2f} · memory {human_of(memory, have_memory)}"


def _too_little(ask: PodRequest, asked: Sequence[PodRequest], nodes: Sequence[Node]) -> UnhealthyError:
    cpu, memory = total(asked)
    have_cpu, have_memory = sum(node.free_cpu for node in nodes), sum(node.free_memory for node in nodes)
    largest = max(asked, key=lambda one: one.memory * one.replicas)
    where = nodes[0].name if len(nodes) == 1 else f"{len(nodes)} nodes"
    return UnhealthyError(
        f"the cluster doesn't fit on {where}: it asks {cpu:.2f} cores and {human(memory)} (with one Spark driver and executor), "
        f"{have_cpu:.2f} cores and {human(have_memory)} are free; cannot schedule: {ask.name}",
        f"lower what the largest asks ({largest.name}: {human(largest.memory * largest.replicas)}) with `bdc config set`, "
        f"add a node, or free resources; nothing was made",
    )

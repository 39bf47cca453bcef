"""Who may begin in a pool with bounds, and who may grow: pure arithmetic on Jobs and pods as the API has them.

An application asks for its driver and the executors that it begins with. It holds these, or what its pods request where that is more.
What waits begins by priority, then in the order of its creation, and nobody overtakes: a small application doesn't begin before a large
one that waits, or the large one would wait for ever. One that asks for more than the whole pool stands aside.

Executors are made behind a scheduling gate. The gate opens for those that an application has asked for, and for more of them, in turn,
where there is room and nobody waits to begin. (Not a ResourceQuota: Spark takes an executor that the API server refuses for one that
failed, and ends the application after some of them; one behind a gate is only pending.)

Everybody who looks at the same objects comes to the same answer. So each submit looks for itself, and waits for nobody when there is
room; the controller looks for those that found none, and opens the gates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Self

from bdc.config.names import APPLICATION, COMPONENT, POOL_GATE
from bdc.config.quantity import cores, human, size
from bdc.spark.labels import ADMISSION, ASKS, DRIVER, JOB, KILLED, PRIORITY, QUEUED, RELEASED

Json = Mapping[str, Any]
_SLACK = 1e-6  # of cores, which are sums of decimal fractions


@dataclass(frozen=True)
class Amount:
    """CPU in cores and memory in bytes."""

    cpu: float = 0.0
    memory: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.cpu + other.cpu, self.memory + other.memory)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.cpu - other.cpu, self.memory - other.memory)

    def at_least(self, other: Amount) -> Amount:
        """The larger of both, each for itself."""
        return Amount(max(self.cpu, other.cpu), max(self.memory, other.memory))

    def fits(self, room: Amount) -> bool:
        """Whether there is room for it."""
        return self.cpu <= room.cpu + _SLACK and self.memory <= room.memory

    def times(self, count: int) -> Amount:
        """So many of it."""
        return Amount(self.cpu * count, self.memory * count)

    def __str__(self) -> str:
        cpu = f"{self.cpu:.3g} core{'s' * (self.cpu != 1)}" if isfinite(self.cpu) else ""
        memory = human(self.memory) if isfinite(self.memory) else ""
        return " and ".join(filter(None, (cpu, memory)))

    @property
    def text(self) -> str:
        """As an annotation has it."""
        return f"{self.cpu:.3f} {self.memory:.0f}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From an annotation; what isn't one is nothing."""
        try:
            cpu, memory = text.split()
            return cls(float(cpu), float(memory))
        except ValueError:
            return cls()


UNBOUNDED = Amount(inf, inf)

MAX_CPU, MAX_MEMORY = "spark.bdc.maxCpu", "spark.bdc.maxMemory"
"""Settings of a pool that bdc reads: its bounds, as quantities."""


def bounds(settings: Mapping[str, str]) -> Amount | None:
    """A pool's bounds, from its settings (infinite where only the other is set); None where it has none."""
    cpu, memory = settings.get(MAX_CPU), settings.get(MAX_MEMORY)
    if cpu is None and memory is None:
        return None
    return Amount(inf if cpu is None else cores(cpu), inf if memory is None else size(memory))


def taken(jobs: Sequence[Json], pods: Iterable[Json]) -> Amount:
    """What the applications that have begun hold of a pool."""
    requested: dict[str, Amount] = {}
    for pod in pods:
        if _lives(pod) and not gated(pod):
            requested[_application(pod)] = requested.get(_application(pod), Amount()) + requests(pod)
    begun = {job["metadata"]["name"]: asks(job) for job in jobs if runs(job)}
    total = Amount()
    for name in {*requested, *begun}:
        total += requested.get(name, Amount()).at_least(begun.get(name, Amount()))
    return total


def admissible(jobs: Sequence[Json], pods: Iterable[Json], limit: Amount) -> list[str]:
    """Names of the applications that may begin now, in their order."""
    free = limit - taken(jobs, pods)
    names = []
    for job in queue(jobs):
        if not asks(job).fits(limit):
            continue
        if not asks(job).fits(free):
            break
        free -= asks(job)
        names.append(str(job["metadata"]["name"]))
    return names


def openable(jobs: Sequence[Json], pods: Sequence[Json], limit: Amount) -> list[str]:
    """Names of the executors' pods whose gate may open now."""
    asked = {job["metadata"]["name"]: asks(job) for job in jobs}
    order = [
        job["metadata"]["name"] for job in sorted(jobs, key=lambda job: (job["metadata"]["creationTimestamp"], job["metadata"]["name"]))
    ]
    closed: dict[str, list[Json]] = {name: [] for name in order}
    for pod in sorted(filter(gated, pods), key=lambda pod: (len(pod["metadata"]["name"]), pod["metadata"]["name"])):
        closed.setdefault(_application(pod), []).append(pod)
    opened = []
    for name, waiting in closed.items():
        held = taken([], [pod for pod in pods if _application(pod) == name])
        while waiting and (held + requests(waiting[0])).fits(asked.get(name, Amount())):
            held += requests(waiting[0])
            opened.append(str(waiting.pop(0)["metadata"]["name"]))
    if any(asks(job).fits(limit) for job in queue(jobs)):
        return opened
    free = limit - taken(jobs, pods)
    while growing := [waiting for waiting in closed.values() if waiting and requests(waiting[0]).fits(free)]:
        for waiting in growing:
            if requests(waiting[0]).fits(free):
                free -= requests(waiting[0])
                opened.append(str(waiting.pop(0)["metadata"]["name"]))
    return opened


def gated(pod: Json) -> bool:
    """Whether a pod waits behind the pool's gate."""
    return any(gate["name"] == POOL_GATE for gate in pod["spec"].get("schedulingGates") or [])


def queue(jobs: Iterable[Json]) -> list[Json]:
    """The Jobs that wait, the next one first."""
    return sorted(filter(waits, jobs), key=lambda job: (-_priority(job), job["metadata"]["creationTimestamp"], job["metadata"]["name"]))


def waits(job: Json) -> bool:
    """Whether a Job is in its pool's queue: submitted completely, not begun, not ended."""
    metadata = job["metadata"]
    queued = metadata.get("labels", {}).get(ADMISSION) == QUEUED and bool(job["spec"].get("suspend"))
    annotations = metadata.get("annotations") or {}
    return queued and RELEASED in annotations and KILLED not in annotations


def runs(job: Json) -> bool:
    """Whether a Job has begun and not ended."""
    return not job["spec"].get("suspend") and not ended(job)


def ended(job: Json) -> bool:
    """Whether a Job is over."""
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in job.get("status", {}).get("conditions") or [])


def asks(job: Json) -> Amount:
    """What a Job asks for to begin with; never less than its driver, whatever the Job says."""
    driver = job["spec"].get("template")
    return Amount.parse((job["metadata"].get("annotations") or {}).get(ASKS, "")).at_least(requests(driver) if driver else Amount())


def _priority(job: Json) -> int:
    return int(job["metadata"]["annotations"].get(PRIORITY, "0"))


def _lives(pod: Json) -> bool:
    return pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")


def _application(pod: Json) -> str:
    of = pod["metadata"].get("labels", {})
    return str(of.get(JOB if of.get(COMPONENT) == DRIVER else APPLICATION, ""))


def requests(pod: Json) -> Amount:
    """What a pod asks of its node."""
    total = Amount()
    for container in pod["spec"]["containers"]:
        wanted = container.get("resources", {}).get("requests") or {}
        total += Amount(cores(wanted.get("cpu", "0")), size(wanted.get("memory", "0")))
    return total

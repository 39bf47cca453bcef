"""Who may begin in a pool with bounds: pure arithmetic on Jobs and pods as the API has them.

An application asks for its driver and the executors that it begins with; it takes these, or what its pods request now where that is
more. What waits is admitted by priority, then in the order of its creation, and nobody overtakes: a small application doesn't begin
before a large one that waits, or the large one would wait for ever. One that asks for more than the whole pool stands aside.

Everybody who looks at the same objects comes to the same answer. So each submit looks for itself, and waits for nobody when there is
room; the controller looks for those that found none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from bdc.config.names import COMPONENT
from bdc.config.quantity import cores, human, size
from bdc.spark.labels import ADMISSION, APPLICATION, ASKS, DRIVER, JOB, KILLED, PRIORITY, QUEUED, RELEASED

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
        return f"{self.cpu:.3g} core{'s' * (self.cpu != 1)} and {human(self.memory)}"

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


UNBOUNDED = Amount(float("inf"), float("inf"))


def bounds(quota: Json) -> Amount:
    """What a pool's ResourceQuota allows; infinite where it says nothing."""
    hard = quota.get("spec", {}).get("hard") or {}
    cpu, memory = hard.get("requests.cpu"), hard.get("requests.memory")
    return Amount(UNBOUNDED.cpu if cpu is None else cores(cpu), UNBOUNDED.memory if memory is None else size(memory))


def taken(jobs: Sequence[Json], pods: Iterable[Json]) -> Amount:
    """What the applications that have begun take of a pool."""
    requested: dict[str, Amount] = {}
    for pod in pods:
        if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
            of = pod["metadata"].get("labels", {})
            name = str(of.get(JOB if of.get(COMPONENT) == DRIVER else APPLICATION, ""))
            requested[name] = requested.get(name, Amount()) + _requests(pod)
    begun = {job["metadata"]["name"]: asks(job) for job in jobs if not job["spec"].get("suspend") and not ended(job)}
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


def queue(jobs: Iterable[Json]) -> list[Json]:
    """The Jobs that wait, the next one first."""
    return sorted(filter(waits, jobs), key=lambda job: (-_priority(job), job["metadata"]["creationTimestamp"], job["metadata"]["name"]))


def waits(job: Json) -> bool:
    """Whether a Job is in its pool's queue: submitted completely, not begun, not ended."""
    metadata = job["metadata"]
    queued = metadata.get("labels", {}).get(ADMISSION) == QUEUED and bool(job["spec"].get("suspend"))
    annotations = metadata.get("annotations") or {}
    return queued and RELEASED in annotations and KILLED not in annotations


def ended(job: Json) -> bool:
    """Whether a Job is over."""
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in job.get("status", {}).get("conditions") or [])


def asks(job: Json) -> Amount:
    """What a Job asks for to begin with."""
    return Amount.parse((job["metadata"].get("annotations") or {}).get(ASKS, ""))


def _priority(job: Json) -> int:
    return int(job["metadata"]["annotations"].get(PRIORITY, "0"))


def _requests(pod: Json) -> Amount:
    total = Amount()
    for container in pod["spec"]["containers"]:
        wanted = container.get("resources", {}).get("requests") or {}
        total += Amount(cores(wanted.get("cpu", "0")), size(wanted.get("memory", "0")))
    return total

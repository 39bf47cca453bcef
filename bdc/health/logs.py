"""The logs of a part or a workload: all its pods and containers in one stream, in the order of time."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bdc.config import workloads
from bdc.config.names import COMPONENT, INSTANCE, PART
from bdc.errors import NotFoundError
from bdc.health.snapshot import Json, cluster_pods
from bdc.kube import ApiError, Kube, UnreachableError
from bdc.kube.podlog import Moment, PodLog


@dataclass(frozen=True)
class LogSource:
    """One container of one pod; `several` says whether the pod has more than one."""

    pod: str
    container: str
    several: bool

    @property
    def label(self) -> str:
        """What stands before its lines."""
        return f"{self.pod}/{self.container}" if self.several else self.pod


@dataclass(frozen=True)
class LogLine:
    """One line of one container's log."""

    source: str
    text: str


@dataclass(frozen=True)
class Wanted:
    """Which lines: of one container, since some seconds ago, the last `tail` of each container, of the run before the last restart."""

    container: str | None = None
    since_seconds: int | None = None
    tail: int | None = None
    previous: bool = field(default=False, kw_only=True)


def sources(kube: Kube, cluster: str, name: str, container: str | None = None) -> list[LogSource]:
    """The containers that `name` (a part, a workload or a pod) stands for. Raises NotFoundError."""
    pods = cluster_pods(kube, cluster)
    chosen = [pod for pod in pods if name in (pod["metadata"]["name"], *_named(pod))]
    if not chosen:
        known = ", ".join(dict.fromkeys([*(part.name for part in workloads.PARTS), *(one.name for one in workloads.WORKLOADS)]))
        raise NotFoundError(f"{cluster} has no pods of {name}", f"name a part, a workload or a pod: {known}")
    found = [source for pod in chosen for source in _containers(pod, container)]
    if not found:
        there = sorted({source.container for pod in chosen for source in _containers(pod, None)})
        raise NotFoundError(f"{name} has no container {container}", f"there are: {', '.join(there)}")
    return found


def logs(
    kube: Kube,
    cluster: str,
    name: str,
    wanted: Wanted | None = None,
    *,
    follow: bool = False,
    poll_seconds: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[LogLine]:
    """Yield lines; with `follow` go on for ever, also with pods that come later. Raises NotFoundError."""
    wanted = wanted or Wanted()
    open_logs: dict[LogSource, PodLog] = {}
    while True:
        try:
            for source in sources(kube, cluster, name, wanted.container):
                open_logs.setdefault(source, _open(kube, cluster, source, wanted))
        except (UnreachableError, NotFoundError):
            if not open_logs:
                raise
        yield from _merged(open_logs, final=not follow)
        if not follow:
            return
        sleep(poll_seconds)


def _merged(open_logs: dict[LogSource, PodLog], *, final: bool) -> Iterator[LogLine]:
    batches = []
    for source, log in open_logs.items():
        batches.append([(moment, source.label, line) for moment, line in _read(log, final=final)])
    for _, label, line in heapq.merge(*batches, key=lambda entry: entry[0]):
        yield LogLine(label, line)


def _read(log: PodLog, *, final: bool) -> list[tuple[Moment, str]]:
    try:
        return log.read_timed(final=final)
    except UnreachableError:
        if final:
            raise
    except ApiError as error:
        if error.code not in (400, 404) and not (error.code >= 500 and not final):  # not begun, gone, or no previous run
            raise
    return []


def _open(kube: Kube, cluster: str, source: LogSource, wanted: Wanted) -> PodLog:
    return PodLog(
        kube, cluster, source.pod, source.container, since_seconds=wanted.since_seconds, tail=wanted.tail, previous=wanted.previous
    )


def _named(pod: Json) -> tuple[str, ...]:
    labels = pod["metadata"].get("labels") or {}
    return tuple(str(labels[key]) for key in (PART, COMPONENT) if key in labels) if INSTANCE in labels else ()


def _containers(pod: Json, wanted: str | None) -> list[LogSource]:
    names = [one["name"] for kind in ("initContainers", "containers") for one in pod["spec"].get(kind) or []]
    return [LogSource(pod["metadata"]["name"], name, len(names) > 1) for name in names if wanted in (None, name)]

"""The logs of what runs, by part or workload, from all its pods at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bdc.config.model import PARTS
from bdc.config.names import COMPONENT, INSTANCE, PART
from bdc.errors import NotFoundError
from bdc.kube import Kube
from bdc.kube.podlog import PodLog


@dataclass(frozen=True)
class LogSource:
    """One container of one pod."""

    pod: str
    container: str

    def __str__(self) -> str:
        return f"{self.pod}/{self.container}"


def sources(kube: Kube, cluster: str, name: str, container: str | None = None) -> list[LogSource]:
    """The containers of a part, a workload or a pod. Raises NotFoundError when nothing has that name."""
    pods = kube.request("GET", f"/api/v1/namespaces/{cluster}/pods", query={"labelSelector": f"{INSTANCE}={cluster}"})["items"]
    found = [pod for pod in pods if name in _names(pod)]
    listed = [
        LogSource(pod["metadata"]["name"], one["name"])
        for pod in sorted(found, key=lambda pod: str(pod["metadata"]["name"]))
        for one in [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
        if container in {None, one["name"]}
    ]
    if not listed:
        workloads = sorted({str(pod["metadata"]["labels"].get(COMPONENT)) for pod in pods})
        of = f" with a container {container}" if container and found else ""
        raise NotFoundError(
            f"nothing that runs is called {name}{of}", f"parts: {', '.join(PARTS)}; workloads: {', '.join(workloads) or 'none'}"
        )
    return listed


def follow_logs(
    kube: Kube,
    cluster: str,
    wanted: list[LogSource],
    *,
    tail: int | None,
    follow: bool,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[LogSource, str]]:
    """Lines with where they come from; with `follow` without end."""
    logs = [(source, PodLog(kube, cluster, source.pod, source.container, tail=tail)) for source in wanted]
    while True:
        for source, log in logs:
            for line in log.read(final=not follow):
                yield source, line
        if not follow:
            return
        sleep(1)


def _names(pod: dict[str, Any]) -> set[str]:
    labels = pod["metadata"]["labels"]
    return {str(pod["metadata"]["name"]), str(labels.get(PART)), str(labels.get(COMPONENT))}

"""The state of a cluster and of its parts, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PartState(StrEnum):
    """ready: all replicas, and the engine answers. degraded: it answers, with replicas missing or out of order. down: it doesn't answer.
    missing: it wasn't made.
    """

    READY = "ready"
    DEGRADED = "degraded"
    DOWN = "down"
    MISSING = "missing"


@dataclass(frozen=True)
class Probe:
    """What an engine said when it was asked: `ok` is whether it can do its work, `whole` whether with all that it should have for it."""

    ok: bool
    detail: str
    whole: bool = True
    hint: str | None = None


@dataclass(frozen=True)
class PartStatus:
    """One part. `replicas` are pods that are ready and wanted, over all its workloads; `restarts` of containers since their pods began."""

    name: str
    title: str
    state: PartState
    replicas: str
    detail: str
    hint: str | None
    restarts: int
    since: datetime | None

    @property
    def ready(self) -> bool:
        """Whether nothing is amiss."""
        return self.state is PartState.READY


@dataclass(frozen=True)
class ClusterStatus:
    """All parts of a cluster; `since` is when its oldest workload was made."""

    cluster: str
    parts: tuple[PartStatus, ...]
    nodes: int
    since: datetime | None

    @property
    def ready(self) -> bool:
        """Whether all parts are ready."""
        return all(part.ready for part in self.parts)

"""The state of all parts: what Kubernetes says of their replicas, and what their engines say when they are asked, all at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bdc.config import workloads
from bdc.config.workloads import Part
from bdc.health.part import ClusterStatus, PartState, PartStatus, Probe
from bdc.health.probes import ask
from bdc.health.snapshot import Observed, Snapshot, observe
from bdc.kube import Kube
from bdc.kube.diagnose import diagnose

if TYPE_CHECKING:
    from bdc.config.model import Config


def status(kube: Kube, config: Config) -> ClusterStatus:
    """Look at all parts. Raises NotFoundError when there is no such cluster, UnreachableError when there is no Kubernetes."""
    snapshot = observe(kube, config.name)
    wanted = [part for part in workloads.PARTS if not part.optional or snapshot.of(part.name)]
    with ThreadPoolExecutor(len(wanted)) as pool:
        parts = tuple(pool.map(lambda part: part_status(kube, config, snapshot, part), wanted))
    since = min((part.since for part in parts if part.since), default=None)
    return ClusterStatus(config.name, parts, len(snapshot.nodes), since)


def part_status(kube: Kube, config: Config, snapshot: Snapshot, part: Part) -> PartStatus:
    """Look at one part of a cluster."""
    observed = snapshot.of(part.name)
    there = [one for one in observed if one.obj]
    ready, wanted = sum(one.ready for one in observed), sum(one.wanted for one in observed)
    probe = ask(part.name, kube, config, snapshot) if there else Probe(False, "not made")
    state = _state(observed, probe, ready, wanted)
    detail, hint = probe.detail, None
    if state in (PartState.DEGRADED, PartState.DOWN):
        detail, hint = _explain(kube, observed, probe)
    elif state is PartState.MISSING:
        hint = "make it: bdc up"
    return PartStatus(
        name=part.name,
        title=part.title,
        state=state,
        replicas=f"{ready}/{wanted}",
        detail=detail,
        hint=hint,
        restarts=sum(one.restarts for one in observed),
        since=min((one.since for one in there if one.since), default=None),
    )


def _state(observed: list[Observed], probe: Probe, ready: int, wanted: int) -> PartState:
    if not any(one.obj for one in observed):
        return PartState.MISSING
    if not probe.ok:
        return PartState.DOWN
    complete = probe.whole and ready >= wanted and all(one.obj for one in observed)
    return PartState.READY if complete else PartState.DEGRADED


def _explain(kube: Kube, observed: list[Observed], probe: Probe) -> tuple[str, str | None]:
    """Why a part isn't ready: what keeps a pod from working; else a workload that isn't there or isn't full; else what the engine said."""
    for one in observed:
        if one.ready < one.wanted and (found := diagnose(kube, one.pods)):
            return f"pod {found.pod} {found.cause}", found.hint
    if absent := [one.workload.title for one in observed if one.obj is None]:
        return f"{', '.join(absent)} not made", "make it: bdc up"
    if short := [f"{one.workload.title} {one.ready} of {one.wanted} ready" for one in observed if one.ready < one.wanted]:
        return f"{', '.join(short)} · {probe.detail}", probe.hint
    return probe.detail, probe.hint

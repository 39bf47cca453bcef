"""What planned changes do to a cluster that runs: which workloads restart, and which of them are away meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bdc.config import workloads
from bdc.engine import Change
from bdc.lifecycle.last_applied import Difference

if TYPE_CHECKING:
    from bdc.config.model import Config

_TEMPLATE = "spec.template"


@dataclass(frozen=True)
class Restart:
    """A workload whose pods are made anew; `interrupted` where there is only one, so that nobody answers meanwhile."""

    workload: str
    title: str
    interrupted: bool


@dataclass(frozen=True)
class Plan:
    """What `up` would do: fields of bdc.yaml that differ, objects that change, workloads that restart."""

    settings: tuple[Difference, ...]
    changes: tuple[Change, ...]
    restarts: tuple[Restart, ...]


def plan_of(config: Config, settings: Sequence[Difference], changes: Sequence[Change]) -> Plan:
    """The plan of these differences."""
    return Plan(tuple(settings), tuple(changes), tuple(restarts(config, changes)))


def restarts(config: Config, changes: Sequence[Change]) -> list[Restart]:
    """Workloads whose pod template changes, or that are replaced."""
    anew = {
        one.name
        for one in changes
        if one.kind in {"StatefulSet", "Deployment"}
        and (one.op == "replace" or (one.op == "update" and any(path.startswith(_TEMPLATE) for path in one.paths)))
    }
    return [Restart(one.name, one.title, one.replicas(config) == 1) for one in workloads.WORKLOADS if one.name in anew]

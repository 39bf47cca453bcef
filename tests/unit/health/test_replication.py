"""What is said of the master's replication: only of replicas that follow the leader on its timeline that they are well."""

from __future__ import annotations

from typing import Any

import pytest

from bdc.config.model import Config
from bdc.health import PartState, probes, status
from bdc.health.finding import CheckContext, Level
from bdc.health.replication import Replication, replication
from bdc.trino.client import Answer
from tests.unit.health.conftest import APPS, Cluster
from tests.unit.health.test_checks import look

LEADER = {"name": "master-0", "role": "leader", "state": "running", "timeline": 4}
WELL = {"name": "master-1", "role": "quorum_standby", "state": "streaming", "timeline": 4, "lag": 0}
SYNCHRONOUS = {"synchronous_mode": "quorum", "synchronous_mode_strict": True}


def asked(kube: Cluster, *members: dict[str, Any], settings: dict[str, Any] = SYNCHRONOUS) -> Replication:
    kube.pages |= {"master-0:8008/cluster": {"members": list(members)}, "master-0:8008/config": settings}
    kube.objects[f"{APPS}/statefulsets/master"]["spec"]["replicas"] = 2
    return replication(kube, "bdc", "master-0", 4.0)


@pytest.mark.parametrize(
    ("replica", "settings", "said"),
    [
        (WELL, SYNCHRONOUS, []),
        (WELL | {"lag": 64 * 2**20}, SYNCHRONOUS, []),
        (WELL | {"lag": 64 * 2**20 + 1}, SYNCHRONOUS, ["master-1's lag is 64.0 MiB"]),
        (WELL | {"lag": "unknown"}, SYNCHRONOUS, ["master-1's lag is unknown"]),
        # As it was seen: all three pods ready, and this replica cut off for ever.
        (
            WELL | {"role": "replica", "state": "running", "timeline": 1, "lag": 5_976_883},
            SYNCHRONOUS,
            ["master-1 doesn't follow the leader (running, on timeline 1 instead of 4)", "commits wait, as no replica can have them"],
        ),
        (
            WELL | {"role": "replica", "state": "in archive recovery"},
            {"synchronous_mode": "quorum", "synchronous_mode_strict": False},
            ["master-1 doesn't follow the leader (in archive recovery)", "commits are on the leader alone"],
        ),
        (WELL | {"role": "replica"}, {}, []),
        (WELL | {"role": "replica", "timeline": 3}, {}, ["master-1 doesn't follow the leader (streaming, on timeline 3 instead of 4)"]),
        (None, {}, ["1 of 1 replicas is not there"]),
    ],
)
def test_faults_are_told(kube: Cluster, replica: dict[str, Any] | None, settings: dict[str, Any], said: list[str]) -> None:
    assert asked(kube, LEADER, *([replica] if replica else []), settings=settings).faults(2) == said


def test_status_and_doctor_are_red_though_all_pods_are_ready(kube: Cluster, ground: CheckContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "databases", lambda *_: [])
    monkeypatch.setattr(probes, "select_one", lambda *_: Answer("476", 0.2))
    asked(kube, LEADER, WELL | {"state": "running", "timeline": 1})
    kube.objects[f"{APPS}/statefulsets/master"]["spec"]["replicas"] = 1
    [master] = [one for one in status(kube, Config()).parts if one.name == "master"]
    assert (master.replicas, master.state) == ("1/1", PartState.DEGRADED)
    assert "master-1 doesn't follow the leader" in master.detail
    assert master.hint
    assert "bdc logs master-1" in master.hint
    finding = look(ground, "master-replicas")
    assert finding.level is Level.FAIL
    assert finding.remedy == master.hint

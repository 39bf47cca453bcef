"""Who leads the master where fewer servers are wanted: patronictl is played, with Kubernetes's labels as Patroni sets them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bdc.access import master
from bdc.config.model import Config, Master
from bdc.errors import BdcError, UnhealthyError
from tests.unit.fake_kube import FakeKube

PODS = "/api/v1/namespaces/bdc/pods"
LABELS = {"app.kubernetes.io/instance": "bdc", "app.kubernetes.io/component": "master", "bdc.dev/role": "replica"}


class Servers:
    """Three servers, of which the last leads; `unfit` are those that can't take over."""

    def __init__(self, leader: int = 2, unfit: Sequence[str] = ()) -> None:
        self.kube, self.unfit = FakeKube(), unfit
        self.kube.put("/apis/apps/v1/namespaces/bdc/statefulsets/master", {"spec": {"replicas": 3}})
        for number in range(3):
            self.kube.put(f"{PODS}/master-{number}", {"metadata": {"name": f"master-{number}", "labels": dict(LABELS)}})
        self._lead(f"master-{leader}")
        self.commands: list[list[str]] = []

    def _lead(self, name: str) -> None:
        for number in range(3):
            pod = self.kube.objects[f"{PODS}/master-{number}"]
            pod["metadata"]["labels"]["bdc.dev/role"] = "primary" if pod["metadata"]["name"] == name else "replica"

    def execute(self, _kube: object, _namespace: str, pod: str, _container: str, command: list[str], *, timeout_seconds: float) -> str:
        assert timeout_seconds
        self.commands.append([pod, *command])
        candidate = command[command.index("--candidate") + 1]
        if candidate in self.unfit:
            raise BdcError(f"patronictl in the pod {pod} failed: Error: {candidate} is not streaming")
        self._lead(candidate)
        return ""


def hand_over(servers: Servers, monkeypatch: pytest.MonkeyPatch, replicas: int) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(master, "execute", servers.execute)
    master.hand_over(servers.kube, Config(master=Master(replicas=replicas)), said.append)
    return said


@pytest.mark.parametrize(("leader", "replicas"), [(2, 3), (2, 5), (0, 1), (1, 2)])
def test_a_leader_that_stays_stays_leader(monkeypatch: pytest.MonkeyPatch, leader: int, replicas: int) -> None:
    servers = Servers(leader)
    assert hand_over(servers, monkeypatch, replicas) == []
    assert servers.commands == []


def test_one_that_goes_hands_over_to_one_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = Servers(leader=2, unfit=["master-0"])
    assert hand_over(servers, monkeypatch, 2) == ["the SQL master's leader master-2 goes: another one takes over"]
    assert [command[-2] for command in servers.commands] == ["master-0", "master-1"]
    assert {command[0] for command in servers.commands} == {"master-2"}


def test_nothing_goes_on_where_none_that_stays_can_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "_HAND_OVER_SECONDS", 0.1)
    with pytest.raises(UnhealthyError, match=r"none that stays can lead it: .*master-0 is not streaming"):
        hand_over(Servers(leader=2, unfit=["master-0"]), monkeypatch, 1)


def test_without_a_leader_none_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "_HAND_OVER_SECONDS", 0.1)
    with pytest.raises(UnhealthyError, match="none that stays can lead it: there is none now"):
        hand_over(Servers(leader=7), monkeypatch, 1)


def test_no_cluster_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = Servers()
    del servers.kube.objects["/apis/apps/v1/namespaces/bdc/statefulsets/master"]
    assert hand_over(servers, monkeypatch, 1) == []

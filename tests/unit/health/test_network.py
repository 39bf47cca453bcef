"""The check that tries a forbidden connection; what its pod says is simulated here, and e2e has a real one."""

from __future__ import annotations

from typing import Any

import pytest

from bdc.config.model import Config
from bdc.health import CheckContext, Level
from bdc.health.checks import network
from bdc.health.checks.network import CHECKS, PROBE
from bdc.health.doctor import run
from tests.unit.fake_kube import FakeKube, Json

[CHECK] = CHECKS
PODS = "/api/v1/namespaces/bdc-system/pods"


class Cluster(FakeKube):
    """Every pod that is made has ended, and said `said`; or is as `status` says."""

    said = "reached"
    status: Json | None = None

    def __init__(self) -> None:
        super().__init__()
        for workload in ("httpfs", "namenode"):
            labels = {"app.kubernetes.io/instance": "bdc", "app.kubernetes.io/component": workload}
            self.put(f"/api/v1/namespaces/bdc/pods/{workload}-0", {"metadata": {"labels": labels}, "status": {"podIP": "10.0.0.1"}})
        door = {"spec": {"template": {"spec": {"containers": [{"name": "door", "image": "proxy:1"}]}}}}
        self.put("/apis/apps/v1/namespaces/bdc/deployments/httpfs", door)

    def request(self, method: str, path: str, body: Any = None, **more: Any) -> Json:
        if method == "POST":
            ended = {"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": {"message": self.said}}}]}
            body = body | {"status": self.status or ended}
        return super().request(method, path, body, **more)


def look(kube: Cluster, **config: Any) -> tuple[Level, str]:
    found = run(CHECK, CheckContext(kube, Config.model_validate(config)))
    return found.level, found.message


def test_enforced() -> None:
    kube = Cluster()
    kube.said = "kept out\n"
    assert look(kube) == (Level.OK, "enforced: a pod of another namespace can't reach the NameNode past HttpFS's auth proxy")
    assert not [path for path in kube.objects if path.startswith(PODS)], "nothing stays"


@pytest.mark.parametrize("pools", [{}, {"etl": {"max_cpu": "2"}}])
def test_not_enforced_is_not_well(pools: dict[str, object]) -> None:
    level, said = look(Cluster(), spark={"pools": pools})
    assert level is Level.WARN
    assert said.startswith("not enforced by this cluster's network")


@pytest.mark.parametrize("said", ["", "something else"])
def test_what_cannot_be_told(said: str) -> None:
    kube = Cluster()
    kube.said = said
    assert look(kube) == (Level.WARN, "not checked: a pod of another namespace reaches nothing")


def test_without_policies_or_pods() -> None:
    assert look(Cluster(), network={"policies": False}) == (Level.OK, "there are none: network.policies is off")
    kube = Cluster()
    del kube.objects["/api/v1/namespaces/bdc/pods/namenode-0"]
    assert look(kube)[1] == "not checked: HttpFS or the NameNode has no pod that runs"


def test_what_a_doctor_that_was_killed_left_goes() -> None:
    kube = Cluster()
    kube.put(f"{PODS}/old", {"metadata": {"labels": {PROBE: "bdc"}}, "status": {"phase": "Succeeded"}})
    look(kube)
    assert f"{PODS}/old" not in kube.objects


def test_a_pod_that_does_not_end_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_SECONDS", 0.0)
    kube = Cluster()
    kube.status = {"phase": "Running"}
    assert look(kube) == (Level.WARN, "not checked: the pod that tries did not end in 0 s")
    assert not [path for path in kube.objects if path.startswith(PODS)], "nothing stays"

"""A storage class is tried once, told apart from one that doesn't work, and nothing stays of it."""

from __future__ import annotations

from typing import Any

import pytest

from bdc.config.model import Config
from bdc.config.names import INSTANCE
from bdc.errors import DeadlineError, UnhealthyError
from bdc.lifecycle import storage_probe
from tests.unit.fake_kube import FakeKube, Json

SYSTEM = "/api/v1/namespaces/bdc-system"


class Cluster(FakeKube):
    """Pods and claims of a trial have the status that the test says."""

    def __init__(self, phase: str, claim: str = "Bound") -> None:
        super().__init__()
        self.phase, self.claim = phase, claim
        self.made: list[Json] = []

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Json:
        if method == "POST" and path.startswith(SYSTEM):
            self.made.append(body)
        found = super().request(method, path, body, **options)
        if method == "GET" and "/bdc-trial-" in path:
            found["status"] = {"phase": self.phase if "/pods/" in path else self.claim}
        return found

    @property
    def left(self) -> list[str]:
        return [path for path in self.objects if "bdc-trial-" in path]


REGISTRY = Config.model_validate({"images": {"registry": "registry.example.org", "pull_secret": "login"}})


def run(kube: FakeKube, config: Config | None = None, storage_class: str | None = "fast", login: str | None = None) -> None:
    storage_probe.run(config or Config(), kube, storage_class, "image:1", login=login, say=lambda _: None)


def test_it_is_tried_as_each_user_and_nothing_stays() -> None:
    kube = Cluster("Succeeded")
    run(kube)
    pods = [one for one in kube.made if one["kind"] == "Pod"]
    assert [one["spec"]["securityContext"]["fsGroup"] for one in pods] == [10001, 999]
    assert {one["spec"].get("storageClassName") for one in kube.made if one["kind"] == "PersistentVolumeClaim"} == {"fast"}
    assert kube.left == []


def test_what_a_killed_trial_left_is_removed_first() -> None:
    kube = Cluster("Succeeded")
    kube.put(f"{SYSTEM}/pods/bdc-trial-old", {"metadata": {"labels": {storage_probe.TRIAL: "bdc"}}})
    kube.put(f"{SYSTEM}/pods/bdc-trial-others", {"metadata": {"labels": {storage_probe.TRIAL: "other"}}})
    run(kube)
    assert kube.left == [f"{SYSTEM}/pods/bdc-trial-others"]


def test_a_volume_that_can_not_be_written_names_the_user() -> None:
    kube = Cluster("Failed")
    with pytest.raises(UnhealthyError, match="StorageClass fast can't be written by user 10001, as HDFS would") as refused:
        run(kube)
    assert "cluster.storage_class" in (refused.value.hint or "")
    assert kube.left == []


def test_no_volume_in_time_says_what_the_provisioner_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_probe, "DEADLINE_SECONDS", 0.0)
    kube = Cluster("Pending", claim="Pending")
    kube.put(f"{SYSTEM}/events/e", {"type": "Warning", "reason": "ProvisioningFailed", "message": "quota exceeded"})
    with pytest.raises(DeadlineError, match=r"gives no volume in 0 s: ProvisioningFailed: quota exceeded"):
        run(kube)
    assert kube.left == []


def test_a_pull_secret_is_used_where_it_is() -> None:
    kube = Cluster("Succeeded")
    kube.put("/api/v1/namespaces/bdc", {})
    run(kube, REGISTRY, None)
    made = [path for method, path in kube.calls if method == "POST" and path.endswith("/pods")]
    assert made == ["/api/v1/namespaces/bdc/pods"] * 2


def test_a_pull_secret_that_is_not_made_yet_is_lent() -> None:
    kube = Cluster("Succeeded")
    run(kube, REGISTRY, login="{}")
    lent, *_, pod = kube.made
    assert (lent["type"], lent["stringData"]) == ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "{}"})
    assert pod["spec"]["imagePullSecrets"] == [{"name": lent["metadata"]["name"]}]
    assert kube.left == []


def test_it_is_wanted_only_before_there_are_volumes() -> None:
    kube = FakeKube()
    assert storage_probe.wanted(Config(), kube)
    kube.put("/api/v1/namespaces/bdc/persistentvolumeclaims/data-master-0", {"metadata": {"labels": {INSTANCE: "bdc"}}})
    assert not storage_probe.wanted(Config(), kube)

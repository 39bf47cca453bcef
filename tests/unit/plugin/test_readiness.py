"""When objects count as ready, what a wait says, and when it gives up."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from bdc.errors import DeadlineError, UsageError
from bdc.plugin.conditions import waited_for
from bdc.plugin.readiness import NotLiveError, Waiter
from bdc.plugin.wording import INTERRUPTED, read
from tests.unit.fake_kube import FakeKube


def obj(kind: str, spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, group: str = "v1") -> dict[str, Any]:
    metadata = {"name": "x", "namespace": "n", "generation": 2, "uid": "u"}
    return {
        "apiVersion": group,
        "kind": kind,
        "metadata": metadata,
        "spec": spec or {},
        "status": {"observedGeneration": 2, **(status or {})},
    }


def missing(one: dict[str, Any], kube: FakeKube | None = None) -> str:
    """What a wait for the object says at first; empty when it is ready."""
    said: list[str] = []
    stopped = threading.Event()
    stopped.set()
    try:
        Waiter(kube or FakeKube(), stopped).until_ready(one, one, 60, said.append)
    except NotLiveError:
        return said[0]
    return ""


DEPLOYMENT = {"updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}


@pytest.mark.parametrize(
    ("one", "waiting"),
    [
        (obj("Deployment", {"replicas": 2}, DEPLOYMENT, "apps/v1"), ""),
        (obj("Deployment", {"replicas": 2}, {**DEPLOYMENT, "replicas": 3}, "apps/v1"), "1 old pod to end"),
        (obj("Deployment", {"replicas": 3}, DEPLOYMENT, "apps/v1"), "pods, 2 of 3 available"),
        (obj("Deployment", {"replicas": 2}, {**DEPLOYMENT, "observedGeneration": 1}, "apps/v1"), "pods, 2 of 2 available"),
        (obj("Deployment", {"replicas": 0}, {}, "apps/v1"), ""),
        (obj("StatefulSet", {"replicas": 1}, {"readyReplicas": 1, "updatedReplicas": 1}, "apps/v1"), ""),
        (obj("StatefulSet", {"replicas": 1}, {"readyReplicas": 0}, "apps/v1"), "pods, 0 of 1 ready"),
        (obj("StatefulSet", {"replicas": 1}, {"readyReplicas": 1}, "apps/v1"), "pods, 0 of 1 on the new version"),
        (
            obj("StatefulSet", {"replicas": 1}, {"readyReplicas": 1, "updatedReplicas": 3, "updateRevision": "b"}, "apps/v1"),
            "2 pods to end",
        ),
        (obj("StatefulSet", {"replicas": 1, "updateStrategy": {"type": "OnDelete"}}, {"readyReplicas": 1}, "apps/v1"), ""),
        (obj("DaemonSet", {}, {"desiredNumberScheduled": 1, "numberAvailable": 0}, "apps/v1"), "pods, 0 of 1 available"),
        (obj("Job", {}, {"conditions": [{"type": "Complete", "status": "True"}]}, "batch/v1"), ""),
        (obj("Job", {}, {}, "batch/v1"), "the job to complete"),
        (obj("Pod", {}, {"phase": "Succeeded"}), ""),
        (obj("Pod", {}, {"phase": "Pending"}), "the pod, Pending"),
        (obj("PersistentVolumeClaim", {}, {"phase": "Bound"}), ""),
        (obj("PersistentVolumeClaim", {"storageClassName": "s"}, {"phase": "Pending"}), "storage class s, which does not exist"),
        (obj("Service", {"clusterIP": "None", "selector": {"a": "b"}}), ""),
        (obj("Service", {"type": "LoadBalancer"}), "an address of the load balancer"),
        (obj("ConfigMap"), ""),
    ],
)
def test_readiness(one: dict[str, Any], waiting: str) -> None:
    assert missing(one) == waiting


def test_a_claim_that_waits_for_its_pod_is_ready() -> None:
    kube = FakeKube()
    kube.objects["/apis/storage.k8s.io/v1/storageclasses/s"] = {"volumeBindingMode": "WaitForFirstConsumer"}
    assert missing(obj("PersistentVolumeClaim", {"storageClassName": "s"}, {"phase": "Pending"}), kube) == ""


def test_a_failed_job_ends_the_wait() -> None:
    failed = obj("Job", {}, {"conditions": [{"type": "Failed", "status": "True", "reason": "R", "message": "m"}]}, "batch/v1")
    with pytest.raises(NotLiveError, match=r"Job n/x can't become ready: it has failed \(R: m\)") as raised:
        Waiter(FakeKube(), threading.Event()).until_ready(failed, failed, 60, print)
    assert read(raised.value.text).exit_code == 5


def test_skipped() -> None:
    skipped = obj("Pod", {}, {"phase": "Pending"})
    skipped["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}
    assert missing(skipped) == ""


@pytest.fixture
def cluster() -> FakeKube:
    return FakeKube()


POD_PATH = "/api/v1/namespaces/n/pods/x"


def test_the_deadline_says_what_was_missing(cluster: FakeKube) -> None:
    cluster.objects[POD_PATH] = obj("Pod", {}, {"phase": "Pending"})
    event = {"metadata": {}, "type": "Warning", "reason": "Failed", "message": "no luck"}
    cluster.objects["/api/v1/namespaces/n/events"] = {"items": [event]}
    with pytest.raises(
        NotLiveError, match=r"Pod n/x was not ready in time \(0 s\), waiting for x \(getting .*\); Failed: no luck"
    ) as raised:
        Waiter(cluster, threading.Event()).until_ready(cluster.objects[POD_PATH], {}, 0.2, lambda _: None)
    told = read(raised.value.text)
    assert (told.message, told.exit_code) == (str(raised.value), 4)
    assert "--timeout gives each part more time" in str(told.hint)


def test_an_interrupted_wait_is_no_failure_of_its_own(cluster: FakeKube) -> None:
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(NotLiveError, match="was interrupted") as raised:
        Waiter(cluster, stopped).until_ready(obj("Pod", {}, {"phase": "Pending"}), {}, 5, lambda _: None)
    assert read(raised.value.text).exit_code == INTERRUPTED


def test_deleted_meanwhile(cluster: FakeKube) -> None:
    with pytest.raises(NotLiveError, match="was deleted while"):
        Waiter(cluster, threading.Event()).until_ready(obj("Pod"), {}, 5, lambda _: None)


def test_gone(cluster: FakeKube) -> None:
    waiter = Waiter(cluster, threading.Event())
    waiter.until_gone(obj("Pod"), 5)
    cluster.objects[POD_PATH] = obj("Pod")
    cluster.objects[POD_PATH]["metadata"] |= {"uid": "another", "finalizers": ["f"]}
    waiter.until_gone(obj("Pod"), 5)
    cluster.objects[POD_PATH]["metadata"]["uid"] = "u"
    with pytest.raises(DeadlineError, match="still being deleted; finalizers: f"):
        waiter.until_gone(obj("Pod"), 0.1)


def test_wait_for_expressions() -> None:
    one = obj("Pod", {}, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "ips": [{"ip": "1"}]})
    assert waited_for(one, "condition=Ready") == ""
    assert waited_for(one, "jsonpath={.status.phase}=Running") == ""
    assert waited_for(one, '["condition=Ready", "jsonpath={.status.ips[0].ip}=2"]') == "jsonpath={.status.ips[0].ip}=2"
    assert waited_for(one, 'jsonpath={.status.conditions[?(@.type=="Ready")].status}=True') == ""
    assert waited_for(one, "jsonpath={.status.ips[*].ip}") == ""
    assert waited_for(one, "condition=Gone") == "condition=Gone"
    with pytest.raises(UsageError):
        waited_for(one, "ready")

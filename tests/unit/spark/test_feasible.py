"""What can never begin is refused at submit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bdc.errors import UsageError
from bdc.kube import ApiForbiddenError
from bdc.spark import Application, SecretVariable, Staging, submit
from tests.unit.fake_kube import FakeKube
from tests.unit.spark.conftest import FakeHdfs

SECRETS = "/api/v1/namespaces/bdc/secrets"
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def node(kube: FakeKube, name: str, cpu: str, memory: str, *taints: dict[str, str]) -> None:
    kube.put(f"/api/v1/nodes/{name}", {"spec": {"taints": list(taints)}, "status": {"allocatable": {"cpu": cpu, "memory": memory}}})


def runs(kube: FakeKube, name: str, owner: str, memory: str, on: str = "one") -> None:
    container = {"name": "c", "resources": {"requests": {"cpu": "100m", "memory": memory}}}
    pod = {"metadata": {"ownerReferences": [{"kind": owner, "uid": "u"}]}, "spec": {"nodeName": on, "containers": [container]}}
    kube.put(f"/api/v1/pods/{name}", pod)


def refusal(kube: FakeKube, staging: Staging, script: Path, **asked: Any) -> tuple[str, str]:
    with pytest.raises(UsageError) as raised:
        submit(kube, "bdc", Application(str(script), **asked), staging=staging)
    return raised.value.message, str(raised.value.hint)


def test_a_driver_that_no_node_can_take(kube: FakeKube, hdfs: FakeHdfs, staging: Staging, script: Path) -> None:
    node(kube, "one", "4", "16Gi")
    node(kube, "two", "4", "8Gi")
    node(kube, "main", "64", "2Ti", CONTROL_PLANE)
    runs(kube, "proxy", "DaemonSet", "1Gi")
    runs(kube, "trino", "ReplicaSet", "4Gi")  # may go to the other node
    said, hint = refusal(kube, staging, script, driver_memory="900g")
    assert said == "the driver with --driver-memory 921600m asks for 900.4 GiB, and no node can ever take it"
    assert hint == f"the largest that fits: --driver-memory {15 * 1024 - 384}m"
    assert (hdfs.opened, kube.objects.keys() & {"/apis/batch/v1/namespaces/bdc/jobs"}) == (0, set())
    submit(kube, "bdc", Application(str(script), driver_memory=f"{15 * 1024 - 384}m"), staging=staging)


def test_an_executor_that_no_node_can_take(kube: FakeKube, staging: Staging, script: Path) -> None:
    node(kube, "one", "4", "16Gi")
    node(kube, "two", "4", "8Gi", CORDONED)
    said, hint = refusal(kube, staging, script, executor_memory="16g")
    assert "an executor with --executor-memory 16384m" in said
    assert hint == f"the largest that fits: --executor-memory {16 * 1024 - 384}m"
    said, hint = refusal(kube, staging, script, driver_cores=5)
    assert said.startswith("--driver-cores: the driver asks for 5 cores")
    assert hint == "the largest node has 4 cores for it"


def test_on_the_only_node_what_stays_is_everything_but_applications(kube: FakeKube, staging: Staging, script: Path) -> None:
    node(kube, "one", "4", "8Gi")
    runs(kube, "trino", "ReplicaSet", "2Gi")
    runs(kube, "etl-1", "Job", "5Gi")  # an application, which ends
    _, hint = refusal(kube, staging, script, driver_memory="7g")
    assert hint == f"the largest that fits: --driver-memory {6 * 1024 - 384}m"
    said, _ = refusal(kube, staging, script, driver_memory="4g", executor_memory="2g")
    assert said == "the driver and one executor ask for 0.2 cores and 6.8 GiB, and the node has 3.9 cores and 6.0 GiB for applications"
    submit(kube, "bdc", Application(str(script), driver_memory="4g"), staging=staging)


@pytest.mark.parametrize("sign", ["/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status", "/apis/karpenter.sh"])
def test_where_nodes_are_added_on_demand_nothing_is_refused(kube: FakeKube, staging: Staging, script: Path, sign: str) -> None:
    node(kube, "one", "4", "16Gi")
    kube.put(sign, {})
    submit(kube, "bdc", Application(str(script), driver_memory="900g"), staging=staging)


def test_who_may_not_look_is_not_hindered(kube: FakeKube, staging: Staging, script: Path) -> None:
    kube.fail("GET", "/nodes", ApiForbiddenError(403, "Forbidden", "no"))
    kube.fail("POST", "/secrets", ApiForbiddenError(403, "Forbidden", "no"))
    secrets = (SecretVariable("lake", "key", "X"),)
    submit(kube, "bdc", Application(str(script), name="etl", driver_memory="900g", secrets=secrets), staging=staging)


def test_a_secret_that_is_not_there(kube: FakeKube, hdfs: FakeHdfs, staging: Staging, script: Path) -> None:
    kube.put(f"{SECRETS}/lake", {})
    secrets = (SecretVariable("lake", "key", "X"), SecretVariable("warehouse", "DB", "DB"))
    said, hint = refusal(kube, staging, script, secrets=secrets)
    assert said == "there is no Secret warehouse in the namespace bdc"
    assert hint.startswith("make it: kubectl -n bdc create secret generic warehouse")
    assert hdfs.opened == 0
    assert f"{SECRETS}/warehouse" not in kube.objects, "only tried"
    assert ("GET", f"{SECRETS}/lake") not in kube.calls, "never read"

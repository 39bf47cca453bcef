"""A part that nobody has programmed, entered in the catalogue alone, is found by all that reads it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bdc.access.credentials.rotate import restarts as rotated
from bdc.config import workloads
from bdc.config.model import Config
from bdc.config.names import labels
from bdc.config.quantity import size
from bdc.config.workloads import Endpoint, Part, Workload
from bdc.engine import Change
from bdc.errors import UsageError
from bdc.health import CheckContext, probes, status, use
from bdc.health.checks.workloads import present
from bdc.kube.endpoints import endpoint
from bdc.lifecycle import capacity
from bdc.lifecycle.last_applied import refuse_fixed
from bdc.lifecycle.planning import restarts
from bdc.trino.client import Answer
from bdc_stacks import platform
from tests.stacks.recording import EVERYTHING, declared, site
from tests.unit.health.conftest import APPS, CORE, Cluster

ML = Part("ml", "machine learning", needs="storage", optional=True)
TRACKING = Workload(
    "tracking", "ml", "StatefulSet", "tracking server", "spark.history",
    volume="master.volume", auth_proxy=True, restarts_on=frozenset({"password"}), from_nodes=(5000,), services=("tracking",),
)  # fmt: skip
DOOR = Endpoint("ml", "ml", "https", 31500, "tracking", 8443, "tracking server")


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workloads, "PARTS", (*workloads.PARTS, ML))
    monkeypatch.setattr(workloads, "WORKLOADS", (*workloads.WORKLOADS, TRACKING))
    monkeypatch.setattr(workloads, "ENDPOINTS", (*workloads.ENDPOINTS, DOOR))


def test_preflight_counts_its_pods_and_its_volume(config: Config) -> None:
    [request] = [one for one in capacity.asks(config) if one.part == "ml"]
    assert (request.name, request.replicas, request.memory) == ("tracking server", 1, size(config.spark.history.memory) + 24 * 2**20)
    without = sum(size(one) for one in (config.storage.namenode_volume, config.storage.datanode_volume, config.master.volume))
    assert workloads.volumes(config) == without + size(config.master.volume)


def test_a_plan_says_that_it_restarts(config: Config) -> None:
    change = Change(op="update", kind="StatefulSet", name="tracking", part=None, paths=("spec.template.spec",))
    [restart] = restarts(config, [change])
    assert restart.title == "tracking server"


def test_its_volume_cant_shrink(kube: Cluster) -> None:
    claim = {"metadata": {"labels": labels("bdc", "ml", "tracking")}, "spec": {"resources": {"requests": {"storage": "7Gi"}}}}
    kube.put(f"{CORE}/persistentvolumeclaims/data-tracking-0", claim)
    with pytest.raises(UsageError, match=r"master\.volume"):
        refuse_fixed(Config(), kube, None)


def test_a_rotation_restarts_it(config: Config) -> None:
    assert "tracking" in rotated(config, ["password"])
    assert "tracking" not in rotated(config, ["token"])


def test_policies_and_the_certificate_have_it(config: Config) -> None:
    rules = declared(platform.program, config)["NetworkPolicy", "tracking"]["spec"]["ingress"]
    assert {port["port"] for rule in rules for port in rule["ports"]} == {8443, 5000}
    assert {"tracking.bdc.svc", "ml.bdc.svc"} <= set(site(config).hosts())


def test_status_lists_it_once_it_is_there(kube: Cluster, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "databases", lambda *_: ["default"])
    monkeypatch.setattr(probes, "select_one", lambda *_: Answer("476", 0.2))
    part = status(kube, config).parts[-1]
    assert (part.name, part.title, part.replicas, part.ready) == ("ml", "machine learning", "1/1", True)
    monkeypatch.setattr(use, "execute", lambda *_, **__: "")
    used = use.in_use(kube, config)
    assert used is not None
    assert "machine learning" in used.parts, "`bdc down` says that it ends"
    del kube.objects[f"{APPS}/statefulsets/tracking"], kube.objects[f"{CORE}/pods/tracking-0"]
    assert "ml" not in [part.name for part in status(kube, config).parts]


def test_doctor_misses_its_pods(kube: Cluster, config: Config) -> None:
    del kube.objects[f"{CORE}/pods/tracking-0"]
    assert "tracking server 0 of 1" in present(CheckContext(kube, config)).message


def test_no_policy_is_made_for_it_where_it_is_not(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(TRACKING, name="absent", when="federation.workers")
    monkeypatch.setattr(workloads, "WORKLOADS", (*workloads.WORKLOADS, absent))
    assert ("NetworkPolicy", "absent") not in declared(platform.program, config)
    assert ("NetworkPolicy", "absent") in declared(platform.program, EVERYTHING)


def test_its_endpoint_is_known() -> None:
    assert endpoint("ml") is DOOR

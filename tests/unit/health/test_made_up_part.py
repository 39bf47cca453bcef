"""A part that nobody has programmed, entered in the catalogue alone, is found by all that reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from bdc.access.credentials.rotate import restarts as rotated
from bdc.config import workloads
from bdc.config.model import Config
from bdc.config.names import labels
from bdc.config.quantity import size
from bdc.config.workloads import Endpoint, Part, Workload
from bdc.engine import Change
from bdc.errors import NotFoundError, UnhealthyError, UsageError
from bdc.health import CheckContext, probes, status, use
from bdc.health.checks.access import ports
from bdc.health.checks.workloads import present
from bdc.kube.configuration import keep
from bdc.kube.endpoints import endpoint, endpoints
from bdc.kube.user_context import UserContext
from bdc.lifecycle import capacity, preflight
from bdc.lifecycle.last_applied import refuse_fixed, settings
from bdc.lifecycle.planning import restarts
from bdc.trino.client import Answer
from bdc_stacks import platform
from tests.stacks.recording import EVERYTHING, declared, site
from tests.unit.health.conftest import APPS, CORE, Cluster, pod

if TYPE_CHECKING:
    from bdc.cluster import Substrate

ML = Part("ml", "machine learning", needs="storage", optional=True)
TRACKING = Workload(
    "tracking", "ml", "StatefulSet", "tracking server", "spark.history",
    when="federation.workers", volume="master.volume", auth_proxy=True, restarts_on=frozenset({"password"}), from_nodes=(5000,),
    services=("tracking",),
)  # fmt: skip
DOOR = Endpoint("ml", "ml", "https", 31500, "tracking", 8443, "tracking server")


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workloads, "PARTS", (*workloads.PARTS, ML))
    monkeypatch.setattr(workloads, "WORKLOADS", (*workloads.WORKLOADS, TRACKING))
    monkeypatch.setattr(workloads, "ENDPOINTS", (*workloads.ENDPOINTS, DOOR))


@pytest.fixture
def config() -> Config:
    """With it; `Config()` is without."""
    return EVERYTHING


@pytest.fixture
def kube(kube: Cluster) -> Cluster:
    kube.put(f"{APPS}/statefulsets/tracking", {"metadata": {"labels": labels("bdc", "ml", "tracking")}, "spec": {"replicas": 1}})
    kube.put(f"{CORE}/pods/tracking-0", pod("tracking-0", "ml", "tracking"))
    return kube


@pytest.fixture
def gone(kube: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster after somebody has deleted it."""
    monkeypatch.setattr(probes, "databases", lambda *_: ["default"])
    monkeypatch.setattr(probes, "select_one", lambda *_: Answer("476", 0.2))
    del kube.objects[f"{APPS}/statefulsets/tracking"], kube.objects[f"{CORE}/pods/tracking-0"]
    return kube


def test_preflight_counts_its_pods_and_its_volume(config: Config) -> None:
    [request] = [one for one in capacity.asks(config) if one.part == "ml"]
    assert (request.name, request.replicas, request.memory) == ("tracking server", 1, size(config.spark.history.memory) + 24 * 2**20)
    without = sum(size(one) for one in (config.storage.namenode_volume, config.storage.datanode_volume, config.master.volume))
    assert workloads.volumes(config) == without + size(config.master.volume)
    assert workloads.volumes(Config()) == without


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


def test_no_policy_and_no_certificate_have_it_where_it_is_not() -> None:
    assert ("NetworkPolicy", "tracking") not in declared(platform.program, Config())
    assert not {"tracking.bdc.svc", "ml.bdc.svc"} & set(site(Config()).hosts())


def test_status_lists_it_once_it_is_there(kube: Cluster, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "databases", lambda *_: ["default"])
    monkeypatch.setattr(probes, "select_one", lambda *_: Answer("476", 0.2))
    part = status(kube, config).parts[-1]
    assert (part.name, part.title, part.replicas, part.ready) == ("ml", "machine learning", "1/1", True)
    monkeypatch.setattr(use, "execute", lambda *_, **__: "")
    used = use.in_use(kube, config)
    assert used is not None
    assert "machine learning" in used.parts, "`bdc down` says that it ends"


def test_status_misses_it_where_it_was_applied(gone: Cluster, config: Config) -> None:
    assert "ml" not in [part.name for part in status(gone, config).parts], "nobody knows that it was there"
    keep(gone, "bdc", settings(Config()))
    assert "ml" not in [part.name for part in status(gone, config).parts], "it was turned off"
    keep(gone, "bdc", settings(config))
    found = status(gone, Config())
    part = found.parts[-1]
    assert (part.name, part.state, part.hint, found.ready) == ("ml", "missing", "make it: bdc up", False)


def test_doctor_misses_it_where_it_was_applied(gone: Cluster, config: Config) -> None:
    assert "tracking" not in present(CheckContext(gone, config)).message
    keep(gone, "bdc", settings(config))
    assert "tracking server" in present(CheckContext(gone, config)).message


def test_doctor_misses_its_pods(kube: Cluster, config: Config) -> None:
    del kube.objects[f"{CORE}/pods/tracking-0"]
    assert "tracking server 0 of 1" in present(CheckContext(kube, config)).message


def test_its_endpoint_is_there_where_it_is(kube: Cluster, config: Config) -> None:
    assert endpoint("ml", endpoints(kube, config)) is DOOR
    assert DOOR not in endpoints(kube, Config())
    with pytest.raises(NotFoundError, match="no endpoint ml"):
        endpoint("ml", endpoints(kube, Config()))


def test_an_ordinary_user_knows_its_endpoint_by_their_file(kube: Cluster) -> None:
    kube.known_person = UserContext("bdc", "ann", "pw", "CA", {"trino": ("192.0.2.1",)}, True, ())
    assert DOOR not in endpoints(kube, Config())
    kube.known_person = replace(kube.known_person, addresses={"ml": ()})
    assert endpoints(kube, Config()) == workloads.ENDPOINTS


def test_its_port_is_asked_for_where_it_is(kube: Cluster, config: Config) -> None:
    class Host:
        def listener(self, port: int) -> str | None:
            return "mlflow (pid 7)" if port == DOOR.port else None

    preflight.ports(Config(), cast("Substrate", Host()))
    with pytest.raises(UnhealthyError, match="tracking server"):
        preflight.ports(config, cast("Substrate", Host()))
    theirs = {"metadata": {"namespace": "theirs"}, "spec": {"ports": [{"nodePort": DOOR.port}]}}
    kube.put("/api/v1/services/web", theirs)
    assert ports(CheckContext(kube, Config())).level == "ok"
    assert "31500 (ml) by Service theirs/web" in ports(CheckContext(kube, config)).message

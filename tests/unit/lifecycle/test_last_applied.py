"""What the cluster remembers of its configuration, and which settings its volumes forbid."""

from __future__ import annotations

from typing import Any

import pytest

from bdc.config.model import Config
from bdc.config.names import COMPONENT, INSTANCE
from bdc.errors import UsageError
from bdc.lifecycle.last_applied import Difference, differences, fixed, refuse_fixed, remember
from tests.unit.fake_kube import FakeKube


def config(**sections: Any) -> Config:
    return Config.model_validate(sections)


def with_volumes(**of: tuple[int, str]) -> FakeKube:
    kube = FakeKube()
    for workload, (count, size) in of.items():
        for index in range(count):
            labels = {INSTANCE: "bdc", COMPONENT: workload}
            spec = {"storageClassName": "fast", "resources": {"requests": {"storage": size}}}
            path = f"/api/v1/namespaces/bdc/persistentvolumeclaims/data-{workload}-{index}"
            kube.put(path, {"metadata": {"labels": labels}, "spec": spec})
    return kube


DEFAULT = {"namenode": (1, "10Gi"), "datanode": (1, "50Gi"), "master": (1, "20Gi")}


def test_a_changed_field_is_told_with_both_values() -> None:
    kube = FakeKube()
    assert differences(config(), kube) == []
    remember(config(), kube)
    assert differences(config(), kube) == []
    wanted = config(master={"replicas": 3}, network={"address": "bdc.example.org"})
    assert differences(wanted, kube) == [
        Difference("network.address", None, "bdc.example.org"),
        Difference("master.replicas", 1, 3),
    ]


def test_another_spelling_and_another_way_to_the_cluster_are_no_change() -> None:
    kube = FakeKube()
    remember(config(), kube)
    other = config(storage={"block_size": "131072Ki"}, spark={"cpu": "0.1"}, cluster={"kubeconfig": "/elsewhere", "context": "c"})
    assert differences(other, kube) == []


def test_a_field_that_an_older_bdc_did_not_know_had_its_default() -> None:
    kube = FakeKube()
    kube.put("/api/v1/namespaces/bdc/configmaps/configuration", {"data": {"bdc.json": '{"master.replicas": 2}'}})
    assert differences(config(master={"replicas": 2}), kube) == []
    assert differences(config(), kube) == [Difference("master.replicas", 2, 1)]


def test_a_cluster_without_volumes_forbids_nothing() -> None:
    assert fixed(config(storage={"datanode_volume": "1Ti"}), FakeKube(), "slow") == []


def test_what_fits_the_volumes_is_allowed() -> None:
    kube = with_volumes(**DEFAULT)
    refuse_fixed(config(), kube, "fast")
    refuse_fixed(config(), kube, None)
    refuse_fixed(config(storage={"datanodes": 3, "datanode_volume": "51200Mi"}, master={"replicas": 3}), kube, "fast")


def test_a_size_is_refused_with_both_values_and_the_remedy() -> None:
    with pytest.raises(UsageError) as refused:
        refuse_fixed(config(storage={"datanode_volume": "100Gi"}, master={"volume": "5Gi"}), with_volumes(**DEFAULT), "fast")
    assert refused.value.message.splitlines() == [
        "storage.datanode_volume can't change in place: 50Gi now, 100Gi wanted",
        "master.volume can't change in place: 20Gi now, 5Gi wanted",
    ]
    assert "bdc config set storage.datanode_volume=50Gi master.volume=20Gi" in (refused.value.hint or "")
    assert refused.value.exit_code == 2


def test_fewer_datanodes_and_another_class_are_refused_and_fewer_masters_are_not() -> None:
    kube = with_volumes(**DEFAULT | {"datanode": (3, "50Gi"), "master": (3, "20Gi")})
    found = fixed(config(storage={"datanodes": 2}), kube, "slow")
    assert found == [Difference("cluster.storage_class", "fast", "slow"), Difference("storage.datanodes", 3, 2)] or found == [
        Difference("storage.datanodes", 3, 2),
        Difference("cluster.storage_class", "fast", "slow"),
    ]
    with pytest.raises(UsageError, match=r"storage\.datanodes can be raised, not lowered: 3 now, 2 wanted"):
        refuse_fixed(config(storage={"datanodes": 2}), kube, "fast")


def test_one_volume_of_another_size_is_enough() -> None:
    kube = with_volumes(datanode=(2, "50Gi"))
    kube.objects["/api/v1/namespaces/bdc/persistentvolumeclaims/data-datanode-1"]["spec"]["resources"]["requests"]["storage"] = "60Gi"
    assert fixed(config(storage={"datanodes": 2}), kube, None) == [Difference("storage.datanode_volume", "60Gi", "50Gi")]

"""With one NameNode nothing is asked; with several, the one that says so is active."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bdc.config.names import namenode_hosts
from bdc.errors import UnhealthyError
from bdc.kube.namenode import active_namenode
from tests.unit.fake_kube import FakeKube

LABELS = {"app.kubernetes.io/instance": "bdc", "app.kubernetes.io/component": "namenode"}


def hdfs(states: Mapping[str, str]) -> FakeKube:
    """NameNodes by their state; one whose state is empty doesn't answer."""
    kube = FakeKube()
    for pod, state in states.items():
        kube.put(f"/api/v1/namespaces/bdc/pods/{pod}", {"metadata": {"labels": LABELS}})
        if state:
            beans: list[dict[str, Any]] = [{"State": state}]
            kube.pages[f"{pod}:9870/jmx"] = {"beans": beans}
    return kube


def test_the_only_one_is_not_asked() -> None:
    kube = hdfs({"namenode-0": ""})
    assert active_namenode(kube, "bdc") == "namenode-0"
    assert [method for method, _ in kube.calls] == ["GET"]


@pytest.mark.parametrize("first", ["standby", ""])
def test_of_several_the_active_one(first: str) -> None:
    assert active_namenode(hdfs({"namenode-0": first, "namenode-1": "active", "namenode-2": "standby"}), "bdc") == "namenode-1"


@pytest.mark.parametrize("states", [{}, {"namenode-0": "standby", "namenode-1": ""}])
def test_none_is_active(states: dict[str, str]) -> None:
    with pytest.raises(UnhealthyError, match="no NameNode is active"):
        active_namenode(hdfs(states), "bdc")


def test_where_they_are() -> None:
    assert namenode_hosts("bdc", 2) == ["namenode-0.namenode.bdc.svc", "namenode-1.namenode.bdc.svc"]

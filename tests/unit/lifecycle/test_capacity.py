"""Whether a configuration fits on nodes, before anything is made."""

from __future__ import annotations

import pytest

from bdc.config.load import load
from bdc.config.model import Config
from bdc.errors import UnhealthyError
from bdc.lifecycle.capacity import Node, PodRequest, asks, check, total

GIB = 2**30


def node(cpu: float, gib: float, name: str = "n") -> Node:
    return Node(name, cpu, int(gib * GIB), cpu, int(gib * GIB))


def test_the_local_profile_asks_for_a_core_and_five_and_a_half_gibibytes_at_most() -> None:
    cpu, memory = total(asks(Config()))
    assert cpu <= 1.0
    assert memory <= 5.5 * GIB


def test_an_application_is_part_of_what_is_asked() -> None:
    assert {"Spark driver", "Spark executor"} <= {ask.name for ask in asks(Config())}


def test_what_fits_is_said_with_its_sums() -> None:
    assert check([PodRequest("a", "storage", 2, 0.5, GIB)], [node(2, 4)]) == "CPU 1.00 of 2.00 · memory 2.0 of 4.0 GiB"


def test_too_little_memory_names_the_largest_and_what_has_no_place() -> None:
    with pytest.raises(UnhealthyError) as refused:
        check(asks(Config()), [node(4, 4, "host7")])
    assert "doesn't fit on host7" in refused.value.message
    assert "cannot schedule: " in refused.value.message
    assert "Trino coordinator" in (refused.value.hint or "")
    assert refused.value.exit_code == 5


def test_too_little_cpu_is_refused() -> None:
    with pytest.raises(UnhealthyError, match="cores"):
        check(asks(Config()), [node(0.5, 64)])


def test_a_pod_must_fit_on_one_node() -> None:
    one = [PodRequest("large", "federation", 1, 0.1, 3 * GIB)]
    assert check(one, [node(1, 4)])
    with pytest.raises(UnhealthyError):
        check(one, [node(1, 2, "a"), node(1, 2, "b")])


def test_the_ha_profile_asks_for_every_replica() -> None:
    config = load(file=None, cluster=None, overrides={"profile": "ha"}, env={}).config
    replicas = {ask.name: ask.replicas for ask in asks(config)}
    assert replicas["PostgreSQL"] == config.master.replicas == 3
    assert replicas["DataNode"] == config.storage.datanodes == 3

"""The kind substrate, on a real Docker engine: `make kind`, which says so where there is none.

pytest-kind would fetch an old kind and kubectl by itself; it gets those of PATH.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_kind import KindCluster

from bdc.cluster import substrate
from tests.e2e.contract import keeps

NAME = "bdc-contract"


def program(name: str) -> Path:
    found = shutil.which(name)
    assert found, f"{name} is not on PATH"
    return Path(found)


@pytest.fixture
def _removed() -> Iterator[None]:
    yield
    subprocess.run([program("kind"), "delete", "cluster", "--name", NAME], check=True)


@pytest.mark.usefixtures("_removed")
def test_kind_keeps_the_contract() -> None:
    found = keeps(substrate("kind", kubeconfig=None, context=None, name=NAME))
    assert (found["kind"], found["nodes"], found["containerds"]) == ("kind", 1, 1)


def test_a_kind_cluster_that_somebody_else_made() -> None:
    cluster = KindCluster("bdc-others", kind_path=program("kind"), kubectl_path=program("kubectl"))
    cluster.create()
    try:
        found = keeps(substrate("existing", kubeconfig=cluster.kubeconfig_path, context=None, name=NAME))
        assert (found["kind"], found["containerds"]) == ("existing", 0)
    finally:
        cluster.delete()  # type: ignore[no-untyped-call, unused-ignore]

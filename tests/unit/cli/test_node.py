"""`bdc node` for somebody who isn't root."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc.cluster.embedded import host
from bdc.cluster.embedded.node import NodeStatus
from tests.unit.cli.conftest import Bdc


@pytest.fixture(autouse=True)
def _ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "is_root", lambda: False)


@pytest.mark.parametrize(("state", "code"), [("running", 0), ("ready", 0), ("unknown", 5), ("stopped", 5), ("absent", 3)])
def test_a_node_that_runs_is_no_failure(bdc: Bdc, monkeypatch: pytest.MonkeyPatch, state: str, code: int) -> None:
    status = NodeStatus(state, True, {}, True, "1.36.3", "192.0.2.7", "here", None, (), None, Path("/v"))
    monkeypatch.setattr("bdc.cluster.embedded.EmbeddedNode.status", lambda _: status)
    result = bdc("node", "status")
    assert result.code == code
    assert result.out.splitlines()[0].split(";")[0].split() == ["state", state]
    assert ("sudo bdc node status" in result.out) == (state in ("running", "unknown"))


def test_reset_refuses_before_it_asks(bdc: Bdc) -> None:
    result = bdc("node", "reset")
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: bdc node reset changes this host, so it needs root\nhint:  run it as root: sudo bdc node reset\n"

"""`bdc down` says what ends and asks; the runs themselves are tested where they are."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from bdc.cluster import Access
from bdc.health import Use
from tests.unit.cli.conftest import Bdc
from tests.unit.fake_kube import FakeKube

USE = Use(("storage pool", "SQL master"), 3, (("Spark", "etl-7f3a running"), ("SQL master", "ann (psql)")))


class Here:
    """A substrate with a cluster, or without one."""

    there = True

    def access(self) -> Access | None:
        return Access(Path("kubeconfig"), None, "192.0.2.1") if self.there else None


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A cluster that is in use; filled with the `delete_data` of each run that removes it."""
    runs: list[bool] = []

    def down(_config: object, _substrate: object, _report: object, *, delete_data: bool) -> bool:
        runs.append(delete_data)
        return Here.there

    monkeypatch.setattr(Here, "there", True)
    monkeypatch.setattr("bdc.cli.lifecycle.substrate_of", lambda _: Here())
    monkeypatch.setattr("bdc.kube.connect", lambda *_: FakeKube())
    monkeypatch.setattr("bdc.health.in_use", lambda *_: USE)
    monkeypatch.setattr("bdc.lifecycle.down", down)
    return runs


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    stdin = io.StringIO(text)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)


@pytest.mark.parametrize("arguments", [(), ("--no-input",), ("--delete-data",), ("-o", "json")])
def test_down_without_anybody_to_ask_wants_yes(bdc: Bdc, removed: list[bool], arguments: tuple[str, ...]) -> None:
    result = bdc("down", *arguments)
    assert (result.code, result.out, removed) == (2, "", [])
    said = [line.split() for line in result.err.splitlines()]
    assert said[:4] == [
        ["cluster", "bdc", "at", "https://fake:6443"],
        ["runs", "storage", "pool,", "SQL", "master:", "3", "pods"],
        ["Spark", "etl-7f3a", "running"],
        ["SQL", "master", "ann", "(psql)"],
    ]
    assert result.err.splitlines()[-1] == "hint:  add --yes to go on without asking"


def test_down_on_a_terminal_asks(bdc: Bdc, removed: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "n\n")
    result = bdc("down")
    assert (result.code, removed) == (1, [])
    assert result.err.endswith("Remove all workloads of cluster bdc? Its data stays. [y/N] ")
    answer(monkeypatch, "y\n")
    assert (bdc("down").code, removed) == (0, [False])
    answer(monkeypatch, "y\n")
    assert "Delete cluster bdc with all its data" in bdc("down", "--delete-data").err
    assert removed == [False, True]


def test_down_with_yes_asks_nobody(bdc: Bdc, removed: list[bool]) -> None:
    assert bdc("down", "--yes").err.endswith("cluster bdc is down; its data is kept; `bdc up` brings it back\n")
    assert bdc("down", "--delete-data", "-y").code == 0
    assert removed == [False, True]


def test_down_where_nothing_runs_asks_for_data_only(bdc: Bdc, removed: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdc.health.in_use", lambda *_: None)
    assert (bdc("down").code, removed) == (0, [False])
    refused = bdc("down", "--delete-data", "--no-input")
    assert (refused.code, removed) == (2, [False])
    assert refused.err.splitlines()[1].split() == ["runs", "nothing"]
    monkeypatch.setattr(Here, "there", False)
    assert bdc("down", "--delete-data").err.endswith("there is no Kubernetes here, so nothing to remove\n")

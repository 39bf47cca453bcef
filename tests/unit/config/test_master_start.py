"""manifests/master/start.py: what it clears away before Patroni starts, with a stand-in for Patroni's ConfigMap."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from bdc.config.paths import resources

Annotations = dict[str, str | None]


def started(monkeypatch: pytest.MonkeyPatch, pod: str, annotations: Annotations) -> ModuleType:
    """The script as a module of this pod; `annotations` are those of Patroni's ConfigMap, and change with it."""
    monkeypatch.setenv("PATRONI_NAME", pod)
    spec = importlib.util.spec_from_file_location("master_start", resources("manifests") / "master" / "start.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def config_map(name: str, patch: dict[str, dict[str, Annotations]] | None = None) -> dict[str, Annotations]:
        assert name == "master-config"
        if patch:
            annotations.update(patch["metadata"]["annotations"])
        return {"annotations": annotations}

    monkeypatch.setattr(module, "config_map", config_map)
    return module


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder in the middle of initdb, which has a pg_control early on."""
    folder = tmp_path / "pgdata"
    (folder / "global").mkdir(parents=True)
    (folder / "global" / "pg_control").write_text("half")
    return folder


def test_half_an_initdb_is_put_aside_and_the_claim_given_back(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    annotations: Annotations = {"initialize": ""}
    started(monkeypatch, "master-0", annotations).clear("master", data)
    assert [path.name for path in data.parent.iterdir()] == ["pgdata.incomplete"]
    assert annotations == {"initialize": None}


def test_a_claim_without_any_data_is_given_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    annotations: Annotations = {"initialize": ""}
    started(monkeypatch, "master-0", annotations).clear("master", tmp_path / "pgdata")
    assert annotations == {"initialize": None}


def test_another_server_leaves_the_bootstrap_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    annotations: Annotations = {"initialize": ""}
    started(monkeypatch, "master-1", annotations).clear("master", tmp_path / "pgdata")
    assert annotations == {"initialize": ""}


@pytest.mark.parametrize("pod", ["master-0", "master-1"])
def test_half_a_copy_of_the_leader_is_removed(monkeypatch: pytest.MonkeyPatch, data: Path, pod: str) -> None:
    (data / "global" / "pg_control").unlink()
    started(monkeypatch, pod, {"initialize": "7412345678901234567"}).clear("master", data)
    assert not data.exists()


@pytest.mark.parametrize("pod", ["master-0", "master-1"])
def test_data_of_a_cluster_that_has_come_up_is_left_alone(monkeypatch: pytest.MonkeyPatch, data: Path, pod: str) -> None:
    annotations: Annotations = {"initialize": "7412345678901234567"}
    started(monkeypatch, pod, annotations).clear("master", data)
    assert (data / "global" / "pg_control").exists()
    assert annotations == {"initialize": "7412345678901234567"}

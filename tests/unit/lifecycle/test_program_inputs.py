"""What the programs are made from: nothing that has a say is left out, and the same on every machine is the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from bdc.config.model import Config
from bdc.lifecycle import program_inputs
from bdc.lifecycle.program_inputs import code, inputs
from bdc_stacks.stack_context import StackContext

CONFIG = Config()
SITE = StackContext("bdc", {"spark": "bdc.local/spark:1"}, CONFIG.network, ("httpfs",))
OTHER: dict[str, Any] = {
    "cluster": "other",
    "images": {"spark": "bdc.local/spark:2"},
    "network": Config.model_validate({"network": {"expose": "none"}}).network,
    "services": ("httpfs", "trino"),
    "addresses": ("10.0.0.1",),
    "nodes": ("10.0.0.2",),
    "storage_class": "fast",
    "pull_secret": "registry",
    "pull_login": "{}",
    "revisions": {("credentials", "password"): "0123"},
}


def said(config: Config = CONFIG, site: StackContext = SITE) -> str:
    return json.dumps(inputs(config, site, code()), sort_keys=True)


def test_the_same_is_the_same() -> None:
    assert said() == said(Config(), replace(SITE))


@pytest.mark.parametrize("name", [one.name for one in fields(StackContext)])
def test_every_fact_about_the_place_counts(name: str) -> None:
    assert said(site=replace(SITE, **{name: OTHER[name]})) != said()


def test_the_configuration_counts_but_not_how_this_machine_reaches_the_cluster() -> None:
    assert said(Config.model_validate({"master": {"max_connections": 150}})) != said()
    assert said(Config.model_validate({"cluster": {"kubeconfig": "/elsewhere", "context": "c"}})) == said()


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bdc of a few files."""
    for name in ("config/model.py", "engine/stack.py", "kube/rest.py", "plugin/apply.py", "toolchain/programs.toml", "sql/result.py"):
        (tmp_path / "bdc" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "bdc" / name).write_text(name)
    for name in ("bdc_stacks/data.py", "manifests/trino/node.properties.j2"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(program_inputs, "_PACKAGE", tmp_path / "bdc")
    monkeypatch.setattr("bdc_stacks.__path__", [str(tmp_path / "bdc_stacks")])
    monkeypatch.setattr(program_inputs, "resources", lambda kind: tmp_path / kind)
    return tmp_path


CHANGES: dict[str, Callable[[Path], object]] = {
    "the configuration's schema": lambda root: (root / "bdc/config/model.py").write_text("x"),
    "the engine": lambda root: (root / "bdc/engine/stack.py").write_text("x"),
    "the plugin": lambda root: (root / "bdc/plugin/apply.py").write_text("x"),
    "the client": lambda root: (root / "bdc/kube/rest.py").write_text("x"),
    "Pulumi's pin": lambda root: (root / "bdc/toolchain/programs.toml").write_text("x"),
    "a stack": lambda root: (root / "bdc_stacks/data.py").write_text("x"),
    "a template": lambda root: (root / "manifests/trino/node.properties.j2").write_text("x"),
    "a new file": lambda root: (root / "manifests/new.j2").write_text(""),
    "a file's name": lambda root: (root / "bdc_stacks/data.py").rename(root / "bdc_stacks/date.py"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_code_that_has_a_say_counts(sources: Path, what: str) -> None:
    before = code()
    CHANGES[what](sources)
    assert code() != before


def test_other_code_has_none(sources: Path) -> None:
    before = code()
    (sources / "bdc/sql/result.py").write_text("x")
    (sources / "bdc_stacks/__pycache__").mkdir()
    (sources / "bdc_stacks/__pycache__/data.cpython-311.pyc").write_text("x")
    assert code() == before


def test_a_library_counts(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = code()
    monkeypatch.setattr(program_inputs, "version", lambda _: "99")
    assert code() != before


def test_code_that_changed_while_it_runs_is_not_known(sources: Path) -> None:
    loaded = code()
    (sources / "bdc_stacks/data.py").write_text("x")
    assert inputs(CONFIG, SITE, loaded) is None
    assert inputs(CONFIG, SITE, None) is None

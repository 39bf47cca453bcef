"""`bdc images`, and --registry wherever it stands for images.registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bdc import images, lifecycle
from bdc.config.model import Config
from tests.unit.cli.conftest import Bdc

PLACE = "registry.example.org/bdc"


@pytest.fixture(autouse=True)
def _nothing_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BDC_CACHE", str(tmp_path / "cache"))


def test_the_list_has_the_names_that_pods_pull_by(bdc: Bdc) -> None:
    rows = json.loads(bdc("images", "list", "--registry", PLACE, "-o", "json").out)
    assert {row["image"] for row in rows} >= {"hadoop", "spark", "trino"}
    assert all(row["reference"].startswith(f"{PLACE}/{row['image']}:") and row["built"] is False for row in rows)
    assert json.loads(bdc("images", "list", "-o", "json").out)[0]["reference"].startswith("bdc.local/")


def test_the_option_comes_before_the_file(bdc: Bdc) -> None:
    Path("bdc.yaml").write_text("images: {registry: other.example.org}\n")
    assert json.loads(bdc("images", "list", "-o", "json").out)[0]["reference"].startswith("other.example.org/")
    assert json.loads(bdc("images", "list", "--registry", PLACE, "-o", "json").out)[0]["reference"].startswith(f"{PLACE}/")


def test_push_needs_a_registry(bdc: Bdc) -> None:
    done = bdc("images", "push")
    assert (done.code, "--registry" in done.err) == (2, True)
    done = bdc("images", "push", "--registry", f"https://{PLACE}")
    assert (done.code, "without https://" in done.err) == (2, True)


def test_push_builds_what_is_missing_first(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(images, "build", lambda names, **_: calls.append(("build", names)))
    monkeypatch.setattr(images, "push", lambda names, where, **_: calls.append(("push", names, where)))
    assert bdc("images", "push", "spark", "--registry", PLACE).code == 0
    assert calls == [("build", ["spark"]), ("push", ["spark"], PLACE)]


@pytest.mark.parametrize("command", ["up", "plan"])
def test_up_and_plan_take_it_too(bdc: Bdc, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    seen: list[Config] = []

    def run(config: Config, *_: object, **_more: object) -> None:
        seen.append(config)
        raise KeyboardInterrupt

    monkeypatch.setattr(lifecycle, command, run)
    bdc(command, "--registry", PLACE)
    assert [config.images.registry for config in seen] == [PLACE]

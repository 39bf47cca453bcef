"""A plain Pulumi project's program declares what the program called by bdc's engine declares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest

from bdc.config.model import Config
from bdc_stacks import data, platform, project
from tests.stacks.recording import IMAGES, declared, site

SETTINGS = {"bdc:images": json.dumps(IMAGES), "bdc:addresses": '["192.0.2.10"]', "bdc:nodes": '["192.0.2.10"]'}


@pytest.fixture
def configure() -> Iterator[Any]:
    yield pulumi.runtime.set_all_config
    pulumi.runtime.set_all_config({})


def objects() -> dict[Any, Any]:
    return declared(lambda *_: project.run(platform.program), Config())


def test_the_same_objects(configure: Any) -> None:
    configure(SETTINGS)
    assert objects() == declared(platform.program, Config())


def test_the_file_counts(configure: Any, tmp_path: Path) -> None:
    file = tmp_path / "bdc.yaml"
    file.write_text("name: other\nfederation:\n  workers: 2\n")
    configure({**SETTINGS, "bdc:file": str(file), "bdc:storageClass": "fast"})
    config, where = project.read()
    assert (config.name, where.namespace, where.storage_class) == ("other", "other", "fast")
    assert where == site(config, storage_class="fast")
    assert objects()["Deployment", "trino-worker"]["spec"]["replicas"] == 2


def test_a_login_becomes_the_pull_secret(configure: Any, tmp_path: Path) -> None:
    file = tmp_path / "bdc.yaml"
    file.write_text("images: {registry: registry.example/bdc, pull_secret: login}\n")
    configure({**SETTINGS, "bdc:file": str(file), "bdc:pullLogin": '{"auths": {}}'})
    made = declared(lambda *_: project.run(data.program), Config())["Secret", "login"]
    assert made["type"] == "kubernetes.io/dockerconfigjson"
    configure({**SETTINGS, "bdc:file": str(file)})
    assert ("Secret", "login") not in declared(lambda *_: project.run(data.program), Config())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "bdc:images: "),
        ({"bdc:images": "[1]"}, "bdc:images: "),
        ({"bdc:images": "{"}, "bdc:"),
        ({"bdc:images": '{"trino": "x"}'}, "bdc:images lacks hadoop, hive-metastore, spark, postgres, proxy, bdc"),
        ({**SETTINGS, "bdc:file": "/nowhere/bdc.yaml"}, "/nowhere/bdc.yaml"),
    ],
)
def test_mistakes_are_named(configure: Any, settings: dict[str, str], message: str) -> None:
    configure(settings)
    with pytest.raises(pulumi.RunError, match="hint: ") as raised:
        objects()
    assert message in str(raised.value)


def test_every_project_has_its_files() -> None:
    folders = Path(__file__).parents[2] / "stacks"
    for name in ("data", "platform"):
        assert f"name: bdc-{name}\n" in (folders / name / "Pulumi.yaml").read_text()
        assert f"project.run({name}.program)" in (folders / name / "__main__.py").read_text()

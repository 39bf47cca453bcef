"""`bdc config`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from bdc.config.model import Config
from tests.unit.cli.conftest import Bdc


def test_init_writes_a_valid_file_once(bdc: Bdc) -> None:
    assert bdc("config", "init", "--profile", "ha").code == 0
    assert bdc("config", "validate").code == 0
    assert json.loads(bdc("config", "show", "-o", "json").out)["master"]["replicas"] == 3
    again = bdc("config", "init")
    assert (again.code, again.err) == (2, "error: bdc.yaml exists\nhint:  --force overwrites it\n")
    assert bdc("config", "init", "--force").code == 0
    assert "profile: local" in Path("bdc.yaml").read_text()


def test_init_elsewhere_with_a_name(bdc: Bdc) -> None:
    assert bdc("-c", "lake", "config", "init", "lake.yaml").code == 0
    assert yaml.safe_load(Path("lake.yaml").read_text())["name"] == "lake"
    assert bdc("config", "init", "--profile", "none", "x.yaml").code == 2
    assert not Path("x.yaml").exists()


def test_show_is_a_bdc_yaml(bdc: Bdc) -> None:
    shown = bdc("config", "show").out
    assert Config.model_validate(yaml.safe_load(shown)) == Config()
    Path("bdc.yaml").write_text(shown)
    assert bdc("config", "show").out == shown


def test_show_sources(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bdc.yaml").write_text("profile: ha\n\nstorage:\n  datanodes: 4\n")
    monkeypatch.setenv("BDC_SPARK__CPU", "1")
    lines = {line.split()[0]: line.split(None, 2)[1:] for line in bdc("--set", "name=x", "config", "show", "--sources").out.splitlines()}
    assert lines["storage.datanodes"] == ["4", "bdc.yaml:4"]
    assert lines["storage.replication"] == ["3", "profile ha"]
    assert lines["spark.cpu"] == ["1", "BDC_SPARK__CPU"]
    assert lines["name"] == ["x", "--set"]
    assert lines["master.synchronous"] == ["true", "profile ha"]
    assert lines["images.registry"] == ["-", "default"]
    as_json = json.loads(bdc("config", "show", "--sources", "-o", "json").out)
    assert as_json["storage.datanodes"] == {"value": 4, "source": "bdc.yaml:4"}


def test_set_changes_the_file_and_checks_it(bdc: Bdc) -> None:
    Path("bdc.yaml").write_text("# mine\nstorage:\n  datanodes: 2 # two\n")
    assert bdc("config", "set", "storage.datanodes=3", "storage.replication=3").code == 0
    assert Path("bdc.yaml").read_text() == "# mine\nstorage:\n  datanodes: 3 # two\n  replication: 3\n"
    refused = bdc("config", "set", "storage.datanodes=1")
    assert refused.code == 2
    assert refused.err.startswith("error: with this change, line 3: storage.datanodes: 1 is fewer than storage.replication (3)\n")
    assert "datanodes: 3 # two" in Path("bdc.yaml").read_text()


def test_get_prints_a_value_alone(bdc: Bdc) -> None:
    Path("bdc.yaml").write_text("profile: ha\nstorage:\n  datanodes: 4\nspark:\n  pools:\n    etl: {max_cpu: 2}\n")
    assert bdc("config", "get", "storage.datanodes").out == "4\n"
    assert bdc("--set", "storage.datanodes=5", "config", "get", "storage.datanodes").out == "5\n"
    assert bdc("config", "get", "master.synchronous").out == "true\n"
    assert bdc("config", "get", "images.registry").out == "\n"
    assert bdc("config", "get", "images.registry", "-o", "json").out == "null\n"
    assert bdc("config", "get", "spark.pools.etl.max_cpu").out == "2\n"
    lines = [line.split() for line in bdc("config", "get", "name", "storage.namenode").out.splitlines()]
    assert [line[0] for line in lines] == ["name", "storage.namenode.cpu", "storage.namenode.memory", "storage.namenode.memory_limit"]
    assert json.loads(bdc("config", "get", "name", "profile", "-o", "json").out) == {"name": "bdc", "profile": "ha"}


def test_get_of_what_is_not_there(bdc: Bdc) -> None:
    assert "did you mean master.replicas?" in bdc("config", "get", "master.replica").err
    assert bdc("config", "get", "nonsense").code == 2
    assert (bdc("config", "get", "spark.pools.etl.max_cpu").code, bdc("config", "get", "spark.pools").code) == (3, 0)


def test_unset_checks_what_it_leaves(bdc: Bdc) -> None:
    Path("bdc.yaml").write_text("storage:\n  datanodes: 3 # three\n  replication: 2\nname: x\n")
    refused = bdc("config", "unset", "storage.datanodes")
    assert (refused.code, "is fewer than storage.replication (2)" in refused.err) == (2, True)
    assert bdc("config", "unset", "storage.datanodes", "storage.replication").code == 0
    assert Path("bdc.yaml").read_text() == "storage:\nname: x\n"
    assert bdc("config", "unset", "storage.datanodes").err.startswith("error: bdc.yaml doesn't set storage.datanodes\nhint:  ")
    assert bdc("config", "unset", "storage.datanodes").code == 3


def test_set_begins_a_file(bdc: Bdc) -> None:
    assert bdc("-f", "new.yaml", "-q", "config", "set", "name=x").err == ""
    assert Path("new.yaml").read_text() == "name: x\n"


def test_validate_names_the_line(bdc: Bdc) -> None:
    Path("other.yaml").write_text("storage:\n  datanodes: x\n")
    result = bdc("config", "validate", "other.yaml")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: other.yaml:2: storage.datanodes: x is not a whole number\nhint:  ")
    assert bdc("config", "validate").code == 2


def test_schema_is_the_models(bdc: Bdc) -> None:
    assert json.loads(bdc("config", "schema").out) == json.loads(json.dumps(Config.model_json_schema()))


def test_profiles(bdc: Bdc) -> None:
    assert [row["profile"] for row in json.loads(bdc("config", "profiles", "list", "-o", "json").out)] == ["ha", "local"]

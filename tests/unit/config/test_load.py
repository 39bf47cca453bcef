"""Precedence, sources, and every way in which a bdc.yaml can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bdc.config.kept import Loaded
from bdc.config.load import load, profiles
from bdc.config.model import Config
from bdc.config.schema import fields, sections
from bdc.config.tree import parse
from bdc.errors import UsageError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(
    text: str | bytes | None = None, /, *, cluster: str | None = None, env: dict[str, str] | None = None, **overrides: str
) -> Loaded:
    if text is not None:
        Path("bdc.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return load(file=None, cluster=cluster, overrides={key.replace("__", "."): value for key, value in overrides.items()}, env=env or {})


def refused(text: str | bytes | None = None, /, *, env: dict[str, str] | None = None, **overrides: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        loaded(text, env=env, **overrides)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return caught.value


def test_nothing_gives_the_defaults() -> None:
    result = loaded()
    assert result.config == Config()
    assert set(result.sources) == set(fields())
    assert set(result.sources.values()) == {"default"}


def test_local_is_the_defaults_and_every_profile_loads() -> None:
    assert loaded("profile: local").config == Config()
    assert {name: loaded(profile=name).config.profile for name in profiles()} == {"ha": "ha", "local": "local"}


def test_ha_is_what_it_says() -> None:
    config = loaded(profile="ha").config
    assert (config.master.replicas, config.master.synchronous) == (3, True)
    assert (config.storage.datanodes, config.storage.replication, config.storage.namenodes) == (3, 3, 1)
    assert (config.federation.workers, config.metastore.replicas) == (2, 2)


def test_precedence_and_sources() -> None:
    text = "profile: ha\nmaster:\n  replicas: 4\n  volume: 30Gi\n  max_connections: 200\n"
    env = {"BDC_MASTER__REPLICAS": "5", "BDC_MASTER__VOLUME": "40Gi", "BDC_CACHE": "/x", "BDC_SERVICE_HOST": "10.0.0.1"}
    result = loaded(text, env=env, master__replicas="6")
    assert (result.config.master.replicas, result.sources["master.replicas"]) == (6, "--set")
    assert (result.config.master.volume, result.sources["master.volume"]) == ("40Gi", "BDC_MASTER__VOLUME")
    assert (result.config.master.max_connections, result.sources["master.max_connections"]) == (200, "bdc.yaml:5")
    assert (result.config.master.synchronous, result.sources["master.synchronous"]) == (True, "profile ha")
    assert result.sources["storage.block_size"] == "default"


def test_profile_may_come_from_anywhere() -> None:
    assert loaded("profile: local", env={"BDC_PROFILE": "ha"}).config.master.replicas == 3
    assert loaded("profile: ha", profile="local").config.master.replicas == 1


def test_cluster_names_the_cluster() -> None:
    result = loaded("name: one", cluster="two", name="three")
    assert (result.config.name, result.sources["name"]) == ("two", "--cluster")


def test_file_by_option_and_by_variable(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("name: other")
    assert load(file=other, cluster=None, overrides={}, env={}).config.name == "other"
    assert load(file=None, cluster=None, overrides={}, env={"BDC_CONFIG": str(other)}).sources["name"] == f"{other}:1"


def test_null_unsets_and_numbers_are_quantities() -> None:
    assert loaded("images: {registry: null}").config.images.registry is None
    assert loaded("images: {registry: r}", images__registry="").config.images.registry is None
    assert loaded("spark: {cpu: 2}\nstorage:\n").config.spark.cpu == "2"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("storage:\n  datanods: 2", "bdc.yaml:2: storage.datanods: unknown key", "did you mean storage.datanodes?"),
        ("datanodes: 2", "bdc.yaml:1: datanodes: unknown key", "storage.datanodes"),
        ("a:\n  b: 1", "bdc.yaml:1: a: unknown key", "bdc config schema"),
        ("storage: {datanodes: many}", "bdc.yaml:1: storage.datanodes: many is not a whole number", "from 1 to 500"),
        ("storage: {datanodes: 0}", "bdc.yaml:1: storage.datanodes: 0 is too small", "from 1 to 500"),
        ("storage: {datanodes: 501}", "bdc.yaml:1: storage.datanodes: 501 is too large", "from 1 to 500"),
        ("storage: {datanodes: }", "bdc.yaml:1: storage.datanodes: nothing is not a whole number", "from 1 to 500"),
        ("storage: {datanodes: [1]}", "bdc.yaml:1: storage.datanodes: a list where a value belongs", "whole number"),
        ("name: {a: 1}", "bdc.yaml:1: name: a mapping where a value belongs", "letters"),
        ("storage: 3", "bdc.yaml:1: storage is a section, not a value", "storage.namenodes"),
        ("master: {synchronous: perhaps}", "bdc.yaml:1: master.synchronous: perhaps is not true or false", "true or false"),
        ("cluster: {substrate: vm}", "bdc.yaml:1: cluster.substrate: vm is not one of auto, embedded, existing, kind", "one of"),
        ("storage: {block_size: 1X}", "bdc.yaml:1: storage.block_size: '1X' is not a size", "10Gi"),
        ("storage: {block_size: 9" + "9" * 400 + "Ti}", "bdc.yaml:1: storage.block_size: '999", "10Gi"),
        ("storage: {block_size: ٣Gi}", "bdc.yaml:1: storage.block_size: '٣Gi' is not a size", "10Gi"),
        ("spark: {cpu: 0m}", "bdc.yaml:1: spark.cpu: '0m' is no CPU at all", "500m"),
        (
            "storage:\n  datanodes: 2\n  replication: 3",
            "bdc.yaml:2: storage.datanodes: 2 is fewer than storage.replication (3)",
            "set storage.replication to 2 or less, or storage.datanodes to 3 or more",
        ),
        (
            "\nstorage:\n  replication: 3",
            "bdc.yaml:3: storage.datanodes: 1 is fewer than storage.replication (3)",
            "set storage.replication to 1 or less, or storage.datanodes to 3 or more",
        ),
        ("storage: {journalnodes: 3}", "bdc.yaml:1: storage.journalnodes: unknown key", "did you mean"),
        ("storage: {namenodes: 2}", "bdc.yaml:1: storage.namenodes: HDFS HA is not in this release; use 1", "to 1"),
        (
            "storage:\n  namenode: {memory: 1Gi}",
            "bdc.yaml:2: storage.namenode.memory: 1Gi is more than storage.namenode.memory_limit (512Mi)",
            "set storage.namenode.memory or storage.namenode.memory_limit",
        ),
        ("master: {synchronous: true}", "bdc.yaml:1: master.synchronous: needs at least 2 replicas, there is 1", "replicas to 3"),
        ("name: My_Cluster", "bdc.yaml:1: name: My_Cluster is not a name that Kubernetes accepts", "lower-case"),
        ("name: kube-system", "bdc.yaml:1: name: kube-system is a namespace of Kubernetes itself", "choose another name"),
        ("profile: huge", "bdc.yaml:1: profile: there is no profile 'huge'", "ha, local"),
        ("name: [", "bdc.yaml:1: not valid YAML", "indentation"),
        ("name: a\nname: b", "bdc.yaml:2: name: given twice, first on line 1", "keep one"),
        ("- 1", "bdc.yaml:1: not a mapping", "storage:"),
        ("x", "bdc.yaml:1: not a mapping", "storage:"),
        ("[a]: 1", "bdc.yaml:1: a key must be a word", "key: value"),
        ("name: &a b\nprofile: *a", "bdc.yaml:2: aliases (*name) are not allowed here", "write the value out"),
        ("name: !!binary aGk=", "bdc.yaml:1: name: the tag tag:yaml.org,2002:binary is not allowed here", "plain"),
        ("name: !!python/name:os.system x", "bdc.yaml:1: name: the tag", "plain"),
        ("a: " + "[" * 5000, "bdc.yaml:1: nested more than 10 deep", "write"),
        ("#" * 2**20 + "#", "bdc.yaml is larger than 1 MiB", "bdc.yaml"),
        (b"name: \xff", "bdc.yaml is not UTF-8 text (byte 6)", "UTF-8"),
        (b"\x00\x01", "bdc.yaml is not valid YAML", "UTF-8"),
        ('name: "\\UFFFFFFFF"', "bdc.yaml is not valid YAML", "UTF-8"),
        ("name: a\n---\nname: b", "bdc.yaml:2: not valid YAML", "indentation"),
        ('"x\\ny": 1', "bdc.yaml:1: x\\ny: unknown key", "bdc config schema"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str | bytes, message: str, hint: str) -> None:
    error = refused(text)
    assert error.message.startswith(message)
    assert hint in (error.hint or "")
    assert "\n" not in error.message


def test_wrong_options_and_variables_are_named() -> None:
    assert refused(storage__datanods="1").message == "--set: storage.datanods: unknown key"
    assert refused(storage="1").message == "--set: storage is a section, not a value"
    assert refused(master__replicas="x").message == "--set: master.replicas: x is not a whole number"
    assert refused(env={"BDC_STORAGE__DATANODS": "1"}).message == "BDC_STORAGE__DATANODS: storage.datanods: unknown key"
    assert refused(env={"BDC_STORAGE__DATANODES": "0"}).message == "BDC_STORAGE__DATANODES: storage.datanodes: 0 is too small"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(UsageError, match="can't be read"):
            load(file=path, cluster=None, overrides={}, env={})


KEYS = st.sampled_from([*fields(), *sections()]).flatmap(lambda key: st.sampled_from([key, key.rpartition(".")[2]])) | st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=5) | st.dates()
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20)
QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)


def loads_or_refuses(data: bytes) -> None:
    message = ""
    try:
        assert isinstance(loaded(data).config, Config)
    except UsageError as error:
        message = error.message
    assert "\n" not in message


@QUICK
@given(st.binary(max_size=200))
def test_any_bytes_load_or_are_refused(data: bytes) -> None:
    loads_or_refuses(data)


@QUICK
@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(["name", ":", " ", "\n", "-", "[", "{", "&a", "*a", "!!", "'", '"', "\\U", "storage", "?"]), max_size=12
    ).map("".join)
)
def test_any_text_loads_or_is_refused(text: str) -> None:
    loads_or_refuses(text.encode("utf-8", "surrogatepass"))


@QUICK
@given(st.dictionaries(KEYS, TREES, max_size=4) | TREES)
def test_any_tree_loads_or_is_refused(tree: object) -> None:
    loads_or_refuses(yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass"))


@QUICK
@given(st.sampled_from(sorted(fields())), st.text(max_size=30))
def test_any_value_of_any_field_loads_or_is_refused(key: str, text: str) -> None:
    message = f"--set: {key}"
    try:
        assert load(file=None, cluster=None, overrides={key: text}, env={}).sources[key] == "--set"
    except UsageError as error:
        message = error.message
    assert message.startswith(f"--set: {key.rpartition('.')[0]}")


def test_entries_know_their_lines() -> None:
    entries = parse(b"\xef\xbb\xbf# top\nstorage:\n  # why\n  datanodes: 3\n", "f")
    assert {key: (entry.text, entry.source) for key, entry in entries.items()} == {"storage.datanodes": ("3", "f:4")}

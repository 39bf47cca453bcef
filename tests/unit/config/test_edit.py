"""Values change in the text; comments and everything else stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdc.config.dotted import flat
from bdc.config.edit import edited, template, without, write
from bdc.config.load import profiles
from bdc.config.model import Config
from bdc.config.schema import fields
from bdc.config.tree import parse, scalar
from bdc.errors import BdcError, NotFoundError, UsageError

DEFAULTS = {key: "" if value is None else str(value).lower() for key, value in flat(Config().model_dump()).items()}


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        ("", "name", "x", "name: x\n"),
        ("# why\n", "name", "x", "# why\nname: x\n"),
        ("name: a # mine", "name", "b", "name: b # mine"),
        ("name: 'a'\n", "name", "b", "name: b\n"),
        ("name:\n", "name", "b", "name: b\n"),
        ("name: a", "storage.datanodes", "3", "name: a\nstorage:\n  datanodes: 3\n"),
        ("name: a\n", "storage.namenode.cpu", "2", "name: a\nstorage:\n  namenode:\n    cpu: 2\n"),
        ("storage:\n# end\n", "storage.datanodes", "3", "storage:\n  datanodes: 3\n# end\n"),
        (
            "storage:\n    replication: 1 # one\n\nname: a\n",
            "storage.datanodes",
            "3",
            "storage:\n    replication: 1 # one\n    datanodes: 3\n\nname: a\n",
        ),
        ("storage:\n  # Nodes.\n  #datanodes: 1\n  #x: 1\n", "storage.datanodes", "3", "storage:\n  # Nodes.\n  datanodes: 3\n  #x: 1\n"),
        ("storage: {replication: 1}", "storage.datanodes", "3", "storage: {replication: 1, datanodes: 3}"),
        ("storage: {}", "storage.namenode.cpu", "1", "storage: {namenode: {cpu: 1}}"),
        ("{}", "name", "x", "{name: x}"),
        ("images:\n  registry: r\n", "images.registry", "", "images:\n  registry: null\n"),
        ("images:\n  registry: r\n", "images.registry", "null # no", 'images:\n  registry: "null # no"\n'),
    ],
)
def test_edits(before: str, key: str, value: str, after: str) -> None:
    assert edited(before, {key: value}, "f") == after


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown key"):
        edited("", {"nam": "x"}, "f")
    with pytest.raises(UsageError, match="can't be changed in place"):
        edited("storage: {datanodes: 1,}", {"storage.replication": "1"}, "f")


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(fields())), st.text(st.characters(codec="utf-8"), max_size=12), max_size=4), st.booleans())
def test_any_values_are_set_and_nothing_else(changes: dict[str, str], commented: bool) -> None:
    text = template("local", "bdc", DEFAULTS) if commented else ""
    before = {key: entry.text for key, entry in parse(text.encode(), "f").items()}
    after = {key: entry.text for key, entry in parse(edited(text, changes, "f").encode(), "f").items()}
    assert after == before | {key: scalar(value) for key, value in changes.items()}


@pytest.mark.parametrize("profile", sorted(profiles()))
def test_the_template_sets_two_fields_and_shows_all(profile: str) -> None:
    text = template(profile, "mine", DEFAULTS)
    assert {key: entry.text for key, entry in parse(text.encode(), "f").items()} == {"name": "mine", "profile": profile}
    uncommented = "".join(
        line.replace("#", "", 1) if line.lstrip()[:1] == "#" and line.lstrip()[1:2] != " " else line for line in text.splitlines(True)
    )
    assert set(parse(uncommented.encode(), "f")) == set(fields())


def test_writing_is_atomic_and_keeps_mode_and_links(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text("a")
    real.chmod(0o640)
    link.symlink_to(real)
    write(link, "b")
    assert (real.read_text(), real.stat().st_mode & 0o777, link.is_symlink()) == ("b", 0o640, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "real.yaml"]
    with pytest.raises(BdcError, match="can't be written"):
        write(tmp_path / "none" / "x.yaml", "")


POOL = "spark:\n  pools:\n    etl:\n      max_cpu: 1\n"


@pytest.mark.parametrize(
    ("before", "key", "after"),
    [
        ("name: x\n", "name", ""),
        ("name: a # mine\nprofile: ha\n", "name", "profile: ha\n"),
        ("\ufeffname: a\nprofile: ha\n", "name", "profile: ha\n"),
        ("# top\nstorage:\n  # Nodes.\n  datanodes: 3\n  replication: 2\n# end\n", "storage.datanodes",
         "# top\nstorage:\n  # Nodes.\n  replication: 2\n# end\n"),
        ("storage:\n  datanodes: 3\nname: x", "storage.datanodes", "storage:\nname: x"),
        ("storage:\n  namenode:\n    cpu: 1\n    memory: 1Gi\n  datanodes: 1\n", "storage.namenode", "storage:\n  datanodes: 1\n"),
        ("storage: {datanodes: 3, replication: 2, namenodes: 1}", "storage.datanodes", "storage: {replication: 2, namenodes: 1}"),
        ("storage: {datanodes: 3, replication: 2, namenodes: 1}", "storage.replication", "storage: {datanodes: 3, namenodes: 1}"),
        ("storage: {datanodes: 3, replication: 2}", "storage.replication", "storage: {datanodes: 3}"),
        ("storage: {datanodes: 3}", "storage.datanodes", "storage: {}"),
        (POOL, "spark.pools.etl", "spark:\n  pools:\n"),
    ],
)  # fmt: skip
def test_unset(before: str, key: str, after: str) -> None:
    assert without(before, [key], "bdc.yaml") == after


@pytest.mark.parametrize(
    ("before", "key", "kind", "said"),
    [
        ("name: x\n", "profile", NotFoundError, "bdc.yaml doesn't set profile"),
        ("", "storage", NotFoundError, "bdc.yaml doesn't set storage"),
        ("", "master.replica", UsageError, "config unset: master.replica: unknown key"),
        ("", "nonsense", UsageError, "unknown key"),
        (POOL, "spark.pools.etl.max_cpu", UsageError, "is all that spark.pools.etl says"),
    ],
)
def test_what_can_not_be_unset(before: str, key: str, kind: type[BdcError], said: str) -> None:
    with pytest.raises(kind, match=said):
        without(before, [key], "bdc.yaml")


@settings(max_examples=50, deadline=None)
@given(keys=st.lists(st.sampled_from(sorted(DEFAULTS)), min_size=1, max_size=8, unique=True), data=st.data())
def test_unset_is_the_opposite_of_set(keys: list[str], data: st.DataObject) -> None:
    text = edited("", {key: DEFAULTS[key] for key in keys}, "bdc.yaml")
    gone = data.draw(st.lists(st.sampled_from(keys), min_size=1, unique=True))
    assert set(parse(without(text, gone, "bdc.yaml").encode(), "bdc.yaml")) == set(keys) - set(gone)

"""Values change in the text; comments and everything else stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdc.config.edit import edited, template, write
from bdc.config.load import profiles
from bdc.config.model import Config
from bdc.config.schema import fields, flat
from bdc.config.tree import parse, scalar
from bdc.errors import BdcError, UsageError

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

"""`plan` works on a copy of the local state, which an `up` may be changing meanwhile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bdc.engine import engine, state_store
from bdc.engine import run as module
from bdc.engine.passphrase import generate
from bdc.engine.run import Run
from bdc.engine.stacks import StackProgram
from bdc.engine.state_store import ClusterStore
from tests.unit.fake_kube import FakeKube

STACK = "backend/.pulumi/stacks/bdc/one.json"


class Home:
    """A plugin whose PULUMI_HOME is empty."""

    def home(self, _: Path) -> Path:
        return Path("/nonexistent")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """The folder of a machine that has run `up` three times."""
    folder = tmp_path / "theirs"
    (folder / STACK).parent.mkdir(parents=True)
    (folder / STACK).write_text('{"version": 3}')
    (folder / "backend/.pulumi/meta.yaml").write_text("version: 1\n")
    (folder / "serials.json").write_text('{"platform": 3}')
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(module, "Pulumi", lambda _: None)
    plugin: Any = Home()
    store = ClusterStore(FakeKube(), "one")
    return Run("one", {}, store, access=None, secret=generate(), folder=tmp_path / "mine", backend=None, plugin=plugin, deadline_seconds=1)


def test_the_copy_is_whole_and_changes_nothing(run: Run, theirs: Path, tmp_path: Path) -> None:
    run.borrow(theirs)
    mine = tmp_path / "mine"
    assert json.loads((mine / STACK).read_text()) == {"version": 3}
    assert run._serials() == {"platform": 3}
    (mine / STACK).write_text("changed")
    assert (theirs / STACK).read_text() == '{"version": 3}'


@pytest.mark.parametrize("torn", ["half a state", "no state", "no serials", "nothing"])
def test_what_is_not_whole_is_as_if_it_were_not_there(run: Run, theirs: Path, tmp_path: Path, torn: str) -> None:
    if torn == "half a state":
        (theirs / STACK).write_text('{"version": ')
    elif torn == "no state":
        shutil.rmtree(theirs / "backend")
    elif torn == "no serials":
        (theirs / "serials.json").unlink()
    else:
        shutil.rmtree(theirs)
    run.borrow(theirs)
    assert run._serials() == {}, "so the copy in the cluster counts"
    assert not (tmp_path / "mine" / STACK).exists()


def test_plan_takes_no_lock(monkeypatch: pytest.MonkeyPatch, theirs: Path) -> None:
    borrowed: list[Path] = []

    class Copied:
        def borrow(self, folder: Path) -> None:
            borrowed.append(folder)

        def restored(self, name: str) -> str:
            return name

    def lock(*_: object, **__: object) -> None:
        pytest.fail("it holds the lock")

    plugin: Any = Home()
    kube, secret = FakeKube(), generate()
    monkeypatch.setattr(state_store, "lock", lock)
    monkeypatch.setattr("bdc.engine.passphrase.read", lambda *_: secret)
    monkeypatch.setattr(engine.PulumiEngine, "_run", lambda *_, **__: Copied())
    monkeypatch.setattr(engine.PulumiEngine, "_folder", lambda *_: theirs)
    monkeypatch.setattr(engine.PulumiEngine, "_planned", lambda *_: [])
    lake = StackProgram("lake", "one-lake", lambda: None)
    assert engine.PulumiEngine("one", [lake], ClusterStore(kube, "one"), plugin=plugin).plan() == []
    assert borrowed == [theirs]
    assert [method for method, _ in kube.calls] == ["GET"]

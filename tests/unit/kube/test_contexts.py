"""Contexts of ordinary users on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bdc.errors import BdcError, NotFoundError
from bdc.kube import contexts
from bdc.kube.kubeconfig import load
from bdc.kube.user_context import EXTENSION, UserContext

PERSON = UserContext("bdc", "ann", "s3cret", "PEM", {"trino": ("10.0.0.1",)}, True, ("etl",))


def document(name: str = "ann@bdc", extension: object = None) -> str:
    context = {"cluster": "bdc", "user": "me", "extensions": [{"name": EXTENSION, "extension": extension or PERSON.manifest()}]}
    return yaml.safe_dump(
        {
            "current-context": name,
            "clusters": [{"name": "bdc", "cluster": {"server": "https://10.0.0.1:6443"}}],
            "users": [{"name": "me", "user": {"token": "t0ken"}}],
            "contexts": [{"name": name, "context": context}],
        }
    )


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BDC_CONFIG_DIR", str(tmp_path / "bdc"))
    return tmp_path / "bdc"


def test_a_person_comes_back_from_the_file_and_is_not_shown(home: Path) -> None:
    found = contexts.take(document())
    assert (found.name, found.person, found.server, found.current) == ("ann@bdc", PERSON, "https://10.0.0.1:6443", True)
    assert load(found.path).person == PERSON
    assert "s3cret" not in repr(found)
    assert found.path.stat().st_mode & 0o777 == 0o600
    assert (home / "contexts").stat().st_mode & 0o777 == 0o700


def test_the_last_one_taken_is_used_until_another_is_chosen() -> None:
    assert contexts.current() is None
    first, second = contexts.take(document()), contexts.take(document("beth@bdc"))
    assert contexts.current() == second.path
    contexts.use("ann@bdc")
    assert [(one.name, one.current) for one in contexts.contexts()] == [("ann@bdc", True), ("beth@bdc", False)]
    contexts.delete("ann@bdc")
    assert contexts.current() is None
    assert not first.path.exists()
    contexts.use("beth@bdc")
    contexts.use(None)
    assert contexts.current() is None
    with pytest.raises(NotFoundError, match="there is no context ann@bdc here"):
        contexts.use("ann@bdc")
    with pytest.raises(NotFoundError, match=r"no context \.\./\.\./etc/passwd"):
        contexts.delete("../../etc/passwd")


NONE = (
    "",
    "[",
    "a: b",
    "current-context: ../x",
    document("A b"),
    document(extension={"cluster": "bdc"}),
    document().replace(EXTENSION, "x"),
)


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_context_replaces_nothing(home: Path, text: str) -> None:
    contexts.take(document())
    with pytest.raises(BdcError):
        contexts.take(text)
    assert [path.name for path in (home / "contexts").iterdir()] == ["ann@bdc.yaml"]
    assert contexts.contexts()[0].person == PERSON

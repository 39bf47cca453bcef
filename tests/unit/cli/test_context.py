"""`bdc context` for whoever has a file, and what its user is told where only an administrator gets on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bdc.cli.settings import Settings
from bdc.errors import UnhealthyError
from tests.unit.cli.conftest import Bdc
from tests.unit.fake_kube import FakeKube
from tests.unit.kube.test_contexts import PERSON, document


@pytest.fixture
def file() -> Path:
    path = Path("ann.yaml")
    path.write_text(document())
    return path


def test_import_list_use_delete(bdc: Bdc, file: Path) -> None:
    assert bdc("context", "import", str(file)).out == "using ann@bdc; pools: etl\n"
    assert "ann@bdc  bdc      ann   etl    https://10.0.0.1:6443  yes" in bdc("context", "list").out
    assert bdc("context", "use", "--none").code == 0
    assert '"current": false' in bdc("context", "list", "-o", "json").out
    assert bdc("context", "use").err.startswith("error: which context?")
    assert bdc("context", "use", "other").code == 3
    assert bdc("context", "delete", "ann@bdc").code == 0
    assert bdc("context", "list", "-o", "json").out == "[]\n"


def test_what_is_no_context(bdc: Bdc) -> None:
    assert bdc("context", "import", "nothing.yaml").err.startswith("error: nothing.yaml can't be read: No such file")
    Path("other.yaml").write_text("a: b")
    done = bdc("context", "import", "other.yaml")
    assert (done.code, done.err) == (
        2,
        "error: this is no context of a bdc cluster\nhint:  it is the file that bdc context export writes\n",
    )


def test_a_context_counts_where_there_is_no_bdc_yaml(bdc: Bdc, file: Path) -> None:
    file.write_text(document(extension={**PERSON.manifest(), "cluster": "lake"}))
    bdc("context", "import", str(file))
    assert Settings().config.name == "lake"
    assert Settings(cluster="other").config.name == "other"
    path = Settings().kubeconfig_path()
    assert path
    assert path.name == "ann@bdc.yaml"
    Path("bdc.yaml").write_text("name: mine\n")
    assert Settings().config.name == "mine"
    assert Settings().kubeconfig_path() != path
    assert Settings(kubeconfig=file).config.name == "mine"


ADMINISTRATORS = ("up", "plan", "down --yes", "status", "doctor", "logs master", "context users", "context revoke ann")


@pytest.mark.parametrize("command", ADMINISTRATORS)
def test_what_only_an_administrator_can_do(bdc: Bdc, file: Path, command: str) -> None:
    bdc("context", "import", str(file))
    done = bdc(*command.split())
    assert done.code == 2
    assert "error: that is for the administrator of the cluster bdc; you are ann there\n" in done.err


@pytest.fixture
def granted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An administrator's cluster that makes a file for each name it is given, except for eve's."""
    names: list[str] = []

    def grant(_kube: object, _config: object, name: str, _pools: object, **_: object) -> tuple[str, datetime]:
        names.append(name)
        if name == "eve":
            raise UnhealthyError("the SQL master has no leader", "bdc status")
        return f"for: {name}\n", datetime(2027, 2, 19, tzinfo=UTC)

    monkeypatch.setattr(Settings, "kube", lambda _: FakeKube())
    monkeypatch.setattr("bdc.access.users.grant", grant)
    return names


def test_export_writes_a_file_for_its_owner(bdc: Bdc, granted: list[str]) -> None:
    result = bdc("context", "export", "ann", "-f", "ann.yaml")
    assert (result.code, result.out) == (0, "")
    assert result.err.endswith("good until 2027-02-19; for ann: bdc context import ann.yaml\n")
    assert Path("ann.yaml").read_text() == "for: ann\n"
    assert Path("ann.yaml").stat().st_mode & 0o777 == 0o600


def test_export_that_fails_leaves_what_was_there(bdc: Bdc, granted: list[str]) -> None:
    assert bdc("context", "export", "eve", "--file", "eve.yaml").code == 5
    assert list(Path().iterdir()) == []
    Path("eve.yaml").write_text("before")
    assert bdc("context", "export", "eve", "--file", "eve.yaml").code == 5
    assert [(path.name, path.read_text()) for path in Path().iterdir()] == [("eve.yaml", "before")]


@pytest.mark.parametrize("file", ["nowhere/ann.yaml", "."])
def test_export_to_where_no_file_can_be_makes_no_credentials(bdc: Bdc, granted: list[str], file: str) -> None:
    result = bdc("context", "export", "ann", "-f", file)
    assert (result.code, granted) == (2, [])
    assert result.err.startswith(f"error: {file} ")


def test_a_context_without_pools(bdc: Bdc, file: Path) -> None:
    file.write_text(document(extension={**PERSON.manifest(), "pools": []}))
    assert bdc("context", "import", str(file)).out == "using ann@bdc; pools: none\n"

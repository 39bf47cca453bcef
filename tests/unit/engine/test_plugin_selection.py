"""Which Kubernetes plugin is used, and that Pulumi finds just that one.

The official plugin is on no package registry: its stand-in here is bdc's own, started by a script that doesn't say so.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bdc.engine.plugin_selection import EXECUTABLE, SDK, Plugin, choose
from bdc.errors import NotFoundError

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PULUMI_HOME and PATH."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    return tmp_path / "home"


def stand_in(path: Path, text: str = f'#!/bin/sh\nPYTHONPATH={CHECKOUT} exec {sys.executable} -m bdc.plugin "$@"\n') -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def installed(home: Path, version: str) -> Path:
    return stand_in(home / "plugins" / f"resource-kubernetes-v{version}" / EXECUTABLE)


def test_none_is_installed() -> None:
    assert choose() == choose("builtin") == Plugin(SDK)
    with pytest.raises(NotFoundError, match="no official Kubernetes plugin >=") as raised:
        choose("official")
    assert raised.value.hint == f"pulumi plugin install resource kubernetes {SDK}, or set engine.plugin to auto"


def test_an_installed_one_is_used_unless_told_otherwise(home: Path) -> None:
    path = installed(home, SDK)
    assert choose() == choose("official") == Plugin(SDK, path)
    assert str(choose()) == f"official Kubernetes plugin {SDK}"
    assert choose("builtin") == Plugin(SDK)


def test_the_sdks_version_comes_first(home: Path) -> None:
    newer, path = installed(home, "4.99.0"), installed(home, SDK)
    assert choose().path == path
    path.unlink()
    assert choose() == Plugin("4.99.0", newer)


@pytest.mark.parametrize("version", ["4.2.0", "5.0.0", "4.99.0-alpha.1"])
def test_other_versions_are_not_taken_and_named(home: Path, version: str) -> None:
    path = installed(home, version)
    assert choose() == Plugin(SDK)
    with pytest.raises(NotFoundError, match="is version ") as raised:
        choose("official")
    assert f"{path} is version {version}" in raised.value.message


def test_half_an_installation_is_none(home: Path) -> None:
    path = installed(home, SDK)
    path.parent.with_name(f"{path.parent.name}.partial").touch()
    assert choose() == Plugin(SDK)


def test_our_own_launcher_is_not_official(home: Path) -> None:
    Plugin(SDK).home(home.parent).rename(home)
    assert choose() == Plugin(SDK)


def test_one_on_path_is_asked_for_its_version(tmp_path: Path) -> None:
    path = stand_in(tmp_path / "path" / EXECUTABLE)
    assert choose() == choose("official") == Plugin(SDK, path)


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho 1\n", "#!/bin/sh\necho none\n", "not a program"])
def test_one_on_path_that_does_not_answer_is_not_taken(tmp_path: Path, text: str) -> None:
    stand_in(tmp_path / "path" / EXECUTABLE, text)
    assert choose() == Plugin(SDK)


def test_each_choice_has_a_home_of_its_own(tmp_path: Path) -> None:
    official = stand_in(tmp_path / "elsewhere" / EXECUTABLE)
    homes = tmp_path / "homes"
    for _ in range(2):
        ours, theirs = Plugin(SDK).home(homes), Plugin("4.99.0", official).home(homes)
        assert ours != theirs
        (found,) = theirs.glob("plugins/*/*")
        assert (found.parent.name, found.readlink()) == (f"resource-kubernetes-v{SDK}", official)
        (launcher,) = ours.glob("plugins/*/*")
        assert not launcher.is_symlink()
    moved = stand_in(tmp_path / "moved" / EXECUTABLE)
    Plugin("4.99.0", moved).home(homes)
    assert found.readlink() == moved


def test_the_launcher_starts_and_ends(tmp_path: Path) -> None:
    launcher = Plugin(SDK).home(tmp_path) / "plugins" / f"resource-kubernetes-v{SDK}" / EXECUTABLE
    before = launcher.stat().st_mtime_ns
    Plugin(SDK).home(tmp_path)
    assert launcher.stat().st_mtime_ns == before
    with subprocess.Popen([launcher, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, cwd="/") as process:
        assert process.stdout
        assert int(process.stdout.readline()) > 0
        process.terminate()
        assert process.wait(10) == 0

"""Installing packages, with stand-ins for apt-get and dpkg: this machine's own packages are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc.cluster.embedded import packages
from bdc.errors import BdcError

APT = """#!/bin/sh
echo "$(basename "$0") $*" >> {log}
case "$*" in
--configure*) rm -f {interrupted} ;;
*install*)
  if [ -e {interrupted} ]; then
    echo "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem." >&2
    exit 100
  fi
  [ ! -e {broken} ] || exit 100
  touch {folder}/runc ;;
esac
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host whose apt-get installs runc, and whose dpkg completes what was interrupted."""
    names = {name: str(tmp_path / name) for name in ("log", "interrupted", "broken")}
    for program in ("apt-get", "dpkg"):
        (tmp_path / program).write_text(APT.format(folder=tmp_path, **names))
        (tmp_path / program).chmod(0o755)
    monkeypatch.setattr(packages, "SYSTEM_PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(packages, "missing_packages", lambda: [] if (tmp_path / "runc").exists() else ["runc"])
    return tmp_path


def calls(host: Path) -> list[str]:
    lines = (host / "log").read_text().splitlines()
    return [" ".join(word for word in line.split() if not word.startswith(("-q", "-y", "-o", "DPkg"))) for line in lines]


def test_what_a_kill_interrupted_is_completed_first(host: Path) -> None:
    (host / "interrupted").touch()
    said: list[str] = []
    packages.install_packages(said.append)
    assert said == ["installing runc"]
    install = "apt-get install --no-install-recommends runc"
    assert calls(host) == [install, "dpkg --configure -a", "apt-get update", install]


def test_other_failures_are_told_with_the_remedy(host: Path) -> None:
    (host / "broken").touch()
    with pytest.raises(BdcError, match="installing packages: apt-get failed") as caught:
        packages.install_packages(lambda _: None)
    assert caught.value.hint == "install them yourself: apt-get install runc"
    assert not any(call.startswith("dpkg") for call in calls(host))

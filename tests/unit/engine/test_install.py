"""The launcher is where Pulumi looks, and never in an official plugin's place."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bdc.engine.plugin.install import install


def test_installed_once(tmp_path: Path) -> None:
    launcher = install(tmp_path)
    assert launcher.parent.name == "resource-kubernetes-v4.34.2"
    assert launcher.stat().st_mode & 0o777 == 0o755
    before = launcher.stat().st_mtime_ns
    assert install(tmp_path) == launcher
    assert launcher.stat().st_mtime_ns == before


def test_an_official_one_stays(tmp_path: Path) -> None:
    launcher = install(tmp_path)
    launcher.write_bytes(b"\x7fELF official")
    install(tmp_path)
    assert launcher.read_bytes() == b"\x7fELF official"


def test_it_starts_and_ends(tmp_path: Path) -> None:
    with subprocess.Popen([install(tmp_path), "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, cwd="/") as process:
        assert process.stdout
        assert int(process.stdout.readline()) > 0
        process.terminate()
        assert process.wait(10) == 0

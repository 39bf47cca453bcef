"""The wheel holds all that bdc needs: it works in an empty folder, far from the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from bdc.config.model import Config

CHECKOUT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "HOME": str(cwd)})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, CHECKOUT], check=True)
    (built,) = folder.glob("bdc-*.whl")
    return built


@pytest.fixture(scope="module")
def bdc(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bdc` in a venv that has the wheel of its own, and bdc's dependencies (400 MB) from the developer's venv."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    run(folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", wheel, cwd=folder)
    (site,) = folder.glob("lib/python3*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin/bdc"


def test_resources_are_inside(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("images", "manifests"):
        ours = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / kind).rglob("*") if path.is_file() and path.suffix != ".pyc"}
        assert ours
        assert {f"bdc/_resources/{name}" for name in ours} <= names
    assert {"bdc/config/profiles/ha.yaml", "bdc_stacks/__init__.py"} <= names
    assert {name.split("/")[0] for name in names if not name.startswith("bdc-")} == {"bdc", "bdc_stacks"}


def test_it_runs_in_an_empty_folder(bdc: Path, tmp_path: Path) -> None:
    assert run(bdc, "--help", cwd=tmp_path).startswith("Usage: bdc ")
    assert Config.model_validate_json(run(bdc, "config", "show", "-o", "json", cwd=tmp_path)) == Config()
    assert "/venv" in run(bdc.parent / "python", "-c", "import bdc; print(bdc.__file__)", cwd=tmp_path)


def test_its_images_are_the_checkouts(bdc: Path, tmp_path: Path) -> None:
    code = "from bdc.images import references; print(sorted(references().items()))"
    assert run(bdc.parent / "python", "-c", code, cwd=tmp_path) == run(sys.executable, "-c", code, cwd=tmp_path)

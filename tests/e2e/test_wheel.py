"""The wheel holds all that bdc needs: it works in an empty folder, far from the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from bdc.config.model import Config
from bdc.config.paths import cache_dir
from bdc.kube import connect
from tests.e2e.support.apiserver import api_server
from tests.e2e.support.host import TestHost

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
    for kind in ("images", "manifests", "stacks/data", "stacks/platform"):
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


def test_it_writes_a_configuration_that_it_accepts(bdc: Path, tmp_path: Path) -> None:
    run(bdc, "config", "init", cwd=tmp_path)
    run(bdc, "config", "set", "federation.workers=2", cwd=tmp_path)
    run(bdc, "config", "validate", cwd=tmp_path)
    shown = Config.model_validate_json(run(bdc, "config", "show", "-o", "json", cwd=tmp_path))
    assert shown.federation.workers == 2


def test_it_completes_on_the_command_line(bdc: Path, tmp_path: Path) -> None:
    in_bash = f"PATH={bdc.parent}:$PATH\nset -e\n"  # the shell is recognized among the parent processes
    run("bash", "-c", f"{in_bash}bdc --install-completion\ntrue", cwd=tmp_path)
    assert "bdc" in (tmp_path / ".bashrc").read_text()
    script = run("bash", "-c", f"{in_bash}bdc --show-completion\ntrue", cwd=tmp_path)
    ask = 'COMP_WORDS=(bdc pl); COMP_CWORD=1; _bdc_completion bdc; echo "${COMPREPLY[@]}"'
    assert run("bash", "-c", f"{in_bash}{script}\n{ask}", cwd=tmp_path).split() == ["plan"]


def test_plan_on_a_bare_host(bdc: Path, node_ready: None) -> None:
    with TestHost("progs") as host:
        done = host.run(["sh", "-c", f"cd {host.folder}/home && exec {bdc} plan"], env={"PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("There is no Kubernetes yet")


def test_plan_on_a_cluster(bdc: Path, tmp_path: Path, node_ready: None) -> None:
    """Pulumi, the plugin and the stacks' programs from the wheel, on a bare API server."""
    (tmp_path / "api").mkdir()
    with api_server(tmp_path / "api") as server:
        kube = connect(server.kubeconfig)
        kube.request("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "made-up"}})
        address = {"status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.10"}]}}
        kube.request("PATCH", "/api/v1/nodes/made-up/status", address, content_type="application/merge-patch+json")
        kube.close()
        home = tmp_path / "home"
        (home / ".cache" / "bdc").mkdir(parents=True)
        (home / ".cache" / "bdc" / "programs").symlink_to(cache_dir() / "programs")
        planned = json.loads(run(bdc, "--kubeconfig", server.kubeconfig, "plan", "-o", "json", cwd=home))
        run(bdc, "--kubeconfig", server.kubeconfig, "config", "pulumi", "infra", cwd=home)
    assert planned["changes"] > 40
    assert {one["op"] for one in planned["resources"]} == {"create"}
    assert {one["part"] for one in planned["resources"]} >= {"storage", "master", "metastore", "federation", "spark"}
    launcher = next((home / ".cache" / "bdc" / "pulumi-home").glob("builtin/plugins/*/pulumi-resource-kubernetes")).read_text()
    assert str(bdc.parent) in launcher
    assert {path.name for path in (home / "infra").glob("*/*")} >= {"Pulumi.yaml", "__main__.py", "Pulumi.bdc-data.yaml", "Pulumi.bdc.yaml"}

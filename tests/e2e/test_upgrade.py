"""A node with the programs of an older bdc becomes one of this bdc's: in place, with its objects and pods.

The older bdc is this one with the patch release of Kubernetes before in its programs.toml, built here once (seven minutes).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bdc import toolchain
from bdc.config.paths import cache_dir
from bdc.toolchain.golang import ensure_go, go_environment
from tests.e2e.support.commands import KUBECTL
from tests.e2e.support.host import TestHost
from tests.e2e.support.node import POD, ensure, kubectl, until

pytestmark = pytest.mark.full
CHECKOUT = Path(__file__).parents[2]
NOW, BEFORE = toolchain.manifest.spec("kubernetes").version, "1.36.1"


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder for PYTHONPATH with the older bdc; its Kubernetes is built."""
    root = tmp_path_factory.mktemp("older")
    shutil.copytree(CHECKOUT / "bdc", root / "bdc", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "manifests", root / "manifests")
    programs = root / "bdc" / "toolchain" / "programs.toml"
    text = programs.read_text().replace(f'accepted = ">={NOW},', f'accepted = ">={BEFORE},').replace(NOW, BEFORE)
    programs.write_text(text.replace('<1.37"', f'<={BEFORE}"'))
    module = root / "bdc" / "toolchain" / "go" / "kubernetes"
    mod = (module / "go.mod").read_text()
    (module / "go.mod").write_text(mod.replace(f"v{NOW}", f"v{BEFORE}").replace(f"v0.{NOW[2:]}", f"v0.{BEFORE[2:]}"))
    go = ensure_go()
    subprocess.run([go, "mod", "tidy"], cwd=module, env=go_environment(), check=True, capture_output=True)
    command = [sys.executable, "-m", "bdc.toolchain", "kubernetes"]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(root)}, cwd=root, check=True, stdout=subprocess.DEVNULL)
    return root


@pytest.fixture(scope="module")
def host(node_ready: None, older: Path) -> Iterator[TestHost]:
    with TestHost("progs") as made:
        cache = made.folder / "cache"  # the two would throw each other's archives of images away
        cache.mkdir()
        (cache / "programs").symlink_to(cache_dir() / "programs")
        yield made


def made_by(older: Path, host: TestHost) -> dict[str, str]:
    return {"PYTHONPATH": str(older), "BDC_CACHE": str(host.folder / "cache")}


def services(host: TestHost) -> dict[str, int]:
    """Process ids of containerd and the kubelet."""
    return dict(json.loads(host.run(["bdc", "node", "status", "-o", "json"]).stdout)["running"])


def has_become(host: TestHost, version: str) -> None:
    """Old pods may still be ending."""
    deadline = time.monotonic() + 90
    while (found := versions(host)) != {version}:
        assert time.monotonic() < deadline, found
        time.sleep(1)


def versions(host: TestHost) -> set[str]:
    """Of the API server, the kubelet, and the images of the control plane and kube-proxy."""
    server = kubectl(host, "version").split("Server Version: v")[1].strip()
    kubelet = kubectl(host, "get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.kubeletVersion}").removeprefix("v")
    images = kubectl(host, "-n", "kube-system", "get", "pods", "-o", "jsonpath={.items[*].spec.containers[*].image}").split()
    return {server, kubelet, *(image.rpartition(":v")[2] for image in images if "/kube-" in image)}


def test_an_older_node(host: TestHost, older: Path) -> None:
    ensure(host, made_by(older, host))
    has_become(host, BEFORE)
    kubectl(host, "apply", "-f", "-", stdin=POD)
    kubectl(host, "wait", "pod/keeper", "--for=condition=Ready", "--timeout=60s")


def test_an_upgrade_that_is_killed_goes_on(host: TestHost) -> None:
    """Kill all processes while the control plane is between the versions."""
    before = host.run(["cat", "/etc/kubernetes/manifests/etcd.yaml", "/etc/kubernetes/manifests/kube-apiserver.yaml"]).stdout
    process = host.popen(["bdc", "node", "start"])
    assert process.stdout is not None
    for line in process.stdout:
        if "kubeadm upgrade apply" in line:
            break
    deadline = time.monotonic() + 120
    while host.run(["cat", "/etc/kubernetes/manifests/etcd.yaml", "/etc/kubernetes/manifests/kube-apiserver.yaml"]).stdout == before:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    assert host.kill_all() > 20
    process.wait()
    process.stdout.close()
    assert host.run(["test", "-e", "/var/lib/bdc/node/upgrading"]).returncode == 0
    assert BEFORE in host.run(["cat", "/var/lib/bdc/node/installed.json"]).stdout

    done = host.run(["bdc", "node", "start"])
    assert done.returncode == 0, done.stderr
    assert "an upgrade was interrupted" in done.stderr
    assert f"upgrading the node from Kubernetes {BEFORE} to {NOW}" in done.stderr
    has_become(host, NOW)
    assert host.run(["test", "-e", "/var/lib/bdc/node/upgrading"]).returncode != 0


def test_objects_and_data_are_still_there(host: TestHost) -> None:
    until(host, "get", "pod", "keeper", "-o", "jsonpath={.status.phase}", wanted="Running")
    until(host, "logs", "keeper", wanted="written once")


def test_it_is_done_once(host: TestHost) -> None:
    before = services(host)
    assert "upgrading" not in host.run(["bdc", "node", "start"]).stderr
    assert services(host) == before


def test_an_older_bdc_leaves_the_newer_node_alone(host: TestHost, older: Path) -> None:
    before = services(host)
    ensure(host, made_by(older, host))
    assert services(host) == before
    has_become(host, NOW)


def test_an_undisturbed_upgrade_keeps_pods_running(host: TestHost, older: Path) -> None:
    assert host.run(["bdc", "node", "reset", "--yes", "--delete-volumes"]).returncode == 0
    ensure(host, made_by(older, host))
    kubectl(host, "apply", "-f", "-", stdin=POD)
    kubectl(host, "wait", "pod/keeper", "--for=condition=Ready", "--timeout=60s")
    started = kubectl(host, "get", "pod", "keeper", "-o", "jsonpath={.status.containerStatuses[0].state.running.startedAt}")
    ensure(host)
    has_become(host, NOW)
    done = host.run([*KUBECTL, "get", "pod", "keeper", "-o", "jsonpath={.status.containerStatuses[0].state.running.startedAt}"])
    assert done.stdout == started

"""What `bdc up` says and does when something is in its way: each fault is a real one, on a test host of its own.

The tests build on each other: those before there is a node, those with a node and no cluster, then a part that can't run, and its mending.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import yaml

from tests.e2e.support.commands import KUBECTL, kubectl
from tests.e2e.support.commands import process as bdc
from tests.e2e.support.host import CHECKOUT, TestHost

LISTEN = "import socket, time; s = socket.socket(); s.bind(('0.0.0.0', {port})); s.listen(); print('bound', flush=True); time.sleep(600)"


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("faults") as made:
        yield made


def untouched(host: TestHost) -> bool:
    """Whether nothing was made on the host."""
    return host.run(["test", "-e", "/var/lib/bdc/node/begun.json"]).returncode == 1


@pytest.mark.parametrize(("port", "who"), [(6443, "the Kubernetes API"), (31880, "federation (Trino)")])
def test_a_port_in_use_is_named_with_its_program_and_nothing_is_made(host: TestHost, port: int, who: str) -> None:
    with host.popen(["python", "-c", LISTEN.format(port=port)]) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        refused = bdc(host, "up", code=2 if port == 6443 else 5).stderr
        holder.kill()
    assert f"port {port}" in refused
    assert who in refused
    assert "python" in refused
    assert "hint: " in refused
    assert untouched(host)


def test_too_little_memory_is_refused_with_its_sums(host: TestHost) -> None:
    refused = bdc(host, "--set", "federation.coordinator.memory=500Gi", "--set", "federation.coordinator.memory_limit=500Gi", "up", code=5)
    assert "cannot schedule: Trino coordinator" in refused.stderr
    assert "bdc config set" in refused.stderr
    assert untouched(host)


def test_a_small_disk_is_refused_with_its_numbers(host: TestHost) -> None:
    """A tmpfs of 3 GiB over the node's folder: a filesystem of that size, as any other."""
    assert host.run(["mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", "/var/lib/bdc"]).returncode == 0
    try:
        refused = bdc(host, "up", code=5).stderr
        assert "the filesystem at /var/lib/bdc (3.0 GiB of 3.0 GiB free) is too small: 6.5 GiB are needed" in refused
        assert "free 3.5 GiB there" in refused
        assert untouched(host)
    finally:
        assert host.run(["umount", "/var/lib/bdc"]).returncode == 0


def test_a_full_disk_while_images_are_built_is_named_and_the_next_run_finishes(host: TestHost) -> None:
    """A cache on a filesystem of 60 MiB, and an image of 100 MiB that needs no registry: the build tool meets a real ENOSPC."""
    script = f"""set -e
        mkdir -p /run/bdc/small /run/bdc/images/big && mount -t tmpfs -o size=60m tmpfs /run/bdc/small
        printf 'FROM scratch\\nCOPY big /big\\n' > /run/bdc/images/big/Dockerfile
        head -c 104857600 /dev/urandom > /run/bdc/images/big/big
        mount --bind /run/bdc/images {CHECKOUT}/images"""
    made = host.run(["sh", "-c", script])
    assert made.returncode == 0, made.stderr
    env = {"BDC_CACHE": "/run/bdc/small", "TMPDIR": "/run/bdc/small"}
    try:
        refused = bdc(host, "images", "build", code=1, env=env).stderr
        assert "the disk is full, the filesystem at /run/bdc/small (" in refused
        assert "of 60.0 MiB free)" in refused
        assert "hint:  free some space there" in refused
        left = host.run(["find", "/run/bdc/small", "-name", ".work-*", "-o", "-name", ".part-*"]).stdout
        assert left == ""
        assert host.run(["mount", "-o", "remount,size=600m", "/run/bdc/small"]).returncode == 0
        assert "bdc.local/big:" in bdc(host, "images", "build", env=env).stdout
    finally:
        host.run(["umount", f"{CHECKOUT}/images"])
        host.run(["sh", "-c", "umount -l /run/bdc/small/images/store/* 2>/dev/null; umount -l /run/bdc/small"])


@pytest.mark.full
def test_a_full_disk_while_images_are_loaded_is_named_and_the_next_run_finishes(host: TestHost) -> None:
    """containerd's folder on a filesystem of 8 GiB that is full but for 3: the control plane fits, the cluster's images don't."""
    script = """set -e
        truncate -s 8G /var/lib/bdc/disk.img && mkfs.ext4 -q /var/lib/bdc/disk.img
        mkdir -p /var/lib/bdc/node/containerd && mount -o loop /var/lib/bdc/disk.img /var/lib/bdc/node/containerd
        fallocate -l 4700M /var/lib/bdc/node/containerd/ballast"""
    made = host.run(["sh", "-c", script])
    assert made.returncode == 0, made.stderr
    refused = bdc(host, "up", code=1, timeout_seconds=900).stderr
    assert "the disk is full, the filesystem at /var/lib/bdc/node/containerd (" in refused
    assert "hint:  free some space there" in refused
    assert host.run(["rm", "/var/lib/bdc/node/containerd/ballast"]).returncode == 0
    crashing = ("--set", "storage.namenode.memory=16Mi", "--set", "storage.namenode.memory_limit=16Mi")
    started = time.time()
    failed = bdc(host, *crashing, "up", code=5, timeout_seconds=900).stderr
    ended = time.time()
    # The same run shows an engine that can't run with its setting: one line, soon after the second exit.
    assert "storage: StatefulSet bdc/namenode can't become ready: pod namenode-0 can't run: container namenode" in failed
    assert "2 times" in failed
    assert "hint:  " in failed
    assert "storage.namenode.memory_limit" in failed or "bdc logs storage --previous" in failed
    assert ended - second_exit(host, "namenode-0") < 30
    assert ended - started < 900


@pytest.mark.full
def test_after_its_setting_is_mended_up_finishes(host: TestHost) -> None:
    done = bdc(host, "up", timeout_seconds=900).stderr
    assert "ready in " in done
    assert json.loads(bdc(host, "plan", "-o", "json").stdout)["changes"] == 0


@pytest.mark.full
def test_fields_that_can_not_change_are_refused_by_plan_and_up_and_nothing_changes(host: TestHost) -> None:
    wanted = ("--set", "storage.datanode_volume=100Gi")
    for command in ("plan", "up"):
        refused = bdc(host, *wanted, command, code=2).stderr
        assert "storage.datanode_volume can't change in place: 50Gi now, 100Gi wanted" in refused
        assert "bdc config set storage.datanode_volume=50Gi" in refused
    plan = json.loads(bdc(host, "--set", "master.max_connections=150", "plan", "-o", "json").stdout)
    assert plan["configuration"] == [{"key": "master.max_connections", "now": 100, "wanted": 150}]
    assert plan["restarts"] == [{"workload": "master", "interrupted": True}]
    assert json.loads(bdc(host, "plan", "-o", "json").stdout)["changes"] == 0


@pytest.mark.full
def test_a_part_that_misses_its_deadline_is_named(host: TestHost) -> None:
    late = bdc(host, "--set", "spark.history.cpu=51m", "up", "--timeout", "2", code=4).stderr
    assert "spark: Deployment bdc/spark-history was not ready in time (2 s), waiting for" in late
    assert "--timeout" in late
    bdc(host, "up", timeout_seconds=600)


@pytest.mark.full
def test_clusters_of_others_are_refused_with_the_cause(host: TestHost) -> None:
    """The node's own Kubernetes as somebody's existing one, by kubeconfigs that are not good enough."""
    kubectl(host, "create", "namespace", "looker")
    kubectl(host, "create", "serviceaccount", "looker", "-n", "looker")
    kubectl(host, "create", "clusterrolebinding", "looker", "--clusterrole=view", "--serviceaccount=looker:looker")
    viewer = kubeconfig(host, "viewer", token=kubectl(host, "create", "token", "looker", "-n", "looker").strip())
    for command in ("up", "plan"):
        refused = bdc(host, "-c", "other", "--kubeconfig", viewer, command, code=2 if command == "up" else 1).stderr
        assert "may not " in refused or "cannot " in refused
        assert "hint:  " in refused
    expired = kubeconfig(host, "expired", token="x.y.z")
    refused = bdc(host, "-c", "other", "--kubeconfig", expired, "up", code=1).stderr
    assert "does not accept the credentials" in refused
    assert "they may have expired" in refused
    silent = kubeconfig(host, "silent", token="x", server=f"https://{host.address}:1")
    refused = bdc(host, "-c", "other", "--kubeconfig", silent, "up", code=1).stderr
    assert "does not answer: connection refused" in refused
    assert kubectl(host, "get", "namespaces", "-o", "name").split().count("namespace/other") == 0


@pytest.mark.full
def test_storage_that_does_not_work_is_told_before_anything_is_made(host: TestHost) -> None:
    admin = str(host.run(["cat", "/etc/kubernetes/admin.conf"]).stdout)
    (host.folder / "admin.conf").write_text(admin)
    small = [
        part
        for name in ("storage.namenode", "storage.datanode", "storage.httpfs", "master.resources", "metastore.resources",
                     "federation.coordinator", "spark.history", "spark.connect")
        for part in ("--set", f"{name}.cpu=1m")
    ]  # fmt: skip
    other = ("-c", "other", "--kubeconfig", str(host.folder / "admin.conf"), "--set", "network.expose=none", *small)
    annotation = "storageclass.kubernetes.io/is-default-class"
    kubectl(host, "annotate", "storageclass", "bdc-local", "--overwrite", f"{annotation}=false")
    refused = bdc(host, *other, "up", code=5).stderr
    assert "the Kubernetes has no default StorageClass (there is: bdc-local)" in refused
    kubectl(host, "annotate", "storageclass", "bdc-local", "--overwrite", f"{annotation}=true")
    apply(host, {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "rootonly"},
                 "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"})  # fmt: skip
    for number in range(2):
        spec = {
            "capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "rootonly",
            "hostPath": {"path": f"/var/lib/bdc/rootonly-{number}", "type": "DirectoryOrCreate"},
        }  # fmt: skip
        apply(host, {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"rootonly-{number}"}, "spec": spec})
    refused = bdc(host, *other, "--set", "cluster.storage_class=rootonly", "up", code=5).stderr
    assert "volumes of StorageClass rootonly can't be written by user " in refused
    assert "Permission denied" in refused
    assert "fsGroup" in refused
    left = kubectl(host, "get", "pods,persistentvolumeclaims", "-n", "bdc-system", "-l", "bdc.dev/trial", "-o", "name")
    assert left == ""
    assert kubectl(host, "get", "namespaces", "-o", "name").split().count("namespace/other") == 0


@pytest.mark.full
def test_an_image_that_no_registry_gives_ends_up_by_name(host: TestHost) -> None:
    """images.registry names a place that nobody answers at: this machine can't look, so the nodes' pulls decide."""
    failed = bdc(host, "--set", "images.registry=127.0.0.1:1/bdc", "up", code=5, timeout_seconds=600).stderr
    assert "images not looked for (the registry 127.0.0.1:1 can't be reached" in failed
    assert "can't get its image 127.0.0.1:1/bdc/" in failed
    assert "check the image's name" in failed
    bdc(host, "up", timeout_seconds=600)


def second_exit(host: TestHost, pod: str) -> float:
    """When the first container of a pod ended for the second time, as Unix time; its restart count is 1 until the third start."""
    status = json.loads(kubectl(host, "get", "pod", pod, "-n", "bdc", "-o", "json"))["status"]["containerStatuses"][0]
    ended = status["state"].get("terminated") or status["lastState"]["terminated"]
    return datetime.fromisoformat(ended["finishedAt"]).timestamp()


def apply(host: TestHost, obj: dict[str, Any]) -> None:
    done = host.run([*KUBECTL, "apply", "-f", "-"], stdin=json.dumps(obj))
    assert done.returncode == 0, done.stderr


def kubeconfig(host: TestHost, name: str, *, token: str, server: str | None = None) -> str:
    """A kubeconfig of the node's Kubernetes with another user."""
    document = yaml.safe_load(host.run(["cat", "/etc/kubernetes/admin.conf"]).stdout)
    document["users"][0]["user"] = {"token": token}
    if server:
        document["clusters"][0]["cluster"]["server"] = server
    path = host.folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)

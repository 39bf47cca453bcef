"""bdc on a Kubernetes that is there already, from a user's machine that is no node: no root, a registry with TLS and a password, and no
more rights than the ClusterRole for deployers gives.

Three machines in one network: the cluster's node, with another default StorageClass than bdc's own; the registry; the user's. The tests
build on each other, in this order.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bdc.config.names import IMAGES
from bdc.config.paths import cache_dir
from bdc.kube.permissions import deployer_role
from tests.e2e.support.commands import KUBECTL
from tests.e2e.support.host import TestHost
from tests.e2e.support.node import ENSURE
from tests.registry import PASSWORD, RegistryServer, install

pytestmark = pytest.mark.full

PARTS = ["storage", "master", "metastore", "federation", "spark"]
USER = 1000
CLASS = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: fast-disks
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: PROVISIONER
volumeBindingMode: WaitForFirstConsumer
"""


@dataclass(frozen=True)
class World:
    """The three machines; `bdc` runs on the user's."""

    cluster: TestHost
    registry: RegistryServer
    user: TestHost

    @property
    def home(self) -> Path:
        return self.user.folder / f"home-{USER}"

    @property
    def place(self) -> str:
        return f"{self.registry.host}/team/bdc"

    @property
    def options(self) -> list[str]:
        return ["--config", f"{self.home}/bdc.yaml", "--kubeconfig", f"{self.home}/kubeconfig", "--context", "work"]

    @property
    def variables(self) -> dict[str, str]:
        return {"BDC_CACHE": f"{self.home}/cache"}

    def command(self, *arguments: str, options: list[str] | None = None) -> list[str]:
        return ["bdc", *(self.options if options is None else options), *arguments]

    def bdc(self, *arguments: str, code: int = 0, options: list[str] | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
        done = self.user.run(self.command(*arguments, options=options), user=USER, env=self.variables, **more)
        assert done.returncode == code, f"bdc {' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done

    def document(self, *arguments: str) -> Any:
        return json.loads(self.bdc(*arguments, "-o", "json").stdout)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """As the cluster's administrator, on its node."""
        done = self.cluster.run([*KUBECTL, *arguments], stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def own(self, name: str, text: str) -> Path:
        """A file of the user's."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for each in (path, *path.relative_to(self.home).parents):
            os.chown(self.home / each, USER, USER)
        return path


@pytest.fixture(scope="module")
def world(prepared: None) -> Iterator[World]:
    install()
    with TestHost("exist") as cluster, TestHost("exuser", beside=cluster) as user:
        registry = RegistryServer(cluster.folder / "registry", cluster.outside_address, 5000)
        registry.start(lambda argv: cluster.popen(argv, outside=True))
        made = World(cluster, registry, user)
        done = cluster.run(["python", "-c", ENSURE])
        assert done.returncode == 0, done.stdout + done.stderr
        _administer(made)
        _settle(made)
        yield made
        registry.stop()


def _administer(world: World) -> None:
    """What a cluster's administrator does before anybody deploys: storage, trust in the registry, the deployer's rights."""
    provisioner = world.kubectl("get", "storageclass", "bdc-local", "-o", "jsonpath={.provisioner}")
    world.kubectl("delete", "storageclass", "bdc-local")
    world.kubectl("apply", "-f", "-", stdin=CLASS.replace("PROVISIONER", provisioner))
    world.kubectl("taint", "nodes", "--all", "example.org/shared=true:PreferNoSchedule")
    trust = world.cluster.folder / "disk" / "etc_containerd" / "certs.d" / world.registry.host
    trust.mkdir(parents=True)
    (trust / "ca.crt").write_text(world.registry.ca)
    inside = f"/etc/containerd/certs.d/{world.registry.host}/ca.crt"
    (trust / "hosts.toml").write_text(
        f'server = "https://{world.registry.host}"\n[host."https://{world.registry.host}"]\nca = "{inside}"\n'
    )
    world.kubectl("apply", "-f", "-", stdin=deployer_role().read_text())
    world.kubectl("create", "namespace", "people")
    for name in ("deployer", "guest"):
        world.kubectl("create", "serviceaccount", name, "-n", "people")
    world.kubectl("create", "clusterrolebinding", "people", "--clusterrole=bdc-deployer", "--serviceaccount=people:deployer")


def _settle(world: World) -> None:
    """What a user has: a kubeconfig whose current context is another one, a login, the registry's CA, images that were built."""
    admin = yaml.safe_load((world.cluster.folder / "disk" / "etc_kubernetes" / "admin.conf").read_text())
    cluster = admin["clusters"][0]["cluster"]
    names = ("deployer", "guest")
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "elsewhere",
        "clusters": [{"name": "work", "cluster": cluster}, {"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [
            {"name": name, "user": {"token": world.kubectl("create", "token", name, "-n", "people", "--duration=12h").strip()}}
            for name in names
        ],
        "contexts": [
            {"name": "work", "context": {"cluster": "work", "user": "deployer"}},
            {"name": "visit", "context": {"cluster": "work", "user": "guest"}},
            {"name": "elsewhere", "context": {"cluster": "gone", "user": "deployer"}},
        ],
    }
    world.own("kubeconfig", yaml.safe_dump(document)).chmod(0o600)
    world.own(".docker/config.json", world.registry.logins()).chmod(0o600)
    world.own(f".config/containers/certs.d/{world.registry.host}/ca.crt", world.registry.ca)
    world.own("bdc.yaml", f"images:\n  registry: {world.place}\n  pull_secret: team-registry\n")
    cache = world.own("cache/.made", "").parent
    for name in ("programs", "images"):
        (cache / name).symlink_to(cache_dir() / name)


def test_no_image_no_cluster(world: World) -> None:
    lacking = world.bdc("up", code=3).stderr
    assert f"the registry lacks {world.place}/hadoop:" in lacking
    assert "bdc images push" in lacking
    assert "bdc-system" not in world.kubectl("get", "namespaces", "-o", "name")


def test_images_are_pushed_once(world: World) -> None:
    done = world.bdc("images", "push", "--registry", world.place, options=[], timeout_seconds=1200)
    assert f"pushed {world.place}/spark:" in done.stderr
    sent = world.registry.blobs_sent()
    assert sent > 10
    again = world.bdc("images", "push", timeout_seconds=300)
    assert "pushing" not in again.stderr
    assert world.registry.blobs_sent() == sent
    assert PASSWORD not in done.stderr + again.stderr


def test_a_cluster_that_is_gone_and_a_user_without_rights(world: World) -> None:
    kubeconfig = ["--kubeconfig", f"{world.home}/kubeconfig"]
    assert "does not answer" in world.bdc("up", options=kubeconfig, code=1).stderr
    denied = world.bdc("up", options=[*kubeconfig, "--context", "visit"], code=2).stderr
    assert "may not" in denied
    assert "deployer.yaml" in denied
    assert "bdc-system" not in world.kubectl("get", "namespaces", "-o", "name")


def test_up(world: World) -> None:
    done = world.bdc("up", timeout_seconds=1500)
    assert "failed" not in done.stderr
    deadline = time.monotonic() + 180
    while (status := world.user.run(world.command("status", "-o", "json"), user=USER, env=world.variables)).returncode:
        assert time.monotonic() < deadline, status.stdout + status.stderr
        time.sleep(2)
    parts = json.loads(status.stdout)["parts"]
    assert [(part["name"], part["ready"]) for part in parts] == [(name, True) for name in PARTS]
    assert "bdc-trial" not in world.kubectl("get", "secrets,pods", "-n", "bdc-system", "-o", "name")
    claims = json.loads(world.kubectl("get", "persistentvolumeclaims", "-n", "bdc", "-o", "json"))["items"]
    assert {claim["spec"]["storageClassName"] for claim in claims} == {"fast-disks"}


def test_every_pod_pulled_from_the_registry(world: World) -> None:
    pods = json.loads(world.kubectl("get", "pods", "-n", "bdc", "-o", "json"))["items"]
    used = {container["image"] for pod in pods for container in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", []))}
    assert len(used) == 6
    assert all(image.startswith(f"{world.place}/") for image in used)
    ctr = ["/var/lib/bdc/node/bin/ctr", "--address", "/run/bdc/node/containerd.sock", "-n", "k8s.io", "images", "ls", "-q"]
    there = world.cluster.run(ctr).stdout.split()
    assert used <= set(there)
    loaded = {image.partition("/")[2].partition(":")[0] for image in there if image.startswith("bdc.local/")}
    assert not loaded & set(IMAGES)
    secret = json.loads(world.kubectl("get", "secret", "team-registry", "-n", "bdc", "-o", "json"))
    assert secret["type"] == "kubernetes.io/dockerconfigjson"


def test_what_users_do(world: World) -> None:
    assert [one for one in world.document("endpoints") if one["reachable"] is not True] == []
    world.own("note.txt", "over there\n")
    world.bdc("hdfs", "put", f"{world.home}/note.txt", "/user/bdc/note.txt")
    world.bdc("hdfs", "get", "/user/bdc/note.txt", f"{world.home}/back.txt")
    assert (world.home / "back.txt").read_text() == "over there\n"
    assert json.loads(world.bdc("sql", "query", "SELECT count(*) AS n FROM tpch.tiny.nation", "-o", "json").stdout) == [{"n": 25}]
    job = world.own("job.py", "from pyspark.sql import SparkSession\nprint('rows', SparkSession.builder.getOrCreate().range(7).count())\n")
    assert "rows 7" in world.bdc("spark", "submit", str(job), timeout_seconds=600).stdout
    rights = [one for one in json.loads(world.bdc("doctor", "-o", "json").stdout) if one["check"] == "rights"]
    assert [one["level"] for one in rights] == ["ok"], rights


def test_connect_forwards_through_the_api(world: World) -> None:
    running = world.user.popen(world.command("connect", "master:25432", "-o", "json"), user=USER, env=world.variables)
    assert running.stdout is not None
    try:
        while "]" not in running.stdout.readline():
            assert running.poll() is None
        password = world.bdc("credentials", "show", "--password").stdout.strip()
        script = "import sys, psycopg\nprint(psycopg.connect(sys.argv[1]).execute('SELECT 42').fetchall())"
        target = "host=localhost port=25432 user=bdc dbname=bdc sslmode=require"
        done = world.user.run(["python", "-c", script, target], user=USER, env={"PGPASSWORD": password})
        assert done.stdout.strip() == "[(42,)]", done.stderr
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.communicate(timeout=30)


def test_plan_is_empty_also_for_a_user_without_a_login(world: World) -> None:
    assert world.document("plan")["changes"] == 0
    (world.home / ".docker" / "config.json").unlink()
    assert world.document("plan")["changes"] == 0
    world.own(".docker/config.json", world.registry.logins())


def test_the_users_machine_is_no_node(world: World) -> None:
    for folder in ("etc_kubernetes", "var_lib_kubelet", "var_lib_containerd", "var_lib_bdc"):
        assert not list((world.user.folder / "disk" / folder).iterdir()), folder


def test_down_leaves_the_cluster_as_it_was(world: World) -> None:
    world.bdc("down", "--delete-data", "--yes", timeout_seconds=600)
    world.kubectl("wait", "--for=delete", "namespace/bdc", "namespace/bdc-system", "--timeout=120s")
    assert "namespace/people" in world.kubectl("get", "namespaces", "-o", "name").split()
    assert "fast-disks (default)" in world.kubectl("get", "storageclass")
    shutil.rmtree(world.home / "cache", ignore_errors=True)

"""The embedded node, for real: from nothing, again, after the loss of all processes, after an interrupted start, and back to nothing.

The tests build on each other, in this order: a node takes half a minute to make.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from tests.e2e.support.host import TestHost
from tests.e2e.support.node import ENSURE, NODE, POD, ensure, kubectl, until


def test_from_nothing(host: TestHost) -> None:
    assert ensure(host) < 120
    assert "bdc-local (default)" in kubectl(host, "get", "storageclass")
    node = json.loads(kubectl(host, "get", "node", "-o", "json"))["items"][0]
    assert not node["spec"].get("taints")
    assert {"type": "InternalIP", "address": host.address} in node["status"]["addresses"]


def test_requests_of_the_nodes_own_parts_leave_room(host: TestHost) -> None:
    pods = json.loads(kubectl(host, "get", "pods", "-A", "-o", "json"))["items"]
    cpu = [container["resources"].get("requests", {}).get("cpu", "0m") for pod in pods for container in pod["spec"]["containers"]]
    assert sum(int(each.removesuffix("m")) for each in cpu) <= 300


def test_again_changes_nothing(host: TestHost) -> None:
    before = host.processes()
    assert ensure(host) < 3
    assert before <= host.processes()


def test_the_api_answers_from_outside(host: TestHost) -> None:
    done = host.run(["curl", "-sk", "--max-time", "5", f"https://{host.address}:6443/livez"], outside=True)
    assert done.stdout == "ok"


def test_loss_of_all_processes(host: TestHost) -> None:
    kubectl(host, "create", "configmap", "kept", "--from-literal=key=value")
    kubectl(host, "apply", "-f", "-", stdin=POD)
    kubectl(host, "wait", "pod/keeper", "--for=condition=Ready", "--timeout=60s")
    assert host.kill_all() > 20
    assert ensure(host) < 60
    assert kubectl(host, "get", "configmap", "kept", "-o", "jsonpath={.data.key}") == "value"
    until(host, "get", "pod", "keeper", "-o", "jsonpath={.status.containerStatuses[0].restartCount} {.status.phase}", wanted="1 Running")
    until(host, "logs", "keeper", wanted="written once")


def test_stop_and_start(host: TestHost) -> None:
    stopped = host.run(["python", "-c", NODE + "stop()"])
    assert stopped.returncode == 0, stopped.stderr
    assert not host.processes()
    ensure(host)
    assert kubectl(host, "get", "configmap", "kept", "-o", "jsonpath={.data.key}") == "value"


def test_reset_keeps_volumes_and_leaves_nothing_else(host: TestHost) -> None:
    done = host.run(["python", "-c", NODE + "reset()"])
    assert done.returncode == 0, done.stderr
    assert not host.processes()
    rules = host.run(["sh", "-c", "iptables-save; ip6tables-save"]).stdout
    assert "KUBE" not in rules
    assert "CNI" not in rules
    links = json.loads(host.run(["ip", "-j", "link"]).stdout)
    assert {link["ifname"] for link in links} == {"lo", "eth0"}
    mounts = host.run(["awk", "{print $2}", "/proc/self/mounts"]).stdout.split()
    assert not [mount for mount in mounts if mount.startswith(("/var/lib/kubelet/", "/run/bdc/", "/run/containerd/", "/run/netns/"))]
    assert not list(Path("/sys/fs/cgroup").glob(f"*{host.cgroup_root}/*/"))
    files = host.run(["find", "/etc/kubernetes", "/var/lib/kubelet", "/var/lib/cni", "/run/bdc", "/run/containerd", "-mindepth", "1"])
    assert not files.stdout.split()
    assert "first" in host.run(["find", "/var/lib/bdc", "-type", "f"]).stdout
    assert host.run(["ls", "/var/lib/bdc"]).stdout.split() == ["volumes"]


def test_killed_in_the_middle_of_kubeadm_init(host: TestHost) -> None:
    process = host.popen(["python", "-c", ENSURE])
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("kubeadm init"):
            break
    deadline = time.monotonic() + 60
    while host.run(["test", "-e", "/etc/kubernetes/manifests/etcd.yaml"]).returncode != 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert host.run(["test", "-e", "/var/lib/bdc/node/installed.json"]).returncode != 0
    ensure(host)
    assert "control-plane" in kubectl(host, "get", "nodes")


def test_a_foreign_kubernetes_is_refused(host: TestHost) -> None:
    assert host.run(["python", "-c", NODE + "reset(delete_volumes=True)"]).returncode == 0
    assert host.run(["sh", "-c", "echo theirs > /etc/kubernetes/admin.conf"]).returncode == 0
    done = host.run(["python", "-c", ENSURE], env={"KUBECONFIG": ""})
    assert done.returncode != 0
    assert "already part of a Kubernetes that bdc didn't make" in done.stderr
    assert host.run(["cat", "/etc/kubernetes/admin.conf"]).stdout == "theirs\n"
    host.run(["rm", "/etc/kubernetes/admin.conf"])


def test_a_user_without_rights_is_told(host: TestHost) -> None:
    done = host.run(["python3", "-c", ENSURE], user=1000)
    assert done.returncode != 0
    assert "needs root" in done.stderr

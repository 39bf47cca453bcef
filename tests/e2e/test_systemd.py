"""The embedded node where systemd is the first process: its services are units, and come back by themselves after a reboot."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.support.booted import BootedHost
from tests.e2e.support.commands import KUBECTL
from tests.e2e.support.node import NODE, ensure, kubectl, until

pytestmark = pytest.mark.full

UNITS = ("bdc-containerd.service", "kubelet.service")


@pytest.fixture(scope="module")
def host(node_ready: None) -> Iterator[BootedHost]:
    with BootedHost("exsd") as made:
        made.boot()
        yield made


def main_pids(host: BootedHost) -> list[str]:
    return host.run(["systemctl", "show", "--value", "-p", "MainPID", *UNITS]).stdout.split()


def states(host: BootedHost) -> list[str]:
    return host.run(["systemctl", "is-active", *UNITS]).stdout.split()


def test_the_services_are_units(host: BootedHost) -> None:
    assert ensure(host) < 300
    assert states(host) == ["active", "active"]
    assert host.run(["systemctl", "is-enabled", *UNITS]).stdout.split() == ["enabled", "enabled"]
    assert host.run(["systemd-analyze", "verify", *(f"/etc/systemd/system/{unit}" for unit in UNITS)]).stderr == ""
    assert "bdc-local (default)" in kubectl(host, "get", "storageclass")
    cgroup = host.run(["systemctl", "show", "--value", "-p", "ControlGroup", "kubepods.slice"]).stdout.strip()
    assert cgroup == "/kubepods.slice"


def test_again_changes_nothing(host: BootedHost) -> None:
    before = main_pids(host)
    ensure(host)
    assert main_pids(host) == before


def test_a_service_that_dies_comes_back(host: BootedHost) -> None:
    containerd, kubelet = main_pids(host)
    assert kubelet != "0", "kill 0 would end this test's own process group"
    host.run(["kill", "-KILL", kubelet])
    deadline = time.monotonic() + 60
    while states(host) != ["active", "active"] or main_pids(host)[1] == kubelet:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert main_pids(host)[0] == containerd


def test_the_node_comes_back_after_a_reboot_by_itself(host: BootedHost) -> None:
    kubectl(host, "create", "configmap", "kept", "--from-literal=key=value")
    assert host.kill_all() > 20
    host.boot()
    until(host, "get", "configmap", "kept", "-o", "jsonpath={.data.key}", wanted="value", seconds=180)
    until(host, "get", "node", "-o", "jsonpath={.items[0].status.conditions[-1:].status}", wanted="True", seconds=180)


def test_stop_and_start(host: BootedHost) -> None:
    done = host.run(["python", "-c", f"{NODE}stop()"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert states(host) == ["inactive", "inactive"]
    assert host.run([*KUBECTL, "get", "nodes"]).returncode != 0
    assert ensure(host) < 300
    assert states(host) == ["active", "active"]


def test_reset_leaves_no_unit(host: BootedHost) -> None:
    done = host.run(["python", "-c", f"{NODE}reset(delete_volumes=True)"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert states(host) == ["inactive", "inactive"]
    assert host.run(["sh", "-c", "find /etc/systemd -name '*kubelet*' -o -name '*bdc*'"]).stdout == ""
    assert host.run(["sh", "-c", "ls -d /sys/fs/cgroup/*/kubepods.slice 2>/dev/null"]).stdout == ""

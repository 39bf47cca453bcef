"""What goes wrong around a Spark application: its driver, an executor, the API server, HDFS, the command line, the quota."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support.commands import KUBECTL_BDC, bdc, document, kubectl
from tests.e2e.support.host import TestHost

pytestmark = pytest.mark.full
APPS = Path(__file__).parent / "apps"
SUM = "sum 31996000"  # of 0 to 7999


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("sparkerr") as made:
        bdc(made, "up", timeout_seconds=1500)
        yield made


def until_running(host: TestHost, name: str, *, executors: int = 0) -> None:
    """Wait until an application runs, and as many of its executors do."""
    end = time.monotonic() + 120
    label = f"app.kubernetes.io/component=spark-executor,bdc.dev/application={name}"
    while True:
        listed = {one["name"]: one["state"] for one in document(host, "spark", "list")}
        running = kubectl(host, "get", "pods", "-l", label, "--field-selector=status.phase=Running", "-o", "name").split()
        if listed.get(name) == "Running" and len(running) >= executors:
            return
        assert time.monotonic() < end, (listed, running)
        time.sleep(0.5)


def test_a_driver_that_dies_after_its_commit_commits_once(host: TestHost) -> None:
    done = bdc(host, "spark", "submit", str(APPS / "commits.py"), "--name", "commits", "--executors", "1", "--retries", "1")
    assert [line for line in done.stdout.splitlines() if "commits" in line] == ["1 commits, 100 rows"] * 2
    assert document(host, "spark", "status", "commits")["attempts"] == 2
    assert document(host, "spark", "sql", "SELECT count(*) AS n FROM delta.`hdfs://bdc/user/bdc/committed`") == [{"n": 100}]


def test_an_executor_that_is_killed_in_a_shuffle_is_replaced(host: TestHost) -> None:
    bdc(host, "spark", "submit", str(APPS / "shuffles.py"), "--name", "shuffle", "--executors", "2", "--no-wait", "--", "20")
    until_running(host, "shuffle", executors=2)
    time.sleep(3)
    label = "app.kubernetes.io/component=spark-executor,bdc.dev/application=shuffle"
    victim = kubectl(host, "get", "pods", "-l", label, "-o", "name").split()[0]
    kubectl(host, "delete", victim, "--force", "--grace-period=0")
    assert SUM in bdc(host, "spark", "logs", "shuffle", "-f").stdout.splitlines()


def test_an_api_server_that_is_restarted_is_not_noticed(host: TestHost) -> None:
    bdc(host, "spark", "submit", str(APPS / "shuffles.py"), "--name", "restart", "--executors", "1", "--no-wait", "--", "20")
    until_running(host, "restart", executors=1)  # a driver that is only starting would fail
    with host.popen(["bdc", "spark", "logs", "restart", "-f"]) as following:
        time.sleep(3)
        [server] = [pid for pid in host.processes() if Path(f"/proc/{pid}/comm").read_text().strip() == "kube-apiserver"]
        os.kill(server, signal.SIGKILL)
        shown, _ = following.communicate(timeout=180)
    assert following.returncode == 0, shown
    assert [line for line in shown.splitlines() if line in ("begun", SUM)] == ["begun", SUM]
    while host.run([*KUBECTL_BDC, "auth", "can-i", "get", "configmaps"]).returncode:
        time.sleep(0.5)


def test_the_command_line_may_be_killed_at_any_moment(host: TestHost) -> None:
    with host.popen(["bdc", "spark", "submit", str(APPS / "shuffles.py"), "--name", "orphan", "--executors", "1", "--", "8"]) as submitting:
        until_running(host, "orphan")
        os.killpg(submitting.pid, signal.SIGKILL)
    again = bdc(host, "spark", "logs", "orphan", "-f")
    assert [line for line in again.stdout.splitlines() if line in ("begun", SUM)] == ["begun", SUM]


def test_hdfs_that_refuses_is_said_and_leaves_nothing(host: TestHost) -> None:
    safe_mode = ["exec", "namenode-0", "--", "/opt/hadoop/bin/entrypoint", "hdfs-admin", "-safemode"]
    kubectl(host, *safe_mode, "enter")
    try:
        fresh = host.folder / "fresh.py"
        fresh.write_text(f"print({time.time()})\n")
        refused = bdc(host, "spark", "submit", str(fresh), "--name", "refused", code=125)
    finally:
        kubectl(host, *safe_mode, "leave")
    assert "safe mode" in refused.stderr.lower()
    assert "Traceback" not in refused.stderr
    assert "refused" not in [one["name"] for one in document(host, "spark", "list")]
    bdc(host, "spark", "submit", str(fresh), "--name", "refused", "--executors", "1")


def test_a_quota_of_nothing_is_named(host: TestHost) -> None:
    kubectl(host, "create", "quota", "none", "--hard=count/pods=0")
    try:
        late = bdc(host, "spark", "submit", str(APPS / "shuffles.py"), "--name", "quota", "--timeout", "10s", "--", "1", code=124)
    finally:
        kubectl(host, "delete", "quota", "none")
    assert "exceeded quota: none" in late.stderr
    assert json.loads(bdc(host, "spark", "status", "quota", "-o", "json").stdout)["state"] == "Failed"


def test_an_archive_that_is_none_is_refused(host: TestHost) -> None:
    archive = host.folder / "broken.tar.gz"
    archive.write_text("no archive\n")
    refused = bdc(host, "spark", "submit", str(APPS / "shuffles.py"), "--archives", f"{archive}#env", "--", "1", code=125)
    assert f"{archive} is no archive, whatever its name says" in refused.stderr

"""Figures of `bdc up` and its neighbours, on a test host of this machine, beside `kubectl apply` of the same objects.

make bench            prints; asserts only that everything ran
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bdc import images
from bdc.config.names import IMAGES
from tests.e2e.support.commands import KUBECTL
from tests.e2e.support.host import TestHost

WORKLOADS = "statefulsets,deployments,services,configmaps,serviceaccounts,roles,rolebindings"


@pytest.fixture(scope="module")
def host() -> Iterator[TestHost]:
    images.build(IMAGES)
    with TestHost("bench") as made:
        yield made


def seconds(host: TestHost, *argv: str, times: int = 1) -> float:
    """Median wall time of a command that must succeed."""
    taken = []
    for _ in range(times):
        start = time.monotonic()
        done = host.run(argv, timeout_seconds=1500)
        taken.append(time.monotonic() - start)
        assert done.returncode == 0, done.stderr[-3000:]
    return statistics.median(taken)


def say(figure: str, value: str) -> None:
    print(f"{figure:<60} {value}", flush=True)  # noqa: T201


def memory(host: TestHost) -> int:
    """Working set of everything of the host: usage without inactive file pages (as metrics-server counts), cgroup v1 or v2."""
    for top in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        for usage in ("memory.usage_in_bytes", "memory.current"):
            if (folder := top / host.name).joinpath(usage).exists():
                stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                inactive = int(stat.get("total_inactive_file", stat.get("inactive_file", "0")))
                return int((folder / usage).read_text()) - inactive
    raise AssertionError("the test host has no memory cgroup")


def apply_time(host: TestHost) -> float:
    """Seconds of `kubectl apply` and wait for the same objects, after they were taken away."""
    listed = json.loads(host.run([*KUBECTL, "-n", "bdc", "get", WORKLOADS, "-o", "json"]).stdout)["items"]
    kept = [one for one in listed if "ownerReferences" not in one["metadata"]]
    kept = [one for one in kept if one["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "bdc"]
    for one in kept:
        one.pop("status", None)
        one["metadata"] = {key: one["metadata"][key] for key in ("name", "namespace", "labels") if key in one["metadata"]}
        one.get("spec", {}).pop("clusterIP", None)
        one.get("spec", {}).pop("clusterIPs", None)
    file = host.folder / "objects.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": kept}))
    assert host.run(["bdc", "down", "--yes"], timeout_seconds=600).returncode == 0
    start = time.monotonic()
    assert host.run([*KUBECTL, "apply", "-f", file]).returncode == 0
    for kind in ("statefulset", "deployment"):
        for one in kept:
            if one["kind"].lower() == kind:
                command = [*KUBECTL, "-n", "bdc", "rollout", "status", f"{kind}/{one['metadata']['name']}", "--timeout=600s"]
                assert host.run(command, timeout_seconds=700).returncode == 0
    taken = time.monotonic() - start
    assert host.run([*KUBECTL, "delete", "-f", file, "--wait"], timeout_seconds=600).returncode == 0
    return taken


def test_deploy_figures(host: TestHost) -> None:
    say("bdc up, programs and images cached, no node (s)", f"{seconds(host, 'bdc', 'up'):.1f}")
    say("bdc up without a change (s)", f"{seconds(host, 'bdc', 'up', times=3):.1f}")
    say("bdc plan (s)", f"{seconds(host, 'bdc', 'plan', times=3):.1f}")
    say("bdc status (s)", f"{seconds(host, 'bdc', 'status', times=5):.2f}")
    say("bdc --help (s)", f"{seconds(host, 'bdc', '--help', times=5):.2f}")
    time.sleep(300)
    say("working set of pods and node daemons, 5 min after ready (GiB)", f"{memory(host) / 2**30:.2f}")
    applied = apply_time(host)
    again = seconds(host, "bdc", "up")
    say("kubectl apply and wait for the same objects (s)", f"{applied:.1f}")
    say("bdc up on the running node (s)", f"{again:.1f}, ratio {again / applied:.2f}")

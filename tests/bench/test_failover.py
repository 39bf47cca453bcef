"""Figures of the master's failover, three servers and commits that wait for one: three times each kind of loss, under a writer."""

from __future__ import annotations

import signal
import statistics
from collections.abc import Callable, Iterator

import pytest

from bdc import images
from bdc.config.names import IMAGES
from tests.bench.test_deploy import say
from tests.bench.test_external import run
from tests.e2e.support import failover
from tests.e2e.support.commands import KUBECTL
from tests.e2e.support.host import TestHost

TIMES = 3


def deleted(host: TestHost, writer: failover.Writer) -> None:
    run(host, *KUBECTL, "-n", "bdc", "delete", "pod", failover.leader(host), "--wait=false")
    writer.until_more()


def killed(host: TestHost, writer: failover.Writer) -> None:
    failover.send(failover.processes(host, failover.leader(host)), signal.SIGKILL)
    writer.until_more()


def frozen(host: TestHost, writer: failover.Writer) -> None:
    with failover.frozen(host, failover.leader(host)):
        writer.until_more()


@pytest.fixture(scope="module")
def host() -> Iterator[TestHost]:
    images.build(IMAGES)
    with TestHost("bench") as made:
        run(made, "bdc", "--set", "master.replicas=3", "--set", "master.synchronous=true", "up", timeout_seconds=1500)
        (made.folder / "ca.crt").write_text(run(made, "bdc", "credentials", "ca"))
        run(made, "bdc", "sql", "query", "-e", "master", "CREATE TABLE acknowledged (n integer PRIMARY KEY)")
        yield made


def test_leaders_that_are_lost(host: TestHost) -> None:
    """The longest time without an acknowledged row, and from the next row until all three servers have it and status calls it well."""
    kinds: dict[str, Callable[[TestHost, failover.Writer], None]] = {
        "the leader's pod deleted": deleted,
        "its processes killed": killed,
        "frozen until another leads, then thawed": frozen,
    }
    password = run(host, "bdc", "credentials", "show", "--password").strip()
    for title, lose in kinds.items():
        outages, following = [], []
        for _ in range(TIMES):
            run(host, "bdc", "sql", "query", "-e", "master", "TRUNCATE acknowledged")
            writer = failover.Writer(host, password)
            writer.until_more()
            lose(host, writer)
            following.append(failover.until_all_follow(host, 3, writer.last()))
            counted = writer.stop()
            outages.append(counted["longest"])
            there = run(host, "bdc", "sql", "query", "-e", "master", "SELECT n FROM acknowledged", "-o", "csv").split()[1:]
            assert set(map(str, counted["rows"])) <= set(there), f"{title}: acknowledged rows are lost"
        said = [f"{statistics.median(each):.1f} s ({min(each):.1f} to {max(each):.1f})" for each in (outages, following)]
        say(title, f"no row acknowledged for {said[0]}, all follow after {said[1]} more")

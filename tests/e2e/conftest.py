"""Fixtures of the end-to-end tests: run as root with `pytest tests/e2e`.

`make e2e` runs them in two workers: those of a node or a plugin wait for one process half of their time.
"""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.support import prepare
from tests.e2e.support.commands import all_ready, bdc
from tests.e2e.support.deaths import deaths
from tests.e2e.support.dump import dump
from tests.e2e.support.host import CHECKOUT, TestHost

SHARING = ("external", "test_users", "test_cluster")
"""The tests that share one cluster, as it takes a minute to make, in their order: they begin first, and the last of them ends it."""


@pytest.fixture(scope="session")
def node_ready() -> None:
    """The packages and programs of a node are on this machine."""
    prepare.node()


@pytest.fixture(scope="session")
def prepared(node_ready: None) -> None:
    """Everything that `bdc up` takes from this machine is there."""
    prepare.images()


@pytest.fixture(scope="session")
def cluster(prepared: None) -> Iterator[TestHost]:
    """A host with the cluster that `bdc up` makes of a bare machine."""
    with TestHost("cluster") as made:
        assert bdc(made, "status", code=3).stderr.startswith("error: ")
        assert "failed" not in bdc(made, "up", timeout_seconds=1500).stderr
        all_ready(made)
        yield made


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of two workers one has all that shares the cluster, the other the modules with hosts of their own, each module as a whole."""

    def turn(item: pytest.Item) -> int:
        return SHARING.index(_name(item)) if _name(item) in SHARING else len(SHARING)

    items.sort(key=turn)
    for item in items:
        item.add_marker(pytest.mark.xdist_group("cluster" if _name(item) in SHARING else _name(item)))


def _name(item: pytest.Item) -> str:
    """The module, or its package."""
    return item.path.relative_to(Path(__file__).parent).parts[0].removesuffix(".py")


@pytest.fixture(scope="module")
def host(request: pytest.FixtureRequest, node_ready: None) -> Iterator[TestHost]:
    """A test host for the tests of one module."""
    with TestHost(request.module.__name__.rpartition("_")[2][:8]) as made:
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure stands what ended in its host's cluster; the whole of it is dumped."""
    report = yield
    host = getattr(item, "funcargs", {}).get("host")
    if report.failed and isinstance(host, TestHost):
        with suppress(OSError, subprocess.SubprocessError, ValueError):
            if told := deaths(host):
                report.sections.append(("what ended in the cluster", told))
            report.user_properties.append(("dump", str(dump(host, item.nodeid).relative_to(CHECKOUT))))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """The last lines say where the dumps are."""
    yield
    for report in (*terminalreporter.getreports("failed"), *terminalreporter.getreports("error")):
        for _, folder in (one for one in report.user_properties if one[0] == "dump"):
            terminalreporter.write_line(f"{report.nodeid}: status, events and logs are in {folder}")

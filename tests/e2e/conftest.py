"""Fixtures of the end-to-end tests: run as root with `pytest tests/e2e`.

`make e2e` runs them in two workers: a test waits for a server, or for one process, half of its time.
"""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.support import prepare
from tests.e2e.support.commands import make_cluster
from tests.e2e.support.deaths import deaths
from tests.e2e.support.dump import dump
from tests.e2e.support.host import CHECKOUT, TestHost

SHARED = "shared"
SHARING = ("external", "test_users")
"""The tests that share one cluster, as it takes a minute to make, in their order."""

_LONGEST = (*SHARING, "test_cluster")
"""What begins first, so that two workers end together: each begins with the tests of one cluster, and what is short comes after."""


@pytest.fixture(scope="session")
def node_ready() -> None:
    """The packages and programs of a node are on this machine."""
    prepare.node()


@pytest.fixture(scope="session")
def prepared(node_ready: None) -> None:
    """Everything that `bdc up` takes from this machine is there."""
    prepare.images()


@pytest.fixture(scope="session")
def shared(prepared: None) -> Iterator[TestHost]:
    """A host with the cluster of the tests that share one."""
    with TestHost(SHARED) as made:
        make_cluster(made)
        yield made


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A module's tests build on each other: one worker runs them all."""

    def turn(item: pytest.Item) -> int:
        return _LONGEST.index(_name(item)) if _name(item) in _LONGEST else len(_LONGEST)

    items.sort(key=turn)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(SHARED if _name(item) in SHARING else _name(item)))


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

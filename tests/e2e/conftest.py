"""Fixtures of the end-to-end tests: run as root with `pytest tests/e2e`.

A test host has no way to a registry: what it takes from the machine (packages, programs, images) is made here first, by bdc's own code.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bdc import images, toolchain
from bdc.cluster.embedded.packages import install_packages
from bdc.config.names import IMAGES
from tests.e2e.support.commands import all_ready, bdc
from tests.e2e.support.deaths import deaths
from tests.e2e.support.dump import dump
from tests.e2e.support.host import CHECKOUT, TestHost
from tests.e2e.support.outside import versitygw

TOOLS = {"nsenter": "util-linux", "unshare": "util-linux", "setpriv": "util-linux", "ip": "iproute2", "curl": "curl"}

SHARING = ("external", "test_users", "test_cluster")
"""The tests that share one cluster, as it takes minutes to make, in their order: they are the last of all, and the last of them ends it."""

_DUMPED = pytest.StashKey[dict[str, Path]]()
"""Where the cluster of each failed test was dumped."""


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  - a cold machine builds for twenty minutes


@pytest.fixture(scope="session")
def node_ready() -> None:
    """The packages and programs of a node are on this machine."""
    missing = sorted({package for program, package in TOOLS.items() if shutil.which(program) is None})
    if missing:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing], check=True)
    install_packages(_say)
    for spec in toolchain.programs():
        toolchain.ensure(spec.name, on_progress=_say)


@pytest.fixture(scope="session")
def prepared(node_ready: None) -> None:
    """Everything that `bdc up` takes from this machine is there."""
    images.build(IMAGES, on_progress=_say)


@pytest.fixture(scope="session")
def cluster(prepared: None) -> Iterator[TestHost]:
    """A host with the cluster that `bdc up` makes of a bare machine."""
    versitygw()  # a build of minutes where it was never built: not beside a cluster
    with TestHost("cluster") as made:
        assert bdc(made, "status", code=3).stderr.startswith("error: ")
        assert "failed" not in bdc(made, "up", timeout_seconds=1500).stderr
        all_ready(made)
        yield made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares the cluster runs last."""

    def turn(item: pytest.Item) -> int:
        below = item.path.parts[len(Path(__file__).parent.parts) :]
        return next((at for at, name in enumerate(SHARING) if below[0].removesuffix(".py") == name), -1)

    items.sort(key=turn)


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
            item.config.stash.setdefault(_DUMPED, {})[item.nodeid] = dump(host, item.nodeid)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> Generator[None]:
    """The last lines say where the dumps are."""
    yield
    for test, folder in config.stash.get(_DUMPED, {}).items():
        terminalreporter.write_line(f"{test}: status, events and logs are in {folder.relative_to(CHECKOUT)}")

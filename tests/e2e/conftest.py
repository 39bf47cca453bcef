"""Fixtures of the end-to-end tests: run as root with `pytest tests/e2e`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.e2e.host import TestHost


@pytest.fixture(scope="module")
def host(request: pytest.FixtureRequest) -> Iterator[TestHost]:
    """A test host for the tests of one module; they are skipped where none can be made."""
    if os.geteuid():
        pytest.skip("a test host needs root")
    if missing := [name for name in ("nsenter", "unshare", "ip", "setpriv") if shutil.which(name) is None]:
        pytest.skip(f"a test host needs {', '.join(missing)}")
    number = 11 + sum(map(ord, request.module.__name__)) % 20
    with TestHost(f"m{number}", number) as made:
        yield made

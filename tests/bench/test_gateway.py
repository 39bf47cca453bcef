"""Figures of the SQL gateway beside Trino's Python client, in the same run."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.test_deploy import say
from tests.bench.test_external import host, run
from tests.e2e.support.host import TestHost

__all__ = ["host"]
PROGRAM = Path(__file__).parent / "gateway.py"


def test_the_gateway_beside_trinos_client(host: TestHost) -> None:
    ca_file = str(host.folder / "ca.crt")
    run(host, "bdc", "credentials", "ca", ca_file)
    password = run(host, "bdc", "credentials", "show", "--password").strip()
    printed = run(host, sys.executable, str(PROGRAM), host.address, password, ca_file, timeout_seconds=900)
    found = {name: float(value) for name, value in (line.split() for line in printed.splitlines())}
    assert found.keys() == {"gateway_rows", "trino_rows", "gateway_trip", "trino_trip"}, printed
    ours, plain = found["gateway_rows"], found["trino_rows"]
    say("1,000,000 rows fetched", f"gateway {ours:,.0f} rows/s, Trino's client {plain:,.0f} rows/s, ratio {ours / plain:.2f}")
    ours, plain = found["gateway_trip"], found["trino_trip"]
    say("a small query's round trip", f"gateway {ours:.1f} ms, Trino's client {plain:.1f} ms, ratio {ours / plain:.2f}")

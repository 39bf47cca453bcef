"""Figures of external tables: a table of an outside PostgreSQL with 10 million rows, through bdc and on plain Trino in the same run."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bdc import images
from bdc.config.names import IMAGES
from tests.bench.test_deploy import say
from tests.e2e.support.commands import KUBECTL
from tests.e2e.support.host import TestHost
from tests.e2e.support.outside import PostgreSql

ROWS = 10_000_000
PASSWORD = "bench"
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def host() -> Iterator[TestHost]:
    images.build(IMAGES)
    with TestHost("bench") as made:
        run(made, "bdc", "up", timeout_seconds=1500)
        yield made


@pytest.fixture(scope="module")
def server(host: TestHost) -> Iterator[PostgreSql]:
    made = PostgreSql(host, 5433, "bench", PASSWORD)
    made.start()
    made.sql(
        "postgres",
        "CREATE UNLOGGED TABLE big (id int, customer int, region text, amount numeric(12,2)); "
        "INSERT INTO big SELECT i, i % 100, (ARRAY['north', 'south'])[1 + i / 100 % 2], i / 100.0 "
        f"FROM generate_series(1, {ROWS}) i; ANALYZE;",
    )
    yield made
    made.stop()


def run(host: TestHost, *argv: str, **more: object) -> str:
    done = host.run(argv, **more)  # type: ignore[arg-type]
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_an_external_table_beside_plain_trino(host: TestHost, server: PostgreSql) -> None:
    location = f"postgresql://{host.outside_address}:5433/postgres"
    script = f"""
CREATE DATABASE SCOPED CREDENTIAL bench WITH IDENTITY = 'bench', SECRET = '{PASSWORD}';
CREATE EXTERNAL DATA SOURCE bench WITH (LOCATION = '{location}', CREDENTIAL = bench);
CREATE EXTERNAL TABLE dbo.big (id INT, customer INT, region NVARCHAR(10), amount DECIMAL(12, 2))
    WITH (LOCATION = 'public.big', DATA_SOURCE = bench);
SELECT count(*) FROM dbo.big WHERE id = 1;
"""
    began = time.perf_counter()
    run(host, "bdc", "sql", "run", "-", stdin=script)
    say("credential, source, table and a query of it, by bdc sql run", f"{time.perf_counter() - began:.1f} s")
    there = "SELECT 'there' AS big FROM pg_foreign_table WHERE ftrelid = to_regclass('dbo.big')"
    while "there" not in run(host, "bdc", "-q", "sql", "query", "-e", "master", "-o", "csv", there).split():
        time.sleep(1)
    run(host, *KUBECTL, "-n", "bdc", "scale", "deployment/reconciler", "--replicas=0")  # which would remove a catalog made by hand
    url = f"jdbc:postgresql://{host.outside_address}:5433/postgres"
    properties = {"connection-url": url, "connection-user": "bench", "connection-password": PASSWORD}
    create = ", ".join(f"\"{key}\" = '{value}'" for key, value in properties.items())
    printed = run(host, sys.executable, str(HERE / "external.py"), "ext_hand", create)
    seconds = {name: float(value) for name, value in (line.split() for line in printed.splitlines())}
    ours, plain = seconds["bdc"], seconds["trino"]
    say(f"{ROWS:,} rows, filter and aggregate", f"bdc {ours:.2f} s, plain Trino {plain:.2f} s, ratio {ours / plain:.2f}")
    by_master = seconds["master"]
    say("the same by SQL on the master", f"master {by_master:.2f} s, plain Trino {plain:.2f} s, ratio {by_master / plain:.2f}")

"""What goes wrong around external tables: the master's leader, a worker, a worker that is new, all of Trino."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.external.asked import rows, until
from tests.e2e.support.commands import all_ready, bdc, kubectl
from tests.e2e.support.host import TestHost
from tests.e2e.support.outside import PostgreSql

pytestmark = pytest.mark.full
PASSWORD = "f4ults"
SLOW = (
    "SELECT count(*) AS n FROM tpch.sf1.lineitem a JOIN tpch.sf1.orders b ON a.orderkey % 1000 = b.orderkey % 1000 WHERE b.orderkey < 30000"
)
SETTINGS = ("--set", "federation.workers=1", "--set", "master.replicas=2")


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("exterr") as made:
        bdc(made, *SETTINGS, "up", timeout_seconds=1500)
        server = PostgreSql(made, 5433, "faults", PASSWORD)
        server.start()
        server.sql("postgres", "CREATE TABLE notes (id int); INSERT INTO notes SELECT generate_series(1, 500);")
        bdc(made, "sql", "credential", "set", "login", "--identity", "faults", stdin=f"{PASSWORD}\n")
        location = f"postgresql://{made.outside_address}:5433/postgres"
        rows(made, f"CREATE EXTERNAL DATA SOURCE outside WITH (LOCATION = '{location}', CREDENTIAL = login)")
        rows(made, "CREATE EXTERNAL TABLE notes (id INT) WITH (LOCATION = 'public.notes', DATA_SOURCE = outside)")
        yield made
        server.stop()


def test_a_worker_that_is_deleted_ends_what_it_has(host: TestHost) -> None:
    with host.popen(["bdc", "-q", "sql", "query", "-o", "csv", SLOW]) as query:
        time.sleep(8)
        assert query.poll() is None, "the query has to outlast this"
        kubectl(host, "delete", "pod", "-l", "app.kubernetes.io/component=trino-worker", "--wait=false")
        out, error = query.communicate(timeout=300)
    assert query.returncode == 0, error
    assert int(out.splitlines()[-1]) > 0
    all_ready(host)
    assert until(60, host, "SELECT count(*) AS n FROM notes") == [{"n": 500}], "the new worker has the source's password"


def test_definitions_survive_the_masters_leader(host: TestHost) -> None:
    """A new leader has them, and the reconciler finds it: a catalog that is dropped by hand after that comes back."""
    [leader] = kubectl(host, "get", "pods", "-l", "app.kubernetes.io/component=master,bdc.dev/role=primary", "-o", "name").split()
    kubectl(host, "delete", leader)
    assert until(120, host, "SELECT count(*) AS n FROM notes") == [{"n": 500}]
    names = until(120, host, "SELECT catalog_name AS n FROM system.metadata.catalogs WHERE catalog_name LIKE 'ext_outside%'")
    rows(host, f"DROP CATALOG {names[0]['n']}")
    assert until(60, host, "SELECT count(*) AS n FROM notes") == [{"n": 500}]
    all_ready(host)


def test_all_of_trino_at_once(host: TestHost) -> None:
    kubectl(host, "delete", "pod", "-l", "app.kubernetes.io/part-of=federation", "--grace-period=0", "--force")
    all_ready(host)
    assert until(60, host, "SELECT count(*) AS n FROM notes") == [{"n": 500}]

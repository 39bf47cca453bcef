"""Definitions outlive servers, and say what is wrong."""

from __future__ import annotations

import json

from tests.e2e.external.asked import rows, until
from tests.e2e.support.commands import all_ready, bdc, document, kubectl
from tests.e2e.support.host import TestHost
from tests.e2e.support.outside import MariaDb


def test_a_new_coordinator_has_all_of_it_with_no_command(host: TestHost) -> None:
    kubectl(host, "delete", "pod", "-l", "app.kubernetes.io/component=trino-coordinator")
    all_ready(host)
    assert until(60, host, "SELECT count(*) AS n FROM orders") == [{"n": 1000}]
    assert until(10, host, "SELECT count(*) AS n FROM web.visits") == [{"n": 3}]


def test_a_catalog_dropped_by_hand_comes_back(host: TestHost) -> None:
    [name] = [row["n"] for row in rows(host, "SELECT catalog_name AS n FROM system.metadata.catalogs WHERE catalog_name LIKE 'ext_shop%'")]
    rows(host, f"DROP CATALOG {name}")
    assert until(60, host, "SELECT count(*) AS n FROM web.visits") == [{"n": 3}]


def test_a_source_that_is_down_harms_no_other(host: TestHost, shop: MariaDb) -> None:
    shop.stop()
    try:
        error = rows(host, "CREATE EXTERNAL TABLE web.more (id INT) WITH (LOCATION = 'shop.Visits', DATA_SOURCE = Shop)", code=5)
        assert "the source Shop doesn't answer" in error
        assert "the source Shop doesn't answer" in bdc(host, "sql", "source", "test", "Shop", code=5).stderr
        assert rows(host, "SELECT count(*) AS n FROM orders") == [{"n": 1000}]
        rows(host, "SELECT count(*) AS n FROM web.visits", code=1)
        # A table that can't be made says why, to whoever reads it and in the list of tables.
        rows(host, "ALTER EXTERNAL DATA SOURCE Shop SET LOCATION = 'mariadb://{}:3308'".format(host.outside_address))  # noqa: UP032
        assert "the source Shop doesn't answer" in rows(host, "SELECT count(*) AS n FROM web.visits", code=5)
        [state] = [row["state"] for row in document(host, "sql", "table", "list") if row["name"] == "web.Visits"]
        assert "the source Shop doesn't answer" in state
    finally:
        shop.start()
    rows(host, "ALTER EXTERNAL DATA SOURCE Shop SET LOCATION = 'mariadb://{}:3307'".format(host.outside_address))  # noqa: UP032
    assert rows(host, "SELECT count(*) AS n FROM web.visits") == [{"n": 3}]


def test_doctor_and_psql_know_external_tables(host: TestHost) -> None:
    """Procedures of the master define them as well; one that can't be is said by the view, and by doctor."""
    call = "CALL polybase.create_external_table('web.again', 'Shop', 'shop.Visits', ARRAY['id {}', 'price numeric(8,2)'])"
    rows(host, call.format("bit"), "-e", "master")
    error = until(60, host, "SELECT 1 / count(error) AS there, max(error) AS error FROM sys.external_tables WHERE name = 'again'")
    assert "is integer in shop.Visits" in error[0]["error"]
    [check] = [row for row in json.loads(host.run(["bdc", "doctor", "-o", "json"]).stdout) if row["check"] == "external"]
    assert (check["level"], "web.again" in check["message"]) == ("warn", True)
    rows(host, "CALL polybase.drop_external_table('web.again')", "-e", "master")
    rows(host, call.format("int"), "-e", "master")
    assert until(60, host, "SELECT sum(price) AS sum FROM web.again") == [{"sum": 3.75}]
    rows(host, "DROP EXTERNAL TABLE web.again")

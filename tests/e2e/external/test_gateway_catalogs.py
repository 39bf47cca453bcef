"""What tools find in the gateway's system catalogs: what the one who logged in may query there, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.e2e.external.asked import rows
from tests.e2e.external.test_gateway import client, wait_for_foreign_table
from tests.e2e.support.host import TestHost

ASK = "import psycopg, sys\nfor row in psycopg.connect(sys.argv[1]).execute(sys.argv[2]): print(*row)"
IDA = {"PGUSER": "ida", "PGPASSWORD": "ida and her pw"}
ANSWERS = """
import json, psycopg, sys
from psycopg import sql
said = {}
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    for table in json.loads(sys.argv[2]):
        try:
            connection.execute(sql.SQL("SELECT * FROM {} LIMIT 1").format(sql.Identifier(*table.split(".")))).fetchall()
            said[table] = ""
        except psycopg.Error as error:
            said[table] = str(error)
print(json.dumps(said))
"""
EVERY = (
    "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'v', 'f', 'p', 'm') AND has_table_privilege(c.oid, 'SELECT') AND n.nspname NOT IN {} ORDER BY 1"
).format("('pg_catalog', 'information_schema')")
EVERY_BY_SCHEMA = (
    "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema NOT IN {} ORDER BY 1"
).format("('pg_catalog', 'information_schema')")
KNOWN_TO_TRINO = " UNION ".join(
    f"SELECT table_schema AS s, table_name AS t FROM {catalog}.information_schema.tables WHERE table_schema <> 'information_schema'"
    for catalog in ("lake", "external")
)
LISTED = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('dbo', 'public', 'shown') ORDER BY 1, 2"


@pytest.fixture(scope="module")
def shown(host: TestHost, facts: str) -> Iterator[str]:
    """A table of the lake, and a role of the master that may log in; how to reach a port of the cluster's."""
    rows(host, "CREATE SCHEMA IF NOT EXISTS lake.shown")
    rows(host, "CREATE TABLE lake.shown.flights AS SELECT 1 AS id, CAST(2.5 AS decimal(8,2)) AS fare, DATE '2026-01-02' AS day")
    rows(host, "CREATE ROLE ida LOGIN PASSWORD 'ida and her pw'", "-e", "master")
    wait_for_foreign_table(host)
    yield facts
    rows(host, "DROP TABLE lake.shown.flights")
    rows(host, "DROP SCHEMA lake.shown")
    rows(host, "ALTER ROLE ida NOLOGIN", "-e", "master")


def found(host: TestHost, shown: str, sql: str, **who: str) -> list[str]:
    done = client(host, ASK, shown.format(31435), sql, **who)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def answers(host: TestHost, shown: str, tables: list[str], **who: str) -> dict[str, str]:
    """What asking each table for a row says: nothing where it answers."""
    done = client(host, ANSWERS, shown.format(31435), json.dumps(tables), **who)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_user_finds_what_she_may_query(host: TestHost, shown: str) -> None:
    """Each table that she finds answers, and none that would answer is missing, of those that anybody finds or Trino itself knows."""
    administrators, hers = found(host, shown, EVERY), found(host, shown, EVERY, **IDA)
    assert found(host, shown, EVERY_BY_SCHEMA) == administrators
    assert found(host, shown, EVERY_BY_SCHEMA, **IDA) == hers
    assert {"public.facts", "public.customers"} <= set(administrators) - set(hers), "the master's tables are the administrator's here"
    assert {"dbo.facts", "dbo.orders", "shown.flights"} <= set(hers)
    anybodys = sorted({*administrators, *(f"{row['s']}.{row['t']}" for row in rows(host, KNOWN_TO_TRINO))})
    for seen, who in ((administrators, {}), (hers, IDA)):
        said = answers(host, shown, anybodys, **who)
        assert {table for table in anybodys if not said[table]} == set(seen), {table: said[table] for table in said if said[table]}
    asked = "SELECT has_table_privilege('{}', 'SELECT'), has_table_privilege(current_user, '{}', 'INSERT')"
    assert found(host, shown, asked.replace("{}", "shown.flights"), **IDA) == ["True False"]
    refused = client(host, ASK, shown.format(31435), asked.replace("{}", "public.facts"), **IDA)
    assert 'relation "public.facts" does not exist' in refused.stderr


def test_who_may_not_read_an_external_table_does_not_find_it(host: TestHost, shown: str) -> None:
    rows(host, "REVOKE SELECT ON dbo.orders FROM public")
    try:
        deadline = time.monotonic() + 60
        while "dbo orders" in found(host, shown, LISTED, **IDA):
            assert time.monotonic() < deadline
            time.sleep(1)
        assert "dbo orders" in found(host, shown, LISTED), "the administrator reads all"
        rows(host, "GRANT SELECT ON dbo.orders TO ida")
        while "dbo orders" not in found(host, shown, LISTED, **IDA):
            assert time.monotonic() < deadline
            time.sleep(1)
    finally:
        rows(host, "GRANT SELECT ON dbo.orders TO public")


def test_a_table_that_was_just_made_is_there_with_the_columns_of_its_results(host: TestHost, shown: str) -> None:
    described = (
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE attrelid = 'shown.later'::regclass AND attnum > 0"
    )
    rows(host, "CREATE TABLE lake.shown.later (id bigint, name varchar, prices array(decimal(8,2)))")
    try:
        time.sleep(1)
        assert found(host, shown, f"{described} ORDER BY attnum", **IDA) == ["id bigint", "name text", "prices numeric[]"]
        rows(host, "ALTER TABLE lake.shown.later ADD COLUMN day date")
        time.sleep(1)
        assert found(host, shown, f"{described} ORDER BY attnum DESC LIMIT 1", **IDA) == ["day date"]
    finally:
        rows(host, "DROP TABLE lake.shown.later")
    time.sleep(1)
    assert found(host, shown, "SELECT to_regclass('shown.later')", **IDA) == ["None"]


def test_psql_describes(host: TestHost, shown: str) -> None:
    commands = [r"\dt shown.*", r"\d shown.flights", r"\d facts", r"\dn+", r"\l", r"\dv", r"\df", r"\du", r"\dp shown.flights"]
    options = [part for one in commands for part in ("-c", one)]
    done = host.run(["psql", "-X", "-A", "-v", "ON_ERROR_STOP=1", *options, shown.format(31435)], env=IDA, outside=True)
    assert done.returncode == 0, done.stderr
    for line in ("shown|flights|table|bdc", "fare|numeric(8,2)|||", "price|numeric(12,2)||||", "shown|flights|table|ida=r/bdc||"):
        assert line in done.stdout.splitlines(), done.stdout
    assert "template1" not in done.stdout

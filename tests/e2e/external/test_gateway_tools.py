"""Tools of others at the SQL gateway, themselves: DuckDB's extension for PostgreSQL, and pgcli."""

from __future__ import annotations

from pathlib import Path

import duckdb_extension_postgres_scanner

from tests.e2e.external.test_gateway import client, wait_for_foreign_table
from tests.e2e.support.commands import password
from tests.e2e.support.host import TestHost

DUCKDB = """
import duckdb, sys

extension, gateway, master, *conditions = sys.argv[1:]
asked = duckdb.connect(config={"allow_unsigned_extensions": "true"})
asked.execute("SET enable_progress_bar = false")
asked.execute(f"LOAD '{extension}'")
for name, server in (("gateway", gateway), ("master", master)):
    asked.execute(f"ATTACH '{server}' AS {name} (TYPE postgres, READ_ONLY)")
print(asked.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'gateway' AND table_name = 'facts'").fetchone())
for condition in conditions:
    here, there = (f"SELECT * FROM {table} WHERE {condition}" for table in ("gateway.dbo.facts", "master.public.facts"))
    few, more, found = (asked.execute(f"SELECT count(*) FROM ({sql})").fetchone()[0]
                        for sql in (f"{here} EXCEPT ALL {there}", f"{there} EXCEPT ALL {here}", here))
    print(few, more, found > 0, condition)
print(asked.execute("SELECT count(*) FROM gateway.public.facts").fetchone())
"""
# What DuckDB hands on: comparisons with constants, also of strings, which it says to be compared by COLLATE "C"
CONDITIONS = (
    "true", "id > 60", "price = 12.50 OR price IN (25, 26.25)", "name = 'name 3'", "name LIKE 'name%' AND note IS NULL", "name >= 'ä'",
    "ok", "day >= DATE '2026-03-01' AND day < DATE '2026-03-05'", "seen < TIMESTAMP '2026-02-01 00:00:00'",
    "zoned > TIMESTAMPTZ '2026-03-30 10:00:00+00'", "raw = '\\x00\\x0A'::BLOB", "rate = 1.5 OR rate = 'nan'::DOUBLE", "share > 2.5::FLOAT",
    "mark = '00000000-0000-4000-8000-000000000007'::UUID", "big = 5000000007",
)  # fmt: skip


def test_duckdb_reads_by_binary_copy_and_hands_filters_on(host: TestHost, facts: str) -> None:
    """Rows of the gateway are those of the same table in the master, whose own table DuckDB doesn't read by pages here."""
    [extension] = Path(duckdb_extension_postgres_scanner.__file__).parent.rglob("*.duckdb_extension")
    wait_for_foreign_table(host)
    done = client(host, "import psycopg, sys; psycopg.connect(sys.argv[1], autocommit=True).execute('ANALYZE facts')", facts.format(31433))
    assert done.returncode == 0, done.stderr
    done = client(host, DUCKDB, str(extension), facts.format(31435), facts.format(31433), *CONDITIONS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == ["(2,)", *(f"0 0 True {condition}" for condition in CONDITIONS), "(67,)"]


COMPLETIONS = """
import os, sys, time
from pgcli.completion_refresher import CompletionRefresher
from pgcli.pgexecute import PGExecute
from pgspecial.main import PGSpecial

found, refresher = [], CompletionRefresher()
refresher.refresh(PGExecute(dsn=f"{sys.argv[1]} user=bdc password={os.environ['PGPASSWORD']}"), PGSpecial(), found.append,
                  settings={"casing_file": None, "generate_casing_file": False, "single_connection": False})
while refresher.is_refreshing():
    time.sleep(0.1)
known = found[0].dbmetadata
print(sorted(known["tables"]["public"]["facts"])[:3], "orders" in known["tables"]["dbo"], "date_bin" in known["functions"]["pg_catalog"])
"""


def test_pgcli_completes_and_describes(host: TestHost, facts: str) -> None:
    server = facts.format(31435)
    wait_for_foreign_table(host)
    done = client(host, COMPLETIONS, server)
    assert done.stdout == "['big', 'code', 'day'] True True\n", done.stdout + done.stderr
    commands = [r"\dt public.facts", r"\d dbo.facts", r"\l", r"\dn", "SELECT count(*) AS rows FROM dbo.facts"]
    options = [part for one in commands for part in ("-c", one)]
    shown = host.run(["pgcli", f"{server} user=bdc", "-y", *options], env={"PGPASSWORD": password(host)}, outside=True)
    assert shown.returncode == 0, shown.stderr
    for line in ("public | facts", "numeric(12,2)", "C.UTF-8", "| 67   |"):
        assert line in shown.stdout, shown.stdout + shown.stderr

"""The gateway, for PostgreSQL's clients, and the master's foreign tables."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.clients import gateway, sent
from tests.e2e.external.asked import rows
from tests.e2e.support.commands import kubectl, password
from tests.e2e.support.host import TestHost
from tests.e2e.support.outside import java_servers


def client(host: TestHost, program: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A program of Python on the neighbour, which sees only the node's address."""
    return host.run(["python", "-c", program, *arguments], env={"PGPASSWORD": password(host), "PGUSER": "bdc", **env}, outside=True)


def test_postgresqls_clients_get_postgresqls_answers(host: TestHost, facts: str) -> None:
    """Types, NULLs, grouping, windows, dates and strings, on the gateway and in the master's own table."""
    program = f"import runpy, sys; sys.argv[0] = 'gateway'; runpy.run_path({gateway.__file__!r}, run_name='__main__')"
    done = client(host, program, facts.format(31433), facts.format(31435))
    assert done.returncode == 0, done.stdout + done.stderr


def test_psql_on_the_master_joins_external_tables_with_its_own(host: TestHost, facts: str) -> None:
    """The same queries, of the foreign table and of the master's own; what the gateway can't do the master does."""
    program = f"import runpy, sys; sys.argv[0] = 'gateway'; runpy.run_path({gateway.__file__!r}, run_name='__main__')"
    wait_for_foreign_table(host)
    done = client(host, program, facts.format(31433), facts.format(31433))
    assert done.returncode == 0, done.stdout + done.stderr
    ask = "import psycopg, sys\nfor row in psycopg.connect(sys.argv[1]).execute(sys.argv[2]): print(*row)"

    def shown(sql: str) -> str:
        return client(host, ask, facts.format(31433), f"EXPLAIN (VERBOSE, COSTS OFF) {sql}").stdout

    remote = {
        "SELECT small, count(*), sum(price) FROM dbo.facts WHERE id < 50 GROUP BY small":
            "SELECT small, count(*), sum(price) FROM dbo.facts WHERE ((id < 50)) GROUP BY 1",
        "SELECT a.id FROM dbo.facts a JOIN dbo.facts b ON a.id = b.small WHERE a.id < 5": "dbo.facts r1 INNER JOIN dbo.facts r2 ON",
        "SELECT id FROM dbo.facts ORDER BY price DESC LIMIT 3": "SELECT id, price FROM dbo.facts ORDER BY price DESC NULLS FIRST LIMIT 3",
        "SELECT max(rate) FROM dbo.facts WHERE extract(year FROM day) = 2026 AND name LIKE 'n%'": "\"extract\"('year'::text, day) = ",
    }  # fmt: skip
    for sql, wanted in remote.items():
        assert wanted in shown(sql), shown(sql)
    local = shown("SELECT id FROM dbo.facts WHERE name ~ 'x' AND seen < 'infinity'")
    assert re.search(r"Filter: .*~ 'x'.*'infinity'", local), f"what has no translation isn't sent: {local}"
    own = "SELECT count(*) FROM dbo.facts e JOIN public.facts m ON m.id = e.id AND m.name = e.name"
    assert client(host, ask, facts.format(31433), own).stdout == "62\n"


def test_what_the_master_sends_means_the_same_there(host: TestHost, facts: str) -> None:
    program = f"import runpy, sys; runpy.run_path({sent.__file__!r}, run_name='__main__')"
    functions = Path(__file__).parents[3] / "images" / "postgres" / "fdw" / "functions.h"
    done = client(host, program, facts.format(31433), str(functions))
    assert done.returncode == 0, done.stdout + done.stderr
    shown = client(
        host, "import psycopg, sys\nc = psycopg.connect(sys.argv[1], autocommit=True)\nc.execute('ANALYZE dbo.facts')\n"
        "print(c.execute(\"SELECT reltuples FROM pg_class WHERE oid = 'dbo.facts'::regclass\").fetchall())", facts.format(31433),
    )  # fmt: skip
    assert shown.stdout == "[(67.0,)]\n", shown.stderr


SQLALCHEMY = """
import sqlalchemy, sys
engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: __import__("psycopg").connect(sys.argv[1]))
about = sqlalchemy.inspect(engine)
print("facts" in about.get_foreign_table_names("dbo"), about.has_table("facts", "dbo"), about.get_table_comment("facts", "dbo")["text"])
print(*(f"{column['name']} {column['type']}" for column in about.get_columns("facts", "dbo")), sep=", ")
facts = sqlalchemy.Table("facts", sqlalchemy.MetaData(), schema="dbo", autoload_with=engine)
asked = sqlalchemy.select(facts.c.small, sqlalchemy.func.sum(facts.c.price)).where(facts.c.id < 4, facts.c.name.in_(["name 1", "name 2"]))
with engine.connect() as connection:
    print(*connection.execute(asked.group_by(facts.c.small).order_by(facts.c.small)).fetchall())
    print(connection.execute(sqlalchemy.select(facts).where(facts.c.id == 3)).mappings().one()["mark"])
"""


@pytest.mark.parametrize("port", [31435, 31433])
def test_tools_see_external_tables_and_ask_them(host: TestHost, facts: str, port: int) -> None:
    """By the gateway, and in the master: SQLAlchemy, and JDBC."""
    wait_for_foreign_table(host)
    done = client(host, SQLALCHEMY, facts.format(port))
    assert done.returncode == 0, done.stderr
    first, columns, sums, mark = done.stdout.splitlines()
    assert re.fullmatch(r"True True public\.facts of SalesServer \(external, \w+\)", first), first
    assert columns == (
        "id INTEGER, small SMALLINT, big BIGINT, price NUMERIC(12, 2), rate DOUBLE PRECISION, share REAL, name VARCHAR(20), note TEXT, "
        "code CHAR(3), ok BOOLEAN, day DATE, seen TIMESTAMP, zoned TIMESTAMP, mark UUID, raw BYTEA"
    )
    assert (sums, mark) == ("(1, Decimal('1.25')) (2, Decimal('2.50'))", "00000000-0000-4000-8000-000000000003")
    source = Path(__file__).parents[1] / "servers" / "Jdbc.java"
    url = f"jdbc:postgresql://{host.address}:{port}/bdc?sslmode=verify-full&sslrootcert={host.folder}/ca.crt"
    command = ["java", "-cp", str(java_servers() / "*"), str(source), url]
    told = host.run(command, env={"PGPASSWORD": password(host), "PGUSER": "bdc"}, outside=True)
    lines = told.stdout.splitlines()
    assert told.returncode == 0, told.stderr
    assert lines[:3] == ["PostgreSQL 17", "schemas: dbo", "tables: facts FOREIGN TABLE"]
    assert [line for line in lines if line.startswith("columns: ")][3:5] == ["columns: price numeric 12 2", "columns: rate float8 17 17"]
    assert [line for line in lines if line.startswith(("keys", "indexes", "foreign"))] == []
    row = "3 3.75 2026-02-03 2026-03-29T03:30:00Z 00000000-0000-4000-8000-000000000003 0003 false name 3"
    assert lines.count(row) == 7, "by text and by binary values"
    assert lines[-4] == "67 rows by tens"
    assert lines[-3].startswith("57014 ERROR: canceling statement due to" if port == 31435 else "0A000 ERROR: cross-database references")
    assert lines[-2:] == ['42703 ERROR: column "nope" does not exist', "true"]


DRIVERS = """
import asyncio, datetime, decimal, os, ssl, sys
import adbc_driver_postgresql.dbapi, asyncpg, connectorx
where = dict(part.split("=", 1) for part in sys.argv[1].split())
ca, user, password = where["sslrootcert"], os.environ["PGUSER"], os.environ["PGPASSWORD"]

async def typed():
    context = ssl.create_default_context(cafile=ca)
    found = await asyncpg.connect(host=where["host"], port=where["port"], user=user, password=password, database="bdc", ssl=context)
    async with found.transaction():
        await found.execute('SET LOCAL TIME ZONE "Etc/UTC"')
        print(await found.fetchval("SELECT $1::int + 1 FROM dbo.facts WHERE id = 1", 41))
        asked = "SELECT id FROM dbo.facts WHERE price > $1 AND day > $2 AND id IN ($3,$4) AND name = ANY($5) LIMIT $6"
        some = decimal.Decimal("1.5"), datetime.date(2026, 1, 1), 2, 3, ["name 3"], 5
        print([row["id"] for row in await found.fetch(asked, *some)])
        try:
            await found.fetch("SELECT id FROM dbo.facts WHERE $1 IS NULL", None)
        except asyncpg.IndeterminateDatatypeError as error:
            print(error.sqlstate)
    await found.close()

asyncio.run(typed())
url = f"postgresql://{user}:{password}@{where['host']}:{where['port']}/bdc?sslmode={{}}&sslrootcert={ca}"
query = "SELECT id, price, name, day, seen, ok FROM dbo.facts WHERE id < 60"
for protocol in ("binary", "csv", "cursor"):
    found = connectorx.read_sql(url.format("require"), query, protocol=protocol, return_type="arrow")
    print(protocol, found.num_rows, sum(found["id"].to_pylist()))
with adbc_driver_postgresql.dbapi.connect(url.format("verify-full")) as connection, connection.cursor() as cursor:
    cursor.execute(query)
    found = cursor.fetch_arrow_table()
    print("adbc", found.num_rows, sum(found["id"].to_pylist()), found["name"][2])
"""


def test_drivers_that_speak_binary_ask_and_copy(host: TestHost, facts: str) -> None:
    """asyncpg leaves types open and sends binary; connectorx and ADBC read by COPY in binary."""
    done = client(host, DRIVERS, facts.format(31435))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == ["42", "[3]", "42P18", "binary 59 1770", "csv 59 1770", "cursor 59 1770", "adbc 59 1770 name 3"]


def wait_for_foreign_table(host: TestHost) -> None:
    deadline = time.monotonic() + 60
    while not rows(host, "SELECT 1 AS there FROM pg_foreign_table WHERE ftrelid = to_regclass('dbo.facts')", "-e", "master"):
        assert time.monotonic() < deadline
        time.sleep(1)


def test_what_runs_in_the_source_is_shown_and_what_has_no_translation_is_refused(host: TestHost, facts: str) -> None:
    ask = "import psycopg, sys\nfor row in psycopg.connect(sys.argv[1]).execute(sys.argv[2]): print(*row)"
    shown = client(host, ask, facts.format(31435), "EXPLAIN SELECT small, sum(price) FROM dbo.facts WHERE id < 9 GROUP BY small").stdout
    assert re.search(r"Query\[.*sum\(", shown), shown
    refused = client(host, ask, facts.format(31435), "SELECT name SIMILAR TO 'x' FROM dbo.facts").stderr
    assert "name SIMILAR TO 'x' can't be translated" in refused
    assert "psycopg.errors.FeatureNotSupported" in refused
    joined = "SELECT f.name, n.name FROM dbo.facts f JOIN tpch.tiny.nation n ON n.nationkey = f.id JOIN public.facts m ON m.id = f.id"
    assert client(host, ask, facts.format(31435), f"{joined} WHERE f.id = 3").stdout == "name 3 CANADA\n"
    assert client(host, ask, facts.format(31435), "SELECT count(*) FROM pg_roles WHERE rolname = 'gateway'").stdout == "1\n"
    assert "InsufficientPrivilege" in client(host, ask, facts.format(31435), "SELECT count(*) FROM pg_authid").stderr
    of_text = client(host, ask, facts.format(31435), "SELECT query_to_xml('SELECT * FROM public.facts', true, true, '')").stderr
    assert "query_to_xml() can't be called here" in of_text


def test_whom_the_master_lets_in_the_gateway_lets_in_with_their_rights(host: TestHost, facts: str) -> None:
    rows(host, "CREATE ROLE eve LOGIN PASSWORD 'eve and her pw'", "-e", "master")
    rows(host, "REVOKE SELECT ON dbo.orders FROM public")
    ask = "import psycopg, sys\nprint(psycopg.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())"
    eve = {"PGUSER": "eve", "PGPASSWORD": "eve and her pw"}
    asked = "SELECT count(*), current_user FROM dbo.facts"
    assert client(host, ask, facts.format(31435), asked, **eve).stdout == "[(67, 'eve')]\n"
    told = {
        "SELECT count(*) FROM dbo.orders": "you may not read dbo.Orders",
        "SELECT count(*) FROM public.facts": 'relation "public.facts" does not exist',
        "SELECT count(*) FROM master.public.facts": "does not exist",
        "DELETE FROM dbo.facts": "cannot execute DELETE in a read-only transaction",
    }
    for sql, error in told.items():
        said = client(host, ask, facts.format(31435), sql, **eve).stderr
        assert error in said, said
    assert client(host, ask, facts.format(31433), asked, **eve).stdout == "[(67, 'eve')]\n", "in the master she is herself there too"
    deadline = time.monotonic() + 60
    while "permission denied for foreign table" not in (
        said := client(host, ask, facts.format(31433), "SELECT count(*) FROM dbo.orders", **eve).stderr
    ):
        assert time.monotonic() < deadline, said
        time.sleep(1)
    wrong = client(host, ask, facts.format(31435), asked, PGUSER="eve", PGPASSWORD="wrong").stderr
    assert 'password authentication failed for user "eve"' in wrong
    plain = facts.format(31435).replace("verify-full", "disable")
    assert "connections without TLS aren't accepted" in client(host, ask, plain, asked, **eve).stderr
    rows(host, "ALTER ROLE eve NOLOGIN", "-e", "master")
    assert "password authentication failed" in client(host, ask, facts.format(31435), asked, **eve).stderr
    rows(host, "GRANT SELECT ON dbo.orders TO public")


def test_a_query_ends_with_its_client_and_a_gateway_that_is_lost_is_another(host: TestHost, facts: str) -> None:
    """A client is ended in the middle of a result; then the gateway is, under a statement."""
    stream = (
        "import psycopg, sys\nc = psycopg.connect(sys.argv[1]).cursor('c')\n"
        "c.execute('SELECT a.* FROM dbo.facts a, dbo.facts b, dbo.facts c, dbo.facts d, dbo.facts endless')\n"
        "print(c.fetchone()[0], flush=True)\n{}"
    )
    assert client(host, stream.format("import os; os._exit(0)"), facts.format(31435)).returncode == 0
    running = (
        "SELECT count(*) AS n FROM system.runtime.queries WHERE state = 'RUNNING' AND query LIKE '%endless%' AND source = 'bdc-gateway'"
    )
    deadline = time.monotonic() + 60
    while rows(host, running) != [{"n": 0}]:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    lost = host.popen(["python", "-c", stream.format("for _ in c: pass"), facts.format(31435)], outside=True,
                      env={"PGPASSWORD": password(host), "PGUSER": "bdc"})  # fmt: skip
    assert lost.stdout
    lost.stdout.readline()
    kubectl(host, "delete", "pod", "-l", "app.kubernetes.io/component=sql-gateway", "--grace-period=0", "--force")
    error = lost.communicate(timeout=60)[0]
    assert "psycopg.OperationalError" in error, error
    ask = (
        "import psycopg, sys\ntry: print(psycopg.connect(sys.argv[1]).execute('SELECT count(*) FROM dbo.facts').fetchall())\n"
        "except psycopg.OperationalError: print('not yet')"
    )
    deadline = time.monotonic() + 90
    while (again := client(host, ask, facts.format(31435))).stdout == "not yet\n" and time.monotonic() < deadline:
        time.sleep(1)
    assert again.stdout == "[(67,)]\n", again.stderr

"""What tools learn of the system catalogs: their own statements, and psql itself, at a gateway before a real PostgreSQL, and a Trino
that is made up here."""

from __future__ import annotations

import asyncio
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.numeric import Int8

from bdc.kube.connection import Credentials, EndpointConnection, SecretStr
from bdc.sql.master import open_connection
from bdc.sql.pgwire import shadows
from bdc.sql.pgwire.catalogs import Catalogs
from bdc.sql.pgwire.execution import Services
from bdc.sql.pgwire.names import Names
from bdc.sql.pgwire.seen import Column, Seen, oid_of, postgresql_type, snapshot
from bdc.sql.pgwire.server import Server
from tests.unit.sql.conftest import _programs
from tests.unit.sql.pgwire.conftest import tls

PASSWORD = "gateway's and ann's"
MIGRATIONS = Path(__file__).parents[4] / "manifests" / "master" / "migrations"

MASTER = """
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER federation FOREIGN DATA WRAPPER nothing;
CREATE SCHEMA dbo;
GRANT USAGE ON SCHEMA dbo TO PUBLIC;
CREATE FOREIGN TABLE dbo.orders (id integer, amount numeric(12,2), placed timestamp(6)) SERVER federation;
COMMENT ON FOREIGN TABLE dbo.orders IS 'public.orders of Sales (external)';
GRANT SELECT ON dbo.orders TO ann;
CREATE FOREIGN TABLE dbo.secret (id integer) SERVER federation;
CREATE TABLE public.customers (id serial PRIMARY KEY, name text NOT NULL, tags text[]);
COMMENT ON COLUMN public.customers.name IS 'as it is on the contract';
CREATE TABLE public.hidden (id integer);
CREATE SCHEMA private;
CREATE TABLE private.diary (id integer);
"""

TABLES: dict[tuple[str, ...], list[tuple[str, str, str, str | None]]] = {
    ("lake", "demo", "flights"): [
        ("id", "bigint", "NO", None), ("carrier", "varchar(8)", "YES", "IATA's"), ("fare", "decimal(12,2)", "YES", None),
        ("seen", "timestamp(3) with time zone", "YES", None), ("legs", "array(varchar)", "YES", None),
        ("more", "row(a integer, b varchar)", "YES", None),
    ],
    ("lake", "demo", "unreadable"): [],
    ("lake", "demo", "busiest"): [("carrier", "varchar", "YES", None)],
    ("lake", "dbo", "pooled"): [("id", "integer", "YES", None)],
    ("external", "dbo", "pooled"): [("id", "integer", "YES", None)],
    ("external", "dbo", "orders"): [("id", "integer", "YES", None)],
    ("external", "dbo", "secret"): [("id", "integer", "YES", None)],
    ("external", "dbo", "brandnew"): [("id", "integer", "YES", None)],
    ("master", "public", "customers"): [("id", "integer", "YES", None)],
    ("master", "dbo", "orders"): [("id", "integer", "YES", None)],
    ("master", "private", "diary"): [("id", "integer", "YES", None)],
    ("master", "catalogs", "pg_class"): [("oid", "bigint", "YES", None)],
    ("lake", "information_schema", "tables"): [("table_name", "varchar", "YES", None)],
}  # fmt: skip
OF_MASTER = ("boss",)
"""Who may see the catalog master."""


class Trino:
    """What Trino tells of tables; `asked` are its statements."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.tables = dict(TABLES)

    async def start(self, text: str, user: str, **_: Any) -> Any:
        self.asked.append(text)
        tables = {place: of for place, of in self.tables.items() if place[0] != "master" or user in OF_MASTER}
        if "system.jdbc.tables" in text:
            found: list[list[str | None]] = [
                [*place, "VIEW" if place[0] == "external" or place[2] == "busiest" else "TABLE"] for place in tables
            ]
            found += [[*place, None, None] for place in {place[:2] for place in tables} | {("lake", "empty"), ("external", "default")}]
        else:
            found = [[*place, name, kind, nullable, remark] for place, columns in tables.items() for name, kind, nullable, remark in columns
                     if f"'{place[0]}'" in text and ("table_name IN" not in text or f"'{place[2]}'" in text)]  # fmt: skip
        return Rows(found)


class Rows:
    def __init__(self, rows: list[list[Any]]) -> None:
        self.left: list[list[list[Any]]] = [rows]

    async def page(self) -> list[list[Any]] | None:
        return self.left.pop() if self.left else None

    async def close(self) -> None:
        pass


class Endpoint:
    """A gateway; as `user` one logs in with `dsn`."""

    def __init__(self, dsn: str, trino: Trino, master: psycopg.Connection[Any]) -> None:
        self.dsn, self.trino, self.master = dsn, trino, master

    def ask(self, statement: str, *parameters: Any, user: str = "ann", **more: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, user=user, autocommit=True, **more) as client:
            return [row for result in client.execute(statement.encode(), parameters or None).results() for row in result.fetchall()]

    def psql(self, *commands: str, user: str = "ann") -> list[str]:
        """What each command shows: its title, its columns' names, its rows, and what stands below."""
        options = [part for one in commands for part in ("-c", one, "-c", r"\echo ====")]
        done = subprocess.run(
            [_programs() / "psql", "-X", "-A", "-v", "ON_ERROR_STOP=1", *options, f"{self.dsn} user={user}"],
            capture_output=True, text=True, check=False, env={"PGPASSWORD": PASSWORD}, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.split("====\n")[:-1]


@pytest.fixture(scope="module")
def prepared(postgresql: EndpointConnection, access: Credentials) -> Iterator[psycopg.Connection[Any]]:
    with closing(open_connection(postgresql, access)) as connection:
        for role in ("trino", "gateway", "ann", "boss"):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), PASSWORD))
        connection.execute("CREATE SCHEMA polybase")
        for file in sorted(MIGRATIONS.glob("[0-9]*.sql")):
            with connection.transaction():
                connection.execute(file.read_bytes())
        connection.execute(MASTER.encode())
        connection.execute("GRANT SELECT ON dbo.orders, dbo.secret TO boss")
        yield connection
        connection.execute("DROP SCHEMA polybase, sys, catalogs, dbo, private CASCADE; DROP TABLE public.customers, public.hidden")
        connection.execute("DROP FOREIGN DATA WRAPPER nothing CASCADE; DROP ROLE ann; DROP ROLE boss; ALTER ROLE gateway NOLOGIN")


@contextmanager
def serving(prepared: psycopg.Connection[Any], postgresql: EndpointConnection, tmp_path: Path) -> Iterator[Endpoint]:
    context, loop, trino = tls(tmp_path), asyncio.new_event_loop(), Trino()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> tuple[Server, asyncio.Server, Catalogs]:
        catalogs = Catalogs(postgresql, Credentials("gateway", SecretStr(PASSWORD), None, ""))
        await catalogs.open()
        services = Services(trino, catalogs, Names(trino), Seen(trino))  # type: ignore[arg-type] # made up
        server = Server(services, lambda: context, 300)
        return server, await server.listen("127.0.0.1", 0), catalogs

    server, listening, catalogs = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    port = listening.sockets[0].getsockname()[1]
    dsn = f"host=localhost port={port} password='{PASSWORD.replace(chr(39), chr(92) + chr(39))}' dbname=bdc sslmode=verify-full "
    yield Endpoint(dsn + f"sslrootcert={tmp_path}/ca.crt", trino, prepared)

    async def end() -> None:
        listening.close()
        await server.drain(0)
        await catalogs.close()
        await asyncio.sleep(0.1)  # transports say good-bye

    asyncio.run_coroutine_threadsafe(end(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def endpoint(prepared: psycopg.Connection[Any], postgresql: EndpointConnection, tmp_path: Path) -> Iterator[Endpoint]:
    with serving(prepared, postgresql, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared(
    prepared: psycopg.Connection[Any], postgresql: EndpointConnection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Endpoint]:
    """An endpoint for many tests that change nothing."""
    with serving(prepared, postgresql, tmp_path_factory.mktemp("shared")) as made:
        yield made


ANN = [("dbo", "brandnew"), ("dbo", "orders"), ("dbo", "pooled"), ("demo", "busiest"), ("demo", "flights")]
BOSS = sorted([*ANN, ("dbo", "secret"), ("private", "diary"), ("public", "customers")])
LISTS = {
    "information_schema": "SELECT table_schema, table_name FROM information_schema.tables "
    "WHERE table_schema NOT IN ('information_schema', 'pg_catalog') ORDER BY 1, 2",
    "pg_class": "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'v', 'f', 'p', 'm') AND n.nspname !~ '^(pg_|information_schema$)' ORDER BY 1, 2",
    "rights": "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind = ANY('{r,v,f}') AND has_table_privilege(c.oid, 'SELECT') AND n.nspname !~ '^(pg_|information_schema$)' "
    "ORDER BY 1, 2",
    "granted": "SELECT DISTINCT table_schema, table_name FROM information_schema.table_privileges WHERE privilege_type = 'SELECT' "
    "AND table_schema NOT IN ('information_schema', 'pg_catalog') AND grantee IN (current_user, 'PUBLIC', 'bdc') ORDER BY 1, 2",
    "columns": "SELECT DISTINCT table_schema, table_name FROM information_schema.columns "
    "WHERE table_schema NOT IN ('information_schema', 'pg_catalog') ORDER BY 1, 2",
    # Metabase 0.50, metabase.driver.postgres
    "metabase": "SELECT n.nspname AS schema, c.relname AS name FROM pg_catalog.pg_class AS c INNER JOIN pg_catalog.pg_namespace AS n ON "
    "c.relnamespace = n.oid WHERE c.relkind IN ('r', 'p', 'v', 'f', 'm') AND n.nspname !~ '^information_schema|catalog_history|pg_' AND "
    "n.nspname !~ '^pg_temp_' AND (has_any_column_privilege(current_user, c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')) "
    "ORDER BY 1, 2",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_user_sees_what_she_may_query_and_nothing_else(endpoint: Endpoint, name: str) -> None:
    assert endpoint.ask(LISTS[name]) == ANN
    assert endpoint.ask(LISTS[name], user="boss") == BOSS


TOOLS = [block.split("\n", 1) for block in Path(__file__).with_name("tools.sql").read_text().split("\n\n")[1:]]


@pytest.mark.parametrize(("title", "statement"), TOOLS, ids=[title.removeprefix("-- ").partition(" |")[0] for title, _ in TOOLS])
def test_tools_find_tables(shared: Endpoint, title: str, statement: str) -> None:
    wanted = title.partition("|")[2].split()
    rows = [" ".join(str(value) for value in row) for row in shared.ask(statement.rstrip(";\n"), user="ann")]
    assert not wanted or any(all(word in row for word in wanted) for row in rows), rows[:20]
    assert not any("secret" in row or "customers" in row or "unreadable" in row for row in rows)


BEGINNINGS = {
    "Npgsql 10.0.3, a connection of the pool with prepared statements": [
        "SET SESSION AUTHORIZATION DEFAULT;RESET ALL;CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();DISCARD SEQUENCES;DISCARD TEMP",
    ],
    "Power BI": ["DISCARD ALL"],
    "DBeaver 25.1.5": [
        "SET extra_float_digits = 3", "SET application_name = 'PostgreSQL JDBC Driver'",
        "SET application_name = 'DBeaver 25.1.5 - Main <postgres>'", "SHOW search_path", "SET search_path = demo,dbo,public",
    ],
    "Metabase 0.55.1": [
        "SET extra_float_digits = 2", "SET application_name = 'Metabase v0.55.1 [00000000-0000-0000-0000-000000000000]'",
        "SHOW TRANSACTION ISOLATION LEVEL", "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
        "SET SESSION TIMEZONE TO 'Europe/Berlin';", "show timezone;", "SET ROLE NONE;",
    ],
    "DataGrip 2025.2.3": [
        "SET application_name = ''", "select version()", "select current_database() as a, current_schemas(false) as b",
        "SHOW TRANSACTION ISOLATION LEVEL", "select current_database(), current_schema(), current_user",
    ],
}  # fmt: skip
"""What tools send first, or to a connection of theirs that is used again."""


@pytest.mark.parametrize("tool", BEGINNINGS)
def test_tools_begin(shared: Endpoint, tool: str) -> None:
    for prepare in (False, True):
        with psycopg.connect(shared.dsn, user="ann", autocommit=True) as client:
            for statement in BEGINNINGS[tool]:
                client.execute(statement.encode(), prepare=prepare and ";S" not in statement)
            assert client.execute("SELECT 1").fetchall() == [(1,)]


def test_no_table_has_pages_that_duckdb_would_read_by_their_numbers(endpoint: Endpoint) -> None:
    endpoint.master.execute("INSERT INTO public.customers (name) VALUES ('ann'); ANALYZE public.customers")
    assert endpoint.master.execute("SELECT relpages FROM pg_class WHERE relname = 'customers'").fetchall() == [(1,)]
    assert endpoint.ask("SELECT DISTINCT relpages FROM pg_class", user="boss") == [(0,)]


def test_schemas_are_those_with_tables_and_the_lakes(endpoint: Endpoint) -> None:
    found = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1"
    assert endpoint.ask(found) == [("dbo",), ("demo",), ("empty",), ("information_schema",)]
    assert endpoint.ask("SELECT schema_name FROM information_schema.schemata WHERE schema_name !~ '^pg_' ORDER BY 1") == endpoint.ask(found)
    assert endpoint.ask("SELECT current_schema, current_schema(), current_schemas(false), current_schemas(true)") == [
        ("dbo", "dbo", ["dbo", "public"], ["pg_catalog", "dbo", "public"])
    ]
    assert endpoint.ask("SELECT datname FROM pg_catalog.pg_database") == [("bdc",)]


def test_columns_are_of_the_types_that_results_have(endpoint: Endpoint) -> None:
    found = endpoint.ask(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(a.attrelid, a.attnum) FROM pg_attribute a "
        "WHERE a.attrelid = 'demo.flights'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    )
    assert found == [
        ("id", "bigint", True, None), ("carrier", "character varying(8)", False, "IATA's"), ("fare", "numeric(12,2)", False, None),
        ("seen", "timestamp with time zone", False, None), ("legs", "text[]", False, None), ("more", "json", False, None),
    ]  # fmt: skip
    described = endpoint.ask(
        "SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable, udt_name "
        "FROM information_schema.columns WHERE table_schema = 'demo' AND table_name = 'flights' ORDER BY ordinal_position"
    )
    assert described[:3] == [
        ("id", "bigint", None, 64, 0, "NO", "int8"), ("carrier", "character varying", 8, None, None, "YES", "varchar"),
        ("fare", "numeric", None, 12, 2, "YES", "numeric"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("trino", "postgresql"),
    [
        ("varchar", (25, -1)), ("varchar(20)", (1043, 24)), ("char(3)", (1042, 7)), ("decimal(12,2)", (1700, (12 << 16 | 2) + 4)),
        ("timestamp(6)", (1114, -1)), ("timestamp(3) with time zone", (1184, -1)), ("time(6)", (1083, -1)), ("double", (701, -1)),
        ("array(decimal(12,2))", (1231, -1)), ("array(array(bigint))", (1016, -1)), ("map(varchar, integer)", (114, -1)),
        ('row("a,b" integer)', (114, -1)), ("interval day to second", (1186, -1)), ("HyperLogLog", (25, -1)), ("tinyint", (21, -1)),
    ],
)  # fmt: skip
def test_types_by_their_names(trino: str, postgresql: tuple[int, int]) -> None:
    assert postgresql_type(trino) == postgresql


def test_rights_are_those_of_who_asks_to_read(endpoint: Endpoint) -> None:
    asked = (
        "SELECT has_table_privilege('{0}', 'select'), has_table_privilege(current_user, '{0}', 'SELECT, INSERT'), "
        "has_table_privilege('{0}', 'INSERT'), has_any_column_privilege('{0}'::regclass, 'SELECT')"
    )
    for table in ("demo.flights", "dbo.orders", "orders", "bdc.dbo.orders", "dbo.brandnew", '"demo".busiest'):
        assert endpoint.ask(asked.format(table)) == [(True, True, False, True)], table
    for table in ("dbo.secret", "public.customers", "private.diary", "demo.unreadable", "nowhere.nothing"):
        with pytest.raises(psycopg.errors.UndefinedTable, match=f'relation "{table}" does not exist'):
            endpoint.ask(asked.format(table))
        assert endpoint.ask("SELECT to_regclass(%s)", table) == [(None,)]
    assert endpoint.ask("SELECT has_column_privilege('demo.flights', 'fare', 'SELECT'), has_schema_privilege('demo', 'USAGE'), "
                        "has_schema_privilege('demo', 'CREATE'), has_database_privilege('bdc', 'CONNECT'), "
                        "has_database_privilege('bdc', 'CREATE'), pg_has_role('ann', 'MEMBER'), pg_has_role('boss', 'MEMBER')") == [
        (True, True, False, True, False, True, False)]  # fmt: skip
    with pytest.raises(psycopg.errors.UndefinedColumn):
        endpoint.ask("SELECT has_column_privilege('demo.flights', 'nothing', 'SELECT')")
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        endpoint.ask("SELECT has_table_privilege('demo.flights', 'EAT')")
    assert endpoint.ask("SELECT has_table_privilege('ann', 'dbo.secret', 'SELECT')", user="boss") == [(False,)]


def test_names_are_oids_and_oids_names(endpoint: Endpoint) -> None:
    number = oid_of("demo", "flights")
    assert endpoint.ask(
        "SELECT 'demo.flights'::regclass::oid, 'demo.flights'::regclass, %s::oid::regclass, 'DBO.Orders'::regclass", number
    ) == [(number, "demo.flights", "demo.flights", "orders")]
    assert endpoint.ask(
        "SELECT 'pg_class'::regclass::oid, 1259::regclass, 'pg_catalog.pg_type'::pg_catalog.regclass::text, 0::regclass"
    ) == [(1259, "pg_class", "pg_type", "-")]
    assert endpoint.ask("SELECT c.relname FROM pg_class c WHERE c.oid = %s::regclass", "demo.flights") == [("flights",)]
    both = "oid = ANY (ARRAY['demo.flights'::regclass, 'dbo.orders'::regclass])"
    assert endpoint.ask(f"SELECT relname FROM pg_class WHERE {both} ORDER BY oid::regclass") == [("flights",), ("orders",)]
    assert endpoint.ask("SELECT DISTINCT relnamespace::regnamespace FROM pg_class WHERE relnamespace = 'demo'::regnamespace") == [("demo",)]
    assert endpoint.ask("SELECT CAST(CAST(c.oid AS REGCLASS) AS TEXT) FROM pg_class c WHERE relname = 'flights'") == [("demo.flights",)]


def test_settings_by_set_config_are_the_sessions(endpoint: Endpoint) -> None:
    """As Django sets the time zone, and asyncpg settings of its own."""
    with psycopg.connect(endpoint.dsn, user="ann", autocommit=True) as client:

        def shown(name: str) -> Any:
            return client.execute(f"SHOW {name}".encode()).fetchall()[0][0]

        assert client.execute("SELECT set_config('TimeZone', 'Europe/Berlin', false)").fetchall() == [("Europe/Berlin",)]
        assert (client.info.parameter_status("TimeZone"), shown("timezone")) == ("Europe/Berlin", "Europe/Berlin")
        path = "SELECT set_config('search_path', %s, %s) AS new, current_schema()"
        assert client.execute(path, ("demo", False), prepare=True).fetchall() == [("demo", "demo")]
        assert client.execute(path, ("dbo", True)).fetchall() == [("dbo", "dbo")]
        assert (shown("search_path"), client.execute("SELECT current_schema()").fetchall()) == ("demo", [("demo",)])
        with client.transaction(force_rollback=True):
            client.execute("SELECT pg_catalog.set_config('search_path', 'dbo', true)")
            assert shown("search_path") == "dbo"
        assert shown("search_path") == "demo"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            client.execute("SELECT set_config('catalogs.role', 'boss', true), current_user")
        with pytest.raises(psycopg.errors.ActiveSqlTransaction):
            client.execute("SELECT set_config('transaction_read_only', 'off', false)")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match='"datestyle" can be iso only'):
            client.execute("SELECT set_config('DateStyle', 'German', false)")
        client.execute("SELECT set_config('search_path', NULL, false)")
        assert shown("search_path") == "dbo, public"


@pytest.mark.parametrize(
    "call", ["pg_terminate_backend(1)", 'pg_catalog."query_to_xml"($$SELECT 1$$, true, true, $$$$)', "pg_advisory_lock(1)"]
)
def test_what_reaches_others_or_runs_a_text_is_refused(endpoint: Endpoint, call: str) -> None:
    """Clients of one endpoint are one role in the master, and a text has names that aren't replaced."""
    with pytest.raises(psycopg.errors.FeatureNotSupported, match=r"\(\) can't be called here"):
        endpoint.ask(f"SELECT {call} FROM pg_type LIMIT 1")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="can't be read here"):
        endpoint.ask('SELECT relname FROM U&"pg_class"')


def test_a_client_sees_no_other_clients_statements(endpoint: Endpoint) -> None:
    ask = "SELECT pid = pg_backend_pid() FROM pg_stat_activity WHERE application_name = 'bdc-gateway'"
    with psycopg.connect(endpoint.dsn, user="boss", autocommit=True) as other:
        other.execute("SELECT relname FROM pg_class")
        assert endpoint.ask(ask) == [(True,)]


def test_queries_of_catalogs_are_not_compiled(endpoint: Endpoint) -> None:
    assert endpoint.ask("SELECT setting FROM pg_settings WHERE name = 'jit'") == [("off",)]


def test_each_relation_is_found_by_its_name_and_no_other(endpoint: Endpoint) -> None:
    asked = (
        "SELECT count(*) > 400, count(*) FILTER (WHERE format('%I.%I', n.nspname, c.relname)::regclass::oid <> c.oid), "
        "count(*) FILTER (WHERE c.oid::regclass::oid <> c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    )
    for user in ("ann", "boss"):
        assert endpoint.ask(asked, user=user) == [(True, 0, 0)]
    named = "SELECT to_regclass(name) FROM unnest(%s::text[]) name"
    names = ["public.customers", "public.customers_pkey", "customers", "dbo.secret"]
    assert endpoint.ask(named, names) == [(None,)] * 4
    assert endpoint.ask(named, names, user="boss") == [("customers",), ("customers_pkey",), ("customers",), ("secret",)]


def test_who_asks_has_postgresqls_titles(endpoint: Endpoint) -> None:
    with psycopg.connect(endpoint.dsn, user="ann", autocommit=True) as client:
        found = client.execute("SELECT current_user, session_user, user, current_role, current_user AS me")
        assert [one.name for one in found.description or ()] == ["current_user", "session_user", "user", "current_role", "me"]
        assert found.fetchall() == [("ann",) * 5]
    assert not endpoint.trino.asked, "who knows no table needs not ask for them"


def test_what_needs_no_tables_asks_for_none(endpoint: Endpoint) -> None:
    for statement in ("SELECT 1", "SELECT current_schema()", "SELECT current_schema",
                      "SELECT typname FROM pg_type WHERE oid = 23", "SELECT count(*) FROM pg_settings", "SELECT version()",
                      "SELECT rolname FROM pg_roles WHERE rolname = current_user", "SELECT datname FROM pg_database"):  # fmt: skip
        assert endpoint.ask(statement)
    assert not endpoint.trino.asked


def test_a_table_that_was_made_just_now_is_there_and_one_that_is_named_has_its_columns_of_now(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bdc.sql.pgwire.seen._NOW_SECONDS", 0.0)
    shown = "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
    assert endpoint.ask(shown, "later") == []
    endpoint.trino.tables["lake", "demo", "later"] = [("a", "integer", "YES", None)]
    assert endpoint.ask(shown, "later") == [("a",)]
    endpoint.trino.tables["lake", "demo", "later"] = [("a", "integer", "YES", None), ("b", "date", "YES", None)]
    assert endpoint.ask(shown, "later") == [("a",), ("b",)]
    assert "table_name IN ('later')" in endpoint.trino.asked[-1], "the others aren't looked at again"
    number = endpoint.ask("SELECT oid FROM pg_class WHERE relname LIKE 'later'")[0][0]
    endpoint.trino.tables["lake", "demo", "later"] = [("c", "integer", "YES", None)]
    assert endpoint.ask(f"SELECT attname FROM pg_attribute WHERE attrelid = '{number}'") == [("c",)]
    endpoint.trino.tables["lake", "demo", "later"] = [("d", "integer", "YES", None)]
    assert endpoint.ask("SELECT attname FROM pg_attribute WHERE attrelid = %b", Int8(number)) == [("d",)], "as DBeaver asks"
    del endpoint.trino.tables["lake", "demo", "later"]
    assert endpoint.ask(shown, "later") == []
    endpoint.master.execute("CREATE TABLE private.later (id integer)")
    assert endpoint.ask(shown, "later", user="boss") == []
    endpoint.trino.tables["master", "private", "later"] = []
    assert endpoint.ask(shown, "later", user="boss") == [("id",)]
    endpoint.master.execute("DROP TABLE private.later")


def test_mixed_formats_and_cursors(endpoint: Endpoint) -> None:
    """As pgjdbc asks, from the fifth time on: some columns in binary."""
    with psycopg.connect(endpoint.dsn, user="ann", autocommit=True) as client:
        for binary in (False, True):
            found = client.execute("SELECT relname, relnatts FROM pg_class WHERE relname = 'flights'", binary=binary).fetchall()
            assert found == [("flights", 6)]
        client.autocommit = False
        with client.cursor("c") as cursor:
            cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'demo'::regnamespace ORDER BY 1")
            assert cursor.fetchall() == [("busiest",), ("flights",)]


def test_psql_lists_what_there_is(endpoint: Endpoint) -> None:
    tables, views, foreign, all_visible, databases, schemas, functions, roles, rights, *_ = endpoint.psql(
        r"\dt demo.*", r"\dv demo.*", r"\det+ dbo.*", r"\d", r"\l", r"\dn+", r"\df", r"\du", r"\dp demo.flights",
        # those that show nothing of ours, and must not fail
        r"\dt+ demo.*", r"\di", r"\ds", r"\dm", r"\dE+", r"\dT", r"\dC", r"\do nothing", r"\da nothing", r"\db", r"\dx", r"\ddp", r"\drds",
        r"\des+", r"\dew", r"\dF", r"\dO", r"\dy", r"\dX", r"\dRp", r"\dL", r"\dc nothing", r"\dD", r"\dP", r"\dd", r"\dg+", r"\sf now()",
    )  # fmt: skip
    assert tables.splitlines()[2:] == ["demo|flights|table|bdc", "(1 row)"]
    assert views.splitlines()[2:] == ["demo|busiest|view|bdc", "(1 row)"]
    assert foreign.splitlines()[2:] == [
        "dbo|brandnew|federation||", "dbo|orders|federation||public.orders of Sales (external)", "dbo|pooled|federation||", "(3 rows)",
    ]  # fmt: skip
    assert all_visible.splitlines()[2:] == [f"dbo|{name}|foreign table|bdc" for name in ("brandnew", "orders", "pooled")] + ["(3 rows)"]
    assert [line.split("|")[0] for line in databases.splitlines()[2:]] == ["bdc", "(1 row)"]
    assert re.findall(r"^(\w+)\|bdc\|", schemas, re.MULTILINE) == ["dbo", "demo", "empty"]
    assert functions.splitlines()[2:] == ["(0 rows)"]
    assert "ann|" in roles
    assert "demo|flights|table|ann=r/bdc|" in rights


def test_psql_describes_a_table(endpoint: Endpoint) -> None:
    flights, more, view, order = endpoint.psql(r"\d demo.flights", r"\d+ demo.flights", r"\d+ demo.busiest", r"\d+ orders")
    assert flights.splitlines() == [
        'Table "demo.flights"', "Column|Type|Collation|Nullable|Default", "id|bigint||not null|", "carrier|character varying(8)|||",
        "fare|numeric(12,2)|||", "seen|timestamp with time zone|||", "legs|text[]|||", "more|json|||",
    ]  # fmt: skip
    assert "carrier|character varying(8)||||extended|||IATA's" in more
    assert view.startswith('View "demo.busiest"\n')
    assert order.splitlines()[0] == 'Foreign table "dbo.orders"'
    assert "Server: federation" in order
    [customers] = endpoint.psql(r"\d+ public.customers", user="boss")
    assert "name|text||not null||extended|||as it is on the contract" in customers
    assert "id|integer||not null|nextval('customers_id_seq'::regclass)" in customers
    assert '"customers_pkey" PRIMARY KEY, btree (id)' in customers


def test_the_views_are_those_whose_names_are_replaced(prepared: psycopg.Connection[Any]) -> None:
    views = {
        name for (name,) in prepared.execute("SELECT relname FROM pg_class WHERE relnamespace = 'catalogs'::regnamespace AND relkind = 'v'")
    }
    own = {"namesakes", "own", "made"} | {name for name in views if name.startswith("_pg_")}
    assert views - own == shadows.RELATIONS | shadows.INFORMATION
    functions = {name for (name,) in prepared.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'catalogs'::regnamespace")}
    assert functions >= shadows.FUNCTIONS | {"current_user", "session_user", "current_role", "user"}
    assert {name for name in functions if name.startswith(("has_", "pg_has_"))} <= shadows.FUNCTIONS


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("SELECT 'pg_class', relname AS regclass FROM pg_class", "SELECT 'pg_class', relname AS regclass FROM catalogs.pg_class"),
        ('SELECT 1 FROM "pg_catalog"."pg_class" pg_class', "SELECT 1 FROM catalogs.pg_class pg_class"),
        ("SELECT pg_class.oid FROM pg_class -- pg_class", "SELECT pg_class.oid FROM catalogs.pg_class -- pg_class"),
        (
            "SELECT $1::regclass, CAST('x' AS pg_catalog.regclass)",
            "SELECT $1::text::catalogs.regclass, CAST('x'::text AS catalogs.regclass)",
        ),
        (
            "SELECT x OPERATOR(pg_catalog.~) 'y' COLLATE pg_catalog.default",
            "SELECT x OPERATOR(pg_catalog.~) 'y' COLLATE pg_catalog.default",
        ),
        ("SELECT t.user, u AS user, user", 'SELECT t.user, u AS user, catalogs."user"()'),
        ("SELECT 'open", "SELECT 'open"),
    ],
)
def test_words_that_are_replaced(written: str, asked: str) -> None:
    assert shadows.shadowed(written).sql == asked


def test_thousands_of_tables_have_an_oid_each() -> None:
    homes = {("s", f"t{at}"): ("lake", False) for at in range(5000)}
    assert snapshot(["s"], homes, {}).relations == b"", "those without columns can't be read"
    found = snapshot(["s"], homes, {place: [Column("a\tb", "integer", required=False, comment=None)] for place in homes})
    numbers = [int(line.split(b"\t")[0]) for line in found.relations.splitlines()]
    assert len(set(numbers)) == 5000
    assert all(2**30 <= one < 2**31 for one in numbers)
    assert found.columns.splitlines()[0].split(b"\t")[1:] == [b"1", rb"a\tb", b"23", b"-1", b"False", rb"\N"]

"""External tables as the master's foreign tables: their types, and what is made and dropped, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bdc.sql.external.definition_store import Connection
from bdc.sql.external.definitions import ColumnDefinition, Definitions, Table
from bdc.sql.external.foreign import SERVER, match, postgresql_type


@pytest.mark.parametrize(
    ("trino", "postgresql"),
    [
        ("integer", "integer"), ("decimal(12,2)", "numeric(12,2)"), ("double", "double precision"), ("varchar(20)", "varchar(20)"),
        ("varchar", "text"), ("char(3)", "char(3)"), ("varbinary", "bytea"), ("timestamp(7)", "timestamp(6)"), ("uuid", "uuid"),
        ("timestamp(3) with time zone", "timestamp(3) with time zone"), ("time(7)", "time(6)"), ("boolean", "boolean"),
    ],
)  # fmt: skip
def test_types(trino: str, postgresql: str) -> None:
    assert postgresql_type(trino) == postgresql


@pytest.fixture
def master(connection: Connection) -> Iterator[Connection]:
    """A master with a server of foreign tables, of which nobody asks anything here."""
    connection.execute("CREATE EXTENSION IF NOT EXISTS postgres_fdw")
    connection.execute(f"CREATE SERVER {SERVER} FOREIGN DATA WRAPPER postgres_fdw".encode())
    yield connection
    connection.execute(f"DROP SERVER {SERVER} CASCADE".encode())


def orders(*columns: tuple[str, str], readers: tuple[str, ...] | None = None) -> Definitions:
    made = tuple(ColumnDefinition(*one) for one in columns or (("Id", "int"), ("Region", "nvarchar(20)")))
    return Definitions(tables=(Table("dbo", "Orders", "Sales", "public.orders", made, readers),))


def columns(master: Connection) -> list[tuple[str, str]]:
    found = master.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass('dbo.orders') AND attnum > 0 "
        "AND NOT attisdropped ORDER BY attnum"
    )
    return found.fetchall()


def test_tables_are_made_changed_and_dropped(master: Connection) -> None:
    assert match(master, orders(), {"dbo.orders"}) == {}
    assert columns(master) == [("id", "integer"), ("region", "character varying(20)")]
    before = master.execute("SELECT 'dbo.orders'::regclass::oid").fetchone()
    assert match(master, orders(), {"dbo.orders"}) == {}
    assert master.execute("SELECT 'dbo.orders'::regclass::oid").fetchone() == before, "what is as it should be stays"
    assert match(master, orders(("Id", "bigint")), {"dbo.orders"}) == {}
    assert columns(master) == [("id", "bigint")]
    assert match(master, orders(), set()) == {}, "a table that the federation hasn't isn't in the master either"
    assert columns(master) == []


def test_who_may_read_is_who_may_there(master: Connection) -> None:
    for role in ("reader", "outsider"):
        master.execute(f"CREATE ROLE {role}".encode())

    def may(role: str) -> bool:
        row = master.execute("SELECT has_table_privilege(%s, 'dbo.orders', 'SELECT')", (role,)).fetchone()
        return bool(row and row[0])

    try:
        assert match(master, orders(), {"dbo.orders"}) == {}
        before = master.execute("SELECT 'dbo.orders'::regclass::oid").fetchone()
        for readers, allowed in ((None, [True, True]), (("reader",), [True, False]), ((), [False, False])):
            assert match(master, orders(readers=readers), {"dbo.orders"}) == {}
            assert [may("reader"), may("outsider")] == allowed
        assert match(master, orders(readers=("gone", "reader")), {"dbo.orders"}) == {}, "who isn't there is in nobody's way"
        assert [may("reader"), may("outsider")] == [True, False]
        assert master.execute("SELECT 'dbo.orders'::regclass::oid").fetchone() == before, "with its statistics and views"
        master.execute("SET ROLE reader")
        with pytest.raises(psycopg.Error, match="user mapping not found"):
            master.execute("SELECT * FROM dbo.orders")
    finally:
        master.execute("RESET ROLE")
        match(master, Definitions(), set())
        master.execute("DROP ROLE reader; DROP ROLE outsider")


def test_what_is_in_the_way_is_said_and_stays(master: Connection) -> None:
    master.execute("CREATE SCHEMA IF NOT EXISTS dbo; CREATE TABLE dbo.orders (mine int)")
    try:
        assert "already exists" in match(master, orders(), {"dbo.orders"})["dbo.orders"].message
        assert columns(master) == [("mine", "integer")]
    finally:
        master.execute("DROP TABLE dbo.orders")
    assert match(master, orders(), {"dbo.orders"}) == {}
    master.execute("CREATE VIEW dbo.mine AS SELECT * FROM dbo.orders")
    told = match(master, orders(("Id", "bigint")), {"dbo.orders"})["dbo.orders"].message
    assert "other objects depend on it" in told
    assert columns(master)[0] == ("id", "integer"), "the view's table is as it was"
    master.execute("DROP VIEW dbo.mine")


def test_a_failure_stays_with_its_table(master: Connection) -> None:
    """A schema's name that PostgreSQL keeps for itself, and names that it would cut."""
    columns = (ColumnDefinition("id", "int"),)
    bad = [Table("pg_mine", "a", "Sales", "public.a", columns), Table("dbo", "b" * 64, "Sales", "public.b", columns),
           Table("dbo", "c", "Sales", "public.c", (ColumnDefinition("ä" * 32, "int"),))]  # fmt: skip
    made = (*bad, *orders().tables)
    failed = match(master, Definitions(tables=made), {str(one).lower() for one in made})
    assert set(failed) == {str(one).lower() for one in bad}
    assert "unacceptable schema name" in failed["pg_mine.a"].message
    assert "longer than PostgreSQL's, 63 bytes" in failed["dbo.c"].message
    assert master.execute("SELECT to_regclass('dbo.orders') IS NOT NULL").fetchone() == (True,)

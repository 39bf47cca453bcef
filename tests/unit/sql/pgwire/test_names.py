"""Where names lead: to the federation's tables, with the database before them or without, and to catalogs of Trino's own."""

from __future__ import annotations

import psycopg
import pytest

from tests.unit.sql.pgwire.conftest import Gateway


@pytest.mark.parametrize("name", ["orders", "dbo.orders", "bdc.dbo.orders", '"bdc"."dbo"."orders"', "external.dbo.orders"])
def test_a_tables_name_may_begin_with_the_database_or_the_catalog(gateway: Gateway, name: str) -> None:
    with psycopg.connect(gateway.dsn) as client:
        assert client.execute(f"SELECT id FROM {name}".encode()).fetchall() == [(0,), (1,), (2,)]
    assert 'FROM "external"."dbo"."orders"' in gateway.trino.asked[-1][1]


def test_the_database_is_no_catalog_of_trinos(gateway: Gateway) -> None:
    with psycopg.connect(gateway.dsn, autocommit=True) as client:
        assert client.execute("SELECT bdc.dbo.orders.id FROM bdc.dbo.orders WHERE dbo.orders.id >= 0").fetchall() == [(0,), (1,), (2,)]
        assert "table_cat IN ('external', 'lake', 'master')" in gateway.trino.asked[0][1]
        with pytest.raises(psycopg.errors.UndefinedTable, match=r'relation "dbo\.missing" does not exist'):
            client.execute("SELECT id FROM bdc.dbo.missing")


def test_a_catalogs_own_information_schema_is_trinos(gateway: Gateway) -> None:
    with psycopg.connect(gateway.dsn) as client, pytest.raises(psycopg.errors.UndefinedTable):
        client.execute("SELECT table_name FROM lake.information_schema.tables")
    assert "table_cat IN ('lake') AND table_schem IN ('information_schema')" in gateway.trino.asked[0][1]

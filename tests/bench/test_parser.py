"""How long the statements of external data take to read."""

from __future__ import annotations

import time

from bdc.sql.polybase import parse
from tests.bench.test_deploy import say

STATEMENTS = (
    "CREATE DATABASE SCOPED CREDENTIAL [c{0}] WITH IDENTITY = 'user{0}', SECRET = 'secret'",
    "CREATE EXTERNAL DATA SOURCE [s{0}] WITH (LOCATION = 'postgresql://host{0}:5432/sales', CREDENTIAL = [c{0}], PUSHDOWN = ON)",
    "CREATE EXTERNAL TABLE dbo.[t{0}] (id BIGINT NOT NULL, name NVARCHAR(100) COLLATE Latin1_General_100_BIN2, sum DECIMAL(18, 2) NULL) "
    "WITH (LOCATION = 'public.orders', DATA_SOURCE = [s{0}])",
    "CREATE STATISTICS x{0} ON dbo.[t{0}] (id, name) WITH FULLSCAN",
    "SELECT TOP 10 o.id, sum(o.sum) FROM dbo.[t{0}] o JOIN public.customers c ON c.id = o.id GROUP BY o.id OPTION (FORCE EXTERNALPUSHDOWN)",
)


def test_parser_figures() -> None:
    script = ";\n".join(sql.format(number) for number in range(2000) for sql in STATEMENTS)
    began = time.perf_counter()
    assert len(parse(script)) == 10_000
    say("reading 10,000 statements (s)", f"{time.perf_counter() - began:.2f}")

"""Figures of files and the data pool: TPC-H beside plain Trino, a load beside Spark, an aggregate beside the table's source.

Trino has 4 GiB, as some of the 22 queries don't fit into what it has where nothing is said.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import duckdb_extension_tpch
import pytest

from bdc import images
from bdc.config.names import IMAGES
from tests.bench.test_deploy import say
from tests.bench.test_external import PASSWORD, ROWS, run, server
from tests.e2e.support.commands import KUBECTL
from tests.e2e.support.host import TestHost
from tests.e2e.support.outside import PostgreSql
from tests.e2e.test_tpch import ROUNDED, TABLES, expected, same

__all__ = ["server"]
PROGRAM = Path(__file__).parent / "files.py"
HAND = "ext_hand"
"""The catalog of plain Trino. Only such names may be made."""

PLAIN = {
    "hive.metastore": "file", "hive.metastore.catalog.dir": "hdfs://bdc/tmp/plain", "fs.hadoop.enabled": "true",
    "hive.config.resources": "/etc/hadoop/core-site.xml,/etc/hadoop/hdfs-site.xml",
}  # fmt: skip


WIDE = """CREATE UNLOGGED TABLE wide AS SELECT big.*, id % 1000 AS product, id % 50 AS store, 1 + id % 7 AS quantity,
    (id % 20 / 100.0)::numeric(4,2) AS discount, (ARRAY['new', 'paid', 'sent', 'back'])[1 + id % 4] AS status,
    timestamp '2020-01-01' + id * interval '10 seconds' AS placed, date '2020-01-01' + id / 8640 AS shipped, md5(id::text) AS note,
    (ARRAY['web', 'shop', 'phone'])[1 + id % 3] AS channel, id * 0.25::float8 AS price FROM big; ANALYZE wide"""
"""The same rows with ten columns more."""


@pytest.fixture(scope="module")
def host() -> Iterator[TestHost]:
    images.build(IMAGES)
    with TestHost("bench") as made:
        run(made, "bdc", "--set", "federation.coordinator.memory_limit=4Gi", "up", timeout_seconds=1500)
        yield made


def seconds(host: TestHost, *arguments: str) -> dict[str, float]:
    """What the program prints."""
    printed = run(host, sys.executable, str(PROGRAM), *arguments, timeout_seconds=3000)
    return {name: float(value) for name, value in (line.split() for line in printed.splitlines())}


@pytest.fixture(scope="module")
def big(host: TestHost, server: PostgreSql) -> TestHost:
    """dbo.big in PostgreSQL, dbo.big_csv of a folder with the same rows, and dbo.big_pool, which is empty."""
    file = host.folder / "big.csv"
    file.write_text(server.sql("postgres", "COPY big TO STDOUT (FORMAT csv)"), encoding="utf-8")
    run(host, "bdc", "hdfs", "mkdir", "-p", "/data/big")
    run(host, "bdc", "hdfs", "put", str(file), "/data/big/big.csv", timeout_seconds=600)
    file.unlink()
    columns = "(id INT, customer INT, region NVARCHAR(10), amount DECIMAL(12, 2))"
    script = f"""
CREATE DATABASE SCOPED CREDENTIAL bench WITH IDENTITY = 'bench', SECRET = '{PASSWORD}';
CREATE EXTERNAL DATA SOURCE bench WITH (LOCATION = 'postgresql://{host.outside_address}:5433/postgres', CREDENTIAL = bench);
CREATE EXTERNAL TABLE dbo.big {columns} WITH (LOCATION = 'public.big', DATA_SOURCE = bench);
CREATE EXTERNAL FILE FORMAT csv WITH (FORMAT_TYPE = DELIMITEDTEXT, FORMAT_OPTIONS (FIELD_TERMINATOR = ','));
CREATE EXTERNAL TABLE dbo.big_csv {columns} WITH (LOCATION = '/data/big', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = csv);
CREATE EXTERNAL TABLE dbo.big_pool {columns} WITH (DATA_SOURCE = SqlDataPool, DISTRIBUTION = ROUND_ROBIN);
"""
    run(host, "bdc", "sql", "run", "-", stdin=script)
    return host


def test_a_load_beside_spark(big: TestHost) -> None:
    found = seconds(big, "load", "3")
    ours, spark = found["bdc"], found["spark"]
    say(f"{ROWS:,} rows of CSV to Delta", f"data pool {ours:.1f} s, Spark by hand {spark:.1f} s, ratio {ours / spark:.2f}")


@pytest.mark.parametrize(("table", "columns"), [("big", 4), ("wide", 14)])
def test_an_aggregate_beside_its_source(big: TestHost, server: PostgreSql, table: str, columns: int) -> None:
    fill = "INSERT INTO dbo.big_pool SELECT * FROM dbo.big"
    if table == "wide":
        server.sql("postgres", WIDE)
        run(big, "bdc", "sql", "table", "create", "public.wide", "--from", "bench", "--name", "dbo.wide", "--yes")
        fill = "CREATE EXTERNAL TABLE dbo.wide_pool WITH (DATA_SOURCE = SqlDataPool) AS SELECT * FROM dbo.wide"
    run(big, "bdc", "sql", "query", fill, timeout_seconds=900)
    found = seconds(big, "point", "9", table)
    ours, source = found["pool"], found["source"]
    what = f"one customer of {ROWS:,} rows of {columns} columns"
    say(what, f"data pool {ours:.2f} s, PostgreSQL {source:.2f} s, ratio {source / ours:.1f}")


def test_tpch_beside_plain_trino(host: TestHost, tmp_path: Path) -> None:
    [extension] = Path(duckdb_extension_tpch.__file__).parent.rglob("*.duckdb_extension")
    with duckdb.connect(config={"allow_unsigned_extensions": "false"}) as reference:
        reference.execute(f"LOAD '{extension}'")
        reference.execute("CALL dbgen(sf=1)")
        queries = dict(reference.execute("SELECT query_nr, query FROM tpch_queries()").fetchall())
        queries[15] = re.sub(r"(GROUP BY\s+)supplier_no", r"\1l_suppkey", queries[15])
        wanted = {number: expected(reference, query) for number, query in queries.items()}
        for table in TABLES:
            run(host, "bdc", "hdfs", "mkdir", "-p", f"/tmp/tpch/{table}")
            reference.execute(f"COPY {table} TO '{host.folder}/{table}.parquet' (FORMAT parquet)")
            run(host, "bdc", "hdfs", "put", f"{host.folder}/{table}.parquet", f"/tmp/tpch/{table}/all.parquet", timeout_seconds=600)
    run(host, "bdc", "sql", "query", "CREATE EXTERNAL FILE FORMAT tpch WITH (FORMAT_TYPE = PARQUET)")
    for table in TABLES:
        run(
            host,
            "bdc",
            "sql",
            "table",
            "create",
            f"/tmp/tpch/{table}",
            "--from",
            "SqlStoragePool",
            "--name",
            f"raw.{table}",
            "--yes",
        )
    run(host, *KUBECTL, "-n", "bdc", "scale", "deployment/reconciler", "--replicas=0")  # which would remove a catalog made by hand
    properties = ", ".join(f"\"{name}\" = '{value}'" for name, value in PLAIN.items())
    script = [f"CREATE CATALOG {HAND} USING hive WITH ({properties})", f"CREATE SCHEMA {HAND}.tpch", "CREATE SCHEMA lake.tpch"]
    script += [f"CREATE TABLE {catalog}.tpch.{table} AS SELECT * FROM raw.{table}" for table in TABLES for catalog in ("lake", HAND)]
    run(host, "bdc", "sql", "run", "-", stdin=";\n".join(script) + ";\n", timeout_seconds=1800)
    file = host.folder / "queries.json"
    file.write_text(json.dumps({number: query.strip().rstrip(";") for number, query in queries.items()}), encoding="utf-8")
    found = seconds(host, "tpch", "3", HAND, str(file))
    rows = json.loads(Path(f"{file}.out").read_text(encoding="utf-8"))
    for number, right in wanted.items():
        answer = rows[str(number)]
        assert len(answer) == len(right), number
        assert all(same(a, b, ROUNDED) for a, b in zip(answer, right, strict=True)), (number, answer[:2], right[:2])
        say(f"TPC-H {number}", f"bdc {found[f'bdc-{number}']:.2f} s, plain Trino {found[f'plain-{number}']:.2f} s")
    ours, plain = found["bdc"], found["plain"]
    say("TPC-H, scale 1, 22 queries", f"Delta by bdc {ours:.1f} s, Parquet by plain Trino {plain:.1f} s, ratio {ours / plain:.2f}")

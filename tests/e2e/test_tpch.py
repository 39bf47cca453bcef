"""TPC-H's 22 queries on Delta tables: Spark's answers and Trino's beside those of an independent engine, DuckDB.

DuckDB makes the data with the standard's dbgen, at scale 0.01 (60,175 lineitems); Spark writes the Delta tables from it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_tpch
import pytest

from tests.e2e.support.commands import bdc
from tests.e2e.support.host import TestHost

pytestmark = pytest.mark.full

TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")
ROUNDED = 0.0051
"""Trino gives averages and quotients of decimals the scale of their operands, which is two digits here."""


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("tpch") as made:
        bdc(made, "up", timeout_seconds=1500)
        yield made


@pytest.fixture(scope="module")
def reference() -> Iterator[duckdb.DuckDBPyConnection]:
    [extension] = Path(duckdb_extension_tpch.__file__).parent.rglob("*.duckdb_extension")
    with duckdb.connect(config={"allow_unsigned_extensions": "false"}) as connection:
        connection.execute(f"LOAD '{extension}'")
        connection.execute("CALL dbgen(sf=0.01)")
        yield connection


@pytest.fixture(scope="module")
def loaded(host: TestHost, reference: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> TestHost:
    """The reference's tables as Delta tables of the lake."""
    folder = tmp_path_factory.mktemp("tpch")
    made = ["CREATE DATABASE tpch"]
    bdc(host, "hdfs", "mkdir", "/tmp/tpch")
    for table in TABLES:
        reference.execute(f"COPY {table} TO '{folder}/{table}.parquet' (FORMAT parquet)")
        bdc(host, "hdfs", "put", f"{folder}/{table}.parquet", f"/tmp/tpch/{table}.parquet")
        made.append(f"CREATE TABLE tpch.{table} USING delta AS SELECT * FROM parquet.`/tmp/tpch/{table}.parquet`")
    bdc(host, "sql", "run", "-", "--engine", "spark", stdin=";\n".join(made) + ";\n", timeout_seconds=600)
    return host


def results(text: str) -> list[list[list[Any]]]:
    """The arrays that `-o json` prints one after the other, as rows of values."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while match := re.compile(r"\s*(?=\[)").match(text, at):
        rows, at = decoder.raw_decode(text, match.end())
        found.append([list(row.values()) for row in rows])
    return found


def expected(reference: duckdb.DuckDBPyConnection, query: str) -> list[list[Any]]:
    """Its rows, with numbers as JSON has them."""
    rows = reference.execute(query).fetchall()
    return [[value if isinstance(value, int | str | None) else _plain(value) for value in row] for row in rows]


def _plain(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


def same(one: list[Any], other: list[Any], tolerance: float) -> bool:
    def equal(a: Any, b: Any) -> bool:
        if isinstance(a, int | float) and isinstance(b, int | float):
            return math.isclose(a, b, rel_tol=1e-9, abs_tol=tolerance)
        return bool(a == b)

    return len(one) == len(other) and all(map(equal, one, other))


@pytest.mark.parametrize(("engine", "words", "tolerance"), [
    ("federation", ("--catalog", "lake", "--schema", "tpch"), ROUNDED), ("spark", ("--schema", "tpch"), 1e-6),
])  # fmt: skip
def test_an_engine_answers_as_the_reference(
    loaded: TestHost, reference: duckdb.DuckDBPyConnection, engine: str, words: tuple[str, ...], tolerance: float
) -> None:
    queries = dict(reference.execute("SELECT query_nr, query FROM tpch_queries()").fetchall())
    assert sorted(queries) == list(range(1, 23))
    queries[15] = re.sub(r"(GROUP BY\s+)supplier_no", r"\1l_suppkey", queries[15])  # the standard groups by columns, not by their new names
    script = "\n".join(queries.values())
    shown = bdc(loaded, "sql", "run", "-", "--engine", engine, *words, "-o", "json", stdin=script, timeout_seconds=900).stdout
    wrong = {}
    for (number, query), found in zip(queries.items(), results(shown), strict=True):
        wanted = expected(reference, query)
        if len(found) != len(wanted) or not all(same(a, b, tolerance) for a, b in zip(found, wanted, strict=True)):
            wrong[number] = next(
                ((a, b) for a, b in zip(found, wanted, strict=False) if not same(a, b, tolerance)), (len(found), len(wanted))
            )
    assert wrong == {}

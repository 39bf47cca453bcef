"""TPC-H's 22 queries on Delta tables: Spark's answers and Trino's beside those of an independent engine that made its own data.

The tables come from Trino's generator, DuckDB's from its own; both are ports of the standard's dbgen, at scale 0.01 (60,175 lineitems).
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

from tests.e2e.host import TestHost
from tests.e2e.test_cluster import bdc

pytestmark = pytest.mark.full

PREFIXES = {"customer": "c", "lineitem": "l", "nation": "n", "orders": "o", "part": "p", "partsupp": "ps", "region": "r", "supplier": "s"}
ROUNDED = 0.0051
"""Trino gives averages and quotients of decimals the scale of their operands, which is two digits here."""


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("tpch", 66) as made:
        bdc(made, "up", timeout_seconds=1500)
        yield made


@pytest.fixture(scope="module")
def reference() -> Iterator[duckdb.DuckDBPyConnection]:
    [extension] = Path(duckdb_extension_tpch.__file__).parent.rglob("*.duckdb_extension")
    with duckdb.connect(config={"allow_unsigned_extensions": "false"}) as connection:
        connection.execute(f"LOAD '{extension}'")
        connection.execute("CALL dbgen(sf=0.01)")
        yield connection


def tables(reference: duckdb.DuckDBPyConnection) -> str:
    """Statements for Trino: the tables, with the standard's names and the reference's types."""
    made = ["CREATE SCHEMA lake.tpch"]
    for table, prefix in PREFIXES.items():
        columns = [
            f"CAST({name.removeprefix(f'{prefix}_')} AS {kind}) AS {name}"
            for name, kind, *_ in reference.execute(f"DESCRIBE {table}").fetchall()
        ]
        made.append(f"CREATE TABLE lake.tpch.{table} AS SELECT {', '.join(columns)} FROM tpch.tiny.{table}")
    return ";\n".join(made) + ";\n"


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
    host: TestHost, reference: duckdb.DuckDBPyConnection, engine: str, words: tuple[str, ...], tolerance: float
) -> None:
    if engine == "federation":
        bdc(host, "sql", "run", "-", stdin=tables(reference), timeout_seconds=600)
    queries = dict(reference.execute("SELECT query_nr, query FROM tpch_queries()").fetchall())
    assert sorted(queries) == list(range(1, 23))
    answered = results(
        bdc(
            host, "sql", "run", "-", "--engine", engine, *words, "-o", "json", stdin="\n".join(queries.values()), timeout_seconds=900
        ).stdout
    )
    assert len(answered) == len(queries)
    wrong = {}
    for (number, query), found in zip(queries.items(), answered, strict=True):
        wanted = expected(reference, query)
        if len(found) != len(wanted) or not all(same(a, b, tolerance) for a, b in zip(found, wanted, strict=True)):
            wrong[number] = (found[:3], wanted[:3])
    assert not wrong

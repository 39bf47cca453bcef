"""Four writers of Trino's and four of Spark's append to one Delta table at the same time, while both read it. Run by test_cluster.py on the
outside host; prints what was in the table at the end, as JSON."""

# mypy: disable-error-code="no-untyped-call, attr-defined, index"

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import trino
from pyspark.sql import SparkSession

address = sys.argv[1]
password, token, authority = os.environ["PW"], os.environ["TOKEN"], os.environ["CA"]
WRITERS, BATCHES, ROWS = 4, 4, 50
CONFLICTS = ("another writer", "Failed to write Delta Lake transaction log entry", "Concurrent", "Conflict")
spark = SparkSession.builder.remote(f"sc://{address}:31002/;use_ssl=true;token={token}").getOrCreate()
conflicts, torn, seen = [0], list[str](), [0]
done = threading.Event()


def by_trino(sql: str) -> list[list[Any]]:
    login = trino.auth.BasicAuthentication("bdc", password)
    with trino.dbapi.connect(host=address, port=31880, user="bdc", http_scheme="https", auth=login, verify=authority) as connection:
        return list(connection.cursor().execute(sql).fetchall())


def by_spark(sql: str) -> list[list[Any]]:
    return [list(row) for row in spark.sql(sql).collect()]


def append(ask: Callable[[str], object], table: str, name: str) -> None:
    """A writer's batches; one that another writer was before is written again."""
    for batch in range(BATCHES):
        values = ", ".join(f"('{name}', {batch}, {number})" for number in range(ROWS))
        for _ in range(20):
            try:
                ask(f"INSERT INTO {table} VALUES {values}")
                break
            except Exception as error:
                if not any(word in str(error) for word in CONFLICTS):
                    raise
                conflicts[0] += 1
        else:
            raise AssertionError(f"{name}: 20 conflicts")


def look(ask: Callable[[str], list[list[Any]]], table: str) -> None:
    """Each version that is seen has whole batches, and none that were there before are gone."""
    before = 0
    while not done.is_set():
        found = ask(f"SELECT writer, batch, count(*), sum(number) FROM {table} GROUP BY writer, batch")
        torn.extend(str(row) for row in found if row[2:] != [ROWS, sum(range(ROWS))])
        if len(found) < before:
            torn.append(f"{before} batches became {len(found)}")
        before = len(found)
        seen[0] += 1
        time.sleep(0.2)


BOTH = ((by_trino, "lake.of_writers.events", "varchar"), (by_spark, "of_writers.events", "string"))
by_trino("CREATE SCHEMA IF NOT EXISTS lake.of_writers")
by_trino("CREATE TABLE lake.of_writers.events (writer varchar, batch integer, number integer)")
with ThreadPoolExecutor(2 * WRITERS + 2) as pool:
    readers = [pool.submit(look, ask, table) for ask, table, _ in BOTH]
    writers = [pool.submit(append, ask, table, f"{ask.__name__} {number}") for number in range(WRITERS) for ask, table, _ in BOTH]
    try:
        for one in writers:
            one.result()
    finally:
        done.set()
    for one in readers:
        one.result()
told = {
    "batches": by_trino("SELECT count(DISTINCT (writer, batch)) FROM lake.of_writers.events")[0][0],
    "rows": [ask(f"SELECT count(*), count(DISTINCT concat(writer, CAST(batch * {ROWS} + number AS {text}))) FROM {table}")[0]
             for ask, table, text in BOTH],
    "torn": torn,
    "seen": seen[0],
    "conflicts": conflicts[0],
}  # fmt: skip
by_trino("DROP TABLE lake.of_writers.events")
sys.stdout.write(json.dumps(told))

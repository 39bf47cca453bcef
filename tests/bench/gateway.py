"""Run on a test host: the SQL gateway beside Trino's Python client, by turns; prints `name value` lines."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg
import trino

ROWS = 1_000_000
LARGE = f"SELECT orderkey, custkey, totalprice, orderdate, comment FROM tpch.sf1.orders LIMIT {ROWS}"
SMALL = "SELECT count(*) FROM tpch.tiny.region"
TURNS, TRIPS = 5, 60


def main(host: str, password: str, ca_file: str) -> None:
    """Print rows per second of a large result, and milliseconds of a small one, medians both."""
    settings = f"host={host} port=31435 dbname=bdc user=bdc password={password} sslmode=verify-full sslrootcert={ca_file}"
    login = trino.auth.BasicAuthentication("bdc", password)
    gateway = psycopg.connect(settings, autocommit=True)
    connect: Any = trino.dbapi.connect
    plain = connect(host=host, port=31880, user="bdc", http_scheme="https", auth=login, verify=ca_file)

    def stream() -> int:
        with gateway.cursor() as cursor:
            return sum(1 for _ in cursor.stream(LARGE, size=1000))

    def fetch() -> int:
        cursor = plain.cursor()
        cursor.execute(LARGE)
        return sum(1 for _ in cursor)

    def trip() -> None:
        gateway.execute(SMALL).fetchall()

    def plain_trip() -> None:
        cursor = plain.cursor()
        cursor.execute(SMALL)
        cursor.fetchall()

    assert stream() == fetch() == ROWS
    large = _turns({"gateway_rows": stream, "trino_rows": fetch}, TURNS)
    small = _turns({"gateway_trip": trip, "trino_trip": plain_trip}, TRIPS)
    for name, seconds in large.items():
        sys.stdout.write(f"{name} {ROWS / seconds:.0f}\n")
    for name, seconds in small.items():
        sys.stdout.write(f"{name} {seconds * 1000:.1f}\n")


def _turns(what: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """The medians of each, one after the other in turns; the first turn warms up."""
    found: dict[str, list[float]] = {name: [] for name in what}
    for turn in range(turns + 1):
        for name, run in what.items():
            began = time.perf_counter()
            run()
            if turn:
                found[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])

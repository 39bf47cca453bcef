"""Run on a test host: files and the data pool, by turns with what is beside them; prints `name median-seconds` lines.

files.py load TIMES        a folder of CSV into the data pool, and by Spark's own reader and writer
files.py point TIMES       an aggregate of one customer, of the data pool and of the table's source
files.py tpch TIMES CATALOG FILE
    the queries of FILE (JSON), of Delta tables by bdc and of CATALOG's Parquet by plain Trino; their rows as JSON to FILE.out
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bdc.kube.endpoints import credentials, reach
from bdc.settings import Settings
from bdc.sql import Engine, connect
from bdc.sql.federation import Federation
from bdc.sql.result import Row, Session

LOAD = {
    "bdc": ["INSERT INTO dbo.big_pool SELECT * FROM dbo.big_csv"],
    "spark": ["CREATE TABLE made.big USING delta AS SELECT * FROM csv_by_hand"],
}
FORGET = {"bdc": ["DELETE FROM dbo.big_pool"], "spark": ["DROP TABLE made.big"]}
VIEW = (
    "CREATE TEMPORARY VIEW csv_by_hand (id INT, customer INT, region STRING, amount DECIMAL(12, 2)) "
    "USING csv OPTIONS (path 'hdfs://bdc/data/big')"
)
POINT = "SELECT count(*) AS n, sum(amount) AS total FROM {} WHERE customer = 42"


def main(what: str, times: str, *more: str) -> None:
    with ExitStack() as opened:
        settings = Settings()
        kube, config = settings.kube(), settings.config
        catalog, schema = ("lake", "tpch") if what == "tpch" else (None, None)
        ours = opened.enter_context(connect(kube, config, catalog=catalog, schema=schema))
        if what == "load":
            spark = opened.enter_context(connect(kube, config, Engine.spark))
            _all(spark, ["CREATE DATABASE IF NOT EXISTS made", VIEW])
            _by_turns(int(times), {name: _loading(session, name) for name, session in (("bdc", ours), ("spark", spark))})
        elif what == "point":
            _by_turns(
                int(times),
                {
                    name: _asking(ours, POINT.format(table))
                    for name, table in (("pool", f"dbo.{more[0]}_pool"), ("source", f"dbo.{more[0]}"))
                },
            )
        else:
            reached = opened.enter_context(reach(kube, config, "trino"))
            plain = opened.enter_context(Federation(reached, credentials(kube, config.name), catalog=more[0], schema="tpch"))
            queries: dict[str, str] = json.loads(Path(more[1]).read_text(encoding="utf-8"))
            rows: dict[str, list[Row]] = {}
            taken = {"bdc": 0.0, "plain": 0.0}
            for number, query in queries.items():
                for name, seconds in _medians(int(times), {"bdc": _asking(ours, query), "plain": _asking(plain, query)}).items():
                    taken[name] += seconds
                    sys.stdout.write(f"{name}-{number} {seconds}\n")
                rows[number] = list(ours.query(query).rows)
            for name, seconds in taken.items():
                sys.stdout.write(f"{name} {seconds}\n")
            Path(f"{more[1]}.out").write_text(json.dumps(rows, default=float), encoding="utf-8")


def _all(session: Session, statements: list[str]) -> list[Row]:
    return [row for one in statements for row in session.query(one).rows]


def _loading(session: Session, name: str) -> Callable[[], float]:
    def load() -> float:
        began = time.perf_counter()
        _all(session, LOAD[name])
        seconds = time.perf_counter() - began
        _all(session, FORGET[name])
        return seconds

    return load


def _asking(session: Session, query: str) -> Callable[[], float]:
    def ask() -> float:
        began = time.perf_counter()
        _all(session, [query])
        return time.perf_counter() - began

    return ask


def _by_turns(times: int, run: dict[str, Callable[[], float]]) -> None:
    for name, seconds in _medians(times, run).items():
        sys.stdout.write(f"{name} {seconds}\n")


def _medians(times: int, run: dict[str, Callable[[], float]]) -> dict[str, float]:
    """The first turn of each warms it."""
    taken: dict[str, list[float]] = {name: [] for name in run}
    for _ in range(times + 1):
        for name, once in run.items():
            taken[name].append(once())
    return {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])

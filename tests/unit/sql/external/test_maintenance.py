from __future__ import annotations

import threading
from contextlib import nullcontext

import pytest

from bdc.errors import UnhealthyError
from bdc.sql.errors import QueryError
from bdc.sql.external import maintenance as loop
from bdc.sql.external.definition_store import Connection
from bdc.sql.external.maintenance import Upkeep, run
from bdc.sql.result import Column, Result, Row
from tests.unit.sql.external.conftest import STORY, Desk
from tests.unit.sql.external.test_loop import Clock, clock
from tests.unit.sql.external.test_pool import lake, pool, store

__all__ = ["clock", "lake", "pool", "store"]
TABLE = "CREATE EXTERNAL TABLE {} (id INT) WITH (DATA_SOURCE = SqlDataPool)"
TENDED = [
    'ANALYZE "lake"."dbo"."t"',
    'ALTER TABLE "lake"."dbo"."t" EXECUTE optimize(file_size_threshold => \'32MB\')',
]
VACUUM = "CALL lake.system.vacuum('dbo', 't', '7d')"


class Lake:
    """A Trino that knows the last entries of tables' histories, and takes note of what is done to them."""

    def __init__(self) -> None:
        self.last: Row = (3, "WRITE", 61)
        self.seen: list[str] = []
        self.refused = ""

    def query(self, sql: str) -> Result:
        if sql.startswith("SELECT version, operation"):
            assert '$history"' in sql
            return Result([Column("version", "bigint")], iter([self.last]))
        self.seen.append(sql)
        if self.refused and self.refused in sql:
            raise QueryError("Failed to write Delta Lake transaction log entry", "DELTA_LAKE_BAD_WRITE")
        return Result([], command="DONE")

    def tended(self, upkeep: Upkeep, connection: Connection) -> list[str]:
        self.seen.clear()
        upkeep.look(connection)
        return self.seen


@pytest.fixture
def tables() -> Lake:
    return Lake()


@pytest.fixture
def upkeep(tables: Lake, clock: Clock) -> Upkeep:
    return Upkeep(lambda: nullcontext(tables), clock)


@pytest.fixture
def kept(lake: Desk) -> Desk:
    lake.run(*STORY, TABLE.format("t"))
    return lake


def test_a_table_that_rests_is_put_together_once(kept: Desk, tables: Lake, upkeep: Upkeep, capsys: pytest.CaptureFixture[str]) -> None:
    assert tables.tended(upkeep, kept.connection) == [*TENDED, VACUUM]
    assert capsys.readouterr().err == (
        "data pool: dbo.t: statistics are up to date, and small files put together\n"
        "data pool: dbo.t: files of versions older than 7d are removed\n"
    )
    assert tables.tended(upkeep, kept.connection) == []  # nothing was to be put together, and no version followed
    tables.last = (4, "OPTIMIZE", 61)
    assert tables.tended(upkeep, kept.connection) == []
    tables.last = (5, "MERGE", 61)
    assert tables.tended(upkeep, kept.connection) == TENDED


def test_a_table_that_is_written_to_is_left_alone(kept: Desk, tables: Lake, upkeep: Upkeep) -> None:
    tables.last = (3, "WRITE", 59)
    assert tables.tended(upkeep, kept.connection) == [VACUUM]


def test_old_versions_go_once_a_day(kept: Desk, tables: Lake, upkeep: Upkeep, clock: Clock) -> None:
    upkeep.look(kept.connection)
    clock.now += 86_399
    assert tables.tended(upkeep, kept.connection) == []
    clock.now += 1
    assert tables.tended(upkeep, kept.connection) == [VACUUM]


def test_what_another_writer_hindered_is_done_later(kept: Desk, tables: Lake, upkeep: Upkeep) -> None:
    kept.run(TABLE.format("u"))
    tables.refused = '"t" EXECUTE'
    assert upkeep.look(kept.connection) == {"dbo.t": "Failed to write Delta Lake transaction log entry (DELTA_LAKE_BAD_WRITE)"}
    assert "CALL lake.system.vacuum('dbo', 'u', '7d')" in tables.seen
    tables.refused = ""
    assert tables.tended(upkeep, kept.connection) == [*TENDED, VACUUM]


def test_looks_go_on_while_the_master_is_away(capsys: pytest.CaptureFixture[str], upkeep: Upkeep) -> None:
    ended, waited = threading.Event(), []

    def away() -> Connection:
        raise UnhealthyError("the SQL master doesn't answer")

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        if len(waited) == 3:
            ended.set()
        return ended.is_set()

    run(upkeep, away, wait)
    assert waited == [loop.REST_SECONDS] * 3
    assert capsys.readouterr().err == "data pool: the SQL master doesn't answer\n"

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from bdc.errors import UnhealthyError
from bdc.kube.connection import Credentials, EndpointConnection
from bdc.sql.external import loop as loop
from bdc.sql.external.definition_store import Connection
from bdc.sql.external.loop import ReconcileLoop, run
from bdc.sql.external.reconcile import Found
from bdc.sql.master import open_connection
from tests.unit.sql.external.conftest import CLUSTER, CREDENTIAL, DATABASE, SOURCE, STORY, TABLE, Desk
from tests.unit.sql.external.fake_engine import FakeSource, FakeView

PEOPLE = (
    "CREATE EXTERNAL DATA SOURCE Lists WITH (LOCATION = 'postgresql://db/lists')",
    "CREATE EXTERNAL TABLE people (age INT) WITH (DATA_SOURCE = Lists, LOCATION = 'public.lists')",
)
ERRORS = "SELECT lower(name), error FROM sys.external_tables WHERE error IS NOT NULL"


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rounds(desk: Desk, clock: Clock) -> ReconcileLoop:
    return ReconcileLoop(desk.kube, CLUSTER, lambda: nullcontext(desk.engine), clock)


def test_all_is_made_again_after_the_engine_lost_it(desk: Desk, rounds: ReconcileLoop) -> None:
    desk.run(*STORY, *PEOPLE, TABLE.replace("Orders", "a.[b.c]").replace("public.orders", "sales.public.orders"))
    before = dict(desk.engine.catalogs), dict(desk.engine.views), set(desk.engine.schemas)
    desk.engine.restart()
    assert rounds.look(desk.connection) == Found()
    assert (desk.engine.catalogs, desk.engine.views, desk.engine.schemas) == before


def test_a_round_changes_nothing_where_all_is_well(desk: Desk, rounds: ReconcileLoop) -> None:
    desk.run(*STORY)
    desk.engine.seen.clear()
    rounds.look(desk.connection)
    assert [one for one in desk.engine.seen if not one.startswith(("SELECT", "SHOW SCHEMAS FROM external"))] == []


def test_a_catalog_dropped_by_hand_comes_back(desk: Desk, rounds: ReconcileLoop) -> None:
    desk.run(*STORY)
    (name,) = desk.engine.catalogs
    desk.engine.query(f'DROP CATALOG IF EXISTS "{name}"')
    rounds.look(desk.connection)
    assert desk.engine.readable("dbo.orders")


def test_what_nothing_defines_is_removed(desk: Desk, rounds: ReconcileLoop) -> None:
    desk.run(*STORY)
    made = set(desk.engine.catalogs)
    desk.engine.query('CREATE CATALOG IF NOT EXISTS "ext_old_1" USING postgresql WITH ("connection-url" = \'jdbc:postgresql://x\')')
    desk.engine.query('CREATE SCHEMA IF NOT EXISTS external."left"')
    desk.engine.views["left.over"] = desk.engine.views["dbo.orders"]
    desk.engine.catalogs["lakehouse"] = desk.engine.catalogs["ext_old_1"]
    rounds.look(desk.connection)
    assert set(desk.engine.catalogs) == {*made, "lakehouse"}
    assert (list(desk.engine.views), desk.engine.schemas) == (["dbo.orders"], {"default", "dbo"})


def test_a_catalog_that_nothing_defines_yet_stays_while_a_statement_writes_to_it(desk: Desk, rounds: ReconcileLoop) -> None:
    desk.engine.query('CREATE CATALOG IF NOT EXISTS "ext_new_1" USING files WITH ("root" = \'hdfs://bdc\')')
    desk.engine.running = ['INSERT INTO "ext_new_1"."parquet"."/a" SELECT 1']
    rounds.look(desk.connection)
    rounds.look(desk.connection)
    assert set(desk.engine.catalogs) == {"ext_new_1"}
    desk.engine.running = ["SELECT 1"]
    rounds.look(desk.connection)
    assert desk.engine.catalogs == {}


def test_a_view_changed_by_hand_is_made_again(desk: Desk, rounds: ReconcileLoop) -> None:
    desk.run(*STORY)
    desk.engine.views["dbo.orders"] = FakeView('SELECT "x" AS "x" FROM "lake"."a"."b"', "a comment of somebody's")
    rounds.look(desk.connection)
    assert desk.engine.readable("dbo.orders")


def test_a_source_that_fails_leaves_the_others_and_says_why(desk: Desk, rounds: ReconcileLoop, sales: FakeSource) -> None:
    desk.run(*STORY, *PEOPLE)
    desk.engine.restart()
    sales.down = True
    found = rounds.look(desk.connection)
    assert (list(found.sources), list(found.tables)) == ([], ["dbo.orders"])
    assert list(desk.engine.views) == ["dbo.people"]
    [(name, error)] = desk.rows(ERRORS)
    assert (name, error.startswith("the source Sales doesn't answer: Connection to")) == ("orders", True)


def test_a_source_that_fails_is_asked_again_only_when_it_is_time(
    desk: Desk, rounds: ReconcileLoop, sales: FakeSource, clock: Clock
) -> None:
    desk.run(*STORY, TABLE.replace("Orders", "Again"))
    desk.engine.restart()
    sales.down = True
    asked = sales.asked
    for _ in range(5):
        rounds.look(desk.connection)
        clock.now += loop._RETRY_SECONDS / 5 - 0.1
    assert sales.asked == asked + 1
    assert len(desk.rows(ERRORS)) == 2
    clock.now += 1
    rounds.look(desk.connection)
    assert sales.asked == asked + 2


def test_an_error_goes_when_the_source_answers_again(desk: Desk, rounds: ReconcileLoop, sales: FakeSource, clock: Clock) -> None:
    desk.run(*STORY)
    desk.engine.restart()
    sales.down = True
    rounds.look(desk.connection)
    sales.down = False
    rounds.look(desk.connection)
    assert len(desk.rows(ERRORS)) == 1
    clock.now += loop._RETRY_SECONDS
    assert rounds.look(desk.connection) == Found()
    assert (desk.rows(ERRORS), desk.engine.readable("dbo.orders")) == ([], True)


def test_an_error_that_stays_keeps_its_time(desk: Desk, rounds: ReconcileLoop, sales: FakeSource, clock: Clock) -> None:
    desk.run(*STORY)
    desk.engine.restart()
    sales.down = True
    rounds.look(desk.connection)
    since = desk.rows("SELECT error_since FROM sys.external_tables")
    clock.now += loop._RETRY_SECONDS
    rounds.look(desk.connection)
    assert desk.rows("SELECT error_since FROM sys.external_tables") == since != [(None,)]


def test_a_definition_that_is_made_right_is_tried_at_once(desk: Desk, rounds: ReconcileLoop, sales: FakeSource) -> None:
    desk.run(*STORY)
    desk.engine.restart()
    sales.schemas["public"]["orders"]["id"] = "bigint"
    assert rounds.look(desk.connection).tables["dbo.orders"].hint == "define it as BIGINT"
    desk.run("DROP EXTERNAL TABLE orders", TABLE.replace("INT", "BIGINT"))
    assert rounds.look(desk.connection) == Found()
    assert desk.rows(ERRORS) == []


def test_a_source_that_trino_refuses_is_said_beside_its_tables(desk: Desk, rounds: ReconcileLoop) -> None:
    desk.run(*STORY)
    desk.engine.restart()
    desk.engine.refused = "no such driver"
    found = rounds.look(desk.connection)
    assert (found.sources["sales"].message, found.tables["dbo.orders"].message) == ("source sales: no such driver",) * 2
    assert desk.rows("SELECT name, error FROM sys.external_data_sources") == [("Sales", "source sales: no such driver")]
    assert desk.external.lookups.troubles().sources == {"sales": "source sales: no such driver"}


def test_a_definition_that_cant_be_is_said_and_hurts_no_other(desk: Desk, rounds: ReconcileLoop) -> None:
    desk.run(*STORY, *PEOPLE)
    desk.connection.execute("UPDATE polybase.sources SET location = 'sybase://x' WHERE name = 'Lists'")
    found = rounds.look(desk.connection)
    assert (list(found.sources), list(found.tables)) == (["lists"], ["dbo.people"])
    assert list(desk.engine.views) == ["dbo.orders"]


def test_keys_that_no_credential_names_are_swept(desk: Desk, rounds: ReconcileLoop) -> None:
    desk.run(*STORY)
    (used,) = desk.kube.keys
    desk.kube.objects[desk.kube.secret]["data"]["orphan"] = "eA=="
    rounds.look(desk.connection)
    assert desk.kube.keys == {used}


def test_keys_are_swept_where_no_source_is_defined(desk: Desk, rounds: ReconcileLoop) -> None:
    rounds.look(desk.connection)
    asked = len(desk.engine.seen)
    desk.run(CREDENTIAL)
    asked_by_ddl = len(desk.engine.seen)
    desk.kube.objects[desk.kube.secret]["data"]["orphan"] = "eA=="
    rounds.look(desk.connection)
    assert len(desk.kube.keys) == 1
    assert len(desk.engine.seen) == asked_by_ddl > asked


def test_two_that_change_definitions_wait_for_each_other(desk: Desk, rounds: ReconcileLoop, other: Connection) -> None:
    other.execute("SET lock_timeout = '100ms'")
    with desk.connection.transaction():
        desk.run(CREDENTIAL, SOURCE)
        with pytest.raises(UnhealthyError):
            rounds.look(other)
    assert rounds.look(other) == Found()


@dataclass
class Steps(ReconcileLoop):
    """Each round is the next step; it is time to end when there is none."""

    steps: list[Callable[[Connection], None]] = field(default_factory=list)

    def look(self, connection: Connection) -> Found:
        self.steps.pop(0)(connection)
        return super().look(connection)


@dataclass
class Runs:
    """What runs rounds, and the connections that it opened."""

    desk: Desk
    reached: EndpointConnection
    access: Credentials
    beat: Path
    opened: list[Connection] = field(default_factory=list)

    def open(self) -> Connection:
        self.opened.append(open_connection(self.reached, self.access, DATABASE))
        return self.opened[-1]

    def run(self, *steps: Callable[[Connection], None]) -> None:
        rounds = Steps(self.desk.kube, CLUSTER, lambda: nullcontext(self.desk.engine), steps=list(steps))
        try:
            run(rounds, self.open, lambda: not rounds.steps, self.beat)
        finally:
            for one in self.opened:
                one.close()


@pytest.fixture
def runs(desk: Desk, migrated: EndpointConnection, access: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setattr(loop, "_ROUND_SECONDS", 0.05)
    monkeypatch.setattr(loop, "_PAUSE_SECONDS", 0.01)
    return Runs(desk, migrated, access, tmp_path / "beat")


def nothing(_: Connection) -> None: ...


def test_loop_go_on_after_a_broken_connection(runs: Runs, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.run(*STORY)

    def cut(connection: Connection) -> None:
        desk.engine.restart()
        desk.connection.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))

    runs.run(nothing, cut, nothing)
    assert len(runs.opened) == 2
    assert desk.engine.readable("dbo.orders")
    assert capsys.readouterr().err == "the connection to the SQL master broke\nall external tables are available\n"
    assert runs.beat.exists()


def test_a_trouble_is_said_once(runs: Runs, desk: Desk, sales: FakeSource, capsys: pytest.CaptureFixture[str]) -> None:
    desk.run(*STORY)
    desk.engine.restart()
    sales.down = True
    runs.run(nothing, nothing, nothing)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("dbo.orders: the source Sales doesn't answer")


def test_loop_go_on_while_trino_doesnt_answer(runs: Runs, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.run(*STORY)
    desk.engine.restart()

    def away(_: Connection) -> None:
        raise UnhealthyError("Trino does not answer")

    runs.run(away, away, nothing)
    assert capsys.readouterr().err == "Trino does not answer\nall external tables are available\n"
    assert (len(runs.opened), desk.engine.readable("dbo.orders")) == (1, True)


def test_a_master_that_isnt_there_is_waited_for(
    runs: Runs, desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.run(*STORY)
    desk.engine.restart()
    left, opens = [1, 1], runs.open

    def opening() -> Connection:
        if left and left.pop():
            raise UnhealthyError("the SQL master does not answer")
        return opens()

    monkeypatch.setattr(runs, "open", opening)
    runs.run(nothing)
    assert capsys.readouterr().err == "the SQL master does not answer\nall external tables are available\n"
    assert desk.engine.readable("dbo.orders")


@pytest.mark.parametrize("delay", [0.0, 0.3], ids=["in a round", "between rounds"])
def test_a_change_wakes_the_next_round(runs: Runs, desk: Desk, monkeypatch: pytest.MonkeyPatch, delay: float) -> None:
    monkeypatch.setattr(loop, "_ROUND_SECONDS", 60.0)
    monkeypatch.setattr(loop, "_PAUSE_SECONDS", 5.0)
    statement = b"INSERT INTO polybase.sources (name, location) VALUES ('Sales', 'postgresql://db/sales')"
    timer = threading.Timer(delay, desk.connection.execute, [statement])

    def change(_: Connection) -> None:
        timer.start()
        if not delay:
            timer.join()

    started = time.monotonic()
    runs.run(change, nothing)
    timer.join()
    assert time.monotonic() - started < 4
    assert [one.url for one in desk.engine.catalogs.values()] == ["jdbc:postgresql://db:5432/sales"]


def test_what_psqls_procedures_define_is_made_and_what_cant_be_says_so(desk: Desk, rounds: ReconcileLoop) -> None:
    desk.run(CREDENTIAL)
    desk.connection.execute("CALL polybase.create_external_data_source('Sales', 'postgresql://db:5432/sales', credential => 'READER')")
    for name, columns in (("dbo.orders", "ARRAY['Id int', ' customer  NVARCHAR(20) ']"), ("archive", "ARRAY['id nix']")):
        desk.connection.execute(f"CALL polybase.create_external_table('{name}', 'sales', 'public.orders', {columns})".encode())
    found = rounds.look(desk.connection)
    assert list(desk.engine.views) == ["dbo.orders"]
    assert list(found.tables) == ["dbo.archive"]
    assert "nix" in desk.rows("SELECT error FROM sys.external_tables WHERE name = 'archive'")[0][0]
    desk.connection.execute("CALL polybase.drop_external_table('archive')")
    desk.connection.execute("CALL polybase.drop_external_table('DBO.Orders')")
    desk.connection.execute("CALL polybase.drop_external_data_source('SALES')")
    rounds.look(desk.connection)
    assert (desk.engine.views, desk.engine.catalogs) == ({}, {})


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("create_external_data_source('x', 'mysql://a', credential => 'nobody')", "there is no credential nobody"),
        ("create_external_table('t', 'nix', 'a.b', ARRAY['id int'])", "there is no external data source nix"),
        ("create_external_table('a.b.c', 'Sales', 'a.b', ARRAY['id int'])", "a.b.c is no name of an external table"),
        ("create_external_table('t', 'Sales', 'a.b', ARRAY['id'])", "columns are name and type each"),
        ("create_external_table('t', 'Sales', 'a.b', ARRAY[]::text[])", "columns are name and type each"),
        ("drop_external_table('t')", "there is no external table t"),
        ("drop_external_data_source('t')", "there is no external data source t"),
    ],
)
def test_psqls_procedures_say_what_is_wrong(desk: Desk, call: str, told: str) -> None:
    desk.run(CREDENTIAL, SOURCE)
    with pytest.raises(psycopg.errors.RaiseException, match=told):
        desk.connection.execute(f"CALL polybase.{call}".encode())

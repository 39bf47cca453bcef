"""The live screen: what each part is at and since when, on a terminal of 80 columns."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from bdc.cli.screen import NEEDS, Screen, duration
from bdc.engine import Event
from bdc.lifecycle import Step


class Terminal:
    """A screen with a clock that stands still until it is told."""

    def __init__(self, columns: int = 80) -> None:
        self.now = 100.0
        self.screen = Screen(lambda: self.now)
        self._console = Console(width=columns, force_terminal=False)

    def lines(self) -> list[str]:
        with self._console.capture() as capture:
            self._console.print(self.screen)
        return [line.rstrip() for line in capture.get().splitlines()]

    def event(self, state: str, name: str = "namenode", part: str = "storage", message: str = "", op: str = "create") -> None:
        more: dict[str, Any] = {"state": state, "op": op}
        self.screen.event(Event(kind="StatefulSet", name=name, part=part, seconds=0, message=message, **more))


def test_a_part_says_what_it_waits_for_and_since_when_then_that_it_is_ready() -> None:
    terminal = Terminal()
    terminal.event("started")
    terminal.now += 5
    terminal.event("waiting", message="pods, 0 of 1 ready")
    terminal.now += 7
    assert terminal.lines()[0] == "storage pool     pods, 0 of 1 ready · 7 s" + " " * 26 + "12 s starting"
    terminal.event("done")
    terminal.now += 60
    assert terminal.lines() == ["storage pool     1 object" + " " * 42 + "12 s ready"]


def test_a_part_that_waits_for_another_says_so_before_its_first_object() -> None:
    terminal = Terminal()
    terminal.event("started", "master", "master")
    assert [line.split("  ")[0] for line in terminal.lines()] == ["SQL master", "metastore"]
    assert "waiting for SQL master" in terminal.lines()[1]
    terminal.event("done", "master", "master")
    assert len(terminal.lines()) == 1


def test_numbers_that_grow_move_nothing_and_a_narrow_terminal_cuts_only_the_text() -> None:
    terminal = Terminal()
    long = "pods, 2 of 3 ready: trino-coordinator-76c8b6b7c5-abcde (running, not ready)"
    terminal.event("waiting", message=long)
    first = terminal.lines()
    terminal.now += 3700
    second = terminal.lines()
    assert len(first) == len(second) == 2
    assert first[0].index("starting") == second[0].index("starting") == 72
    assert "…" in second[0]
    assert "1:01:40 starting" in second[0]


def test_a_running_steps_time_goes_on_and_a_finished_one_is_shown_whole() -> None:
    terminal = Terminal()
    terminal.screen.step(Step("images", "loading 6 images into containerd", "running", 2.0))
    terminal.now += 40
    assert "42 s …" in terminal.lines()[0]
    terminal.screen.step(Step("images", "hadoop · hive-metastore · spark · trino · postgres · proxy", "done", 42.4))
    terminal.now += 40
    shown = terminal.lines()
    assert len(shown) == 2
    assert "42 s ok" in shown[0]
    assert "proxy" in shown[1]


def test_what_failed_and_what_is_removed() -> None:
    terminal = Terminal()
    terminal.event("failed", "datanode")
    terminal.event("started", op="delete", part="spark")
    assert [line.split()[-1] for line in terminal.lines()] == ["failed", "removing"]
    terminal.event("done", op="delete", part="spark")
    assert terminal.lines()[1].endswith("removed")


def test_steps_without_a_word_take_no_line() -> None:
    terminal = Terminal()
    terminal.screen.step(Step("preflight", "", "done", 0.1))
    terminal.screen.step(Step("stacks", "", "running", 0.1))
    assert terminal.lines() == []


@pytest.mark.parametrize(("seconds", "text"), [(0.4, ""), (9.9, "9 s"), (108, "1 min 48 s"), (3725, "1 h 2 min")])
def test_times_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_parts_that_wait_for_others_are_those_of_the_program() -> None:
    assert NEEDS == {"metastore": "master", "spark": "storage"}

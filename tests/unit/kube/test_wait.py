"""A wait ends with what it was for, or in time with an error."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from bdc.errors import DeadlineError, NotFoundError
from bdc.kube import wait


@pytest.fixture(autouse=True)
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made; ten seconds pass from one look at the clock to the next."""
    pauses: list[float] = []
    clock = itertools.count(0, 10)
    monkeypatch.setattr("bdc.kube.wait.time.sleep", pauses.append)
    monkeypatch.setattr("bdc.kube.wait.time.monotonic", lambda: float(next(clock)))
    return pauses


def late() -> DeadlineError:
    return DeadlineError("the pod did not start in 30 s", "bdc doctor looks for reasons")


def looks(*answers: str) -> Callable[[], str]:
    return iter(answers).__next__


def test_what_is_there_is_not_waited_for(paused: list[float]) -> None:
    assert wait.until(looks("there"), late, seconds=0) == "there"
    assert paused == []


def test_it_looks_again_after_each_pause(paused: list[float]) -> None:
    assert wait.until(looks("", "", "there"), late, seconds=30, pause_seconds=2) == "there"
    assert paused == [2, 2]


def test_after_its_time_it_says_what_was_waited_for(paused: list[float]) -> None:
    with pytest.raises(DeadlineError, match="did not start in 30 s"):
        wait.until(lambda: "", late, seconds=30)
    assert len(paused) == 3


def test_a_failure_ends_it_at_once(paused: list[float]) -> None:
    def gone() -> bool:
        raise NotFoundError("there is no pod")

    with pytest.raises(NotFoundError):
        wait.until(gone, late, seconds=30)
    assert paused == []

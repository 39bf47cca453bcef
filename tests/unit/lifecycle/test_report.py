"""Steps are reported when they go on, end, and fail."""

from __future__ import annotations

import pytest

from bdc.engine import Event
from bdc.lifecycle.report import Step, running


class Kept:
    def __init__(self) -> None:
        self.steps: list[Step] = []

    def step(self, step: Step) -> None:
        self.steps.append(step)

    def event(self, event: Event) -> None:
        raise AssertionError(event)


def test_a_step_says_what_it_is_at_and_its_result() -> None:
    kept = Kept()
    with running(kept, "images") as step:
        step.say("building hadoop")
        step.result("7 images")
    found = [(one.name, one.text, one.state) for one in kept.steps]
    assert found == [("images", "building hadoop", "running"), ("images", "7 images", "done")]


def test_a_step_that_raises_has_failed() -> None:
    kept = Kept()
    with pytest.raises(KeyError), running(kept, "node"):
        raise KeyError
    assert kept.steps[-1].state == "failed"

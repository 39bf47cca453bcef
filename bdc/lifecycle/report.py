"""What a run tells while it goes on: steps of the way to the cluster, then events of its objects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from bdc.engine import Event

StepState = Literal["running", "done", "failed"]


@dataclass(frozen=True)
class Step:
    """One step before the stacks: `name` is preflight, programs, images, node, capacity or volumes; `seconds` since it began."""

    name: str
    text: str
    state: StepState
    seconds: float


class Report(Protocol):
    """Whoever shows a run. Called from other threads too, one call at a time."""

    def step(self, step: Step) -> None:
        """A step went on."""

    def event(self, event: Event) -> None:
        """An object of the cluster went on."""


class Progress:
    """A running step: `say` what it is at, `done` with what came out."""

    def __init__(self, report: Report, name: str) -> None:
        self._report, self._name, self._start = report, name, time.monotonic()
        self._result = ""

    def say(self, text: str) -> None:
        """What the step is doing now."""
        self._tell(text, "running")

    def result(self, text: str) -> None:
        """What the step's line says when it is done."""
        self._result = text

    def finish(self, state: StepState) -> None:
        """The step is over."""
        self._tell(self._result, state)

    def _tell(self, text: str, state: StepState) -> None:
        self._report.step(Step(self._name, text, state, time.monotonic() - self._start))


@contextmanager
def running(report: Report, name: str) -> Iterator[Progress]:
    """A step: reported as done, or as failed when it raises."""
    progress = Progress(report, name)
    try:
        yield progress
    except BaseException:
        progress.finish("failed")
        raise
    progress.finish("done")


class Restarts:
    """A report that passes on what it is told, and keeps which workloads were changed."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.names: dict[str, None] = {}

    def step(self, step: Step) -> None:
        """See `Report`."""
        self._report.step(step)

    def event(self, event: Event) -> None:
        """See `Report`."""
        if event.state == "done" and event.op == "update" and event.kind in ("Deployment", "StatefulSet"):
            self.names[event.name] = None
        self._report.event(event)

"""Objects that are what they should be and aren't ready, as after a loss of power: there is only something to wait for, without Pulumi.

They are waited for one after the other, in the order in which they were made, so that each has its time from when those that it needs are
ready, and none is called broken for want of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Event as Flag

from bdc.config.names import PART
from bdc.engine.errors import Failure, engine_error
from bdc.engine.events import NOT_READY, Change, Event, State, shown_name
from bdc.engine.live_objects import Object, Works
from bdc.errors import DeadlineError
from bdc.kube import Kube
from bdc.plugin.kinds import object_id
from bdc.plugin.readiness import NotLiveError, Waiter
from bdc.plugin.wording import INTERRUPTED, read

_PAUSE_SECONDS = 0.5


def changes(objects: Iterable[Object], namespace: str) -> list[Change]:
    """What a plan says of them. `namespace` is the cluster's own."""
    return [Change("update", obj["kind"], shown_name(obj["metadata"], namespace), _part(obj), (NOT_READY,)) for obj in objects]


def until_ready(
    kube: Kube, objects: Iterable[Object], *, namespace: str, seconds: float, stopped: Flag, on_event: Callable[[Event], None] | None
) -> None:
    """Return once all are ready. `seconds`: how long each may take. Raises EngineError for the first that isn't, or never will be."""
    waiter = Waiter(kube, stopped)
    for obj in objects:
        step = _Step(obj, namespace, on_event or (lambda _: None))
        step.tell("started")
        try:
            _wait(kube, waiter, obj, seconds, stopped, step.waiting)
        except NotLiveError as error:
            told = read(error.text)
            step.tell("failed", told.message)
            raise engine_error((Failure(step.part, step.kind, step.name, told.message, told.hint, told.exit_code),), (), "") from None
        step.tell("done")


class _Step:
    """The wait for one object, as the run's events tell of it."""

    def __init__(self, obj: Object, namespace: str, on_event: Callable[[Event], None]) -> None:
        self.kind, self.name, self.part = obj["kind"], shown_name(obj["metadata"], namespace), _part(obj)
        self._on_event, self._started = on_event, time.monotonic()

    def tell(self, state: State, message: str = "") -> None:
        self._on_event(Event(state, "wait", self.kind, self.name, self.part, time.monotonic() - self._started, message))

    def waiting(self, what: str) -> None:
        self.tell("waiting", what)


def _wait(kube: Kube, waiter: Waiter, obj: Object, seconds: float, stopped: Flag, report: Callable[[str], None]) -> None:
    """A workload's status may be older than its pods' for a moment. Raises NotLiveError."""
    end = time.monotonic() + seconds
    while True:
        obj = waiter.until_ready(obj, obj, max(end - time.monotonic(), _PAUSE_SECONDS), report)
        if Works(kube)(obj):
            return
        report("ready pods")
        if time.monotonic() > end:
            late = f"{obj['kind']} {object_id(obj)} was not ready in time ({seconds:.0f} s): its status counts pods that aren't ready"
            raise NotLiveError(late, obj, "bdc up goes on from here", DeadlineError.exit_code)
        if stopped.wait(_PAUSE_SECONDS):
            raise NotLiveError("the wait was interrupted", obj, exit_code=INTERRUPTED)
        obj = kube.get(obj)


def _part(obj: Object) -> str | None:
    return (obj["metadata"].get("labels") or {}).get(PART)

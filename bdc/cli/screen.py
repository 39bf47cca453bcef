"""The live screen of `bdc up` and `bdc down` on a terminal: the steps above, the parts below, each with what it is at and since when.

Columns have fixed widths, so that nothing moves while numbers grow; only the text gives way on a narrow terminal. There are no bars: how
many objects there will be isn't known before they are made, and most of the time goes into waiting for a few of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bdc.config import workloads

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from bdc.engine import Event
    from bdc.lifecycle import Step

TITLES = {"data": "volumes, secrets"} | {part.name: part.title for part in workloads.PARTS}
NEEDS = {part.name: part.needs for part in workloads.PARTS if part.needs}

_STYLES = {"ready": "green", "ok": "green", "done": "green", "removed": "green", "failed": "bold red", "waiting": "dim"}
_WIDEST = 110
Clock = Callable[[], float]


def duration(seconds: float) -> str:
    """A time for people: 9 s, 1 min 48 s, 1 h 2 min; empty below a second."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s" if whole else ""
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def clock(seconds: float) -> str:
    """The same as narrow as can be: 9 s, 1:48, 1:02:00."""
    whole = int(seconds)
    if whole < 60:
        return duration(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


class _Part:
    """What the screen knows of one part."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.began = self.since = clock()
        self._open: dict[str, str] = {}
        self._waiting: set[str] = set()
        self.done = 0
        self.failed = self.removing = False
        self.ended: float | None = None

    def take(self, event: Event) -> None:
        """An object of the part went on."""
        key, before = f"{event.kind} {event.name}", self.doing
        self.removing = event.op == "delete"
        if event.state in {"started", "waiting"}:
            self._open[key] = event.message or self._open.get(key, key)
            self._waiting |= {key} if event.message else set()
        else:
            self._open.pop(key, None)
            self.done += event.state == "done"
            self.failed |= event.state == "failed"
        if self.doing != before:
            self.since = self._clock()
        self.ended = None if self._open else self._clock()

    @property
    def doing(self) -> str:
        """What its last object that isn't done waits for; those that wait say more than those just sent."""
        told = [text for key, text in self._open.items() if key in self._waiting]
        return (told or list(self._open.values()) or [""])[-1]

    @property
    def state(self) -> str:
        """One word."""
        if self.failed:
            return "failed"
        if self._open:
            return "removing" if self.removing else "starting"
        return "removed" if self.removing else "ready"

    @property
    def text(self) -> str:
        """What it is at, and since when; at the end how many objects it was."""
        if not self._open:
            return f"{self.done} {'object' if self.done == 1 else 'objects'}"
        since = clock(self._clock() - self.since)
        return f"{self.doing} · {since}" if since else self.doing

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return (self.ended or self._clock()) - self.began


class Screen:
    """What is shown; a `Report`."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._steps: dict[str, tuple[Step, float]] = {}
        self._parts: dict[str, _Part] = {}

    def step(self, step: Step) -> None:
        """See `Report`."""
        with self._lock:
            self._steps[step.name] = (step, self._clock())

    def event(self, event: Event) -> None:
        """See `Report`."""
        with self._lock:
            self._parts.setdefault(event.part or "data", _Part(self._clock)).take(event)

    def __rich__(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(width=16, no_wrap=True)
        grid.add_column(ratio=1)
        grid.add_column(width=7, justify="right", no_wrap=True)
        grid.add_column(width=8, no_wrap=True)
        with self._lock:
            for name, text, seconds, state in [*self._step_rows(), *self._part_rows()]:
                shown = _detail(text, over=state in {"ok", "ready"})
                grid.add_row(name, shown, clock(seconds), Text(state, style=_STYLES.get(state, "yellow")))
        return grid

    def _step_rows(self) -> Iterator[tuple[str, str, float, str]]:
        for step, told in self._steps.values():
            if (step.name == "stacks" or step.state == "done") and not step.text:
                continue
            more = self._clock() - told if step.state == "running" else 0
            yield step.name, step.text, step.seconds + more, {"running": "…", "done": "ok", "failed": "failed"}[step.state]

    def _part_rows(self) -> Iterator[tuple[str, str, float, str]]:
        for name in [*TITLES, *(part for part in self._parts if part not in TITLES)]:
            need = self._parts.get(NEEDS.get(name, ""))
            if part := self._parts.get(name):
                yield TITLES.get(name, name), part.text, part.seconds, part.state
            elif need and need.state == "starting":
                yield TITLES[name], f"waiting for {TITLES[NEEDS[name]]}", 0, "waiting"


def _detail(text: str, *, over: bool) -> Text:
    """A line that goes on is cut to the width, so that the screen keeps its height; one that is over is shown whole."""
    from rich.text import Text

    return Text(text, overflow="fold" if over else "ellipsis", no_wrap=not over)


@contextmanager
def live(title: str) -> Iterator[Screen]:
    """The screen on standard error while inside; it stays as it was last."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    console.width = min(console.width, _WIDEST)
    console.print(title, highlight=False)
    screen = Screen()
    with Live(screen, console=console, refresh_per_second=4, redirect_stdout=False, redirect_stderr=False):
        yield screen

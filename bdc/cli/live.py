"""Shows a run of `bdc up` or `bdc down`: a live screen on a terminal, plain lines elsewhere, or a JSON event a line."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bdc.cli.output import Format

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bdc.engine import Event
    from bdc.lifecycle import Report, Step

TITLES = {
    "data": "volumes, secrets",
    "storage": "storage pool",
    "master": "SQL master",
    "metastore": "metastore",
    "federation": "federation",
    "spark": "Spark pool",
}
_WORDS = {"create": "created", "update": "changed", "replace": "replaced", "delete": "deleted"}
_QUIET_KINDS = {"ConfigMap", "Secret", "ServiceAccount", "Role", "RoleBinding", "PersistentVolumeClaim", "PodDisruptionBudget", "Service"}


@contextmanager
def view(output: Format, quiet: bool, title: str) -> Iterator[Report]:
    """The report of a run, shown in the way that fits where it goes."""
    if output is not Format.table:
        yield Lines(json_lines=True)
    elif quiet:
        yield Silent()
    elif sys.stderr.isatty():
        with _live(title) as report:
            yield report
    else:
        sys.stderr.write(f"{title}\n")
        yield Lines(json_lines=False)


class Silent:
    """Shows nothing."""

    def step(self, step: Step) -> None:
        """See `Report`."""

    def event(self, event: Event) -> None:
        """See `Report`."""


class Lines:
    """A line for each step, and for each object worth one; or everything as JSON on stdout."""

    def __init__(self, *, json_lines: bool) -> None:
        self._json = json_lines
        self._said: dict[str, str] = {}

    def step(self, step: Step) -> None:
        """See `Report`."""
        if self._json:
            self._write({"step": step.name, "state": step.state, "text": step.text, "seconds": round(step.seconds, 1)})
        elif step.name != "stacks" and (step.text or step.state == "failed") and self._said.get(step.name) != step.text + step.state:
            self._said[step.name] = step.text + step.state
            after = f"  {step.seconds:.0f} s" if step.state == "done" and step.seconds >= 1 else ""
            sys.stderr.write(f"{step.name:<11} {step.text}{' failed' if step.state == 'failed' else ''}{after}\n")
            sys.stderr.flush()

    def event(self, event: Event) -> None:
        """See `Report`."""
        if self._json:
            self._write({
                "resource": event.name, "kind": event.kind, "part": event.part, "op": event.op, "state": event.state,
                "message": event.message, "seconds": round(event.seconds, 1),
            })  # fmt: skip
        elif line := self._line(event):
            sys.stderr.write(f"{TITLES.get(event.part or '', event.part or ''):<17} {line}\n")
            sys.stderr.flush()

    def _line(self, event: Event) -> str:
        key = f"{event.kind} {event.name}"
        if event.state == "started" or (event.state == "done" and event.kind in _QUIET_KINDS):
            return ""
        if event.state == "waiting":
            if self._said.get(key) == event.message:
                return ""
            self._said[key] = event.message
            return f"waiting for {event.message}"
        word = _WORDS[event.op] if event.state == "done" else "failed"
        return f"{key} {word}  {event.seconds:.0f} s"

    @staticmethod
    def _write(data: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
        sys.stdout.flush()


class _Part:
    """What the screen knows of one part."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.open: set[str] = set()
        self.done = 0
        self.failed = False
        self.doing = ""
        self.ended: float | None = None

    def take(self, event: Event) -> None:
        key = f"{event.kind}/{event.name}"
        if event.state in {"started", "waiting"}:
            self.open.add(key)
            self.doing = f"waiting for {event.message}" if event.message else f"{event.kind} {event.name}"
        else:
            self.open.discard(key)
            self.done += event.state == "done"
            self.failed |= event.state == "failed"
        self.ended = None if self.open else time.monotonic()

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.began


class Screen:
    """The live screen's content: steps above, parts with their bars below."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: dict[str, Step] = {}
        self._parts: dict[str, _Part] = {}

    def step(self, step: Step) -> None:
        """See `Report`."""
        with self._lock:
            self._steps[step.name] = step

    def event(self, event: Event) -> None:
        """See `Report`."""
        with self._lock:
            self._parts.setdefault(event.part or "data", _Part()).take(event)

    def __rich__(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2), expand=False)
        with self._lock:
            for step in self._steps.values():
                if step.name != "stacks":
                    mark = {"running": "…", "done": "ok", "failed": "failed"}[step.state]
                    grid.add_row(step.name, Text(step.text, overflow="ellipsis", no_wrap=True), f"{step.seconds:.0f} s", mark)
            for name in [*(part for part in TITLES if part in self._parts), *(part for part in self._parts if part not in TITLES)]:
                part = self._parts[name]
                state = "failed" if part.failed else "ready" if not part.open else "starting"
                style = {"failed": "red", "ready": "green", "starting": "yellow"}[state]
                detail = part.doing if part.open else f"{part.done} objects"
                grid.add_row(
                    f"  {TITLES.get(name, name)}",
                    Text(detail, overflow="ellipsis", no_wrap=True),
                    f"{part.seconds:.0f} s",
                    Text(state, style=style),
                )
        return grid


@contextmanager
def _live(title: str) -> Iterator[Screen]:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    console.print(title, highlight=False)
    screen = Screen()
    with Live(screen, console=console, refresh_per_second=4, redirect_stdout=False, redirect_stderr=False):
        yield screen

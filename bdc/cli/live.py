"""Shows a run of `bdc up` or `bdc down`: a live screen on a terminal, plain lines elsewhere, or a JSON event a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bdc.cli.output import Format
from bdc.cli.screen import TITLES, duration, live
from bdc.cli.streams import styled

if TYPE_CHECKING:
    from bdc.engine import Event
    from bdc.lifecycle import Report, Step

_WORDS = {"create": "created", "update": "changed", "replace": "replaced", "delete": "deleted", "wait": "ready"}
_QUIET_KINDS = {"ConfigMap", "Secret", "ServiceAccount", "Role", "RoleBinding", "PersistentVolumeClaim", "PodDisruptionBudget", "Service"}


@contextmanager
def view(output: Format, quiet: bool, title: str) -> Iterator[Report]:
    """The report of a run, shown in the way that fits where it goes."""
    if output is not Format.table:
        yield Lines(json_lines=True)
    elif quiet:
        yield Silent()
    elif styled(sys.stderr):
        with live(title) as report:
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
        elif (step.text or (step.state == "failed" and step.name != "stacks")) and self._said.get(step.name) != step.text + step.state:
            self._said[step.name] = step.text + step.state
            words = [step.text, "failed" if step.state == "failed" else "", duration(step.seconds) if step.state == "done" else ""]
            sys.stderr.write(f"{step.name:<16} {'  '.join(filter(None, words))}\n")
            sys.stderr.flush()

    def event(self, event: Event) -> None:
        """See `Report`."""
        if self._json:
            self._write({
                "resource": event.name, "kind": event.kind, "part": event.part, "op": event.op, "state": event.state,
                "message": event.message, "seconds": round(event.seconds, 1),
            })  # fmt: skip
        elif line := self._line(event):
            sys.stderr.write(f"{TITLES.get(event.part or '', event.part or ''):<16} {line}\n")
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
        return "  ".join(filter(None, [f"{key} {word}", duration(event.seconds)]))

    @staticmethod
    def _write(data: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
        sys.stdout.flush()

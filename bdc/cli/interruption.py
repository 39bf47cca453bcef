"""Ctrl-C, or a request to end, in the middle of a run that changes a cluster: it ends cleanly and says what is left.

SIGTERM and SIGHUP are taken like SIGINT, so that a service manager or a closed terminal leaves as little behind as a Ctrl-C does. The
exit code is the shell's: 128 and the signal's number.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from bdc.errors import BdcError

if TYPE_CHECKING:
    from bdc.engine import Event
    from bdc.lifecycle import Report, Step

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LEFT = {
    "preflight": "nothing was changed",
    "programs": "programs that were complete stay in the cache",
    "capacity": "nothing of the cluster was changed",
    "volumes": "the volumes that were tried are removed by this run or the next",
    "node": "what was begun on this host is removed or completed by the next run",
    "images": "images that were complete stay in the cache",
}


class InterruptedRunError(BdcError):
    """A run was told to stop."""

    def __init__(self, number: int, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.exit_code = 128 + number


class Tally:
    """Passes a run's report on and remembers how far it came."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._step = ""
        self._begun: dict[str, str] = {}
        self._done = 0

    def step(self, step: Step) -> None:
        """See `Report`."""
        if step.state == "running" or step.name != self._step:
            self._step = step.name
        self._report.step(step)

    def event(self, event: Event) -> None:
        """See `Report`."""
        key = f"{event.kind}/{event.name}"
        if event.state in {"started", "waiting"}:
            self._begun[key] = event.part or event.name
        else:
            self._begun.pop(key, None)
            self._done += event.state == "done"
        self._report.event(event)

    def left(self) -> str:
        """Where the run was, and what it leaves."""
        if self._step in _LEFT:
            return f"in the step {self._step}: {_LEFT[self._step]}"
        parts = ", ".join(dict.fromkeys(self._begun.values()))
        return f"with {self._done} objects done and {len(self._begun)} under way{f' ({parts})' if parts else ''}: they stay as they are"


@contextmanager
def interruptible(report: Report, hint: str) -> Iterator[Tally]:
    """Run with the report that this gives; a signal that asks to stop ends it with InterruptedRunError, whose hint is `hint`.

    The first one lets what is under way come to a clean end; a second one stops that too.
    """
    tally = Tally(report)
    got: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        got.append(number)
        if len(got) == 1:
            sys.stderr.write("\nstopping what is under way; once more stops at once\n")
            sys.stderr.flush()
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # nohup, or a shell's background job: whoever started us wants it to go on
            signal.signal(number, stop)
    try:
        yield tally
    except KeyboardInterrupt as error:
        raise InterruptedRunError(got[0] if got else signal.SIGINT, f"interrupted {tally.left()}", hint) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

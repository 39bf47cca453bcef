"""An application shown until it ends: its log on stdout, all else on stderr; with `-o json` only the result on stdout."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bdc.cli.output import Format, Output
from bdc.cli.streams import styled
from bdc.config.quantity import human
from bdc.errors import BdcError

if TYPE_CHECKING:
    from bdc.spark import Cause, Client, Ended, Event, StageProgress, Status

INTERRUPTED = 130
_WIDTH = 20


def show(client: Client, name: str, pool: str | None, out: Output, *, ends_with_us: bool = False) -> int:
    """Follow an application and return the exit code. After Ctrl-C, one that `ends_with_us` may be killed (see `_interrupted`)."""
    try:
        return _show(client.follow(name, pool=pool), name, out)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        if ends_with_us:
            _interrupted(client, name, pool)
        return INTERRUPTED


def row(one: Status) -> dict[str, object]:
    """An application for output; `seconds` is how long it has run."""
    return asdict(one) | {"state": str(one.state), "seconds": round(one.seconds(datetime.now(UTC)), 1)}


def _show(events: Iterator[Event], name: str, out: Output) -> int:
    from bdc.spark import Ended, LogLine, StageProgress, StateChanged

    document = out.format is not Format.table
    progress = _Progress(shown=not out.quiet and styled(sys.stderr))
    for event in events:
        progress.clear()
        if isinstance(event, LogLine):
            stream = sys.stderr if document else sys.stdout
            stream.write(f"{event.text}\n")
            stream.flush()
        elif isinstance(event, StageProgress):
            progress.show(event)
        elif isinstance(event, StateChanged) and not event.status.state.final:
            reason = f": {event.status.reason}" if event.status.reason else ""
            out.progress(f"{name} {event.status.state.lower()}{reason}")
        elif isinstance(event, Ended):
            return _ended(out, name, event, document=document)
    raise BdcError(f"{name} has not ended, and there is nothing more to tell")  # follow ends with Ended or raises


def _ended(out: Output, name: str, event: Ended, *, document: bool) -> int:
    if document:
        out.emit(row(event.status) | {"exit_code": event.exit_code, "cause": asdict(event.cause) if event.cause else None})
    seconds = event.status.seconds(datetime.now(UTC))
    code = f" (exit {event.exit_code})" if event.exit_code else ""
    if event.cause:
        sys.stderr.write(f"{name} failed after {seconds:.0f} s{code}\n{_cause(event.cause)}")
    else:
        out.progress(f"{name} {event.status.state.lower()} after {seconds:.0f} s{code}")
    return event.exit_code


def _cause(cause: Cause) -> str:
    where = f"{cause.where}  " if cause.where else ""
    return f"  {where}{cause.what}\n" + (f"  hint: {cause.hint}\n" if cause.hint else "")


def _interrupted(client: Client, name: str, pool: str | None) -> None:
    """On a terminal ask whether to kill or detach. Where nobody can be asked (a cancelled CI job), kill: nobody would stop it later."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        sys.stderr.write(f"{name} is still running. Kill it? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            sys.stderr.write(f"{name} goes on; see it with: bdc spark logs {name} -f, stop it with: bdc spark kill {name}\n")
            return
    client.kill(name, pool=pool)
    sys.stderr.write(f"{name} is being killed\n")


class _Progress:
    """One line on the terminal that says how far the running stage is."""

    def __init__(self, *, shown: bool) -> None:
        self._shown, self._there = shown, False
        self._stage, self._since = -1, 0.0

    def show(self, event: StageProgress) -> None:
        """Draw it."""
        if not self._shown:
            return
        if event.stage != self._stage:
            self._stage, self._since = event.stage, time.monotonic()
        full = _WIDTH * event.done // max(event.total, 1)
        seconds = int(time.monotonic() - self._since)
        parts = [
            f"stage {event.stage}",
            event.name[:40],
            "█" * full + "░" * (_WIDTH - full),
            f"{event.done}/{event.total} tasks" + (f", {event.failed} failed" if event.failed else ""),
            f"{event.executors} executor{'s' if event.executors != 1 else ''}",
            *([f"{human(event.shuffled_bytes)} shuffled"] if event.shuffled_bytes else []),
            f"{seconds // 60}:{seconds % 60:02}",
        ]
        sys.stderr.write("  ".join(parts)[: shutil.get_terminal_size().columns - 1])
        sys.stderr.flush()
        self._there = True

    def clear(self) -> None:
        """Remove it."""
        if self._there:
            sys.stderr.write("\r\x1b[K")
            self._there = False

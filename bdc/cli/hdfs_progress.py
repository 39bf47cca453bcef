"""How far copies are: a bar on a terminal, a line for each finished file otherwise; always on stderr."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bdc.cli.streams import styled
from bdc.config.quantity import human

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from bdc.storage import Transfer


class Copying:
    """A context that hears of bytes (`progress`) and of finished files (`done`)."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if styled(sys.stderr) and not self._quiet:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

            columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(binary_units=True))
            self._bars = Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bars:
            self._bars.stop()

    def progress(self, path: str, done: int, total: int | None) -> None:
        """Hear how much of a file has been copied."""
        if not self._bars:
            return
        if path not in self._tasks:
            self._tasks[path] = self._bars.add_task(printable(path), total=total)
        self._bars.update(self._tasks[path], completed=done)
        if done == total:
            self._bars.remove_task(self._tasks.pop(path))

    def done(self, transfer: Transfer) -> None:
        """Say that a file was copied, and how the copy was checked."""
        if not self._quiet:
            check = "checked by length" if transfer.check == "length" else f"checked by {transfer.check}".replace("by read", "by reading")
            line = f"{printable(transfer.source)} -> {printable(transfer.target)}  {human(transfer.length)}, {check}"
            (self._bars.console.out(line, highlight=False) if self._bars else sys.stderr.write(f"{line}\n"))


def printable(name: str) -> str:
    """A name on one line: control characters, which could also move a terminal's cursor, as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)

"""A real pseudo-terminal on our side, and the other side played."""

from __future__ import annotations

import os
import pty
import queue
import sys
import termios
from collections.abc import Iterator
from typing import IO

import pytest

from bdc.cli.terminal import join
from bdc.errors import BdcError, UnreachableError


class Attachment:
    """Echoes what it hears; ends at `end`, breaks at `break`."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []
        self.heard = b""
        self._said: queue.Queue[tuple[int, bytes] | BdcError | None] = queue.Queue()

    def send(self, data: bytes) -> None:
        self.heard += data
        self._said.put((1, data))
        if b"end" in data:
            self._said.put(None)
        if b"break" in data:
            self._said.put(UnreachableError("the server", "it broke"))
            raise UnreachableError("the server", "it broke")

    def resize(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))

    def read(self) -> tuple[int, bytes] | None:
        found = self._said.get(timeout=10)
        if isinstance(found, BdcError):
            raise found
        return found


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Our end of a terminal whose other end is bdc's stdin and stdout."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    terminal: IO[str] = os.fdopen(theirs, "r", closefd=False)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.get_terminal_size(theirs))
    yield ours
    os.close(ours)
    os.close(theirs)


def test_what_was_typed_before_is_not_lost(keyboard: int) -> None:
    os.write(keyboard, b"typed ahead, then the end\n")
    attachment = Attachment()
    join(attachment)  # type: ignore[arg-type]
    assert attachment.sizes == [(100, 30)]
    assert attachment.heard == b"typed ahead, then the end\n"


def test_the_terminal_is_as_it_was_when_the_connection_breaks(keyboard: int) -> None:
    before = termios.tcgetattr(sys.stdin.fileno())
    os.write(keyboard, b"break\n")
    with pytest.raises(UnreachableError, match="it broke"):
        join(Attachment())  # type: ignore[arg-type]
    assert termios.tcgetattr(sys.stdin.fileno()) == before

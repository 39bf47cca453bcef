"""Joins this terminal and one in a pod: keys go there as they are typed, Ctrl-C too; the size follows."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bdc.errors import BdcError
from bdc.kube.attach import Attachment

_PIECE_BYTES = 1 << 16
_LAST_WORDS_SECONDS = 5.0


def join(attachment: Attachment) -> None:
    """Until the other side ends. Raises UnreachableError when the connection breaks."""
    ended, end = os.pipe()
    failure: list[BdcError] = []

    def show() -> None:
        try:
            while read := attachment.read():
                os.write(sys.stdout.fileno(), read[1])
        except BdcError as error:
            failure.append(error)
        finally:
            os.write(end, b"\0")

    reader = threading.Thread(target=show, name="terminal", daemon=True)
    with _raw(sys.stdin.fileno()), _following_the_size(attachment):
        reader.start()
        _type(attachment, sys.stdin.fileno(), ended)
        reader.join(_LAST_WORDS_SECONDS)
    if failure:
        raise failure[0]


def _type(attachment: Attachment, keyboard: int, ended: int) -> None:
    while True:
        ready, _, _ = select.select([keyboard, ended], [], [])
        if ended in ready:
            return
        typed = os.read(keyboard, _PIECE_BYTES)
        if not typed:
            return
        try:
            attachment.send(typed)
        except BdcError:  # whoever reads hears whether it broke or has ended
            return


@contextmanager
def _raw(keyboard: int) -> Iterator[None]:
    before = termios.tcgetattr(keyboard)
    try:
        tty.setraw(keyboard, termios.TCSADRAIN)  # what was typed while it started is not thrown away
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


@contextmanager
def _following_the_size(attachment: Attachment) -> Iterator[None]:
    def tell(*_: object) -> None:
        size = shutil.get_terminal_size()
        with suppress(BdcError):
            attachment.resize(size.columns, size.lines)

    before = signal.signal(signal.SIGWINCH, tell)
    try:
        tell()
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)

"""A client that writes a row each 50 ms and counts those that were acknowledged, through whatever happens to the server.

Run by failover.py on the outside host with libpq's words for the server and a file, which has the last acknowledged number meanwhile.
Ends by SIGTERM and prints as JSON the acknowledged numbers, the longest time between two, and what ended attempts. A number is never
tried twice: one whose acknowledgement was lost may be there or not.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import psycopg

PAUSE_SECONDS, PATIENCE_SECONDS = 0.05, 3


class LateError(Exception):
    """The server keeps the connection and says nothing, as a frozen one does."""


def late(_signal: int, _frame: FrameType | None) -> None:
    raise LateError


def main(target: str, heard: str) -> None:
    rows, errors, number, wanted = list[int](), set[str](), 0, True
    longest, last = 0.0, time.monotonic()
    connection: psycopg.Connection | None = None

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal wanted
        wanted = False

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGALRM, late)
    while wanted:
        number += 1
        signal.setitimer(signal.ITIMER_REAL, PATIENCE_SECONDS)
        try:
            connection = connection or psycopg.connect(target, password=os.environ["PW"], autocommit=True)
            connection.execute("INSERT INTO acknowledged VALUES (%s)", [number])
            signal.setitimer(signal.ITIMER_REAL, 0)
        except (psycopg.Error, LateError) as error:
            signal.setitimer(signal.ITIMER_REAL, 0)
            errors.add(f"{type(error).__name__} {str(error).partition(chr(10))[0]}")
            connection = None
            time.sleep(0.1)
        else:
            now = time.monotonic()
            longest, last = max(longest, now - last), now
            rows.append(number)
            Path(heard).write_text(str(number))
            time.sleep(PAUSE_SECONDS)
    json.dump({"rows": rows, "longest": longest, "errors": sorted(errors)}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The Python exception in a driver's log that says most, and the user's own line that it came from.

Tracebacks nest: an exception in a function that ran on an executor comes to the driver as text inside another exception, after
it. The last traceback is then the one that the user wants; only when it has none of the user's lines an earlier one gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HEAD = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s+File "([^"]+)", line (\d+)')
_EXCEPTION = re.compile(r"^((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?:: (.*)|:?$)")
_NOT_OURS = re.compile(r"/(?:site|dist)-packages/|/pyspark/|pyspark\.zip|py4j|/lib/python3|^<frozen|/spark/python/")
_WRAPPERS = ("PythonException", "Py4JJavaError")


@dataclass(frozen=True)
class PythonError:
    """An exception, such as "ZeroDivisionError: division by zero", and "etl.py:41"."""

    text: str
    where: str | None


def last_exception(log: Sequence[str]) -> PythonError | None:
    """The most telling Python exception of a log, or None when there is no traceback in it."""
    found = list(_tracebacks(log))
    if not found:
        return None
    telling = [error for error in found if not _short(error.text).startswith(_WRAPPERS)]
    chosen = (telling or found)[-1]
    where = chosen.where or next((error.where for error in reversed(found) if error.where), None)
    return PythonError(_short(chosen.text), where)


def _tracebacks(log: Sequence[str]) -> Iterator[PythonError]:
    at = 0
    while at < len(log):
        if not log[at].rstrip().endswith(_HEAD):
            at += 1
            continue
        at, error = _one(log, at + 1)
        if error:
            yield error


def _one(log: Sequence[str], at: int) -> tuple[int, PythonError | None]:
    """The traceback whose first frame is at `at`, and where it ends."""
    where = None
    while at < len(log) and (log[at].startswith(" ") or not log[at].strip()):
        frame = _FRAME.match(log[at])
        if frame and not _NOT_OURS.search(frame[1]):
            where = f"{frame[1].rsplit('/', 1)[-1]}:{frame[2]}"
        at += 1
    if at < len(log) and (match := _EXCEPTION.match(log[at])):
        text = match[2] or ""
        if not text.strip() and at + 1 < len(log) and log[at + 1].strip() and not log[at + 1].endswith(_HEAD):
            text = log[at + 1].strip()
        return at + 1, PythonError(f"{match[1]}: {text.strip()}" if text.strip() else match[1], where)
    return at, None


def _short(text: str) -> str:
    """pyspark.errors.exceptions.captured.AnalysisException: text -> AnalysisException: text."""
    name, colon, rest = text.partition(":")
    return name.rsplit(".", 1)[-1] + colon + rest

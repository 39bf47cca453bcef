"""The end of a file: its last lines or bytes, in constant memory whatever its length."""

from __future__ import annotations

from collections.abc import Iterator

from bdc.errors import UsageError
from bdc.storage.files import Files, Status

_STEP_BYTES = 64 << 10


def tail(hdfs: Files, status: Status, *, lines: int | None = None, count: int = 0) -> Iterator[bytes]:
    """The last `lines` of a file, or where none are given its last `count` bytes, in pieces. Raises UsageError for a directory."""
    if status.is_dir:
        raise UsageError(f"{status.path}: is a directory")
    start = max(status.length - count, 0) if lines is None else _start_of_lines(hdfs, status, lines)
    if start < status.length:
        yield from hdfs.read(status.path, start, status.length - start)


def _start_of_lines(hdfs: Files, status: Status, lines: int) -> int:
    """Where the last `lines` begin, looked for backwards; an end of line at the very end is the last line's own."""
    end, wanted = status.length, lines + 1
    while end > 0:
        start = max(end - _STEP_BYTES, 0)
        piece = b"".join(hdfs.read(status.path, start, end - start))
        if end == status.length and not piece.endswith(b"\n"):
            wanted -= 1
        if wanted <= 0:
            return status.length
        at = len(piece)
        while (at := piece.rfind(b"\n", 0, at)) >= 0:
            wanted -= 1
            if not wanted:
                return start + at + 1
        end = start
    return 0

"""Files with secrets in them: written whole or not at all, and readable by their owner only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bdc.errors import UsageError


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """A file to write; it appears under its name when the block has ended well, and replaces one that is there.

    Whether it can be written is known before the block begins. Raises UsageError where it can't.
    """
    target = path.expanduser().resolve()
    if target.exists() and not target.is_file():
        raise UsageError(f"{path} is there, and is no file", "name another one")
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # mode 600
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}", "name a file in a folder that you may write to") from error
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)

"""Puts a plugin where Pulumi looks for it: an official one by a link, bdc's own by a launcher."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

_MARK = "# bdc's offline Kubernetes plugin"


def place(target: Path, official: Path | None) -> None:
    """Make `target` start the official plugin, or bdc's own; nothing changes where it does already."""
    if official is not None:
        if not target.is_symlink() or target.readlink() != official:
            fresh = _beside(target)
            fresh.symlink_to(official)
            fresh.replace(target)
        return
    root = Path(__file__).resolve().parents[2]
    script = (
        f"#!/bin/sh\n{_MARK}\n"
        f'PYTHONPATH={shlex.quote(str(root))}"${{PYTHONPATH:+:$PYTHONPATH}}" exec {shlex.quote(sys.executable)} -m bdc.plugin "$@"\n'
    )
    if not is_ours(target) or target.read_text() != script:
        fresh = _beside(target)
        fresh.write_text(script)
        fresh.chmod(0o755)
        fresh.replace(target)


def is_ours(executable: Path) -> bool:
    """Whether an executable is bdc's launcher."""
    try:
        with executable.open("rb") as file:
            return _MARK.encode() in file.read(4096)
    except OSError:
        return False


def _beside(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    return fresh

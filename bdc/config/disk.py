"""The filesystem that a folder lies on: where it is mounted and how much of it is free."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bdc.config.quantity import human


@dataclass(frozen=True)
class Disk:
    """A filesystem; sizes in bytes, `free` as an ordinary user has it. `device` tells two of them apart."""

    mount: Path
    free: int
    total: int
    device: int

    def __str__(self) -> str:
        return f"the filesystem at {self.mount} ({human(self.free)} of {human(self.total)} free)"


def disk_of(folder: Path) -> Disk:
    """The filesystem of a folder, or of its nearest parent that exists."""
    found = folder.expanduser().absolute()
    while not found.exists():
        found = found.parent
    mount = found.resolve()
    while not mount.is_mount():
        mount = mount.parent
    stats = os.statvfs(found)
    return Disk(mount, stats.f_bavail * stats.f_frsize, stats.f_blocks * stats.f_frsize, found.stat().st_dev)

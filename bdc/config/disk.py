"""The filesystem that a folder lies on: where it is mounted, how much of it is free, and the one error for when nothing is."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bdc.config.quantity import human
from bdc.errors import BdcError

_SAID = re.compile(r"no space left on device|disk quota exceeded|not have enough free space", re.IGNORECASE)


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


def says_full(output: str) -> bool:
    """Whether a program's output says that a disk is full."""
    return bool(_SAID.search(output))


def is_full(error: OSError) -> bool:
    """Whether the system refused because a disk, or the user's share of it, is full."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def full_disk(what: str, folders: Sequence[Path], hint: str) -> BdcError:
    """The error for `what` failed on a full disk: of the filesystems of `folders` it names the one with least free."""
    fullest = min(map(disk_of, folders), key=lambda disk: disk.free)
    return BdcError(f"{what}: the disk is full, {fullest}", f"free some space there{hint}; then run it again, it goes on from there")

"""Which filesystem a folder is on."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bdc.config import disk
from bdc.config.disk import Disk, disk_of, full_disk, is_full, says_full


def test_a_folder_that_is_not_there_yet_is_its_parents(tmp_path: Path) -> None:
    found = disk_of(tmp_path / "a" / "b")
    assert found.device == tmp_path.stat().st_dev
    assert found.mount.is_mount()
    assert tmp_path.resolve().is_relative_to(found.mount)
    assert 0 < found.free <= found.total


def test_it_says_where_and_how_much() -> None:
    assert str(Disk(Path("/data"), 3 * 2**20, 2**30, 1)) == "the filesystem at /data (3.0 MiB of 1.0 GiB free)"


def test_a_full_disk_is_recognised_in_errors_and_in_outputs() -> None:
    assert is_full(OSError(errno.ENOSPC, "x"))
    assert is_full(OSError(errno.EDQUOT, "x"))
    assert not is_full(OSError(errno.EACCES, "x"))
    assert says_full("ctr: write /x: No space left on device")
    assert not says_full("ctr: not found")


def test_the_fullest_of_the_folders_disks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    disks = {"/a": Disk(Path("/"), 2**30, 2**31, 1), "/b": Disk(Path("/b"), 0, 2**30, 2)}
    monkeypatch.setattr(disk, "disk_of", lambda folder: disks[str(folder)])
    error = full_disk("loading", [Path("/a"), Path("/b")], ", or buy one")
    assert error.message == "loading: the disk is full, the filesystem at /b (0 B of 1.0 GiB free)"
    assert error.hint == "free some space there, or buy one; then run it again, it goes on from there"

"""Which filesystem a folder is on."""

from __future__ import annotations

from pathlib import Path

from bdc.config.disk import Disk, disk_of


def test_a_folder_that_is_not_there_yet_is_its_parents(tmp_path: Path) -> None:
    found = disk_of(tmp_path / "a" / "b")
    assert found.device == tmp_path.stat().st_dev
    assert found.mount.is_mount()
    assert tmp_path.resolve().is_relative_to(found.mount)
    assert 0 < found.free <= found.total


def test_it_says_where_and_how_much() -> None:
    assert str(Disk(Path("/data"), 3 * 2**20, 2**30, 1)) == "the filesystem at /data (3.0 MiB of 1.0 GiB free)"

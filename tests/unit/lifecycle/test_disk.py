"""What a new node needs of the disks, and what is said when it isn't there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc.config import workloads
from bdc.config.disk import Disk
from bdc.config.model import Config
from bdc.config.paths import NODE_DIR, cache_dir
from bdc.errors import UnhealthyError
from bdc.lifecycle import disk

GIB = 2**30


def disks(monkeypatch: pytest.MonkeyPatch, node: int, cache: int | None = None) -> None:
    """The free space below the node's folder and below the cache in GiB; without the second they are one filesystem."""

    def of(folder: Path) -> Disk:
        if folder == NODE_DIR or cache is None:
            return Disk(Path("/"), node * GIB, 100 * GIB, 1)
        return Disk(Path("/cache"), cache * GIB, 100 * GIB, 2)

    monkeypatch.setattr(disk, "disk_of", of)


def test_what_fits_is_said_with_its_sums_and_what_volumes_may_grow_to(monkeypatch: pytest.MonkeyPatch) -> None:
    disks(monkeypatch, 50)
    said = disk.check(disk.needs(images_missing=False), workloads.volumes(Config()))
    assert said == "disk 6.5 of 50.0 GiB at / · volumes may grow to 80.0 GiB"


def test_volumes_of_every_replica_count() -> None:
    config = Config.model_validate({"storage": {"datanodes": 3, "datanode_volume": "10Gi"}, "master": {"replicas": 2, "volume": "5Gi"}})
    assert workloads.volumes(config) == (10 + 30 + 10) * GIB


def test_folders_on_one_filesystem_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    disks(monkeypatch, 10)
    assert disk.check(disk.needs(images_missing=False), 0)
    with pytest.raises(UnhealthyError) as refused:
        disk.check(disk.needs(images_missing=True), 0)
    assert "13.5 GiB are needed" in refused.value.message
    assert "building images 7.0 GiB" in refused.value.message
    assert f"{NODE_DIR} or {cache_dir()}, or set BDC_CACHE" in (refused.value.hint or "")


def test_two_filesystems_are_two_and_the_short_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    disks(monkeypatch, 10, 8)
    assert " · disk 7.0 of 8.0 GiB at /cache" in disk.check(disk.needs(images_missing=True), 0)
    disks(monkeypatch, 5, 8)
    with pytest.raises(UnhealthyError, match=r"the filesystem at / \(5\.0 GiB of 100\.0 GiB free\) is too small") as refused:
        disk.check(disk.needs(images_missing=True), 0)
    assert (refused.value.hint or "").startswith("free 1.5 GiB there")
    assert "BDC_CACHE" not in (refused.value.hint or "")

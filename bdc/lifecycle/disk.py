"""Whether this host's disks have room for a new node, its images and a cluster's first data.

Volumes of the embedded node are folders: their size in bdc.yaml is what they may grow to, and nothing is set aside for it. So it is told
beside what is free and not asked for. What is asked for was measured on a node with a cluster of the profile `local`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from bdc.config.disk import Disk, disk_of
from bdc.config.paths import NODE_DIR, cache_dir
from bdc.config.quantity import human, human_of
from bdc.errors import UnhealthyError

_GIB = 2**30
NODE_BYTES = 5 * _GIB
"""Programs, control plane and unpacked images in the node's folder."""
FIRST_DATA_BYTES = _GIB // 2
"""What HDFS, PostgreSQL and etcd write before there is a first row."""
KEPT_FREE_BYTES = _GIB
"""Below this the kubelet evicts pods (evictionHard in manifests/node/kubeadm.yaml.j2)."""
BUILD_BYTES = 7 * _GIB
"""Downloads and stores of a build of all images, in the cache."""


@dataclass(frozen=True)
class Need:
    """Bytes that something takes in a folder."""

    what: str
    folder: Path
    count: int


def needs(*, images_missing: bool) -> list[Need]:
    """What a host that is no node yet has to have room for."""
    found = [
        Need("the node and its images", NODE_DIR, NODE_BYTES),
        Need("first data", NODE_DIR, FIRST_DATA_BYTES),
        Need("a margin below which pods are evicted", NODE_DIR, KEPT_FREE_BYTES),
    ]
    return [*found, Need("building images", cache_dir(), BUILD_BYTES)] if images_missing else found


def check(needed: Iterable[Need], may_grow: int) -> str:
    """One line that says it fits; folders on one filesystem are added up. Raises UnhealthyError with numbers."""
    placed = sorted(((disk_of(need.folder), need) for need in needed), key=lambda one: one[0].device)
    said = []
    for _, group in groupby(placed, key=lambda one: one[0].device):
        members = list(group)
        disk, wanted = members[0][0], [need for _, need in members]
        total = sum(need.count for need in wanted)
        if disk.free < total:
            raise _too_little(disk, wanted, total)
        said.append(f"disk {human_of(total, disk.free)} at {disk.mount}")
    return " · ".join([*said, f"volumes may grow to {human(may_grow)}"])


def _too_little(disk: Disk, wanted: Sequence[Need], total: int) -> UnhealthyError:
    parts = ", ".join(f"{need.what} {human(need.count)}" for need in wanted)
    folders = " or ".join(dict.fromkeys(str(need.folder) for need in wanted))
    elsewhere = ", or set BDC_CACHE to a folder on another disk" if any(need.folder == cache_dir() for need in wanted) else ""
    return UnhealthyError(
        f"{disk} is too small: {human(total)} are needed ({parts})",
        f"free {human(total - disk.free)} there, or mount a larger disk at {folders}{elsewhere}; nothing was made",
    )

"""Which mounts are the node's."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc.cluster.embedded.cleanup import bound_to_itself, mounts_below

KUBELET = Path("/var/lib/kubelet")


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ("42 27 254:0 /var/lib/kubelet /var/lib/kubelet rw,relatime shared:1 - ext4 /dev/vda rw", True),
        ("42 27 254:1 / /var/lib/kubelet rw,relatime - xfs /dev/vdb rw", False),
        ("42 27 254:0 /srv/kubelet /var/lib/kubelet rw,relatime - ext4 /dev/vda rw", False),
        ("42 27 254:0 /var/lib/kubelet /mnt rw,relatime - ext4 /dev/vda rw", False),
    ],
)
def test_the_kubelets_mount_of_its_own_folder_is_told_from_the_hosts(line: str, ours: bool) -> None:
    assert bound_to_itself(f"27 1 254:0 / / rw - ext4 /dev/vda rw\n{line}\n", KUBELET) is ours


def test_mounts_below_a_folder_come_deepest_first_with_their_odd_names() -> None:
    text = "d /var/lib/kubelet ext4\nt /var/lib/kubelet/pods/a tmpfs\nt /var/lib/kubelet/pods/a/b\\040c tmpfs\nt /var/lib/kubelets tmpfs\n"
    assert mounts_below(text, KUBELET) == ["/var/lib/kubelet/pods/a/b c", "/var/lib/kubelet/pods/a"]

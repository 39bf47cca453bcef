"""Takes the node off the host: processes, mounts, links, firewall rules, cgroups and files.

`kubeadm reset` is not used: it needs a containerd that answers, and leaves links, rules and cgroups to the administrator. What it
deletes (static pods, certificates, kubelet's folder) is deleted here too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bdc.cluster.embedded.firewall import remove_rules
from bdc.cluster.embedded.layout import BRIDGE, KUBELET_DIR, KUBERNETES_DIR, Layout
from bdc.cluster.embedded.processes import end, node_processes, pod_cgroups
from bdc.cluster.embedded.services import Supervisor
from bdc.errors import BdcError

_CNI_STATE = Path("/var/lib/cni")
_CONTAINERD_SHARED = Path("/run/containerd")
_MAY_HOLD_OTHERS = {KUBERNETES_DIR, KUBELET_DIR, _CONTAINERD_SHARED, _CNI_STATE, _CNI_STATE / "networks", _CNI_STATE / "results"}
_ATTEMPTS = 5


def take_off(layout: Layout, services: Supervisor, cgroup_root: str = "", *, keep_programs: bool = False) -> None:
    """Remove the node. Volumes stay. `keep_programs`: for an installation that starts again at once."""
    services.remove()
    _end_processes(layout, cgroup_root)
    _unmount_below(layout.run, KUBELET_DIR)
    if bound_to_itself(Path("/proc/self/mountinfo").read_text(), KUBELET_DIR):
        subprocess.run(["umount", KUBELET_DIR], capture_output=True, check=False, timeout=30)
    _remove_links()
    remove_rules()
    _remove_cgroups(cgroup_root)
    kept = {layout.bin, layout.begun} if keep_programs else set()
    # The record of whose node it is goes last: an interrupted removal can be repeated.
    for path in _our_files(layout):
        if path not in kept and path != layout.begun:
            _delete(path)
    if layout.begun not in kept:
        _delete(layout.home)


def delete_volumes(layout: Layout) -> None:
    """Delete all volumes' data, for ever."""
    _delete(layout.volumes)
    with suppress(OSError):  # other things of bdc's may lie there
        layout.volumes.parent.rmdir()


def _end_processes(layout: Layout, cgroup_root: str) -> None:
    for _ in range(_ATTEMPTS):  # a shim may start a process between looking and killing
        found = node_processes(layout, cgroup_root)
        if not found:
            return
        end(found)
    if remaining := node_processes(layout, cgroup_root):
        raise BdcError(f"processes of the node don't end: {', '.join(map(str, sorted(remaining)))}", "end them, then run the command again")


def mounts_below(text: str, *folders: Path) -> list[str]:
    """Mount points in /proc/self/mounts that lie below (not at) one of the folders, deepest first."""
    points = [re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), line.split()[1]) for line in text.splitlines()]
    return [point for point in reversed(points) if any(Path(point) != folder and Path(point).is_relative_to(folder) for folder in folders)]


def bound_to_itself(text: str, folder: Path) -> bool:
    """Whether, by /proc/self/mountinfo, `folder` is a mount of itself: the kubelet makes one of its folder, to share mounts with pods.

    A file system that the host mounts there shows its root as / or another folder, and stays.
    """
    fields = [line.split() for line in text.splitlines()]
    return any(Path(one[3]) == folder == Path(one[4]) for one in fields)


def _unmount_below(*folders: Path) -> None:
    for _ in range(_ATTEMPTS):
        points = mounts_below(Path("/proc/self/mounts").read_text(), *folders)
        if not points:
            return
        for point in points:
            subprocess.run(["umount", point], capture_output=True, check=False, timeout=30)
        time.sleep(0.1)
    for point in points:
        subprocess.run(["umount", "-l", point], capture_output=True, check=False, timeout=30)
    if points := mounts_below(Path("/proc/self/mounts").read_text(), *folders):
        raise BdcError(f"can't unmount {points[0]}", f"see who uses it: fuser -vm {points[0]}")


def _remove_links() -> None:
    """The bridge and the host's ends of the pods' links; these go with their namespaces, but not at once."""
    for link in _links_of_bridge():
        subprocess.run(["ip", "link", "delete", link], capture_output=True, check=False, timeout=10)
    subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, check=False, timeout=10)


def _links_of_bridge() -> list[str]:
    folder = Path(f"/sys/class/net/{BRIDGE}/brif")
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []


def _remove_cgroups(cgroup_root: str) -> None:
    """Remove the kubelet's cgroups and our services' own, deepest first; a just emptied one needs a moment."""
    deadline = time.monotonic() + 10
    while True:
        left = []
        for folder in (*pod_cgroups(cgroup_root), *_service_cgroups(cgroup_root)):
            for path in sorted((entry for entry in (folder, *folder.rglob("*")) if entry.is_dir()), key=lambda each: -len(each.parts)):
                try:
                    path.rmdir()
                except OSError:
                    left.append(path)
        if not left or time.monotonic() > deadline:
            return
        time.sleep(0.1)


def _service_cgroups(cgroup_root: str) -> Iterator[Path]:
    top = Path("/sys/fs/cgroup")
    for folder in (top, *top.glob("*")):
        leaf = folder / cgroup_root.strip("/") / "bdc-node"
        if leaf.is_dir() and not folder.is_symlink():
            yield leaf


def _our_files(layout: Layout) -> Iterator[Path]:
    if KUBERNETES_DIR.is_dir():
        yield from KUBERNETES_DIR.iterdir()  # what lies in it, as it may be a mount point
        yield KUBERNETES_DIR
    if KUBELET_DIR.is_dir():
        yield from KUBELET_DIR.iterdir()
        yield KUBELET_DIR
    yield _CNI_STATE / "networks" / "bdc"
    yield from (_CNI_STATE / "results").glob("bdc-*")
    if not (_CONTAINERD_SHARED / "containerd.sock").exists():  # no containerd of somebody else
        yield from (_CNI_STATE / "results").glob("cni-loopback-*")
        yield from (_CONTAINERD_SHARED / name for name in ("s", "runc", "fifo"))
        yield _CONTAINERD_SHARED
    yield from (_CNI_STATE / "networks", _CNI_STATE / "results", _CNI_STATE)
    for name in ("log/pods", "log/containers"):
        yield Path("/var") / name
    yield layout.run
    if layout.home.is_dir():
        yield from layout.home.iterdir()


def _delete(path: Path) -> None:
    """Delete a file or a tree; a folder that is a mount point, or holds what isn't ours, stays."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path) if _may_delete_tree(path) else path.rmdir()
        else:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        if not os.path.ismount(path) and path not in _MAY_HOLD_OTHERS:
            raise BdcError(f"can't delete {path}: {error.strerror}", "see what holds it, then run the command again") from error


def _may_delete_tree(path: Path) -> bool:
    """Whether all below it is ours; the others are removed only when empty."""
    return path not in _MAY_HOLD_OTHERS

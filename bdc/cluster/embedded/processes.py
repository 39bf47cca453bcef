"""Finds and ends the processes of the node, and only those.

The node's own (supervisor's children, shims, a left-over kubeadm) run a program below our bin folder in this process's mount
namespace; what runs in pods is in the kubelet's cgroups. So a second node in a test host, which sees the same paths, is not confused
with this one.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from bdc.cluster.embedded.layout import Layout

_CGROUPS = Path("/sys/fs/cgroup")
_NOT_WAITED_FOR = {"kube-apiserver", "pause"}
_POD_CGROUPS = ("kubepods", "kubepods.slice")


def node_processes(layout: Layout, cgroup_root: str = "") -> set[int]:
    """Processes of the node's own programs and of the pods."""
    return own_processes(layout.bin) | pod_processes(cgroup_root)


def own_processes(folder: Path, proc: Path = Path("/proc")) -> set[int]:
    """Processes of this mount namespace whose program lies in `folder`."""
    mine = (proc / "self/ns/mnt").readlink()
    found = set()
    for entry in proc.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            program = str((entry / "exe").readlink()).removesuffix(" (deleted)")
            if Path(program).parent == folder and (entry / "ns/mnt").readlink() == mine:
                found.add(int(entry.name))
        except OSError:  # it has ended, or is a kernel thread
            continue
    return found


def pod_cgroups(cgroup_root: str = "") -> Iterator[Path]:
    """The kubelet's cgroups: one with cgroup v2, one in each controller with v1."""
    for top in (_CGROUPS, *(folder for folder in _CGROUPS.glob("*") if folder.is_dir() and not folder.is_symlink())):
        for name in _POD_CGROUPS:
            folder = top / cgroup_root.strip("/") / name
            if (folder / "cgroup.procs").exists():
                yield folder


def pod_processes(cgroup_root: str = "", names: Container[str] | None = None) -> set[int]:
    """Processes in the kubelet's cgroups and below; only those with one of these names where they are given."""
    found: set[int] = set()
    for folder in pod_cgroups(cgroup_root):
        for procs in folder.rglob("cgroup.procs"):
            try:
                found |= {int(line) for line in procs.read_text().split()}
            except OSError:
                continue
    return found if names is None else {pid for pid in found if _name(pid) in names}


def end(pids: Iterable[int], *, wait_seconds: float = 10) -> set[int]:
    """Kill processes and wait until they are gone; those that remain."""
    remaining = set(pids) - {os.getpid()}
    for pid in remaining:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + wait_seconds
    while remaining and time.monotonic() < deadline:
        remaining = {pid for pid in remaining if _alive(pid)}
        time.sleep(0.02)
    return remaining


def end_gently(pids: Iterable[int], *, wait_seconds: float) -> None:
    """Ask processes to end and give them `wait_seconds`; the API server isn't waited for, as it waits for its clients first."""
    asked = set(pids) - {os.getpid()}
    for pid in asked:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + wait_seconds
    while any(_alive(pid) and _name(pid) not in _NOT_WAITED_FOR for pid in asked) and time.monotonic() < deadline:
        time.sleep(0.1)


def started_seconds_ago(pid: int) -> float | None:
    """How long a process has been running (proc(5): stat's field 22, in clock ticks since boot)."""
    try:
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return uptime - ticks / os.sysconf("SC_CLK_TCK")


def _alive(pid: int) -> bool:
    """Whether it runs; a zombie, whose parent is slow to collect it, doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""

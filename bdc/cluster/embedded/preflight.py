"""Looks whether this host can be a node, before anything is changed; every refusal says what to do."""

from __future__ import annotations

import sys
from pathlib import Path

from bdc.cluster.embedded import host
from bdc.cluster.embedded.layout import ADMIN_KUBECONFIG, API_PORT, KUBELET_DIR, KUBERNETES_DIR, Layout
from bdc.cluster.embedded.packages import check_packages
from bdc.cluster.embedded.records import read_begun
from bdc.errors import UsageError

_GIB = 1024**3
_NEEDED_MEMORY_BYTES = 3 * _GIB
_PORTS = {
    API_PORT: "the Kubernetes API",
    10250: "the kubelet",
    2379: "etcd",
    2380: "etcd",
    10257: "the controller-manager",
    10259: "the scheduler",
}


def check_host(command: str = "bdc up") -> None:
    """Refuse a host that can never be a node, or a user who may not change one, which `command` does."""
    if sys.platform != "linux":
        raise UsageError(
            f"a Kubernetes node needs Linux; this is {sys.platform}",
            "use a cluster you have (--kubeconfig FILE), or kind (--set cluster.substrate=kind)",
        )
    if host.is_root():
        return
    if command == "bdc up":
        raise UsageError(
            "making this host a Kubernetes node needs root",
            "run it as root (sudo bdc up), or use a cluster you have (--kubeconfig FILE)",
        )
    raise UsageError(f"{command} changes this host, so it needs root", f"run it as root: sudo {command}")


def check_before_install(layout: Layout) -> None:
    """Refuse where something is in the way of a new node."""
    check_packages()
    check_foreign_kubernetes(layout)
    available = host.available_memory_bytes()
    if available < _NEEDED_MEMORY_BYTES:
        raise UsageError(
            f"this host has {available / _GIB:.1f} GiB of memory available; a Kubernetes node with a cluster in it needs 3 GiB",
            "free some memory, or use a cluster you have (--kubeconfig FILE)",
        )
    for port, whose in _PORTS.items():
        if who := host.listener(port):
            raise UsageError(f"port {port}, which {whose} needs, is taken by {who}", "stop that program, then run the command again")


def check_foreign_kubernetes(layout: Layout) -> None:
    """Refuse where the host is a node of another Kubernetes."""
    if read_begun(layout.begun) is not None:
        return
    for path in (ADMIN_KUBECONFIG, KUBERNETES_DIR / "manifests", KUBERNETES_DIR / "kubelet.conf", KUBELET_DIR / "config.yaml"):
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise UsageError(
                f"this host is already part of a Kubernetes that bdc didn't make ({path} exists)",
                f"use that cluster: bdc up --kubeconfig {ADMIN_KUBECONFIG if ADMIN_KUBECONFIG.exists() else 'FILE'}",
            )
    unit = Path("/etc/systemd/system/kubelet.service")
    if unit.exists() and "bdc" not in unit.read_text(errors="replace"):
        raise UsageError(f"this host has a kubelet that bdc didn't make ({unit})", "remove it, or use its cluster: --kubeconfig FILE")


def check_same_address(recorded: str) -> None:
    """Refuse to start a node on a host whose address has changed: certificates and etcd's member carry the old one."""
    if recorded not in host.addresses():
        raise UsageError(
            f"the node was made with address {recorded}, which this host no longer has (it has {', '.join(host.addresses()) or 'none'})",
            f"give the host {recorded} again, or make the node anew, without its objects: bdc node reset, then bdc up",
        )

"""The node's two services, containerd and the kubelet, and what keeps them running: a port with two adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bdc.cluster.embedded.layout import Layout
from bdc.cluster.embedded.manifests import render, write_if_changed

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Service:
    """A program that has to run as long as the node is wanted."""

    name: str
    description: str
    command: str
    after: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class Supervisor(Protocol):
    """Keeps the services running: systemd, or our own supervisor where systemd isn't PID 1."""

    def start(self) -> None:
        """Bring the services up, or back up; nothing changes where they run."""

    def restart(self, name: str) -> None:
        """Restart one service, for a changed configuration."""

    def stop(self, name: str | None = None) -> None:
        """End one service, or all of them and the supervisor itself; pods' processes are not touched."""

    def running(self) -> dict[str, int]:
        """Process ids of the running services by name."""

    def remove(self) -> None:
        """Stop all and take away what was put on the host."""


def node_services(layout: Layout) -> tuple[Service, Service]:
    """containerd and the kubelet, in the order they start."""
    return (
        Service(
            name="bdc-containerd",
            description="containerd of the bdc Kubernetes node",
            command=f"{layout.bin}/containerd --config {layout.settings}/containerd.toml",
        ),
        Service(
            name="kubelet",  # kubeadm restarts a systemd unit of this name
            description="kubelet of the bdc Kubernetes node",
            command=f"{layout.bin}/start-kubelet",
            after=("bdc-containerd.service",),
            environment={"GOGC": "60"},
        ),
    )


def service_path(layout: Layout) -> str:
    """PATH of the services: ours first."""
    return f"{layout.bin}:{SYSTEM_PATH}"


def write_start_kubelet(layout: Layout) -> None:
    """Write the kubelet's start script."""
    write_if_changed(layout.bin / "start-kubelet", render("start-kubelet.sh", layout=layout), 0o755)


def log_of(layout: Layout, name: str) -> str:
    """Where a service's log is read, for hints."""
    return f"journalctl -u {name}" if systemd_is_first() else f"{layout.logs}/{name}.log"


def systemd_is_first() -> bool:
    """Whether systemd is PID 1 (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()

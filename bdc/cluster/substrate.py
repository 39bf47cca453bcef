"""What the rest of bdc sees of whatever Kubernetes there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Load = Callable[[Path, Path], None]
"""Loads images into a containerd: its client program ctr, and the address of its socket."""


@dataclass(frozen=True)
class Access:
    """How to reach a cluster. `address`: where a user outside of it reaches its NodePorts."""

    kubeconfig: Path
    context: str | None
    address: str


class Substrate(Protocol):
    """A Kubernetes, or what becomes one."""

    name: str
    """"embedded", "existing" or "kind"."""
    storage_class: str | None
    """The class for volumes; None: the cluster's default."""

    def check(self) -> None:
        """Refuse clearly where it can't run; makes nothing."""

    def ensure(self, *, on_progress: Callable[[str], None] | None = None, load: Load | None = None) -> Access:
        """Bring it up, or mend it; nothing changes where it runs.

        `load` is called where images go into a containerd, maybe beside the rest, and has ended on return.
        """

    def access(self) -> Access | None:
        """What is there now, without bringing anything up."""

    def listener(self, port: int) -> str | None:
        """Which program of this host has a TCP port that pods' NodePorts want; None where nobody has, or the nodes are elsewhere."""

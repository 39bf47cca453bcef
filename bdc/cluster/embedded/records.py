"""What the node remembers about itself, in two files.

`begun.json` is written before the first change to the host and says whose the changes are and how the host was before; `installed.json`
follows the last step. The first without the second: an installation that was interrupted.
"""

from __future__ import annotations

import ipaddress
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from bdc.errors import BdcError, UsageError


@dataclass(frozen=True)
class Settings:
    """How the node was asked for; kept, so that a later command needn't be told again."""

    address: str
    node_name: str
    pod_subnet: str = "10.244.0.0/16"
    service_subnet: str = "10.96.0.0/12"
    cgroup_root: str = ""

    @classmethod
    def from_environment(cls, address: str, node_name: str) -> Self:
        """Defaults, with BDC_POD_SUBNET and BDC_NODE_CGROUP_ROOT in their place where set."""
        subnet = os.environ.get("BDC_POD_SUBNET", "10.244.0.0/16")
        pod_subnet_of_node(subnet)
        return cls(address, node_name, pod_subnet=subnet, cgroup_root=os.environ.get("BDC_NODE_CGROUP_ROOT", "").rstrip("/"))


@dataclass(frozen=True)
class Begun:
    """Written before the first change: settings, and the kernel settings as they were (name -> value)."""

    settings: Settings
    sysctls_before: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Installed:
    """Written after the last step: what is there. `addons` is the digest of what was applied."""

    version: str
    versions: dict[str, str]
    addons: str
    created: str


def pod_subnet_of_node(pod_subnet: str) -> str:
    """The first /24 of the pod subnet: what the controller-manager gives to the first node."""

    try:
        network = ipaddress.IPv4Network(pod_subnet)
        return str(next(network.subnets(new_prefix=24)))
    except ValueError as error:
        raise UsageError(f"BDC_POD_SUBNET={pod_subnet}: {error}", "give an IPv4 network of /24 or larger, such as 10.244.0.0/16") from error


def read_begun(path: Path) -> Begun | None:
    """The record, or None."""
    found = _read(path)
    return Begun(Settings(**found["settings"]), found["sysctls_before"]) if found else None


def read_installed(path: Path) -> Installed | None:
    """The record, or None."""
    found = _read(path)
    return Installed(**found) if found else None


def write_record(path: Path, record: Begun | Installed) -> None:
    """Write a record so that it is there whole, also after a power cut, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("w") as stream:
        json.dump(asdict(record), stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise UsageError(f"only root may read {path}, which tells of the node on this host", "run it as root, with sudo") from error
    except (OSError, ValueError) as error:
        raise BdcError(f"can't read {path}: {error}", "bdc node reset removes the node; its volumes stay") from error
    return found

"""Kernel settings that the node needs, and those that kubelet and kube-proxy change on their own; a reset puts them back."""

from __future__ import annotations

from pathlib import Path

from bdc.errors import BdcError

_ROOT = Path("/proc/sys")
_NEEDED = {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}
_CHANGED_BY_KUBERNETES = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "net/ipv4/conf/all/route_localnet",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_tcp_timeout_established",
    "net/netfilter/nf_conntrack_tcp_timeout_close_wait",
)


def current(root: Path = _ROOT) -> dict[str, str]:
    """Values now, of those settings that this kernel has."""
    return {name: (root / name).read_text().strip() for name in (*_NEEDED, *_CHANGED_BY_KUBERNETES) if (root / name).is_file()}


def apply(root: Path = _ROOT) -> list[str]:
    """Set what the node needs; what was changed, as "net.ipv4.ip_forward 0 -> 1"."""
    changed = []
    for name, wanted in _NEEDED.items():
        path = root / name
        if path.is_file() and (before := path.read_text().strip()) != wanted:
            try:
                path.write_text(wanted)
            except OSError as error:
                raise BdcError(f"can't set {name.replace('/', '.')} to {wanted}: {error.strerror}") from error
            changed.append(f"{name.replace('/', '.')} {before} -> {wanted}")
    return changed


def restore(before: dict[str, str], root: Path = _ROOT) -> list[str]:
    """Put the settings back; those that this host refuses to change, by name."""
    refused = []
    for name, value in before.items():
        path = root / name
        try:
            if path.is_file() and path.read_text().strip() != value:
                path.write_text(value)
        except OSError:
            refused.append(name.replace("/", "."))
    return refused

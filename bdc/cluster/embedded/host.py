"""What the node needs to know about the host: its address, its name, its memory, who listens on a port."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

from bdc.cluster.embedded.command import run
from bdc.cluster.embedded.layout import BRIDGE
from bdc.errors import BdcError

_PUBLIC = "203.0.113.1"  # TEST-NET-3: routed as any public address is; nothing is sent to it
_VIRTUAL = re.compile(rf"{BRIDGE}$|veth|docker|br-|virbr|cni|flannel|kube")
_CAP_SYS_RESOURCE = 24
_LOOPBACK = re.compile(r"^\S+\s+\d+\s+\d+\s+(127\.|\[::1\])")


def primary_address() -> str:
    """The IPv4 address that the host's packets to the outside carry; without a way out, its first global address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_PUBLIC, 9))
            return str(probe.getsockname()[0])
        except OSError:
            pass
    answer = run(["ip", "-j", "-4", "addr", "show", "scope", "global", "up"], what="looking up the host's address", deadline_seconds=10)
    found = parse_addresses(answer)
    if not found:
        raise BdcError(
            "this host has no IPv4 address except the loopback's, so a Kubernetes node can't announce itself",
            "bring up a network interface, or make one: ip link add bdc-dummy type dummy && ip addr add 192.0.2.1/24 dev bdc-dummy",
        )
    return found[0]


def addresses() -> list[str]:
    """All global IPv4 addresses of the host's real interfaces."""
    return parse_addresses(
        run(["ip", "-j", "-4", "addr", "show", "scope", "global"], what="looking up the host's addresses", deadline_seconds=10)
    )


def parse_addresses(answer: str) -> list[str]:
    """Addresses in the output of `ip -j addr`, without those of containers' and virtual machines' bridges."""
    return [
        info["local"]
        for link in json.loads(answer or "[]")
        if not _VIRTUAL.match(link.get("ifname", ""))
        for info in link.get("addr_info", [])
        if "local" in info
    ]


def node_name() -> str:
    """The host's name as Kubernetes allows it (RFC 1123)."""
    name = re.sub(r"[^a-z0-9.-]+", "-", socket.gethostname().lower()).strip("-.")
    return name[:63].rstrip("-.") or "node"


def available_memory_bytes() -> int:
    """Memory that can be had without swapping."""
    match = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def listener(port: int, *, loopback: bool = True) -> str | None:
    """Who listens on a TCP port, as "name (pid n)"; None where nobody does. Without `loopback`, on addresses that others reach."""
    answer = run(["ss", "-Hltnp", f"sport = :{port}"], what=f"looking at port {port}", deadline_seconds=10)
    lines = [line for line in answer.splitlines() if line.strip() and (loopback or not _LOOPBACK.search(line))]
    if not lines:
        return None
    match = re.search(r'\("([^"]+)",pid=(\d+)', lines[0])
    return f"{match[1]} (pid {match[2]})" if match else "another program"


def may_lower_oom_score() -> bool:
    """Whether this process has CAP_SYS_RESOURCE (capabilities(7))."""
    match = re.search(r"^CapEff:\s+([0-9a-f]+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    return bool(match and int(match[1], 16) >> _CAP_SYS_RESOURCE & 1)


def resolver_file() -> str | None:
    """The resolv.conf with the real name servers where /etc/resolv.conf names systemd-resolved's stub; else None.

    CoreDNS forwards to what its pod's resolv.conf says, and would ask itself if that was a loopback address.
    """
    real = Path("/run/systemd/resolve/resolv.conf")
    try:
        servers = re.findall(r"^nameserver\s+(\S+)", Path("/etc/resolv.conf").read_text(), re.MULTILINE)
    except OSError:
        servers = []
    return str(real) if real.is_file() and servers and all(server.startswith("127.") for server in servers) else None


def is_root() -> bool:
    """Whether this process may do all that a node needs."""
    return os.geteuid() == 0

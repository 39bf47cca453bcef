"""Removes the node's iptables rules: Kubernetes' chains, and those CNI chains that belong to our network.

The rules of others, also of another CNI network such as podman's, are left as they are.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

from bdc.cluster.embedded.command import run
from bdc.cluster.embedded.services import SYSTEM_PATH

_NETWORK = re.compile(r'--comment "(?:name: \\"bdc\\" |dnat name: \\"bdc\\" )')
_ENV = {"PATH": SYSTEM_PATH}


def remove_rules() -> None:
    """Remove them from IPv4 and IPv6."""
    for family in ("iptables", "ip6tables"):
        if shutil.which(f"{family}-save", path=SYSTEM_PATH) is None:
            continue
        saved = run([f"{family}-save"], what="reading the firewall's rules", deadline_seconds=30, env=_ENV)
        if script := removal(saved):
            run(
                [f"{family}-restore", "--noflush", "--wait", "10"],
                what="removing the node's firewall rules",
                deadline_seconds=60,
                env=_ENV,
                stdin=script,
            )


def removal(saved: str) -> str:
    """Input for `iptables-restore --noflush` that removes our rules and chains from what `iptables-save` printed; "" if none."""
    return "".join(_table_removal(name, lines) for name, lines in _tables(saved))


def _tables(saved: str) -> Iterator[tuple[str, list[str]]]:
    name, lines = "", list[str]()
    for line in saved.splitlines():
        if line.startswith("*"):
            name, lines = line[1:], []
        elif line == "COMMIT":
            yield name, lines
        elif line and not line.startswith("#"):
            lines.append(line)


def _table_removal(name: str, lines: list[str]) -> str:
    chains = {line[1:].split()[0] for line in lines if line.startswith(":")}
    rules = [line for line in lines if line.startswith("-A ")]
    ours = {chain for chain in chains if chain.startswith("KUBE-")}
    ours |= {_target(rule) for rule in rules if _NETWORK.search(rule)} & {chain for chain in chains if chain.startswith("CNI-")}
    ours |= {rule.split()[1] for rule in rules if _NETWORK.search(rule) and rule.split()[1].startswith(("CNI-DN-", "CNI-SN-"))}
    if not any(chain.startswith("CNI-DN-") for chain in chains - ours):  # portmap's common chains, if nobody else has mapped ports
        ours |= {chain for chain in chains if chain.startswith("CNI-HOSTPORT-")}
    elsewhere = [rule for rule in rules if rule.split()[1] not in ours and (_target(rule) in ours or _NETWORK.search(rule))]
    if not ours and not elsewhere:
        return ""
    commands = [f"-F {chain}" for chain in sorted(ours)] + [f"-D {rule[3:]}" for rule in elsewhere]
    commands += [f"-X {chain}" for chain in sorted(ours)]
    return "\n".join([f"*{name}", *commands, "COMMIT", ""])


def _target(rule: str) -> str:
    match = re.search(r" -[jg] (\S+)", rule)
    return match[1] if match else ""

"""A cluster that is there already, named by a kubeconfig: nothing is made, but what will fail later is refused now."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bdc.cluster.substrate import Access, Load
from bdc.errors import BdcError, UsageError
from bdc.kube import ApiError, Kube, UnreachableError, connect
from bdc.kube.permissions import denied, deployer_rights, deployer_role

_TIMEOUT_SECONDS = 10
_NAMED = 4


class ExistingCluster:
    """The cluster of a kubeconfig and context; its images come from a registry, its volumes from its default storage class."""

    name = "existing"
    storage_class: str | None = None

    def __init__(self, kubeconfig: Path | None = None, context: str | None = None) -> None:
        self._kubeconfig = kubeconfig
        self._context = context

    def check(self) -> None:
        """Refuse a cluster that can't be reached, doesn't know us, or doesn't let us do what `bdc up` does."""
        kube = self._connect()
        kube.request("GET", "/version", timeout=_TIMEOUT_SECONDS)
        if missing := denied(kube, deployer_rights()):
            named = ", ".join(f"{verb} {resource}" for verb, _, resource in missing[:_NAMED])
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            raise UsageError(
                f"the kubeconfig's user may not {named}{more} in the cluster at {kube.server}",
                f"let an administrator apply {deployer_role()} and bind its ClusterRole to that user, or use another kubeconfig",
            )

    def ensure(self, *, on_progress: Callable[[str], None] | None = None, load: Load | None = None) -> Access:  # noqa: ARG002
        """The cluster, after `check`; it pulls images from a registry."""
        if on_progress:
            on_progress("looking at the cluster and at our rights in it")
        self.check()
        return self._access(self._connect())

    def access(self) -> Access | None:
        """The cluster, where it answers."""
        try:
            return self._access(self._connect())
        except UnreachableError:
            return None

    def listener(self, port: int) -> str | None:  # noqa: ARG002  - the nodes are not this host
        """See `Substrate`."""
        return None

    def _connect(self) -> Kube:
        return connect(self._kubeconfig, self._context)

    def _access(self, kube: Kube) -> Access:
        kubeconfig = self._kubeconfig or _default_kubeconfig()
        try:
            nodes = kube.request("GET", "/api/v1/nodes", timeout=_TIMEOUT_SECONDS).get("items", [])
        except ApiError as error:
            raise BdcError(f"can't list the cluster's nodes, whose addresses users connect to: {error.message}", error.hint) from error
        return Access(kubeconfig, self._context, node_address(nodes))


def node_address(nodes: list[dict[str, Any]]) -> str:
    """Where NodePorts are reached: an external address of a node, else an internal one."""
    found = [address for node in nodes for address in node.get("status", {}).get("addresses", [])]
    for kind in ("ExternalIP", "ExternalDNS", "InternalIP", "Hostname"):
        for address in found:
            if address["type"] == kind:
                return str(address["address"])
    raise BdcError("the cluster has no nodes with an address", "add a node to the cluster, then run the command again")


def _default_kubeconfig() -> Path:
    """The kubeconfig that kubectl would use."""
    first = next((part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part), None)
    return Path(first).expanduser() if first else Path.home() / ".kube" / "config"

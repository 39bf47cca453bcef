"""A cluster that is there already, named by a kubeconfig: nothing is made, but what will fail later is refused now."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bdc.cluster.substrate import Access
from bdc.errors import BdcError, UsageError
from bdc.kube import ApiError, Kube, UnreachableError, connect

_TIMEOUT_SECONDS = 10
# What `bdc up` does that a user without administrator's rights may lack: (verb, group, resource), in every namespace.
_RIGHTS = (
    ("create", "", "namespaces"),
    ("create", "", "secrets"),
    ("create", "", "services"),
    ("create", "", "persistentvolumeclaims"),
    ("create", "apps", "statefulsets"),
    ("create", "apps", "deployments"),
    ("create", "rbac.authorization.k8s.io", "roles"),
    ("create", "rbac.authorization.k8s.io", "rolebindings"),
)


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
        denied = [f"{verb} {resource}" for verb, group, resource in _RIGHTS if not _allowed(kube, verb, group, resource)]
        if denied:
            raise UsageError(
                f"the kubeconfig's user may not {', '.join(denied)} in the cluster at {kube.server}",
                "use a kubeconfig with more rights, or ask the cluster's administrator for the role cluster-admin or an equal one",
            )

    def ensure(self, *, on_progress: Callable[[str], None] | None = None) -> Access:
        """The cluster, after `check`."""
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

    def load_images(self, load: Callable[[Path, Path], None]) -> None:
        """Do nothing: the cluster pulls images from a registry."""

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


def _allowed(kube: Kube, verb: str, group: str, resource: str) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": verb, "group": group, "resource": resource}},
    }
    answer = kube.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, timeout=_TIMEOUT_SECONDS)
    return bool(answer.get("status", {}).get("allowed"))

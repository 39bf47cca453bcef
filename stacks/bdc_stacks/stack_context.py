"""What every component of one cluster shares: its name, images, network, and the objects' common metadata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bdc.config.names import NAMENODE_HTTP_PORT, labels, namenode_hosts
from bdc.config.workloads import Endpoint

if TYPE_CHECKING:
    from bdc.config.model import Network


@dataclass(frozen=True)
class StackContext:
    """Where a cluster stands.

    images: full reference by image name. addresses: names and addresses that users reach the endpoints at, written into certificates, as
    are the names of `services` (bdc.config.workloads.certified_names).
    nodes: the nodes' own addresses, where the API server's connections to pods come from.
    pull_login: text of the Secret `pull_secret`, a registry's login as docker's config.json has it.
    revisions: by (Secret, key) what stands for the value that is in the cluster: pods whose Secrets have others now roll.
    """

    cluster: str
    images: Mapping[str, str]
    network: Network
    services: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    storage_class: str | None = None
    pull_secret: str | None = None
    pull_login: str | None = field(default=None, repr=False)
    revisions: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """The namespace is the cluster's name."""
        return self.cluster

    @property
    def namenode(self) -> str:
        """Where scripts of the stacks' Jobs have the NameNode's WebHDFS: host and port."""
        return f"{namenode_hosts(self.namespace)[0]}:{NAMENODE_HTTP_PORT}"

    def metadata(self, name: str, part: str, component: str | None = None, **more: object) -> dict[str, object]:
        """Metadata of a namespaced object."""
        return {"name": name, "namespace": self.namespace, "labels": labels(self.cluster, part, component or name), **more}

    def hosts(self) -> list[str]:
        """DNS names and addresses of the endpoints' certificate, sorted."""
        names = {"localhost", "127.0.0.1", *self.addresses}
        for service in self.services:
            where = f"{service}.{self.namespace}.svc"
            names |= {where} if service.startswith("*") else {service, f"{service}.{self.namespace}", where, f"{where}.cluster.local"}
        return sorted(names)

    @property
    def tls(self) -> str:
        """Name of the Secret with the endpoints' certificate: another set of names is another certificate, so pods that use it roll."""
        return f"tls-{digest(self.hosts())}"

    def service_type(self) -> str | None:
        """Type of the endpoints' Services; None where nothing is exposed."""
        return {"nodeport": "NodePort", "loadbalancer": "LoadBalancer", "none": None}[self.network.expose]

    def endpoint_port(self, endpoint: Endpoint) -> dict[str, object]:
        """The port of an exposed endpoint's Service."""
        port: dict[str, object] = {"name": "endpoint", "port": endpoint.port, "targetPort": endpoint.target, "protocol": "TCP"}
        if self.network.expose == "nodeport":
            port["nodePort"] = endpoint.port
        return port


def port(name: str, number: int) -> dict[str, object]:
    """A Service's port, with all fields that somebody could edit, so that `plan` sees when somebody did."""
    return {"name": name, "port": number, "targetPort": number, "protocol": "TCP"}


def digest(value: object) -> str:
    """Eight hex digits that stand for a value; used where a change of configuration must roll pods."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:8]

"""Where a cluster's endpoints answer from here, and what it takes to get in.

An endpoint is reached at its address where it is exposed and answers; otherwise through the Kubernetes API (`portforward`). All show
certificates of the cluster's own CA, which cover the addresses, `localhost` and 127.0.0.1.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bdc.config import workloads
from bdc.config.names import CA, CREDENTIALS, ROTATION, pool_token, selector
from bdc.config.secret_data import texts
from bdc.config.workloads import Endpoint
from bdc.errors import BdcError, NotFoundError, UnhealthyError
from bdc.kube.client import Kube
from bdc.kube.connection import Credentials, EndpointConnection, SecretStr
from bdc.kube.errors import ApiNotFoundError
from bdc.kube.tls import authority_file

if TYPE_CHECKING:
    from bdc.config.model import Config

ROLE = "bdc.dev/role"
"""Label that Patroni keeps on the master's pods: primary or replica."""

CONNECT_SECONDS = 2.0


def endpoints(kube: Kube, config: Config) -> tuple[Endpoint, ...]:
    """Those of this cluster. An ordinary user, who has no bdc.yaml, also knows those of the day of `bdc context export`."""
    there = workloads.endpoints(config)
    known = kube.person.addresses if kube.person else {}
    return tuple(one for one in workloads.ENDPOINTS if one in there or one.name in known)


def endpoint(name: str, among: Sequence[Endpoint] | None = None) -> Endpoint:
    """The endpoint of that name, of all or of these; raises NotFoundError."""
    known = workloads.ENDPOINTS if among is None else among
    for one in known:
        if one.name == name:
            return one
    raise NotFoundError(f"there is no endpoint {name}", f"endpoints are {', '.join(one.name for one in known)}")


def credentials(kube: Kube, cluster: str) -> Credentials:
    """The cluster's user, password, token and CA, or an ordinary user's own; raises NotFoundError when there is no such cluster."""
    if person := kube.person:
        return Credentials(person.name, SecretStr(person.password), None, person.ca)
    user, authority = _secret(kube, cluster, CREDENTIALS), _secret(kube, cluster, CA)
    return Credentials(user["username"], SecretStr(user["password"]), SecretStr(user["token"]), authority["ca.crt"])


def connect_token(kube: Kube, cluster: str, pool: str) -> SecretStr:
    """The token of a pool's Spark Connect. Raises NotFoundError where it has none."""
    missing = NotFoundError(f"there is no Spark Connect in the pool {pool}", f"set spark.pools.{pool}.connect; bdc up")
    if person := kube.person:
        if pool not in person.tokens:
            raise missing
        return SecretStr(person.tokens[pool])
    try:
        return SecretStr(_secret(kube, cluster, pool_token(pool))["token"])
    except NotFoundError:
        raise missing from None


def rotating(kube: Kube, cluster: str) -> bool:
    """Whether a rotation of the cluster's credentials goes on, or was interrupted."""
    try:
        return bool(kube.request("GET", f"/api/v1/namespaces/{cluster}/secrets/{ROTATION}"))
    except ApiNotFoundError:
        return False


def certificate_authority(kube: Kube, cluster: str) -> str:
    """The cluster's CA certificate, PEM."""
    if kube.person:
        return kube.person.ca
    return _secret(kube, cluster, CA)["ca.crt"]


def addresses(kube: Kube, config: Config, name: str | None = None) -> list[str]:
    """Where exposed endpoints answer: network.address, else the load balancer's ingress, else the nodes; empty when not exposed.

    Every endpoint has a load balancer of its own, so with `loadbalancer` its `name` matters; without one it is the first that has any.
    An ordinary user may not ask for them, and knows those of the day of `bdc context export`.
    """
    if person := kube.person:
        return list(person.addresses.get(name or workloads.ENDPOINTS[0].name, ()))
    if config.network.expose == "none":
        return []
    if config.network.address:
        return [config.network.address]
    if config.network.expose == "loadbalancer":
        names = [name] if name else [one.name for one in workloads.endpoints(config)]
        return next((found for one in names if (found := _ingress(kube, config.name, one))), [])
    nodes = kube.request("GET", "/api/v1/nodes")["items"]
    for kind in ("ExternalIP", "InternalIP"):
        if found := [one["address"] for node in nodes for one in node["status"].get("addresses") or [] if one["type"] == kind]:
            return found
    return []


def reached_alike(kube: Kube, config: Config) -> bool:
    """Whether all endpoints have the same `addresses`."""
    return kube.person is None and config.network.expose != "loadbalancer"


@contextmanager
def reach(kube: Kube, config: Config, name: str, *, authority: str | None = None) -> Iterator[EndpointConnection]:
    """Make an endpoint connectable: at its own address when that answers within 2 s, else by a forwarded port.

    `authority` is the cluster's CA certificate, PEM, which is asked for where it isn't given.
    """
    wanted = endpoint(name)
    with authority_file(authority or certificate_authority(kube, config.name)) as ca_file:
        for address in addresses(kube, config, name):
            if _answers(address, wanted.port):
                yield EndpointConnection(address, wanted.port, server_name(kube, config, name, address), ca_file)
                return
        if kube.person:  # whom the API server lets into no pod of the cluster's own
            tried = ", ".join(addresses(kube, config, name)) or "nothing: it was not exposed"
            raise UnhealthyError(
                f"{wanted.title} is not reachable (tried {tried})", "if the cluster has moved, ask for a new file of its context"
            )
        with forwarded(kube, config, name) as (host, port):
            yield EndpointConnection(host, port, "localhost", ca_file, forwarded=True)


@contextmanager
def forwarded(kube: Kube, config: Config, name: str, **options: Any) -> Iterator[tuple[str, int]]:
    """A local port that leads to the endpoint's pods; `options` are those of `portforward.forward`."""
    from bdc.kube.portforward import forward  # it brings an event loop

    wanted = endpoint(name)
    with forward(kube, config.name, pods_of(config, wanted), wanted.target, **options) as local:
        yield local


def server_name(kube: Kube, config: Config, name: str, address: str) -> str:
    """What an endpoint's certificate is checked against: it covers nodes and network.address, and not a cloud's load balancers."""
    named = kube.person.named if kube.person else certified(config)
    return address if named else name


def certified(config: Config) -> bool:
    """Whether the certificate covers the addresses at which endpoints are exposed."""
    return bool(config.network.address) or config.network.expose == "nodeport"


def pods_of(config: Config, wanted: Endpoint) -> Mapping[str, str]:
    """The labels of the pods behind an endpoint, as its Service selects them."""
    labels = selector(config.name, wanted.workload)
    if wanted.name == "master":
        labels[ROLE] = "primary"
    elif wanted.name == "master-ro" and config.master.replicas > 1:
        labels[ROLE] = "replica"
    return labels


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), CONNECT_SECONDS):
            return True
    except OSError:
        return False


def _secret(kube: Kube, cluster: str, name: str) -> dict[str, str]:
    try:
        data = kube.request("GET", f"/api/v1/namespaces/{cluster}/secrets/{name}").get("data")
    except ApiNotFoundError as error:
        raise NotFoundError(f"there is no cluster {cluster} here: its Secret {name} is missing", "make it: bdc up") from error
    try:
        return texts(data)
    except ValueError:
        raise BdcError(f"the Secret {name} in namespace {cluster} can't be read") from None


def _ingress(kube: Kube, cluster: str, name: str) -> list[str]:
    try:
        service = kube.request("GET", f"/api/v1/namespaces/{cluster}/services/{name}-external")
    except ApiNotFoundError:
        return []
    entries = service.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    return [str(entry.get("hostname") or entry["ip"]) for entry in entries]

"""The catalogue of what a cluster consists of: its parts, their workloads, and the endpoints.

All that has to know something of every workload reads it here: preflight what it requests, `plan` what restarts, the stacks who may connect
and which names the certificate has, `status` what to look at, a rotation what to restart. What else a new workload needs is in
docs/contributing.md. Readers take the tuples from this module each time, as a test puts others there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bdc.config.quantity import size

if TYPE_CHECKING:
    from bdc.config.dotted import Plain
    from bdc.config.model import Config

Credential = Literal["password", "token", "internal", "certificates", "ca"]
"""What `bdc credentials rotate` replaces."""

_CERTIFIED: frozenset[Credential] = frozenset({"certificates", "ca"})
_TRUSTING: frozenset[Credential] = frozenset({"ca"})


@dataclass(frozen=True)
class Part:
    """A part of the cluster. `needs`: the part that must be ready before its first object is made (bdc_stacks.platform).
    `optional`: a cluster may be without it; its workloads have a `when` then."""

    name: str
    title: str
    needs: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Workload:
    """A Deployment or StatefulSet of a part. `resources`, `count`, `when` and `volume` are dotted keys of bdc.yaml."""

    name: str
    part: str
    kind: Literal["StatefulSet", "Deployment"]
    title: str
    resources: str
    """The section with its pods' CPU and memory."""
    count: str = ""
    """The key of its number of replicas; one without."""
    when: str = ""
    """The key whose value says whether it is there: true, a number above 0, or a mapping with something in it. Without one it always is."""
    volume: str = ""
    """The key of the size of each replica's volume."""
    auth_proxy: bool = False
    """Whether its pods have HAProxy before them, which asks for passwords (bdc_stacks.auth_proxy)."""
    restarts_on: frozenset[Credential] = frozenset()
    """The credentials whose rotation restarts its pods: those in the Secrets that its component gives them."""
    from_pools: tuple[int, ...] = ()
    """Ports that applications of the Spark pools connect to."""
    from_nodes: tuple[int, ...] = ()
    """Ports that the API server connects to, for `bdc status` and `bdc spark`."""
    services: tuple[str, ...] = ()
    """Services whose names the endpoints' certificate has; `*.` before one stands for the names of its pods."""

    @property
    def optional(self) -> bool:
        """Whether a cluster may be without it."""
        return bool(self.when)

    def replicas(self, config: Config) -> int:
        """How many pods it has; 0 where it isn't there."""
        if self.when and not value(config, self.when):
            return 0
        return int(value(config, self.count)) if self.count else 1

    def asked_for(self, settings: Mapping[str, Plain]) -> bool:
        """Whether settings by dotted key have it there, as those that `up` applied; one that they don't know of isn't."""
        return not self.when or bool(settings.get(self.when)) or any(key.startswith(f"{self.when}.") for key in settings)


@dataclass(frozen=True)
class Endpoint:
    """An address of a cluster that has its workload: Service `<name>-external` at `port` when exposed; always reachable by `bdc connect`.

    `target` is the pod's port.
    """

    name: str
    part: str
    scheme: str
    port: int
    workload: str
    target: int
    title: str


PARTS: tuple[Part, ...] = (
    Part("storage", "storage pool"),
    Part("master", "SQL master"),
    Part("metastore", "metastore", needs="master"),
    Part("federation", "federation"),
    Part("spark", "Spark pool", needs="storage"),
)

WORKLOADS: tuple[Workload, ...] = (
    Workload(
        "namenode", "storage", "StatefulSet", "NameNode", "storage.namenode",
        count="storage.namenodes", volume="storage.namenode_volume", from_pools=(8020,), from_nodes=(9870,),
    ),
    Workload(
        "datanode", "storage", "StatefulSet", "DataNode", "storage.datanode",
        count="storage.datanodes", volume="storage.datanode_volume", from_pools=(9866,),
    ),
    Workload(
        "httpfs", "storage", "Deployment", "HttpFS", "storage.httpfs",
        auth_proxy=True, restarts_on=_CERTIFIED | {"password"}, services=("httpfs",),
    ),
    Workload(
        "master", "master", "StatefulSet", "PostgreSQL", "master.resources",
        count="master.replicas", volume="master.volume", restarts_on=_CERTIFIED | {"internal"}, from_nodes=(8008,),
        services=("master", "*.master-pods"),
    ),
    Workload(
        "metastore", "metastore", "Deployment", "Hive Metastore", "metastore.resources",
        count="metastore.replicas", restarts_on=_TRUSTING | {"internal"}, from_pools=(9083,),
    ),
    Workload(
        "trino-coordinator", "federation", "Deployment", "Trino coordinator", "federation.coordinator",
        restarts_on=_CERTIFIED | {"internal"},
    ),
    Workload(
        "trino-worker", "federation", "Deployment", "Trino worker", "federation.worker",
        count="federation.workers", when="federation.workers", restarts_on=_CERTIFIED | {"internal"},
    ),
    Workload(
        "reconciler", "federation", "Deployment", "external tables", "federation.reconciler",
        restarts_on=_TRUSTING | {"password", "internal"},
    ),
    Workload(
        "sql-gateway", "federation", "Deployment", "SQL gateway", "federation.gateway",
        count="federation.gateways", restarts_on=_CERTIFIED | {"internal"}, services=("sql-gateway",),
    ),
    Workload(
        "spark-history", "spark", "Deployment", "history server", "spark.history",
        auth_proxy=True, restarts_on=_CERTIFIED | {"password"}, from_nodes=(18080,), services=("spark-history",),
    ),
    Workload(
        "spark-connect", "spark", "Deployment", "Spark Connect", "spark.connect",
        auth_proxy=True, restarts_on=_CERTIFIED | {"token"}, services=("spark-connect",),
    ),
    Workload("controller", "spark", "Deployment", "bdc's controller", "spark.controller", when="spark.pools"),
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("master", "master", "postgresql", 31433, "master", 5432, "SQL master, read-write"),
    Endpoint("master-ro", "master", "postgresql", 31436, "master", 5432, "SQL master, read-only"),
    Endpoint("sql", "federation", "postgresql", 31435, "sql-gateway", 5432, "federation, for PostgreSQL's clients"),
    Endpoint("trino", "federation", "https", 31880, "trino-coordinator", 8443, "federation (Trino)"),
    Endpoint("httpfs", "storage", "https", 31870, "httpfs", 8443, "HDFS (HttpFS, WebHDFS protocol)"),
    Endpoint("connect", "spark", "sc", 31002, "spark-connect", 8443, "Spark Connect"),
    Endpoint("history", "spark", "https", 31808, "spark-history", 8443, "Spark history server"),
)
"""All that a cluster can have: TLS from the cluster's CA, and a password or token, at every one."""


def value(config: Config, key: str) -> Any:
    """What bdc.yaml says at a dotted key."""
    found: Any = config
    for name in key.split("."):
        found = getattr(found, name)
    return found


def volumes(config: Config) -> int:
    """Bytes that all volumes together may grow to."""
    return sum(one.replicas(config) * size(value(config, one.volume)) for one in WORKLOADS if one.volume)


def endpoints(config: Config) -> tuple[Endpoint, ...]:
    """The endpoints of the workloads that are there."""
    there = {one.name for one in WORKLOADS if one.replicas(config)}
    return tuple(one for one in ENDPOINTS if one.workload in there)


def certified_names(config: Config) -> tuple[str, ...]:
    """The Services whose names the endpoints' certificate has, sorted; `*.` before one stands for the names of its pods."""
    services = {name for one in WORKLOADS if one.replicas(config) for name in one.services}
    return tuple(sorted({*(one.name for one in endpoints(config)), *services}))

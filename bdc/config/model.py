"""The schema of bdc.yaml: every field with its default, unit and description.

One strict model validates the file, types the Pulumi components and generates the configuration reference. Defaults here are
those of the profile `local`: everything once, on one node with 2 cores and 8 GB. Other profiles are overlays (profiles/*.yaml).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from bdc.config.measures import Cpu, CpuBound, Size
from bdc.config.quantity import size

FIXED: JsonDict = {"x-change": "fixed"}
"""Marks a field that can't change once the cluster has volumes: `plan` and `up` refuse (bdc.lifecycle.last_applied)."""

GROWS: JsonDict = {"x-change": "grows"}
"""Marks a number that can be raised but not lowered."""

Name = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$")]


class Section(BaseModel):
    """A part of bdc.yaml: unknown keys are errors, values don't change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Resources(Section):
    """What one pod asks of its node. Memory above `memory` and up to `memory_limit` is used when the node has it."""

    cpu: Cpu = Field(description="CPU request, in cores or millicores. There is no CPU limit: idle cores are used.")
    memory: Size = Field(description="Memory request.")
    memory_limit: Size = Field(description="Memory limit; the container is killed above it.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if size(self.memory) > size(self.memory_limit):
            msg = f"memory ({self.memory}) is more than memory_limit ({self.memory_limit})"
            raise ValueError(msg)
        return self


def pod(cpu: str, memory: str, limit: str | None = None) -> Resources:
    """Resources in one line: CPU request, memory request, memory limit (the request when not given)."""
    return Resources(cpu=cpu, memory=memory, memory_limit=limit or memory)


class Cluster(Section):
    """Which Kubernetes the cluster runs on."""

    substrate: Literal["auto", "embedded", "existing", "kind"] = Field(
        "auto",
        description="embedded: this host becomes a node by kubeadm. existing: the cluster of a kubeconfig. kind: a kind cluster on "
        "a Docker engine >= 23. auto: existing when a kubeconfig or context is given, else embedded.",
    )
    kubeconfig: str | None = Field(None, description="Path of the kubeconfig of an existing cluster.")
    context: str | None = Field(None, description="Context in that kubeconfig; its current one by default.")
    storage_class: str | None = Field(
        None,
        json_schema_extra=FIXED,
        description="StorageClass of all volumes; by default the substrate's own (embedded: bdc-local) or the cluster's default.",
    )


class Images(Section):
    """Where container images come from."""

    registry: str | None = Field(
        None,
        description="Registry and path that every pod pulls from, e.g. registry.example.org/bdc (push there with "
        "`bdc images push`). Without it, images are built here and loaded into the node.",
    )
    pull_secret: str | None = Field(
        None,
        description="Name of the Secret in the cluster's namespace that pods pull with. `bdc up` makes it from your login at the registry "
        "(docker login); one that is there stays as it is.",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.pull_secret and not self.registry:
            msg = "pull_secret: images come from no registry; set registry too"
            raise ValueError(msg)
        return self


class Engine(Section):
    """How the stacks are run."""

    plugin: Literal["auto", "builtin", "official"] = Field(
        "auto",
        description="Pulumi's plugin for Kubernetes. builtin: the one in bdc, which needs no download. official: the one that "
        "`pulumi plugin install resource kubernetes` gets. auto: the official one where it is installed, else builtin.",
    )
    backend: str | None = Field(
        None,
        description="Address of the Pulumi backend that keeps the stacks' state, e.g. s3://bucket/bdc or https://api.pulumi.com; its "
        "login is what Pulumi itself takes (AWS_*, AZURE_*, PULUMI_ACCESS_TOKEN). By default files of this user, encrypted, with a copy "
        "in the cluster. Set it before the first `bdc up`: the state doesn't move by itself.",
        pattern=r"^[a-z0-9+]+://[^@\s]+$",
    )


class Network(Section):
    """How endpoints are reached from outside the cluster."""

    expose: Literal["nodeport", "loadbalancer", "none"] = Field(
        "nodeport",
        description="nodeport and loadbalancer expose the closed endpoints (TLS and password); none: only `bdc connect`.",
    )
    address: str | None = Field(
        None,
        description="Address or DNS name that users reach the endpoints at, written into certificates and shown by `bdc endpoints`.",
    )
    policies: bool = Field(
        True,
        description="NetworkPolicies: pods of other namespaces reach the closed endpoints only. The network plugin must enforce them.",
    )


class Storage(Section):
    """The storage pool: HDFS."""

    namenodes: int = Field(
        1, ge=1, le=3, json_schema_extra=FIXED, description="NameNodes. More than 1 is HDFS HA (a later release; refused today)."
    )
    datanodes: int = Field(1, ge=1, le=500, json_schema_extra=GROWS, description="DataNodes.")
    replication: int = Field(1, ge=1, le=10, description="Copies of each block; at most the number of DataNodes.")
    block_size: Size = Field("128Mi", description="Block size of new files.")
    namenode_volume: Size = Field("10Gi", json_schema_extra=FIXED, description="Volume of a NameNode: the file system's image and edits.")
    datanode_volume: Size = Field("50Gi", json_schema_extra=FIXED, description="Volume of a DataNode: the blocks.")
    namenode: Resources = Field(default_factory=lambda: pod("50m", "288Mi", "512Mi"), description="Resources of a NameNode.")
    datanode: Resources = Field(default_factory=lambda: pod("50m", "288Mi", "512Mi"), description="Resources of a DataNode.")
    httpfs: Resources = Field(default_factory=lambda: pod("50m", "176Mi", "448Mi"), description="Resources of HttpFS.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.replication > self.datanodes:
            msg = f"datanodes: {self.datanodes} is fewer than replication ({self.replication})"
            raise ValueError(msg)
        if self.namenodes > 1:
            msg = "namenodes: HDFS HA is not in this release; use 1"
            raise ValueError(msg)
        return self


class Master(Section):
    """The SQL master: PostgreSQL under Patroni."""

    replicas: int = Field(1, ge=1, le=9, description="PostgreSQL servers: one leader, the others streaming replicas.")
    synchronous: bool = Field(
        False, description="Commits wait until one replica has them; needs at least 3 replicas to survive a loss and go on."
    )
    data_durability: Literal["required", "preferred"] = Field(
        "required",
        description="When `synchronous` and no replica can have a commit: `required` lets it wait for one, `preferred` goes on without.",
    )
    volume: Size = Field("20Gi", json_schema_extra=FIXED, description="Volume of one server.")
    max_connections: int = Field(100, ge=20, le=10000, description="PostgreSQL's max_connections.")
    resources: Resources = Field(default_factory=lambda: pod("100m", "256Mi", "1Gi"), description="Resources of one server.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.synchronous and self.replicas < 2:
            msg = f"synchronous: needs at least 2 replicas, there is {self.replicas}"
            raise ValueError(msg)
        return self


class Metastore(Section):
    """The Hive Metastore: the one table catalog of Spark and Trino."""

    replicas: int = Field(1, ge=1, le=5, description="Metastore servers; stateless.")
    resources: Resources = Field(default_factory=lambda: pod("50m", "320Mi", "640Mi"), description="Resources of one server.")


class Federation(Section):
    """Trino."""

    workers: int = Field(0, ge=0, le=500, description="Trino workers; with 0 the coordinator works too.")
    coordinator: Resources = Field(default_factory=lambda: pod("150m", "1216Mi", "2304Mi"), description="Resources of the coordinator.")
    worker: Resources = Field(default_factory=lambda: pod("150m", "1216Mi", "2304Mi"), description="Resources of a worker.")
    reconciler: Resources = Field(
        default_factory=lambda: pod("10m", "48Mi", "192Mi"), description="Resources of what makes external tables in Trino."
    )
    gateways: int = Field(1, ge=1, le=50, description="Servers that speak PostgreSQL's protocol; each takes 500 connections.")
    gateway: Resources = Field(
        default_factory=lambda: pod("20m", "80Mi", "512Mi"), description="Resources of a server that speaks PostgreSQL's protocol."
    )


class Pool(Section):
    """A share of the Spark pool: a namespace of its own, which holds its applications to what they may use together."""

    max_cpu: CpuBound | None = Field(
        None,
        description="CPU requests of all its drivers and executors together; an application beyond it waits. With 0 it takes none. No "
        "bound by default.",
    )
    max_memory: Size | None = Field(
        None, description="Memory of all its drivers and executors together; an application beyond it waits. No bound by default."
    )
    priority: int = Field(
        0,
        ge=-1000,
        le=1000,
        description="Whose pods get a place first when the nodes are full; nobody's pods are ended for it. The cluster's own have 0.",
    )
    driver_memory: Size | None = Field(None, description="Heap of a driver unless the application asks otherwise; else the cluster's.")
    executor_memory: Size | None = Field(None, description="Heap of an executor unless the application asks otherwise; else the cluster's.")
    executor_cores: int | None = Field(
        None, ge=1, le=64, description="Task slots of an executor unless the application asks otherwise; else the cluster's."
    )
    cpu: Cpu | None = Field(None, description="CPU request of a driver or executor pod; else the cluster's.")
    min_executors: int = Field(0, ge=0, le=1000, description="Executors that an application keeps unless it asks otherwise.")
    max_executors: int | None = Field(
        None, ge=1, le=1000, description="Executors of an application unless it asks otherwise; else the cluster's."
    )
    idle_seconds: int = Field(30, ge=1, le=86400, description="Seconds without a task after which an executor goes.")
    queue: str | None = Field(
        None,
        pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="A LocalQueue of Kueue in the pool's namespace, which then says when applications begin; instead of the bounds here.",
    )
    connect: bool = Field(False, description="A Spark Connect server of its own, with the cluster's spark.connect resources.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_executors is not None and self.min_executors > self.max_executors:
            msg = f"min_executors ({self.min_executors}) is more than max_executors ({self.max_executors})"
            raise ValueError(msg)
        if self.queue and bounded(self):
            msg = "queue leaves it to Kueue when applications begin; max_cpu and max_memory are bounds that bdc holds them to: choose one"
            raise ValueError(msg)
        return self


def bounded(pool: Pool) -> bool:
    """Whether a pool's applications wait for each other. Not the model's: of one that was kept (bdc.config.kept) there are fields only."""
    return pool.max_cpu is not None or pool.max_memory is not None


PoolName = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,14}[a-z0-9])?$")]


class Spark(Section):
    """The Spark pool."""

    driver_memory: Size = Field("512Mi", description="Heap of an application's driver unless it asks otherwise.")
    executor_memory: Size = Field("512Mi", description="Heap of an executor unless the application asks otherwise.")
    memory_overhead: Size = Field("384Mi", description="Memory of a driver or executor beside its heap (Python workers, native memory).")
    executor_cores: int = Field(2, ge=1, le=64, description="Task slots of an executor unless the application asks otherwise.")
    max_executors: int = Field(2, ge=1, le=1000, description="Executors of an application unless it asks otherwise.")
    cpu: Cpu = Field("100m", description="CPU request of a driver or executor pod; idle cores are used above it.")
    keep_days: int = Field(
        30, ge=1, le=3650, description="Days after which an application that has ended leaves the list, and its event log the history."
    )
    keep_size: Size = Field("10Gi", description="Size of all event logs together; beyond it the oldest of applications that have ended go.")
    pools: dict[PoolName, Pool] = Field(
        default_factory=dict, description="Shares of the Spark pool, by name; without any, applications share all."
    )
    history: Resources = Field(default_factory=lambda: pod("50m", "320Mi", "640Mi"), description="Resources of the history server.")
    connect: Resources = Field(default_factory=lambda: pod("100m", "768Mi", "1408Mi"), description="Resources of a Spark Connect server.")
    connect_hours: int = Field(
        24,
        ge=1,
        le=8760,
        description="Hours after which a Spark Connect server starts anew, as it does when most of its heap is kept: when nobody has a "
        "session, or when no request has run for an hour, or after four hours of waiting for that.",
    )
    controller: Resources = Field(
        default_factory=lambda: pod("10m", "48Mi", "128Mi"),
        description="Resources of bdc's controller, which is there where there are pools.",
    )


class Config(Section):
    """bdc.yaml."""

    name: Name = Field(
        "bdc",
        description="Name of the cluster: its namespace, its stacks; another name is another cluster. At most 40 lower-case letters, "
        "digits and dashes.",
    )
    profile: str = Field("local", description="Profile that the defaults come from: local (8 GB, everything once) or ha.")
    cluster: Cluster = Field(default_factory=Cluster)
    images: Images = Field(default_factory=Images)
    engine: Engine = Field(default_factory=Engine)
    network: Network = Field(default_factory=Network)
    storage: Storage = Field(default_factory=Storage)
    master: Master = Field(default_factory=Master)
    metastore: Metastore = Field(default_factory=Metastore)
    federation: Federation = Field(default_factory=Federation)
    spark: Spark = Field(default_factory=Spark)

    @model_validator(mode="after")
    def _own_namespace(self) -> Self:
        if self.name == "default" or self.name.startswith("kube-"):
            msg = f"name: {self.name} is a namespace of Kubernetes itself; `bdc down` would delete it"
            raise ValueError(msg)
        if "-pool-" in self.name:  # see names.pool_namespace
            msg = f"name: {self.name} could be the namespace of another cluster's pool"
            raise ValueError(msg)
        return self

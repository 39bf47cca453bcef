"""The SQL master: PostgreSQL under Patroni with the Kubernetes API as its consensus store, read-write and read-only services."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from bdc.config.model import Master
from bdc.config.names import (
    COMPONENT,
    CREDENTIALS,
    GATEWAY_ROLE,
    INSTANCE,
    MASTER_CREDENTIALS,
    MASTER_LAG_BYTES,
    ROTATION,
    role_secret,
    selector,
    spark_role,
)
from bdc.config.paths import resources
from bdc.config.quantity import mebibytes
from bdc.config.render import render
from bdc.config.restricted import UIDS
from bdc_stacks import auth_proxy, pods
from bdc_stacks.stack_context import StackContext, digest, port
from bdc_stacks.storage.hdfs import claim

UID = UIDS["postgres"]
ROLE = "bdc.dev/role"
"""Label that Patroni keeps on its pods: `primary` or `replica`."""

_RULES = [
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "list", "patch", "update", "watch", "delete"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "patch", "update", "watch"]},
]


class SqlMaster(pulumi.ComponentResource):
    """PostgreSQL servers under Patroni; applications of Spark, in general and in each of `pools`, have a role there.

    Attributes: `ready` (what to depend on before connecting: roles and databases are there).
    """

    def __init__(self, config: Master, site: StackContext, pools: Sequence[str] = (), opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bdc:master:SqlMaster", "master", None, opts)
        self._config, self._site = config, site
        self._roles = {spark_role(pool): pool for pool in ("", *pools)}
        self._inside = pulumi.ResourceOptions(parent=self)
        self._account()
        self._service("master-pods", {}, headless=True)
        self._service("master", {ROLE: "primary"})
        # With one server it also answers reads; with more, reads go to the replicas.
        self._service("master-ro", {ROLE: "replica"} if config.replicas > 1 else {})
        auth_proxy.outside(site, "master", self._inside, {ROLE: "primary"})
        auth_proxy.outside(site, "master-ro", self._inside, {ROLE: "replica"} if config.replicas > 1 else {})
        servers = self._servers()
        if config.replicas > 1:
            k8s.policy.v1.PodDisruptionBudget(
                "master",
                metadata=self._meta("master"),
                spec={"maxUnavailable": 1, "selector": {"matchLabels": selector(site.cluster, "master")}},
                opts=self._inside,
            )
        self.ready: list[pulumi.Resource] = [self._setup(pulumi.ResourceOptions(parent=self, depends_on=[servers]))]
        self.register_outputs({})

    def _meta(self, name: str, component: str = "master") -> dict[str, object]:
        return self._site.metadata(name, "master", component)

    def _account(self) -> None:
        k8s.core.v1.ServiceAccount("master", metadata=self._meta("master"), opts=self._inside)
        k8s.rbac.v1.Role("master", metadata=self._meta("master"), rules=_RULES, opts=self._inside)
        k8s.rbac.v1.RoleBinding(
            "master",
            metadata=self._meta("master"),
            role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "master"},
            subjects=[{"kind": "ServiceAccount", "name": "master", "namespace": self._site.namespace}],
            opts=self._inside,
        )

    def _service(self, name: str, role: dict[str, str], *, headless: bool = False) -> None:
        spec: dict[str, object] = {
            "selector": {**selector(self._site.cluster, "master"), **role},
            "ports": [port("postgresql", 5432), port("patroni", 8008)],
        }
        if headless:
            spec |= {"clusterIP": "None", "publishNotReadyAddresses": True}
        metadata = self._meta(name) | {"annotations": {"pulumi.com/skipAwait": "true"}}
        k8s.core.v1.Service(name, metadata=metadata, spec=spec, opts=self._inside)

    def _servers(self) -> k8s.apps.v1.StatefulSet:
        of = self._config.resources
        conf = {
            "patroni.yml": render(
                "master/patroni.yml.j2",
                namespace=self._site.namespace,
                cluster=self._site.cluster,
                scope_label=COMPONENT,
                instance_label=INSTANCE,
                max_connections=self._config.max_connections,
                shared_buffers=max(32, mebibytes(of.memory) // 4),
            ),
            "start.py": (resources("manifests") / "master" / "start.py").read_text(),
        }
        config = k8s.core.v1.ConfigMap("master-patroni", metadata=self._meta("master-patroni"), data=conf, opts=self._inside)
        patroni, patroni_mount = pods.config_map("patroni", "master-patroni", "/etc/patroni")
        tls, tls_mount = pods.secret("tls", self._site.tls, pods.TLS_PATH)
        gateway, gateway_mount = pods.secret("gateway", role_secret(GATEWAY_ROLE), "/etc/bdc/gateway", "password")
        run, run_mount = pods.scratch("run", "/run/bdc", memory=True, limit="16Mi")
        tmp, tmp_mount = pods.scratch("tmp", "/tmp", limit="256Mi")  # noqa: S108
        server = pods.container(
            "postgres",
            self._site.images["postgres"],
            of,
            args=["python3", "/etc/patroni/start.py"],
            env=[
                *pods.env(
                    {"PGHOST": "/run/bdc", "HOME": "/run/bdc"},
                    {
                        "PATRONI_SUPERUSER_PASSWORD": (MASTER_CREDENTIALS, "superuser-password"),
                        "PATRONI_REPLICATION_PASSWORD": (MASTER_CREDENTIALS, "replication-password"),
                    },
                    PATRONI_NAME="metadata.name",
                    POD_IP="status.podIP",
                    PATRONI_KUBERNETES_POD_IP="status.podIP",
                ),
                {"name": "PATRONI_RESTAPI_CONNECT_ADDRESS", "value": "$(POD_IP):8008"},
                {"name": "PATRONI_POSTGRESQL_CONNECT_ADDRESS", "value": "$(POD_IP):5432"},
            ],
            ports=[{"name": "postgresql", "containerPort": 5432}, {"name": "patroni", "containerPort": 8008}],
            volumeMounts=[patroni_mount, tls_mount, gateway_mount, run_mount, tmp_mount, {"name": "data", "mountPath": "/data"}],
            # A copy of a large leader may take hours: it only has to be alive meanwhile.
            startupProbe=pods.http("/liveness", 8008, periodSeconds=1, failureThreshold=300),
            # The leader, or a replica that streams from it and has replayed all but this much.
            readinessProbe=pods.http(f"/readiness?lag={MASTER_LAG_BYTES}", 8008, periodSeconds=2, timeoutSeconds=3),
            livenessProbe=pods.http("/liveness", 8008, periodSeconds=10, timeoutSeconds=5, failureThreshold=6),
        )
        volumes = [patroni, tls, gateway, run, tmp]
        return k8s.apps.v1.StatefulSet(
            "master",
            metadata=self._meta("master"),
            spec={
                "serviceName": "master-pods",
                "replicas": self._config.replicas,
                "podManagementPolicy": "Parallel",
                "selector": {"matchLabels": selector(self._site.cluster, "master")},
                "template": pods.template(
                    self._site, "master", "master", UID, [server], volumes, checksum=digest([conf, self._site.tls]),
                    serviceAccountName="master", automountServiceAccountToken=True, terminationGracePeriodSeconds=60,
                ),
                "volumeClaimTemplates": [claim(self._config.volume, self._site)],
            },
            opts=pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(depends_on=[config])),
        )  # fmt: skip

    def _setup(self, options: pulumi.ResourceOptions) -> k8s.batch.v1.Job:
        folder = resources("manifests") / "master"
        files = {"setup.py": (folder / "setup.py").read_text()}
        files |= {file.name: file.read_text() for file in sorted((folder / "migrations").iterdir())}
        config = k8s.core.v1.ConfigMap("master-setup", metadata=self._meta("master-setup", "master-setup"), data=files, opts=self._inside)
        volume, mount = pods.config_map("script", "master-setup", "/opt/bdc")
        tls, tls_mount = pods.secret("tls", self._site.tls, pods.TLS_PATH, "ca.crt")
        # Where a rotation was interrupted, the superuser's password may be the next one already.
        next_password = {"name": ROTATION, "key": f"{MASTER_CREDENTIALS}.superuser-password", "optional": True}
        roles = json.dumps([{"name": role, "schema": pool, "password": _variable(role)} for role, pool in self._roles.items()])
        dynamic = json.dumps(_synchronous(self._config))
        container = pods.container(
            "setup",
            self._site.images["postgres"],
            pods.JOB,
            args=["python3", "/opt/bdc/setup.py"],
            env=[
                *pods.env(
                    {
                        "LEADER": f"master.{self._site.namespace}.svc",
                        "PATRONI_DYNAMIC": dynamic,
                        "SPARK_ROLES": roles,
                        "GATEWAY": f"sql-gateway.{self._site.namespace}.svc",
                        "PGSSLMODE": "verify-full",
                        "PGSSLROOTCERT": f"{pods.TLS_PATH}/ca.crt",
                        "PGCONNECT_TIMEOUT": "5",
                        "HOME": "/tmp",  # noqa: S108
                    },
                    {
                        "PGPASSWORD": (MASTER_CREDENTIALS, "superuser-password"),
                        "BDC_PASSWORD": (CREDENTIALS, "password"),
                        "REPLICATION_PASSWORD": (MASTER_CREDENTIALS, "replication-password"),
                        "METASTORE_PASSWORD": (MASTER_CREDENTIALS, "metastore-password"),
                        "TRINO_PASSWORD": (MASTER_CREDENTIALS, "trino-password"),
                        "GATEWAY_PASSWORD": (role_secret(GATEWAY_ROLE), "password"),
                        **{_variable(role): (role_secret(role), "password") for role in self._roles},
                    },
                ),
                {"name": "NEXT_PASSWORD", "valueFrom": {"secretKeyRef": next_password}},
            ],
            volumeMounts=[mount, tls_mount],
        )
        return k8s.batch.v1.Job(
            "master-setup",
            metadata=self._meta("master-setup", "master-setup"),
            spec={
                "backoffLimit": 4,
                "template": pods.template(
                    self._site, "master", "master-setup", UID, [container], [volume, tls],
                    checksum=digest([files, dynamic, roles]), restartPolicy="OnFailure",
                ),
            },
            opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[config])),
        )  # fmt: skip


def _synchronous(config: Master) -> dict[str, object]:
    """Patroni's settings for whom a commit waits for.

    `quorum`: for any replica, of which the one that has most is the next leader; so one that is frozen neither holds commits up nor is
    promoted behind another. `strict`: a leader without replicas waits for one instead of going on alone.
    """
    strict = config.synchronous and config.data_durability == "required"
    return {"synchronous_mode": "quorum" if config.synchronous else False, "synchronous_mode_strict": strict}


def _variable(role: str) -> str:
    """The variable with a role's password in the Job that makes the roles."""
    return f"{role.upper().replace('-', '_')}_PASSWORD"

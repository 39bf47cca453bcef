"""The federation layer: Trino's coordinator and workers, with the catalogs lake (Delta on HDFS), master (PostgreSQL), tpch,
and external, where views stand for external tables."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from bdc.config.model import Federation, Resources
from bdc.config.names import (
    CREDENTIALS,
    EXTERNAL_CREDENTIALS,
    EXTERNAL_CREDENTIALS_PATH,
    FEDERATION_INTERNAL,
    GATEWAY_ROLE,
    HADOOP_CONF,
    MASTER_CREDENTIALS,
    TRINO_PASSWORDS,
    USERS,
    USERS_OF_TRINO,
    selector,
    spark_role,
)
from bdc.config.quantity import mebibytes
from bdc.config.render import render
from bdc.config.restricted import UIDS
from bdc_stacks import auth_proxy, pods
from bdc_stacks.federation.pgwire import Gateway
from bdc_stacks.metastore import USER
from bdc_stacks.stack_context import StackContext, digest, port

UID = UIDS["trino"]
RECONCILER = "reconciler"
_BDC_UID = UIDS["bdc"]
_BEAT = "/run/bdc/beat"
_PASSWORDS = {
    "password-authenticator.properties": "/etc/bdc/passwords/password.db",
    "users-authenticator.properties": f"/etc/bdc/users/{USERS_OF_TRINO}",
}
"""Whose passwords are in which file: the administrator's, and those of ordinary users."""

_BESIDE_HEAP_MEBIBYTES = 1152
"""What a server needs beside its heap. With a catalog of each kind of source and a dozen of files it had 940: 510 of classes, which stay,
260 of malloc's, 70 of compiled code, and 100 of threads and the collector; 23 more with each catalog of files of HDFS."""
_UNTRACKED_MEBIBYTES = 416 + 300
"""What a coordinator keeps in its heap that belongs to no query's account: 416 were live between queries, with those catalogs, and reading
tpch takes a text of 300 (io.trino.tpch.TextPool). Trino lets queries have the heap less its headroom; without it the process ends.
"""
_DRAIN_SECONDS = 180
_DRAIN = """import time, urllib.request as u
headers = {"Content-Type": "application/json", "X-Trino-User": "bdc"}
u.urlopen(u.Request("http://127.0.0.1:8080/v1/info/state", b'"SHUTTING_DOWN"', headers, method="PUT"), timeout=5)
while True: time.sleep(1)"""
"""A worker takes no more work, ends what it has, and then itself, which ends the wait; it lets those that may write system_information.

https://trino.io/docs/current/admin/graceful-shutdown.html
"""


class TrinoFederation(pulumi.ComponentResource):
    """Trino. Attributes: `ready`."""

    def __init__(self, config: Federation, site: StackContext, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bdc:federation:TrinoFederation", "federation", None, opts)
        self._config, self._site = config, site
        self._inside = pulumi.ResourceOptions(parent=self)
        self._catalogs = {
            f"{name}.properties": render(f"federation/{name}.properties.j2", namespace=site.namespace)
            for name in ("lake", "master", "external", "tpch")
        }
        catalogs = k8s.core.v1.ConfigMap("trino-catalogs", metadata=self._meta("trino-catalogs"), data=self._catalogs, opts=self._inside)
        k8s.core.v1.Service(
            "trino",
            metadata=self._meta("trino", "trino-coordinator") | {"annotations": {"pulumi.com/skipAwait": "true"}},
            spec={
                "selector": selector(site.cluster, "trino-coordinator"),
                "publishNotReadyAddresses": True,
                "ports": [port("http", 8080), port("https", 8443)],
            },
            opts=self._inside,
        )
        auth_proxy.outside(site, "trino", self._inside)
        self.ready: list[pulumi.Resource] = [self._servers("trino-coordinator", 1, config.coordinator, catalogs)]
        if config.workers:
            self.ready.append(self._servers("trino-worker", config.workers, config.worker, catalogs))
        if config.workers > 1:
            k8s.policy.v1.PodDisruptionBudget(
                "trino-worker",
                metadata=self._meta("trino-worker"),
                spec={"maxUnavailable": 1, "selector": {"matchLabels": selector(site.cluster, "trino-worker")}},
                opts=self._inside,
            )
        self._reconciler()
        self.ready.append(Gateway(config, site, self._inside).server)
        self.register_outputs({})

    def _meta(self, name: str, component: str | None = None) -> dict[str, object]:
        return self._site.metadata(name, "federation", component)

    def _etc(self, of: Resources, *, coordinator: bool) -> dict[str, str]:
        heap = heap_mebibytes(of)
        query_memory = heap * 2 // 5
        config = render(
            "federation/config.properties.j2",
            coordinator=coordinator,
            works=self._config.workers == 0,
            namespace=self._site.namespace,
            query_memory=query_memory,
            total_memory=query_memory * max(1, self._config.workers),
            headroom=min(max(heap // 4, _UNTRACKED_MEBIBYTES), heap - query_memory),
        )
        jvm = render("federation/jvm.config.j2", heap=heap, region=32 if heap >= 8192 else 4, code_cache=256 if heap >= 4096 else 112)
        files = {
            "config.properties": config,
            "jvm.config": jvm,
            "node.properties": render("federation/node.properties.j2"),
            "log.properties": render("federation/log.properties.j2"),
            "access-control.properties": render("federation/access-control.properties.j2", rules="/etc/trino/access-rules.json"),
            "access-rules.json": render("federation/access-rules.json.j2", administrator="bdc", gateway=GATEWAY_ROLE, spark=spark_role()),
            "secrets.toml": render("federation/secrets.toml.j2", folder=EXTERNAL_CREDENTIALS_PATH),
        }
        if coordinator:
            for name, file in _PASSWORDS.items():
                files[name] = render("federation/password-authenticator.properties.j2", file=file)
            files["resource-groups.properties"] = render("federation/resource-groups.properties.j2", folder="/etc/trino")
            files["resource-groups.json"] = render("federation/resource-groups.json.j2", administrator="bdc")
        return files

    def _servers(self, name: str, replicas: int, of: Resources, catalogs: k8s.core.v1.ConfigMap) -> k8s.apps.v1.Deployment:
        coordinator = name == "trino-coordinator"
        files = self._etc(of, coordinator=coordinator)
        config = k8s.core.v1.ConfigMap(name, metadata=self._meta(name), data=files, opts=self._inside)
        etc, _ = pods.config_map("etc", name, "/etc/trino")
        volumes = [
            pods.config_map("catalogs", "trino-catalogs", "/etc/trino/catalogs"),
            pods.scratch("catalog", "/etc/trino/catalog", limit="16Mi"),
            pods.config_map("hadoop", HADOOP_CONF, "/etc/hadoop"),
            pods.secret("tls", self._site.tls, pods.TLS_PATH),
            pods.secret("passwords", TRINO_PASSWORDS, "/etc/bdc/passwords"),
            pods.secret("users", USERS, "/etc/bdc/users", USERS_OF_TRINO),
            pods.secret("external", EXTERNAL_CREDENTIALS, EXTERNAL_CREDENTIALS_PATH, optional=True),
            pods.scratch("data", "/data", limit="2Gi"),
            pods.scratch("tmp", "/tmp", limit="512Mi"),  # noqa: S108
        ]
        mounts = [{"name": "etc", "mountPath": f"/etc/trino/{file}", "subPath": file, "readOnly": True} for file in files]
        server = pods.container(
            "trino",
            self._site.images["trino"],
            of,
            env=pods.env(
                {"HADOOP_USER_NAME": USER},
                {"SHARED_SECRET": (FEDERATION_INTERNAL, "shared-secret"), "MASTER_PASSWORD": (MASTER_CREDENTIALS, "trino-password")},
                POD_NAME="metadata.name",
            ),
            ports=[{"name": "http", "containerPort": 8080}, {"name": "https", "containerPort": 8443}],
            volumeMounts=[*mounts, *(mount for _, mount in volumes)],
            startupProbe=pods.starting({"exec": {"command": ["bash", "-c", _STARTED]}, "timeoutSeconds": 5}, 2),
            readinessProbe=pods.http("/v1/info", 8080, periodSeconds=5, timeoutSeconds=5),
            livenessProbe=pods.tcp(8080, periodSeconds=20, failureThreshold=6),
            **({} if coordinator else {"lifecycle": {"preStop": {"exec": {"command": ["python3", "-c", _DRAIN]}}}}),
        )
        return k8s.apps.v1.Deployment(
            name,
            metadata=self._meta(name),
            spec={
                "replicas": replicas,
                "strategy": {"type": "Recreate"} if coordinator else {"type": "RollingUpdate"},
                "selector": {"matchLabels": selector(self._site.cluster, name)},
                "template": pods.template(
                    self._site, "federation", name, UID, [server], [etc, *(volume for volume, _ in volumes)],
                    checksum=digest([files, self._catalogs, self._site.tls]),
                    **({} if coordinator else {"terminationGracePeriodSeconds": _DRAIN_SECONDS}),
                ),
            },
            opts=pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(depends_on=[config, catalogs])),
        )  # fmt: skip

    def _reconciler(self) -> None:
        """Makes external tables; its account may clear out passwords that no credential has any more."""
        site, metadata = self._site, self._meta(RECONCILER)
        k8s.core.v1.ServiceAccount(RECONCILER, metadata=metadata, opts=self._inside)
        rules = [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [EXTERNAL_CREDENTIALS], "verbs": ["get", "patch"]}]
        k8s.rbac.v1.Role(RECONCILER, metadata=metadata, rules=rules, opts=self._inside)
        k8s.rbac.v1.RoleBinding(
            RECONCILER,
            metadata=metadata,
            role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": RECONCILER},
            subjects=[{"kind": "ServiceAccount", "name": RECONCILER, "namespace": site.namespace}],
            opts=self._inside,
        )
        tls, tls_mount = pods.secret("tls", site.tls, pods.TLS_PATH, "ca.crt")
        beat, beat_mount = pods.scratch("beat", _BEAT.rpartition("/")[0], limit="1Mi")
        container = pods.container(
            RECONCILER,
            site.images["bdc"],
            self._config.reconciler,
            args=["bdc.services.reconciler", "--beat", _BEAT, "--ca", f"{pods.TLS_PATH}/ca.crt", site.namespace],
            env=pods.env(
                {"MASTER_USER": "trino"},
                {
                    "MASTER_PASSWORD": (MASTER_CREDENTIALS, "trino-password"),
                    "TRINO_USER": (CREDENTIALS, "username"),
                    "TRINO_PASSWORD": (CREDENTIALS, "password"),
                },
            ),
            volumeMounts=[tls_mount, beat_mount],
            readinessProbe=pods.beats(_BEAT, 5),
            livenessProbe=pods.beats(_BEAT, 30, failureThreshold=10),
        )
        k8s.apps.v1.Deployment(
            RECONCILER,
            metadata=metadata,
            spec={
                "replicas": 1,
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": selector(site.cluster, RECONCILER)},
                "template": pods.template(
                    site, "federation", RECONCILER, _BDC_UID, [container], [tls, beat],
                    checksum=digest(site.tls), serviceAccountName=RECONCILER, automountServiceAccountToken=True,
                ),
            },
            opts=self._inside,
        )  # fmt: skip


def heap_mebibytes(of: Resources) -> int:
    """Trino's heap: the limit less what is beside it, at most four fifths of it."""
    limit = mebibytes(of.memory_limit)
    return max(512, min(limit - _BESIDE_HEAP_MEBIBYTES, limit * 4 // 5))


_STARTED = r"""exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /v1/info HTTP/1.0\r\n\r\n' >&3 && grep -q '"starting":false' <&3"""
"""/v1/info needs no password and answers while the server starts, too, with the same status. Bash takes a fraction of what Python would."""

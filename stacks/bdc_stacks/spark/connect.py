"""A Spark Connect server: the cluster's, behind its auth proxy, or a pool's, to which that proxy leads whoever has the pool's token."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from bdc.config.model import Resources, Spark
from bdc.config.names import (
    APPLICATION,
    CONNECT_PORT,
    CONNECT_SERVICE,
    HADOOP_CONF,
    MASTER_ACCESS,
    MASTER_ACCESS_PATH,
    POOL,
    SPARK_ACCOUNT,
    SPARK_CONF,
    pool_namespace,
    pool_token,
    selector,
)
from bdc.config.paths import resources
from bdc.config.quantity import mebibytes
from bdc_stacks import auth_proxy, pods
from bdc_stacks.metastore import USER
from bdc_stacks.spark.spark_config import UID
from bdc_stacks.stack_context import StackContext, digest

NAME = "spark-connect"
_PORT = 15002
_SCRIPT = "/etc/bdc/connect"


def connect_server(
    config: Spark, site: StackContext, conf: Mapping[str, str], opts: pulumi.ResourceOptions, pool: str = ""
) -> k8s.apps.v1.Deployment:
    """The Deployment, its ConfigMap and Services; `conf` is the data of the ConfigMap `spark-conf` that it runs with."""
    return _Server(config, site, conf, opts, pool).made


class _Server:
    def __init__(self, config: Spark, site: StackContext, conf: Mapping[str, str], opts: pulumi.ResourceOptions, pool: str) -> None:
        self._config, self._site, self._pool, self._opts = config, site, pool, opts
        self._namespace = pool_namespace(site.cluster, pool) if pool else site.namespace
        self._others = [] if pool else [name for name, one in config.pools.items() if one.connect]
        files = {"connect.py": (resources("manifests") / "spark" / "connect.py").read_text(encoding="utf-8")}
        if not pool:
            files["haproxy.cfg"] = self._haproxy()
        metadata = self._meta(NAME)
        files_made = k8s.core.v1.ConfigMap(self._named(NAME), metadata=metadata, data=files, opts=opts)
        self._service()
        self.made = k8s.apps.v1.Deployment(
            self._named(NAME),
            metadata=metadata,
            spec={
                "replicas": 1,
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": selector(site.cluster, NAME)},
                "template": self._template(digest([conf, files, self._settings(), "" if pool else site.tls])),
            },
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[files_made])),
        )

    def _named(self, name: str) -> str:
        return f"{self._pool}-{name}" if self._pool else name

    def _meta(self, name: str) -> dict[str, object]:
        return self._site.metadata(name, "spark", NAME, namespace=self._namespace)

    def _template(self, checksum: str) -> pods.Json:
        site, pool = self._site, self._pool
        spark, spark_mount = pods.config_map("spark", SPARK_CONF, "/etc/spark")
        hadoop, hadoop_mount = pods.config_map("hadoop", HADOOP_CONF, "/etc/hadoop")
        work, work_mount = pods.scratch("work", "/tmp", limit="4Gi")  # noqa: S108
        access, access_mount = pods.secret("master-access", MASTER_ACCESS, MASTER_ACCESS_PATH)
        script = {"name": "script", "configMap": {"name": NAME, "items": [{"key": "connect.py", "path": "connect.py"}]}}
        secret = {"SPARK_CONNECT_AUTHENTICATE_TOKEN": (pool_token(pool), "token")} if pool else None
        port = _PORT if pool else 8443
        server = pods.container(
            "connect",
            site.images["spark"],
            self._config.connect,
            command=["tini", "-s", "--", "python3", f"{_SCRIPT}/connect.py", str(self._config.connect_hours), "/opt/entrypoint", "connect"],
            args=self._settings(),
            env=pods.env(
                {
                    "HADOOP_USER_NAME": self._user,
                    "HOME": "/tmp",  # noqa: S108
                    "CONNECT_HEAP_MEBIBYTES": str(self._heap),
                    "SPARK_DRIVER_MEMORY": f"{self._heap}m",
                    "SPARK_DRIVER_JAVA_OPTS": "-Xlog:gc:file=/tmp/gc.log",
                    "PGPASSFILE": f"{MASTER_ACCESS_PATH}/pgpass",
                    # A pool's network reaches HDFS, but not the NameNode's pages.
                    **({} if pool else {"NAMENODE": site.namenode}),
                },
                secret,
                POD_NAME="metadata.name",
                POD_IP="status.podIP",
            ),
            ports=[{"containerPort": _PORT}],
            volumeMounts=[spark_mount, hadoop_mount, work_mount, access_mount, {"name": "script", "mountPath": _SCRIPT, "readOnly": True}],
            startupProbe=pods.starting(pods.tcp(port), 2),
            readinessProbe=pods.tcp(port, periodSeconds=5) if pool else None,
            livenessProbe=pods.tcp(_PORT, periodSeconds=30, failureThreshold=6)
            if pool
            else pods.http("/bdc/alive", 8443, scheme="HTTPS", periodSeconds=30, failureThreshold=6),
        )
        containers = [{key: value for key, value in server.items() if value is not None}]
        volumes = [spark, hadoop, work, access, script]
        if not pool:
            containers.append(auth_proxy.container(site, "token", pools=self._others))
            volumes += auth_proxy.volumes(site, NAME)
        return pods.template(
            site, "spark", NAME, UID, containers, volumes,
            checksum=checksum, more_labels={APPLICATION: NAME, POOL: pool} if pool else None,
            serviceAccountName=SPARK_ACCOUNT, automountServiceAccountToken=True,
        )  # fmt: skip

    @property
    def _user(self) -> str:
        """Who it is at HDFS and the metastore: sessions of a pool are not the administrator's."""
        return self._namespace if self._pool else USER

    @property
    def _heap(self) -> int:
        """The server's heap in MiB."""
        return heap_mebibytes(self._config.connect)

    def _settings(self) -> list[str]:
        """Settings of the server, which is a driver of its own executors."""
        settings = {
            "spark.app.name": "connect",
            "spark.driver.memory": f"{self._heap}m",
            "spark.driver.host": "$(POD_IP)",
            "spark.driver.bindAddress": "$(POD_IP)",
            "spark.driver.port": "7078",
            "spark.driver.blockManager.port": "7079",
            "spark.kubernetes.driver.pod.name": "$(POD_NAME)",
            "spark.kubernetes.executor.podNamePrefix": "$(POD_NAME)",
            "spark.connect.grpc.binding.address": "$(POD_IP)" if self._pool else "127.0.0.1",
            "spark.connect.grpc.binding.port": str(_PORT),
            "spark.dynamicAllocation.initialExecutors": "0",
            "spark.dynamicAllocation.executorIdleTimeout": "60s",
        }
        if self._pool:
            settings |= {
                "spark.dynamicAllocation.minExecutors": "0",
                "spark.executorEnv.HADOOP_USER_NAME": self._user,
                f"spark.kubernetes.executor.label.{APPLICATION}": NAME,
                f"spark.kubernetes.executor.label.{POOL}": self._pool,
            }
        return [item for key, value in settings.items() for item in ("--conf", f"{key}={value}")]

    def _haproxy(self) -> str:
        # A Spark Connect call lives as long as its query; gRPC keeps the connection busy.
        namespaces = {name: pool_namespace(self._site.cluster, name) for name in self._others}
        where = {name: f"{CONNECT_SERVICE}.{of}.svc.cluster.local:{CONNECT_PORT}" for name, of in namespaces.items()}
        return auth_proxy.configuration(scheme="token", port=_PORT, http2=True, timeout="24h", pools=where)

    def _service(self) -> None:
        """Where sessions find it (the cluster's: through the auth proxy), or the proxy a pool's: inside, whatever is exposed."""
        target = _PORT if self._pool else 8443
        k8s.core.v1.Service(
            self._named(CONNECT_SERVICE),
            metadata=self._meta(CONNECT_SERVICE) | {"annotations": {"pulumi.com/skipAwait": "true"}},
            spec={
                "selector": selector(self._site.cluster, NAME),
                "ports": [{"name": "grpc", "port": CONNECT_PORT, "targetPort": target, "protocol": "TCP"}],
            },
            opts=self._opts,
        )
        if not self._pool:
            auth_proxy.outside(self._site, "connect", self._opts)


def heap_mebibytes(of: Resources) -> int:
    """The server's heap: what the limit leaves beside 640 MiB, at least half of it."""
    limit = mebibytes(of.memory_limit)
    return max(limit - 640, limit // 2)

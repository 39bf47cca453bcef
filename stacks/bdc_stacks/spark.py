"""The Spark pool: what applications share (settings, account), the history server, and a Spark Connect server behind their doors."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from bdc.config.model import Resources, Spark
from bdc.config.names import CONNECT_PORT, CONNECT_SERVICE, HADOOP_CONF, SPARK_ACCOUNT, SPARK_CONF, selector
from bdc.config.quantity import mebibytes
from bdc_stacks import door, pods
from bdc_stacks.metastore import USER
from bdc_stacks.site import Site, digest
from bdc_stacks.spark_applications import UID, account, configuration


class SparkPool(pulumi.ComponentResource):
    """The shared side of Spark on Kubernetes. Attributes: `ready`."""

    def __init__(self, config: Spark, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bdc:spark:SparkPool", "spark", None, opts)
        self._config, self._site = config, site
        self._inside = pulumi.ResourceOptions(parent=self)
        account(site, self._inside)
        self._conf = configuration(config, site)
        shared = k8s.core.v1.ConfigMap(
            SPARK_CONF, metadata=self._meta(SPARK_CONF), data={**self._conf, "bdc-image": site.images["bdc"]}, opts=self._inside
        )
        self.ready: list[pulumi.Resource] = [
            self._server("history", config.history, [], _history_door(), shared),
            self._server("connect", config.connect, _connect_settings(config.connect), _connect_door(), shared),
        ]
        self._sessions()
        self.register_outputs({})

    def _meta(self, name: str, component: str | None = None) -> dict[str, object]:
        return self._site.metadata(name, "spark", component)

    def _server(
        self, endpoint: str, of: Resources, settings: list[str], haproxy: str, shared: k8s.core.v1.ConfigMap
    ) -> k8s.apps.v1.Deployment:
        name = f"spark-{endpoint}"
        limit = mebibytes(of.memory_limit)
        conf = {"haproxy.cfg": haproxy}
        config = k8s.core.v1.ConfigMap(name, metadata=self._meta(name), data=conf, opts=self._inside)
        spark, spark_mount = pods.config_map("spark", SPARK_CONF, "/etc/spark")
        hadoop, hadoop_mount = pods.config_map("hadoop", HADOOP_CONF, "/etc/hadoop")
        work, work_mount = pods.scratch("work", "/tmp", limit="4Gi")  # noqa: S108
        port = {"history": 18080, "connect": 15002}[endpoint]
        server = pods.container(
            endpoint,
            self._site.images["spark"],
            of,
            args=[endpoint, *settings],
            env=pods.env(
                {
                    "HADOOP_USER_NAME": USER,
                    "SPARK_DAEMON_MEMORY": f"{max(limit - 384, limit // 2)}m",
                    "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC -Xss512k",
                    "HOME": "/tmp",  # noqa: S108
                },
                POD_NAME="metadata.name",
                POD_IP="status.podIP",
            ),
            ports=[{"containerPort": port}],
            volumeMounts=[spark_mount, hadoop_mount, work_mount],
            startupProbe=pods.tcp(8443, periodSeconds=2, failureThreshold=150),
            livenessProbe=pods.http("/bdc/alive", 8443, scheme="HTTPS", periodSeconds=30, failureThreshold=6),
        )
        driver = endpoint == "connect"
        deployment = k8s.apps.v1.Deployment(
            name,
            metadata=self._meta(name),
            spec={
                "replicas": 1,
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": selector(self._site.cluster, name)},
                "template": pods.template(
                    self._site, "spark", name, UID, [server, door.container(self._site, "token" if driver else "basic")],
                    [spark, hadoop, work, *door.volumes(self._site, name)],
                    checksum=digest([self._conf, conf, settings, self._site.tls]),
                    serviceAccountName=SPARK_ACCOUNT if driver else "default", automountServiceAccountToken=driver,
                ),
            },
            opts=pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(depends_on=[config, shared])),
        )  # fmt: skip
        door.outside(self._site, endpoint, self._inside)
        return deployment

    def _sessions(self) -> None:
        """Where the sessions of `bdc spark sql` and `shell` find Spark Connect: inside the cluster, whatever is exposed."""
        k8s.core.v1.Service(
            CONNECT_SERVICE,
            metadata=self._meta(CONNECT_SERVICE, "spark-connect") | {"annotations": {"pulumi.com/skipAwait": "true"}},
            spec={
                "selector": selector(self._site.cluster, "spark-connect"),
                "ports": [{"name": "grpc", "port": CONNECT_PORT, "targetPort": 8443, "protocol": "TCP"}],
            },
            opts=self._inside,
        )


def _history_door() -> str:
    return door.configuration(scheme="basic", port=18080, check="/api/v1/version")


def _connect_door() -> str:
    # A Spark Connect call lives as long as its query; gRPC keeps the connection busy.
    return door.configuration(scheme="token", port=15002, http2=True, timeout="24h")


def _connect_settings(of: Resources) -> list[str]:
    """Settings of the Connect server, which is a driver of its own executors."""
    heap = max(mebibytes(of.memory_limit) - 640, mebibytes(of.memory_limit) // 2)
    settings = {
        "spark.app.name": "connect",
        "spark.driver.memory": f"{heap}m",
        "spark.driver.host": "$(POD_IP)",
        "spark.driver.bindAddress": "$(POD_IP)",
        "spark.driver.port": "7078",
        "spark.driver.blockManager.port": "7079",
        "spark.kubernetes.driver.pod.name": "$(POD_NAME)",
        "spark.kubernetes.executor.podNamePrefix": "$(POD_NAME)",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": "15002",
        "spark.dynamicAllocation.initialExecutors": "0",
        "spark.dynamicAllocation.executorIdleTimeout": "60s",
    }
    return [item for key, value in settings.items() for item in ("--conf", f"{key}={value}")]

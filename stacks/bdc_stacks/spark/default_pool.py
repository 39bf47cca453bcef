"""The Spark pool: what applications share (settings, account), the history server, and a Spark Connect server behind their auth proxies."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from bdc.config.model import Resources, Spark, pod
from bdc.config.names import HADOOP_CONF, SPARK_CONF, selector
from bdc.config.paths import resources
from bdc.config.quantity import mebibytes, size
from bdc_stacks import auth_proxy, pods
from bdc_stacks.metastore import USER
from bdc_stacks.spark.connect import connect_server
from bdc_stacks.spark.spark_config import UID, account, configuration
from bdc_stacks.stack_context import StackContext, digest
from bdc_stacks.storage import hdfs

_HISTORY = "spark-history"


class SparkPool(pulumi.ComponentResource):
    """The shared side of Spark on Kubernetes. Attributes: `ready`."""

    def __init__(self, config: Spark, site: StackContext, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bdc:spark:SparkPool", "spark", None, opts)
        self._site = site
        self._inside = pulumi.ResourceOptions(parent=self)
        account(site, self._inside)
        self._conf = configuration(config, site)
        shared = k8s.core.v1.ConfigMap(
            SPARK_CONF, metadata=self._meta(SPARK_CONF), data={**self._conf, "bdc-image": site.images["bdc"]}, opts=self._inside
        )
        after = pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(depends_on=[shared]))
        self._event_logs(config.keep_size)
        self.ready: list[pulumi.Resource] = [self._history(config.history, after), connect_server(config, site, self._conf, after)]
        self.register_outputs({})

    def _meta(self, name: str, component: str | None = None) -> dict[str, object]:
        return self._site.metadata(name, "spark", component)

    def _event_logs(self, most: str) -> None:
        """Every hour the oldest go, where all together are too large; by their age the history server removes them."""
        name, script = "event-logs", (resources("manifests") / "spark" / "event_logs.py").read_text(encoding="utf-8")
        config = k8s.core.v1.ConfigMap(name, metadata=self._meta(name), data={"event_logs.py": script}, opts=self._inside)
        volume, mount = pods.config_map("script", name, "/opt/bdc")
        container = pods.container(
            name,
            self._site.images["hadoop"],
            pod("10m", "32Mi", "128Mi"),
            command=["tini", "--", "python3", "/opt/bdc/event_logs.py"],
            env=pods.env({"NAMENODE": self._site.namenode, "USER": USER, "LIMIT": str(size(most))}),
            volumeMounts=[mount],
        )
        template = pods.template(self._site, "spark", name, hdfs.UID, [container], [volume], checksum=digest(script), restartPolicy="Never")
        k8s.batch.v1.CronJob(
            name,
            metadata=self._meta(name),
            spec={
                "schedule": "17 * * * *",
                "concurrencyPolicy": "Forbid",
                "successfulJobsHistoryLimit": 1,
                "failedJobsHistoryLimit": 1,
                "jobTemplate": {"spec": {"backoffLimit": 1, "activeDeadlineSeconds": 1800, "template": template}},
            },
            opts=pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(depends_on=[config])),
        )

    def _history(self, of: Resources, after: pulumi.ResourceOptions) -> k8s.apps.v1.Deployment:
        limit = mebibytes(of.memory_limit)
        conf = {"haproxy.cfg": auth_proxy.configuration(scheme="basic", port=18080, check="/api/v1/version")}
        config = k8s.core.v1.ConfigMap(_HISTORY, metadata=self._meta(_HISTORY), data=conf, opts=self._inside)
        spark, spark_mount = pods.config_map("spark", SPARK_CONF, "/etc/spark")
        hadoop, hadoop_mount = pods.config_map("hadoop", HADOOP_CONF, "/etc/hadoop")
        work, work_mount = pods.scratch("work", "/tmp", limit="4Gi")  # noqa: S108
        server = pods.container(
            "history",
            self._site.images["spark"],
            of,
            args=["history"],
            env=pods.env(
                {
                    "HADOOP_USER_NAME": USER,
                    "SPARK_DAEMON_MEMORY": f"{max(limit - 384, limit // 2)}m",
                    "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC -Xss512k",
                    "HOME": "/tmp",  # noqa: S108
                }
            ),
            ports=[{"containerPort": 18080}],
            volumeMounts=[spark_mount, hadoop_mount, work_mount],
            startupProbe=pods.starting(pods.tcp(8443), 2),
            livenessProbe=pods.http("/bdc/alive", 8443, scheme="HTTPS", periodSeconds=30, failureThreshold=6),
        )
        deployment = k8s.apps.v1.Deployment(
            _HISTORY,
            metadata=self._meta(_HISTORY),
            spec={
                "replicas": 1,
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": selector(self._site.cluster, _HISTORY)},
                "template": pods.template(
                    self._site, "spark", _HISTORY, UID, [server, auth_proxy.container(self._site, "basic")],
                    [spark, hadoop, work, *auth_proxy.volumes(self._site, _HISTORY)], checksum=digest([self._conf, conf, self._site.tls]),
                ),
            },
            opts=pulumi.ResourceOptions.merge(after, pulumi.ResourceOptions(depends_on=[config])),
        )  # fmt: skip
        auth_proxy.outside(self._site, "history", self._inside)
        return deployment

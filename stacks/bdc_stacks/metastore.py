"""The Hive Metastore: the one table catalog of Spark and Trino, on the master."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from bdc.config.model import Metastore
from bdc.config.names import HADOOP_CONF, MASTER_CREDENTIALS, NAMESERVICE, selector
from bdc.config.quantity import mebibytes
from bdc.config.render import render
from bdc.config.restricted import UIDS
from bdc_stacks import pods
from bdc_stacks.stack_context import StackContext, digest, port

UID = UIDS["hive-metastore"]
USER = "bdc"
"""The HDFS user of the engines: until there is Kerberos they are one trust domain, and tables belong to one name."""


class HiveMetastore(pulumi.ComponentResource):
    """Metastore servers. Attributes: `ready`."""

    def __init__(self, config: Metastore, site: StackContext, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bdc:metastore:HiveMetastore", "metastore", None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        meta = site.metadata("metastore", "metastore")
        conf = {
            "metastore-site.xml": render("metastore/metastore-site.xml.j2", namespace=site.namespace, nameservice=NAMESERVICE),
        }
        config_map = k8s.core.v1.ConfigMap("metastore", metadata=meta, data=conf, opts=inside)
        limit = mebibytes(config.resources.memory_limit)
        hadoop, hadoop_mount = pods.config_map("hadoop", HADOOP_CONF, "/etc/hadoop")
        own, own_mount = pods.config_map("metastore", "metastore", "/etc/metastore")
        tls, tls_mount = pods.secret("tls", site.tls, pods.TLS_PATH, "ca.crt")
        tmp, tmp_mount = pods.scratch("tmp", "/tmp", limit="256Mi")  # noqa: S108
        shared = {
            "env": pods.env(
                {
                    "BDC_JVM_OPTS": f"-Xmx{max(limit - 320, limit * 2 // 5)}m",
                    "HADOOP_USER_NAME": USER,
                    "PGSSLROOTCERT": f"{pods.TLS_PATH}/ca.crt",
                },
                {"METASTORE_DB_PASSWORD": (MASTER_CREDENTIALS, "metastore-password")},
            ),
            "volumeMounts": [hadoop_mount, own_mount, tls_mount, tmp_mount],
        }
        image = site.images["hive-metastore"]
        schema = pods.container("schema", image, config.resources, args=["schema"], **shared)
        server = pods.container(
            "metastore",
            image,
            config.resources,
            args=["serve"],
            ports=[{"name": "thrift", "containerPort": 9083}],
            startupProbe=pods.starting(pods.tcp(9083)),
            readinessProbe=pods.tcp(9083, periodSeconds=5),
            livenessProbe=pods.tcp(9083, periodSeconds=20, failureThreshold=6),
            **shared,
        )
        k8s.core.v1.Service(
            "metastore",
            metadata=meta | {"annotations": {"pulumi.com/skipAwait": "true"}},
            spec={"selector": selector(site.cluster, "metastore"), "ports": [port("thrift", 9083)]},
            opts=inside,
        )
        deployment = k8s.apps.v1.Deployment(
            "metastore",
            metadata=meta,
            spec={
                "replicas": config.replicas,
                "selector": {"matchLabels": selector(site.cluster, "metastore")},
                "template": pods.template(
                    site, "metastore", "metastore", UID, [server], [hadoop, own, tls, tmp],
                    checksum=digest([conf, site.tls]), initContainers=[schema],
                ),
            },
            opts=pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[config_map])),
        )  # fmt: skip
        if config.replicas > 1:
            k8s.policy.v1.PodDisruptionBudget(
                "metastore",
                metadata=meta,
                spec={"maxUnavailable": 1, "selector": {"matchLabels": selector(site.cluster, "metastore")}},
                opts=inside,
            )
        self.ready: list[pulumi.Resource] = [deployment]
        self.register_outputs({})

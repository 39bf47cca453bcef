"""The storage pool: HDFS NameNode and DataNodes, the cluster's folders, and HttpFS behind its authenticating proxy."""

from __future__ import annotations

import json

import pulumi
import pulumi_kubernetes as k8s

from bdc.config.model import Resources, Storage
from bdc.config.names import DRIVERS, HADOOP_CONF, NAMENODE_HTTP_PORT, NAMESERVICE, namenode_hosts, selector
from bdc.config.paths import resources
from bdc.config.quantity import mebibytes, size
from bdc.config.render import render
from bdc.config.restricted import UIDS
from bdc_stacks import auth_proxy, pods
from bdc_stacks.data import IDENTITY
from bdc_stacks.stack_context import StackContext, digest, port

UID = UIDS["hadoop"]
FOLDERS = {
    "/": ("bdc", "755"),
    "/tmp": ("hdfs", "1777"),  # noqa: S108
    "/user": ("bdc", "755"),
    "/user/bdc": ("bdc", "755"),
    "/warehouse": ("bdc", "1777"),
    "/spark": ("bdc", "755"),
    "/spark/staging": ("bdc", "755"),
    "/spark-events": ("bdc", "1777"),
    "/data": ("bdc", "755"),
    DRIVERS: ("bdc", "755"),
}
"""Owner and permission of each folder that every cluster has. The administrator, bdc, makes more of them at the top: nobody from outside is
HDFS's superuser."""

_READ, _OWN = "default:user::rwx,default:group::r-x,default:other::r-x", "default:user::rwx,default:group::---,default:other::---"
_ACLS = {"/spark-events": f"{_OWN},default:user:bdc:rwx", "/warehouse": f"{_READ},default:user:bdc:rwx"}
"""The history server reads the event logs of everybody's applications, and the administrator has a hand in everybody's tables."""


class StoragePool(pulumi.ComponentResource):
    """HDFS under the nameservice hdfs://bdc. Attributes: `ready` (what to depend on before using the file system), `configuration`
    (data of the ConfigMap by which clients find it)."""

    def __init__(self, config: Storage, site: StackContext, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bdc:storage:StoragePool", "storage", None, opts)
        self._config, self._site = config, site
        self._inside = pulumi.ResourceOptions(parent=self)
        self.configuration = self._configuration()
        self._hadoop = k8s.core.v1.ConfigMap(HADOOP_CONF, metadata=self._meta(HADOOP_CONF), data=self.configuration, opts=self._inside)
        after = pulumi.ResourceOptions(parent=self, depends_on=[self._hadoop])
        self._service("namenode", {"rpc": 8020, "http": NAMENODE_HTTP_PORT})
        self._service("datanode", {"data": 9866, "http": 9864, "ipc": 9867})
        namenode = self._stateful("namenode", config.namenodes, config.namenode, 8020, after)
        datanode = self._stateful("datanode", config.datanodes, config.datanode, 9864, after)
        self._disruption("namenode", config.namenodes)
        self._disruption("datanode", config.datanodes)
        folders = self._folders()
        self._httpfs(pulumi.ResourceOptions(parent=self, depends_on=[namenode]))
        self.ready: list[pulumi.Resource] = [namenode, datanode, folders]
        self.register_outputs({})

    def _meta(self, name: str, component: str | None = None) -> dict[str, object]:
        return self._site.metadata(name, "storage", component)

    def _configuration(self) -> dict[str, str]:
        values = {
            "nameservice": NAMESERVICE,
            "namenodes": namenode_hosts(self._site.namespace, self._config.namenodes),
            "http_port": NAMENODE_HTTP_PORT,
            "datanodes": self._config.datanodes,
            "replication": self._config.replication,
            "block_size": size(self._config.block_size),
        }
        return {
            "core-site.xml": render("storage/core-site.xml.j2", **values),
            "hdfs-site.xml": render("storage/hdfs-site.xml.j2", **values),
            "log4j.properties": render("storage/log4j.properties.j2"),
        }

    def _service(self, name: str, ports: dict[str, int]) -> None:
        k8s.core.v1.Service(
            name,
            metadata=self._meta(name),
            spec={
                "clusterIP": "None",
                "publishNotReadyAddresses": True,
                "selector": selector(self._site.cluster, name),
                "ports": [port(key, number) for key, number in ports.items()],
            },
            opts=self._inside,
        )

    def _disruption(self, name: str, replicas: int) -> None:
        if replicas > 1:
            k8s.policy.v1.PodDisruptionBudget(
                name,
                metadata=self._meta(name),
                spec={"maxUnavailable": 1, "selector": {"matchLabels": selector(self._site.cluster, name)}},
                opts=self._inside,
            )

    def _stateful(self, name: str, replicas: int, of: Resources, port: int, options: pulumi.ResourceOptions) -> k8s.apps.v1.StatefulSet:
        hadoop, hadoop_mount = pods.config_map("hadoop", HADOOP_CONF, "/etc/hadoop")
        tmp, tmp_mount = pods.scratch("tmp", "/tmp", limit="256Mi")  # noqa: S108
        container = pods.container(
            name,
            self._site.images["hadoop"],
            of,
            args=[name],
            env=[
                *pods.env({"BDC_JVM_OPTS": _heap(of)}, POD_NAME="metadata.name"),
                {"name": "CLUSTER_ID", "valueFrom": {"configMapKeyRef": {"name": IDENTITY, "key": "cluster-id"}}},
            ],
            ports=[{"containerPort": port}],
            volumeMounts=[hadoop_mount, tmp_mount, {"name": "data", "mountPath": "/data"}],
            startupProbe=pods.starting(pods.tcp(port)),
            readinessProbe=pods.tcp(port, periodSeconds=5),
            livenessProbe=pods.tcp(port, periodSeconds=20, failureThreshold=6),
        )
        return k8s.apps.v1.StatefulSet(
            name,
            metadata=self._meta(name),
            spec={
                "serviceName": name,
                "replicas": replicas,
                "podManagementPolicy": "Parallel",
                "selector": {"matchLabels": selector(self._site.cluster, name)},
                "template": pods.template(
                    self._site,
                    "storage",
                    name,
                    UID,
                    [container],
                    [hadoop, tmp],
                    checksum=digest(self.configuration),
                    terminationGracePeriodSeconds=30,
                ),
                "volumeClaimTemplates": [self._claim(name)],
            },
            opts=options,
        )

    def _claim(self, name: str) -> dict[str, object]:
        """Matches the claim that the data stack made, which the StatefulSet takes as its own."""
        volume = {"namenode": self._config.namenode_volume, "datanode": self._config.datanode_volume}[name]
        return claim(volume, self._site)

    def _folders(self) -> k8s.batch.v1.Job:
        """The Job starts beside the NameNode and waits for it: what waits for the folders needn't wait for the Job's pod, too."""
        script = (resources("manifests") / "storage" / "folders.py").read_text()
        config = k8s.core.v1.ConfigMap("hdfs-folders", metadata=self._meta("hdfs-folders"), data={"folders.py": script}, opts=self._inside)
        volume, mount = pods.config_map("script", "hdfs-folders", "/opt/bdc")
        container = pods.container(
            "folders",
            self._site.images["hadoop"],
            pods.JOB,
            command=["tini", "--", "python3", "/opt/bdc/folders.py"],
            env=pods.env(
                {
                    "NAMENODE": self._site.namenode,
                    "FOLDERS": json.dumps(FOLDERS),
                    "ACLS": json.dumps(_ACLS),
                }
            ),
            volumeMounts=[mount],
        )
        return k8s.batch.v1.Job(
            "hdfs-folders",
            metadata=self._meta("hdfs-folders"),
            spec={
                "backoffLimit": 4,
                "template": pods.template(
                    self._site, "storage", "hdfs-folders", UID, [container], [volume],
                    checksum=digest([script, FOLDERS, _ACLS]), restartPolicy="OnFailure",
                ),
            },
            opts=pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(depends_on=[config])),
        )  # fmt: skip

    def _httpfs(self, options: pulumi.ResourceOptions) -> None:
        conf = {
            "httpfs-site.xml": render("storage/httpfs-site.xml.j2"),
            "haproxy.cfg": auth_proxy.configuration(scheme="basic", port=14000, users=True, timeout="1h"),
        }
        config = k8s.core.v1.ConfigMap("httpfs", metadata=self._meta("httpfs"), data=conf, opts=self._inside)
        own = {"configMap": {"name": "httpfs", "items": [{"key": "httpfs-site.xml", "path": "httpfs-site.xml"}]}}
        hadoop = {"name": "hadoop", "projected": {"sources": [{"configMap": {"name": HADOOP_CONF}}, own]}}
        hadoop_mount = {"name": "hadoop", "mountPath": "/etc/hadoop", "readOnly": True}
        tmp, tmp_mount = pods.scratch("tmp", "/tmp", limit="256Mi")  # noqa: S108
        server = pods.container(
            "httpfs",
            self._site.images["hadoop"],
            self._config.httpfs,
            args=["httpfs"],
            env=pods.env({"BDC_JVM_OPTS": _heap(self._config.httpfs)}),
            volumeMounts=[hadoop_mount, tmp_mount],
        )
        k8s.apps.v1.Deployment(
            "httpfs",
            metadata=self._meta("httpfs"),
            spec={
                "replicas": 1,
                "selector": {"matchLabels": selector(self._site.cluster, "httpfs")},
                "template": pods.template(
                    self._site, "storage", "httpfs", UID, [server, auth_proxy.container(self._site, "basic", users=True)],
                    [hadoop, tmp, *auth_proxy.volumes(self._site, "httpfs", users=True)], checksum=digest([self.configuration, conf]),
                ),
            },
            opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[config])),
        )  # fmt: skip
        auth_proxy.outside(self._site, "httpfs", self._inside)


def claim(volume: str, site: StackContext) -> dict[str, object]:
    """The volumeClaimTemplate `data`; the claims themselves belong to the data stack."""
    spec: dict[str, object] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": volume}}}
    if site.storage_class:
        spec["storageClassName"] = site.storage_class
    return {"metadata": {"name": "data"}, "spec": spec}


def _heap(of: Resources) -> str:
    """JVM options for a small Hadoop daemon: the heap is what the limit leaves after 256 MiB, at least 40 % of it.

    The first megabytes are not touched at the start, so that an idle daemon stays near its request.
    """
    limit = mebibytes(of.memory_limit)
    return f"-Xmx{max(limit - 256, limit * 2 // 5)}m"

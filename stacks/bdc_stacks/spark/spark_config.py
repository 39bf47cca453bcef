"""What applications need where they run, in the cluster's namespace or a pool's: settings, and an account for drivers."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from bdc.config.model import Pool, Spark, bounded
from bdc.config.names import (
    HADOOP_CONF,
    MASTER_ACCESS,
    MASTER_ACCESS_PATH,
    NAMESERVICE,
    POOL_GATE,
    SPARK_ACCOUNT,
    labels,
    pool_namespace,
    spark_role,
)
from bdc.config.quantity import mebibytes
from bdc.config.render import render
from bdc.config.restricted import UIDS
from bdc_stacks.metastore import USER
from bdc_stacks.stack_context import StackContext

UID = UIDS["spark"]

_RULES = [
    {
        "apiGroups": [""],
        "resources": ["pods", "services", "configmaps", "persistentvolumeclaims"],
        "verbs": ["create", "get", "list", "watch", "patch", "update", "delete", "deletecollection"],
    }
]


def account(site: StackContext, opts: pulumi.ResourceOptions, pool: str = "") -> None:
    """The ServiceAccount of drivers, which can manage what is in its own namespace."""
    namespace = pool_namespace(site.cluster, pool) if pool else site.namespace
    name = f"{pool}-{SPARK_ACCOUNT}" if pool else SPARK_ACCOUNT
    metadata = site.metadata(SPARK_ACCOUNT, "spark", namespace=namespace)
    k8s.core.v1.ServiceAccount(name, metadata=metadata, opts=opts)
    k8s.rbac.v1.Role(name, metadata=metadata, rules=_RULES, opts=opts)
    k8s.rbac.v1.RoleBinding(
        name,
        metadata=metadata,
        role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": SPARK_ACCOUNT},
        subjects=[{"kind": "ServiceAccount", "name": SPARK_ACCOUNT, "namespace": namespace}],
        opts=opts,
    )


def configuration(config: Spark, site: StackContext, name: str = "", pool: Pool | None = None) -> dict[str, str]:
    """The data of the ConfigMap `spark-conf`, of the cluster or of the pool `name`, whose own sizes win."""
    pool = pool or Pool()
    executor_cores, max_executors = pool.executor_cores or config.executor_cores, pool.max_executors or config.max_executors
    settings = render(
        "spark/spark-defaults.conf.j2",
        namespace=site.namespace,
        pool=name,
        pool_namespace=pool_namespace(site.cluster, name) if name else site.namespace,
        priority_class=priority_class(site, name, pool),
        queue=pool.queue,
        max_cpu=pool.max_cpu,
        max_memory=pool.max_memory,
        nameservice=NAMESERVICE,
        image=site.images["spark"],
        pull_secret=site.pull_secret,
        account=SPARK_ACCOUNT,
        user=USER,
        cpu=pool.cpu or config.cpu,
        driver_memory=mebibytes(pool.driver_memory or config.driver_memory),
        executor_memory=mebibytes(pool.executor_memory or config.executor_memory),
        memory_overhead=mebibytes(config.memory_overhead),
        executor_cores=executor_cores,
        keep_days=config.keep_days,
        min_executors=min(pool.min_executors, max_executors),
        max_executors=max_executors,
        idle_seconds=pool.idle_seconds,
        master_role=spark_role(name),
        master_path=MASTER_ACCESS_PATH,
        shuffle_partitions=max(4, 2 * executor_cores * max_executors),
    )
    return {
        "spark-defaults.conf": settings,
        "hive-site.xml": render("spark/hive-site.xml.j2", namespace=site.namespace),
        "log4j2.properties": render("spark/log4j2.properties.j2"),
        "executor.yaml": render(
            "spark/executor.yaml.j2",
            uid=UID,
            labels=labels(site.cluster, "spark", "spark-executor"),
            hadoop_conf=HADOOP_CONF,
            master_access=MASTER_ACCESS,
            master_path=MASTER_ACCESS_PATH,
            priority_class=priority_class(site, name, pool),
            gate=POOL_GATE if bounded(pool) else None,
        ),
    }


def priority_class(site: StackContext, name: str, pool: Pool) -> str | None:
    """Name of the PriorityClass of a pool's pods; None where they have the usual priority."""
    return pool_namespace(site.cluster, name) if pool.priority else None

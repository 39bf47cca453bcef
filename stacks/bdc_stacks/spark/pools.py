"""The Spark pools: in the namespace of each (the stack `<cluster>-data` makes it) what applications need; and the controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from bdc.config.model import Pool, Spark, bounded
from bdc.config.names import HADOOP_CONF, INSTANCE, POOL, SPARK_CONF, USER_ROLE, pool_namespace, selector
from bdc.config.restricted import UIDS
from bdc_stacks import pods
from bdc_stacks.spark.connect import connect_server
from bdc_stacks.spark.pool_policies import pool_policies
from bdc_stacks.spark.spark_config import account, configuration, priority_class
from bdc_stacks.stack_context import StackContext

CONTROLLER = "controller"
_UID = UIDS["bdc"]
_BEAT = "/run/bdc/beat"
_USER_RULES = [
    {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"], "verbs": ["get", "list", "watch", "create", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "create", "delete"]},
    {"apiGroups": [""], "resources": ["pods/log", "pods/proxy"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods/portforward", "pods/attach"], "verbs": ["get", "create"]},
    {"apiGroups": [""], "resources": ["services"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["events", "resourcequotas"], "verbs": ["list"]},
]
_RULES = [
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["list", "patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "patch"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
]


class SparkPools(pulumi.ComponentResource):
    """All pools of `config`; `hadoop` is the data of the ConfigMap by which HDFS is found, `storage` what is there when HDFS is."""

    def __init__(
        self,
        config: Spark,
        site: StackContext,
        hadoop: Mapping[str, str],
        storage: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("bdc:spark:SparkPools", "spark-pools", None, opts)
        self._site = site
        self._inside = pulumi.ResourceOptions(parent=self)
        for name, pool in config.pools.items():
            account(site, self._inside, name)
            conf = configuration(config, site, name, pool)
            made = [self._config_map(name, SPARK_CONF, conf), self._config_map(name, HADOOP_CONF, hadoop)]
            if pool.connect:
                after = pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(depends_on=[*made, *storage]))
                connect_server(config, site, conf, after, name)
            self._priority(name, pool)
            self._users(name)
        if held := [name for name, pool in config.pools.items() if bounded(pool)]:
            self._policies(held)
        self._controller(config)
        self.register_outputs({})

    def _meta(self, pool: str, name: str) -> dict[str, object]:
        return self._site.metadata(name, "spark", namespace=pool_namespace(self._site.cluster, pool))

    def _config_map(self, pool: str, name: str, data: Mapping[str, str]) -> k8s.core.v1.ConfigMap:
        return k8s.core.v1.ConfigMap(f"{pool}-{name}", metadata=self._meta(pool, name), data=data, opts=self._inside)

    def _controller(self, config: Spark) -> None:
        """Lets those begin that wait. Its account may look at the pools' Jobs, pods and settings, and change Jobs and pods."""
        site, metadata = self._site, self._site.metadata(CONTROLLER, "spark")
        k8s.core.v1.ServiceAccount(CONTROLLER, metadata=metadata, opts=self._inside)
        namespaces = [pool_namespace(site.cluster, name) for name in config.pools]
        for name in config.pools:
            self._controller_rights(name)
        beat, beat_mount = pods.scratch("beat", _BEAT.rpartition("/")[0], limit="1Mi")
        container = pods.container(
            CONTROLLER,
            site.images["bdc"],
            config.controller,
            args=["bdc.services.admission", "--beat", _BEAT, *namespaces],
            volumeMounts=[beat_mount],
            readinessProbe=pods.beats(_BEAT, 5),
            livenessProbe=pods.beats(_BEAT, 30),
        )
        k8s.apps.v1.Deployment(
            CONTROLLER,
            metadata=metadata,
            spec={
                "replicas": 1,
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": selector(site.cluster, CONTROLLER)},
                "template": pods.template(
                    site, "spark", CONTROLLER, _UID, [container], [beat], serviceAccountName=CONTROLLER, automountServiceAccountToken=True
                ),
            },
            opts=self._inside,
        )

    def _controller_rights(self, pool: str) -> None:
        metadata = self._meta(pool, CONTROLLER)
        k8s.rbac.v1.Role(f"{pool}-{CONTROLLER}", metadata=metadata, rules=_RULES, opts=self._inside)
        k8s.rbac.v1.RoleBinding(
            f"{pool}-{CONTROLLER}",
            metadata=metadata,
            role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": CONTROLLER},
            subjects=[{"kind": "ServiceAccount", "name": CONTROLLER, "namespace": self._site.namespace}],
            opts=self._inside,
        )

    def _users(self, pool: str) -> None:
        """What ordinary users may do in the pool; `bdc context export` binds them to it."""
        k8s.rbac.v1.Role(f"{pool}-{USER_ROLE}", metadata=self._meta(pool, USER_ROLE), rules=_USER_RULES, opts=self._inside)

    def _policies(self, held: Sequence[str]) -> None:
        """Nobody but the controller lets anything begin in a pool with bounds, whoever makes it: an ordinary user, or an application."""
        site = self._site
        for policy in pool_policies(site.cluster):
            name = f"{site.cluster}-{policy['name']}"
            metadata = {key: value for key, value in site.metadata(name, "spark", CONTROLLER).items() if key != "namespace"}
            made = k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
                policy["name"], metadata=metadata, spec=policy["spec"], opts=self._inside
            )
            where = {"key": POOL, "operator": "In", "values": list(held)}
            selected = {"matchLabels": {INSTANCE: site.cluster}, "matchExpressions": [where]}
            k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
                f"{policy['name']}-binding",
                metadata=metadata,
                spec={"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": selected}},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[made]),
            )

    def _priority(self, name: str, pool: Pool) -> None:
        if of := priority_class(self._site, name, pool):
            metadata = {key: value for key, value in self._site.metadata(of, "spark").items() if key != "namespace"}
            description = f"Drivers and executors of the Spark pool {name} of the cluster {self._site.cluster}."
            k8s.scheduling.v1.PriorityClass(
                f"{name}-priority",
                metadata=metadata,
                value=pool.priority,
                preemption_policy="Never",
                description=description,
                opts=self._inside,
            )

"""Who may connect to whom, as NetworkPolicies. Whether anything enforces them is the network plugin's matter; `bdc doctor` tries.

Within a namespace everybody may. From elsewhere: to the closed endpoints whoever likes, as these ask for a password; applications of the
pools to HDFS and the metastore; and the API server, which `bdc status` and `bdc spark` ask engines through, from the nodes' addresses.
Only what comes in is ruled: where applications get their data from is their users' matter.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import pulumi
import pulumi_kubernetes as k8s

from bdc.config import workloads
from bdc.config.model import Config
from bdc.config.names import CONNECT_PORT, INSTANCE, POOL, pool_namespace, selector
from bdc.config.workloads import Workload
from bdc_stacks.pods import Json
from bdc_stacks.stack_context import StackContext

_DRIVER_PAGES = 4040
_NAMESPACE = "kubernetes.io/metadata.name"


class NetworkPolicies(pulumi.ComponentResource):
    """The policies of a cluster's namespace and of its pools'."""

    def __init__(self, config: Config, site: StackContext, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bdc:network:NetworkPolicies", "network-policies", None, opts)
        self._site = site
        self._inside = pulumi.ResourceOptions(parent=self)
        self._policy("inside", "network", {}, [_SAME_NAMESPACE])
        for workload in workloads.WORKLOADS:
            rules = self._rules(workload, pools=bool(config.spark.pools)) if workload.replicas(config) else []
            if rules:
                self._policy(workload.name, workload.part, {"matchLabels": selector(site.cluster, workload.name)}, rules)
        for pool, of in config.spark.pools.items():
            rules = [_SAME_NAMESPACE, *_rule(_addresses(site.nodes), (_DRIVER_PAGES,))]
            if of.connect:  # for the auth proxy
                rules += _rule([{"namespaceSelector": {"matchLabels": {_NAMESPACE: site.namespace}}}], (CONNECT_PORT,))
            self._policy("inside", "network", {}, rules, pool)
        self.register_outputs({})

    def _rules(self, workload: Workload, *, pools: bool) -> list[Json]:
        doors = sorted({endpoint.target for endpoint in workloads.ENDPOINTS if endpoint.workload == workload.name})
        rules: list[Json] = [{"ports": _ports(doors)}] if doors else []
        if pools and workload.from_pools:
            there = {"matchLabels": {INSTANCE: self._site.cluster}, "matchExpressions": [{"key": POOL, "operator": "Exists"}]}
            rules += _rule([{"namespaceSelector": there}], workload.from_pools)
        return [*rules, *_rule(_addresses(self._site.nodes), workload.from_nodes)]

    def _policy(self, name: str, part: str, pods: Json, rules: list[Json], pool: str = "") -> None:
        more = {"namespace": pool_namespace(self._site.cluster, pool)} if pool else {}
        k8s.networking.v1.NetworkPolicy(
            f"{pool}-{name}-network" if pool else f"{name}-network",
            metadata=self._site.metadata(name, part, **more),
            spec={"podSelector": pods, "policyTypes": ["Ingress"], "ingress": rules},
            opts=self._inside,
        )


_SAME_NAMESPACE: Json = {"from": [{"podSelector": {}}]}


def _rule(sources: list[Json], ports: Iterable[int]) -> list[Json]:
    """A rule; none without a source, which would be everybody, or a port, which would be all."""
    found = _ports(ports)
    return [{"from": sources, "ports": found}] if sources and found else []


def _ports(numbers: Iterable[int]) -> list[Json]:
    return [{"port": number, "protocol": "TCP"} for number in numbers]


def _addresses(nodes: Iterable[str]) -> list[Json]:
    """The nodes' addresses as blocks of one."""
    return [{"ipBlock": {"cidr": str(ipaddress.ip_network(address))}} for address in nodes]

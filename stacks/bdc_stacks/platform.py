"""The stack `<cluster>`: the workloads of all parts, which `bdc down` removes and `bdc up` brings back."""

from __future__ import annotations

import pulumi

from bdc.config.model import Config
from bdc_stacks.federation.trino import TrinoFederation
from bdc_stacks.master import SqlMaster
from bdc_stacks.metastore import HiveMetastore
from bdc_stacks.network_policies import NetworkPolicies
from bdc_stacks.spark.default_pool import SparkPool
from bdc_stacks.spark.pools import SparkPools
from bdc_stacks.stack_context import StackContext
from bdc_stacks.storage.hdfs import StoragePool


def program(config: Config, site: StackContext) -> None:
    """The Pulumi program of the stack `<cluster>`. Parts start together; only the metastore's and the pool's needs are waited for."""
    storage = StoragePool(config.storage, site)
    master = SqlMaster(config.master, site, list(config.spark.pools))
    HiveMetastore(config.metastore, site, pulumi.ResourceOptions(depends_on=[*master.ready]))
    TrinoFederation(config.federation, site)
    SparkPool(config.spark, site, pulumi.ResourceOptions(depends_on=[*storage.ready]))
    if config.spark.pools:
        SparkPools(config.spark, site, storage.configuration, storage.ready)
    if config.network.policies:
        NetworkPolicies(config, site)
    pulumi.export("namespace", site.namespace)

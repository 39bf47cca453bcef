"""Who may connect to whom."""

from __future__ import annotations

from typing import Any

from bdc.config import workloads
from bdc.config.load import load
from bdc.config.model import Config
from bdc_stacks import platform
from tests.stacks.recording import declared


def policies(**overrides: str) -> dict[str, list[Any]]:
    """The rules by namespace and name of their policy; a key without namespace is the cluster's."""
    config = load(file=None, cluster=None, overrides=overrides, env={}).config if overrides else Config()
    found = {name: item["spec"] for (kind, name), item in declared(platform.program, config).items() if kind == "NetworkPolicy"}
    assert all(spec["policyTypes"] == ["Ingress"] for spec in found.values())
    return {name: spec["ingress"] for name, spec in found.items()}


def ports(rules: list[Any], source: str | None) -> set[int]:
    """The ports that are open to whom: everybody (None), or a kind of source."""
    return {
        port["port"]
        for rule in rules
        for port in rule.get("ports", [])
        if (source is None and "from" not in rule) or any(source in one for one in rule.get("from", []))
    }


def test_everybody_reaches_the_closed_endpoints_and_nothing_else() -> None:
    found = policies()
    doors = {
        endpoint.workload: {one.target for one in workloads.ENDPOINTS if one.workload == endpoint.workload}
        for endpoint in workloads.endpoints(Config())
    }
    assert {name: ports(rules, None) for name, rules in found.items() if ports(rules, None)} == doors
    assert found["inside"] == [{"from": [{"podSelector": {}}]}]
    assert set(found) <= {"inside", *(workload.name for workload in workloads.WORKLOADS)}


def test_the_api_server_asks_engines_from_the_nodes() -> None:
    found = policies()
    asked = {name: ports(rules, "ipBlock") for name, rules in found.items() if ports(rules, "ipBlock")}
    listed = {"namenode": {9870}, "master": {8008}, "spark-history": {18080}}
    assert asked == listed, "from_nodes in bdc.config.workloads has other ports than this list"
    [block] = [rule["from"] for rule in found["master"] if "from" in rule]
    assert block == [{"ipBlock": {"cidr": "192.0.2.10/32"}}]


def test_pools_reach_hdfs_and_the_metastore_and_not_each_other() -> None:
    found = policies(**{"spark.pools.etl.max_cpu": "4", "spark.pools.bi.max_cpu": "4"})
    open_to = {name: ports(rules, "namespaceSelector") for name, rules in found.items() if ports(rules, "namespaceSelector")}
    assert open_to == {"namenode": {8020}, "datanode": {9866}, "metastore": {9083}}
    inside = found["bdc-pool-etl/inside"]
    assert inside[0] == {"from": [{"podSelector": {}}]}
    assert (ports(inside, "ipBlock"), len(inside)) == ({4040}, 2)
    assert "datanode" not in policies()


def test_they_can_be_left_out() -> None:
    assert policies(**{"network.policies": "false"}) == {}

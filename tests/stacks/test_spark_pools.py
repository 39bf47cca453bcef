"""Pools are namespaces; what isn't said of a pool is the cluster's."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bdc.config import kept
from bdc.config.load import load
from bdc.config.model import Config
from bdc.errors import UsageError
from bdc.spark import parse_settings
from bdc_stacks import data, platform
from tests.stacks.recording import Json, declared, site

ETL = {"spark.pools.etl.max_cpu": "4", "spark.pools.etl.executor_memory": "3Gi", "spark.pools.etl.priority": "10"}
BI = {"spark.pools.bi.max_memory": "8Gi", "spark.pools.bi.min_executors": "2", "spark.pools.bi.idle_seconds": "600"}


def config(**more: str) -> Config:
    return load(file=None, cluster=None, overrides=ETL | BI | more, env={}).config


def settings(objects: dict[tuple[str, str], Json], where: str) -> dict[str, str]:
    return parse_settings(objects["ConfigMap", f"{where}spark-conf"]["data"]["spark-defaults.conf"])


def test_a_configuration_that_was_kept_makes_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BDC_CACHE", str(tmp_path))
    checked, found = (kept.load(file=None, cluster=None, overrides=ETL | BI, env={}).config for _ in range(2))
    assert isinstance(found, kept.Section)
    assert declared(platform.program, found) == declared(platform.program, checked)
    assert declared(data.program, found).keys() == declared(data.program, checked).keys()


def test_a_pool_is_a_namespace_with_settings_and_an_account() -> None:
    made = declared(data.program, config())
    assert made["Namespace", "bdc-pool-etl"]["metadata"]["labels"]["bdc.dev/pool"] == "etl"
    assert made["Namespace", "bdc-pool-etl"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    objects = declared(platform.program, config())
    assert objects["RoleBinding", "bdc-pool-etl/spark"]["subjects"][0]["namespace"] == "bdc-pool-etl"
    assert objects["ConfigMap", "bdc-pool-etl/hadoop-conf"]["data"] == objects["ConfigMap", "hadoop-conf"]["data"]


def test_a_pools_settings_are_the_clusters_but_for_what_it_says() -> None:
    objects = declared(platform.program, config())
    cluster, etl, bi = (settings(objects, where) for where in ("", "bdc-pool-etl/", "bdc-pool-bi/"))
    changed = {key for key in etl if etl[key] != cluster.get(key)}
    own = {
        "spark.bdc.pool",
        "spark.bdc.priorityClass",
        "spark.bdc.maxCpu",
        "spark.sql.catalog.master.url",
        "spark.sql.catalog.external.url",
    }
    assert changed == {"spark.executor.memory", "spark.kubernetes.namespace", *own}
    assert (etl["spark.bdc.maxCpu"], bi["spark.bdc.maxMemory"]) == ("4", "8Gi")
    assert (etl["spark.executor.memory"], etl["spark.kubernetes.namespace"], etl["spark.bdc.pool"]) == ("3072m", "bdc-pool-etl", "etl")
    assert bi["spark.dynamicAllocation.minExecutors"] == bi["spark.dynamicAllocation.initialExecutors"] == "2"
    assert bi["spark.dynamicAllocation.executorIdleTimeout"] == "600s"
    assert settings(declared(platform.program, Config()), "") == cluster


def test_priority_decides_who_comes_first_and_ends_nobody() -> None:
    objects = declared(platform.program, config())
    found = objects["PriorityClass", "bdc-pool-etl"]
    assert (found["value"], found["preemptionPolicy"]) == (10, "Never")
    assert "namespace" not in found["metadata"]
    executor = yaml.safe_load(objects["ConfigMap", "bdc-pool-etl/spark-conf"]["data"]["executor.yaml"])
    assert executor["spec"]["priorityClassName"] == "bdc-pool-etl"
    assert ("PriorityClass", "bdc-pool-bi") not in objects
    assert "priorityClassName" not in yaml.safe_load(objects["ConfigMap", "bdc-pool-bi/spark-conf"]["data"]["executor.yaml"])["spec"]


def test_a_pull_secret_reaches_every_pool() -> None:
    made = declared(data.program, config(), site(config(), pull_secret="login", pull_login="{}"))
    assert made["Secret", "bdc-pool-etl/login"]["type"] == made["Secret", "login"]["type"] == "kubernetes.io/dockerconfigjson"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("spark.pools.ETL.max_cpu", "4", "spark.pools.ETL: ETL can't be a name here"),
        ("spark.pools.etl.cpus", "4", "spark.pools.etl.cpus: unknown key"),
        ("spark.pools.etl.max_cpu", "four", "spark.pools.etl.max_cpu: 'four' is not a CPU quantity"),
        ("spark.pools.etl", "4", "spark.pools.etl is a section, not a value"),
        ("spark.pools", "4", "spark.pools is a section, not a value"),
        ("spark.pools.bi.max_executors", "1", "spark.pools.bi.min_executors: 2 is more than spark.pools.bi.max_executors"),
    ],
)
def test_what_is_wrong_with_a_pool_is_said_with_its_key(key: str, value: str, said: str) -> None:
    with pytest.raises(UsageError, match="^(--set: )?" + said.replace(".", r"\.")):
        config(**{key: value})


def test_a_pool_that_says_nothing_is_refused_and_not_lost(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "bdc.yaml"
    file.write_text("spark:\n  pools:\n    etl: {}\n")
    with pytest.raises(UsageError, match=r"spark\.pools\.etl says nothing"):
        load(file=file, cluster=None, overrides={}, env={})


def test_a_cluster_cannot_be_called_as_a_pools_namespace() -> None:
    with pytest.raises(UsageError, match="could be the namespace of another cluster's pool"):
        load(file=None, cluster="bdc-pool-etl", overrides={}, env={})


def test_executors_of_a_pool_with_bounds_are_made_behind_a_gate() -> None:
    objects = declared(platform.program, config(**{"spark.pools.bi.max_memory": "null"}))
    gates = {
        where: yaml.safe_load(objects["ConfigMap", f"{where}spark-conf"]["data"]["executor.yaml"])["spec"].get("schedulingGates")
        for where in ("", "bdc-pool-etl/", "bdc-pool-bi/")
    }
    assert gates == {"": None, "bdc-pool-etl/": [{"name": "bdc.dev/pool"}], "bdc-pool-bi/": None}


def test_the_controller_looks_after_every_pool_and_is_there_only_with_pools() -> None:
    objects = declared(platform.program, config())
    [container] = objects["Deployment", "controller"]["spec"]["template"]["spec"]["containers"]
    assert container["args"][-2:] == ["bdc-pool-etl", "bdc-pool-bi"]
    assert container["image"] == "bdc.local/bdc:0123456789ab"
    assert not [key for key in declared(platform.program, Config()) if "controller" in key[1]]


def test_the_controller_may_change_jobs_and_pods_of_the_pools_and_nothing_else() -> None:
    objects = declared(platform.program, config())
    rules = objects["Role", "bdc-pool-etl/controller"]["rules"]
    writes = {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"] if verb not in ("get", "list")}
    assert writes == {("jobs", "patch"), ("pods", "patch")}
    assert ("Role", "controller") not in objects
    [subject] = objects["RoleBinding", "bdc-pool-etl/controller"]["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "controller", "namespace": "bdc"}


def test_a_pools_spark_connect_is_behind_the_clusters_door() -> None:
    wanted = config(**{"spark.pools.etl.connect": "true"})
    objects = declared(platform.program, wanted)
    template = objects["Deployment", "bdc-pool-etl/spark-connect"]["spec"]["template"]
    [server] = template["spec"]["containers"]
    assert template["metadata"]["labels"]["bdc.dev/application"] == "spark-connect", "the controller counts it"
    assert "spark.kubernetes.executor.label.bdc.dev/application=spark-connect" in server["args"], "or nobody would open their gates"
    environment = {one["name"]: one for one in server["env"]}
    assert environment["HADOOP_USER_NAME"]["value"] == "bdc-pool-etl", "not the administrator"
    assert environment["SPARK_CONNECT_AUTHENTICATE_TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": "connect-etl", "key": "token"}
    assert ("Deployment", "bdc-pool-bi/spark-connect") not in objects
    door = objects["Deployment", "spark-connect"]["spec"]["template"]["spec"]["containers"][1]
    assert {one["name"] for one in door["env"]} == {"BDC_TOKEN", "BDC_TOKEN_ETL"}
    haproxy = objects["ConfigMap", "spark-connect"]["data"]["haproxy.cfg"]
    assert 'str(pool-etl) if { req.hdr(authorization) -m str "Bearer ${BDC_TOKEN_ETL}" }' in haproxy
    assert "server engine connect.bdc-pool-etl.svc.cluster.local:15002 proto h2" in haproxy
    made = declared(data.program, wanted)
    assert set(made["Secret", "bdc-pool-etl/connect-etl"]["data"]) == {"token", "ca.crt"}
    assert made["Secret", "bdc-pool-etl/connect-etl"]["data"]["token"] == made["Secret", "connect-etl"]["data"]["token"]
    assert ("Secret", "connect-bi") not in made

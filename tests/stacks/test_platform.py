"""The workloads that the platform stack declares: what holds for every pod, and what the configuration changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from bdc.config import workloads
from bdc.config.load import load
from bdc.config.model import Config
from bdc.spark import parse_settings
from bdc.spark.submission.manifests import LAUNCHER_ONLY
from bdc_stacks import data, platform
from tests.stacks.recording import EVERYTHING, Json, declared, network, site, templates

LOCAL = Config()
HA = load(file=None, cluster=None, overrides={"profile": "ha"}, env={}).config


@pytest.fixture(scope="module", params=["local", "ha", "everything"])
def objects(request: pytest.FixtureRequest) -> dict[tuple[str, str], Json]:
    return declared(platform.program, {"local": LOCAL, "ha": HA, "everything": EVERYTHING}[request.param])


def containers(template: Json) -> list[Json]:
    return [*template["spec"]["containers"], *template["spec"].get("initContainers", [])]


def test_every_pod_satisfies_the_restricted_standard(objects: dict[tuple[str, str], Json]) -> None:
    assert len(templates(objects)) >= 8
    for name, template in templates(objects).items():
        context = template["spec"]["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] > 0, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(template):
            assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}, name
        kinds = {key for volume in template["spec"]["volumes"] for key in volume if key != "name"}
        assert kinds <= {"configMap", "secret", "emptyDir", "projected"}, name


def test_every_container_has_requests_and_a_memory_limit(objects: dict[tuple[str, str], Json]) -> None:
    for name, template in templates(objects).items():
        for container in containers(template):
            resources = container["resources"]
            assert set(resources["requests"]) == {"cpu", "memory"}, name
            assert set(resources["limits"]) == {"memory"}, name


def test_every_server_has_probes(objects: dict[tuple[str, str], Json]) -> None:
    for name, template in templates(objects).items():
        if name.startswith("Job/"):
            continue
        for container in template["spec"]["containers"]:
            assert {"readinessProbe", "startupProbe"} & set(container) or container["name"] == "httpfs", (name, container["name"])
        assert any("livenessProbe" in container for container in template["spec"]["containers"]), name


def test_a_start_may_take_minutes_on_a_busy_machine(objects: dict[tuple[str, str], Json]) -> None:
    for name, template in templates(objects).items():
        for container in containers(template):
            if probe := container.get("startupProbe"):
                assert probe["periodSeconds"] * probe["failureThreshold"] >= 300, (name, container["name"])


def test_no_secret_is_in_an_argument_a_config_map_or_plain_environment(objects: dict[tuple[str, str], Json]) -> None:
    for name, template in templates(objects).items():
        for container in containers(template):
            for variable in container.get("env", []):
                if any(word in variable["name"] for word in ("PASSWORD", "TOKEN", "SHARED_SECRET")):
                    assert "secretKeyRef" in variable["valueFrom"], (name, variable["name"])
    assert not [key for key in objects if key[0] == "Secret"]


def test_only_those_who_need_the_api_have_a_token(objects: dict[tuple[str, str], Json]) -> None:
    with_token = {name for name, template in templates(objects).items() if template["spec"]["automountServiceAccountToken"]}
    needing = {"StatefulSet/master", "Deployment/spark-connect", "Deployment/reconciler", "Deployment/controller"}
    assert with_token == needing & set(templates(objects))


def test_replicated_workloads_have_a_disruption_budget(objects: dict[tuple[str, str], Json]) -> None:
    replicated = {name for (kind, name), item in objects.items() if kind in {"StatefulSet", "Deployment"} and item["spec"]["replicas"] > 1}
    budgets = {name for kind, name in objects if kind == "PodDisruptionBudget"}
    assert budgets == replicated


def test_workloads_are_those_that_the_use_cases_look_for(objects: dict[tuple[str, str], Json]) -> None:
    there = {(name, kind) for kind, name in objects if kind in {"StatefulSet", "Deployment"}}
    known = {(workload.name, str(workload.kind)) for workload in workloads.WORKLOADS}
    assert there <= known, f"not in bdc.config.workloads.WORKLOADS: {there - known}"
    missing = known - there - {(workload.name, str(workload.kind)) for workload in workloads.WORKLOADS if workload.optional}
    assert not missing, f"no component that bdc_stacks.platform makes declares {missing}"


def test_optional_workloads_are_there_where_they_are_asked_for() -> None:
    objects = declared(platform.program, EVERYTHING)
    for one in workloads.WORKLOADS:
        assert one.replicas(EVERYTHING), f"set {one.when} in EVERYTHING of tests/stacks/recording.py, so that {one.name} is tested"
        assert (one.kind, one.name) in objects, f"no component that bdc_stacks.platform makes declares {one.name}"


def test_drivers_start_without_the_launchers_jvm() -> None:
    settings = parse_settings(declared(platform.program, LOCAL)["ConfigMap", "spark-conf"]["data"]["spark-defaults.conf"])
    assert not settings.keys() & set(LAUNCHER_ONLY)


@pytest.mark.parametrize("config", [LOCAL, EVERYTHING])
def test_endpoints_are_node_ports_by_default(config: Config) -> None:
    objects = declared(platform.program, config)
    there = workloads.endpoints(config)
    for endpoint in there:
        spec = objects["Service", f"{endpoint.name}-external"]["spec"]
        assert spec["type"] == "NodePort"
        assert spec["ports"][0]["nodePort"] == endpoint.port
    exposed = {name for (kind, name), item in objects.items() if kind == "Service" and item["spec"].get("type", "ClusterIP") != "ClusterIP"}
    assert exposed == {f"{endpoint.name}-external" for endpoint in there}


def test_nothing_is_exposed_when_the_configuration_says_so() -> None:
    objects = declared(platform.program, LOCAL.model_copy(update={"network": network("none")}))
    assert not [name for kind, name in objects if kind == "Service" and name.endswith("-external")]


def test_load_balancers_have_no_node_ports() -> None:
    objects = declared(platform.program, LOCAL.model_copy(update={"network": network("loadbalancer")}))
    service = objects["Service", "trino-external"]["spec"]
    assert service["type"] == "LoadBalancer"
    assert service["ports"] == [{"name": "endpoint", "port": 31880, "targetPort": 8443, "protocol": "TCP"}]


def test_a_pull_secret_reaches_every_pod_and_spark() -> None:
    objects = declared(platform.program, LOCAL, site(LOCAL, pull_secret="registry"))
    assert all(template["spec"]["imagePullSecrets"] == [{"name": "registry"}] for template in templates(objects).values())
    lines = objects["ConfigMap", "spark-conf"]["data"]["spark-defaults.conf"].splitlines()
    settings = dict(line.split(maxsplit=1) for line in lines if line)
    assert settings["spark.kubernetes.container.image.pullSecrets"] == "registry"
    assert settings["spark.kubernetes.container.image.pullPolicy"] == "IfNotPresent"


def test_the_executor_template_is_a_restricted_pod() -> None:
    pod = yaml.safe_load(declared(platform.program, LOCAL)["ConfigMap", "spark-conf"]["data"]["executor.yaml"])
    assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "spark-executor"
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["spec"]["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_another_certificate_rolls_the_pods_that_use_it() -> None:
    before = declared(platform.program, LOCAL)
    after = declared(platform.program, LOCAL, replace(site(LOCAL), addresses=("198.51.100.7",)))
    for name in ("StatefulSet/master", "Deployment/trino-coordinator", "Deployment/metastore"):
        assert templates(before)[name]["metadata"]["annotations"] != templates(after)[name]["metadata"]["annotations"]


def test_claims_of_stateful_sets_are_those_of_the_data_stack() -> None:
    for config in (LOCAL, HA):
        claims = {name: item for (kind, name), item in declared(data.program, config).items() if kind == "PersistentVolumeClaim"}
        wanted = set()
        for (kind, name), item in declared(platform.program, config).items():
            if kind == "StatefulSet":
                template = item["spec"]["volumeClaimTemplates"][0]
                for index in range(item["spec"]["replicas"]):
                    wanted.add(f"data-{name}-{index}")
                    assert claims[f"data-{name}-{index}"]["spec"] == template["spec"]
        assert set(claims) == wanted

"""Trino's servers: what they have of external data, who may make catalogs, and how a worker goes."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import tomllib

import pytest

from bdc.config.load import load
from bdc.config.names import EXTERNAL_CREDENTIALS, EXTERNAL_CREDENTIALS_PATH
from bdc_stacks import platform
from tests.stacks.recording import Json, declared, templates

WORKERS = load(file=None, cluster=None, overrides={"federation.workers": "2"}, env={}).config


@pytest.fixture(scope="module")
def objects() -> dict[tuple[str, str], Json]:
    return declared(platform.program, WORKERS)


def files(objects: dict[tuple[str, str], Json], server: str) -> dict[str, str]:
    return dict(objects["ConfigMap", server]["data"])


@pytest.mark.parametrize("server", ["trino-coordinator", "trino-worker"])
def test_every_server_finds_the_passwords_of_sources_where_its_plugin_looks(objects: dict[tuple[str, str], Json], server: str) -> None:
    spec = templates(objects)[f"Deployment/{server}"]["spec"]
    [volume] = [volume for volume in spec["volumes"] if volume.get("secret", {}).get("secretName") == EXTERNAL_CREDENTIALS]
    assert volume["secret"]["optional"] is True, "it comes with the first credential"
    [container] = spec["containers"]
    [mount] = [mount for mount in container["volumeMounts"] if mount["name"] == volume["name"]]
    assert mount["mountPath"] == tomllib.loads(files(objects, server)["secrets.toml"])["external"]["folder"] == EXTERNAL_CREDENTIALS_PATH


@pytest.mark.parametrize("server", ["trino-coordinator", "trino-worker"])
def test_the_administrator_makes_catalogs_of_sources_only_and_others_none(objects: dict[tuple[str, str], Json], server: str) -> None:
    rules = json.loads(files(objects, server)["access-rules.json"])["catalogs"]
    assert [(rule.get("user"), rule["catalog"]) for rule in rules if rule["allow"] == "owner"] == [("bdc", "ext_.*")]
    everybodys = {rule["catalog"]: rule["allow"] for rule in rules if "user" not in rule}
    assert everybodys == {"lake": "all", "external": "read-only", "tpch": "read-only", "system": "read-only"}


def test_sparks_applications_read_external_tables_and_nothing_else(objects: dict[tuple[str, str], Json]) -> None:
    rules = json.loads(files(objects, "trino-coordinator")["access-rules.json"])["catalogs"]

    def allowed(user: str, catalog: str) -> str:
        fit = (one for one in rules if re.fullmatch(one.get("user", ".*"), user) and re.fullmatch(one["catalog"], catalog))
        return str(next(fit)["allow"])

    found = {name: allowed("spark-etl", name) for name in ("external", "lake", "master", "ext_sales_1")}
    assert found == {"external": "read-only", "lake": "none", "master": "none", "ext_sales_1": "none"}
    assert {allowed("spark", "external"), allowed("sparkle", "lake")} == {"read-only", "all"}


@pytest.mark.parametrize(("starting", "status"), [("false", 0), ("true", 1)])
def test_a_server_has_started_when_it_says_so(objects: dict[tuple[str, str], Json], starting: str, status: int) -> None:
    [container] = templates(objects)["Deployment/trino-coordinator"]["spec"]["containers"]
    bash, option, script = container["startupProbe"]["exec"]["command"]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(1000).startswith(b"GET /v1/info HTTP/1.0\r\n")
                connection.sendall(f'HTTP/1.1 200 OK\r\n\r\n{{"coordinator":true,"starting":{starting}}}'.encode())

        thread = threading.Thread(target=answer)
        thread.start()
        asked = subprocess.run([bash, option, script.replace("8080", str(server.getsockname()[1]))], timeout=20, check=False)
        thread.join()
    assert asked.returncode == status


def test_a_worker_ends_what_it_has_and_a_coordinator_goes_at_once(objects: dict[tuple[str, str], Json]) -> None:
    found = templates(objects)
    worker, coordinator = (found[f"Deployment/trino-{name}"]["spec"] for name in ("worker", "coordinator"))
    [command] = [container["lifecycle"]["preStop"]["exec"]["command"] for container in worker["containers"]]
    assert "SHUTTING_DOWN" in command[-1]
    assert worker["terminationGracePeriodSeconds"] > 60
    assert "lifecycle" not in coordinator["containers"][0]


def test_statements_of_ordinary_users_have_a_group_each(objects: dict[tuple[str, str], Json]) -> None:
    groups = json.loads(files(objects, "trino-coordinator")["resource-groups.json"])
    assert groups["selectors"] == [{"user": "bdc", "group": "administrator"}, {"group": "users.${USER}"}]
    assert {group["name"] for group in groups["rootGroups"]} == {"administrator", "users"}


@pytest.mark.parametrize(("limit", "heap", "untracked"), [("1Gi", 512, 308), ("2304Mi", 1152, 692), ("4Gi", 2944, 736)])
def test_queries_have_what_the_server_does_not_need_itself(limit: str, heap: int, untracked: int) -> None:
    config = load(
        file=None, cluster=None, overrides={"federation.coordinator.memory": "1Gi", "federation.coordinator.memory_limit": limit}, env={}
    ).config
    data = dict(declared(platform.program, config)["ConfigMap", "trino-coordinator"]["data"])
    settings = dict(line.split("=", 1) for line in data["config.properties"].splitlines() if "=" in line)
    headroom, query = (int(settings[key].removesuffix("MB")) for key in ("memory.heap-headroom-per-node", "query.max-memory-per-node"))
    assert f"-Xmx{heap}M" in data["jvm.config"].splitlines()
    assert headroom == untracked
    assert query + headroom <= heap
    assert ("-XX:InitiatingHeapOccupancyPercent=65" in data["jvm.config"].splitlines()) is (heap < 2048), "what stays is most of it"


def test_every_node_forgets_ended_tasks_sooner_than_trino_would(objects: dict[tuple[str, str], Json]) -> None:
    """A node looks through all that it keeps five times a second."""
    workers = declared(platform.program, load(file=None, cluster=None, overrides={"federation.workers": "1"}, env={}).config)
    for declarations, name in ((objects, "trino-coordinator"), (workers, "trino-worker")):
        assert "task.info.max-age=1m" in files(declarations, name)["config.properties"].splitlines()


def test_the_reconciler_may_clear_out_one_secret_and_nothing_else(objects: dict[tuple[str, str], Json]) -> None:
    [rule] = objects["Role", "reconciler"]["rules"]
    assert (rule["resources"], rule["resourceNames"], rule["verbs"]) == (["secrets"], [EXTERNAL_CREDENTIALS], ["get", "patch"])


def test_the_gateway_asks_in_the_name_of_users_and_nobody_else_does(objects: dict[tuple[str, str], Json]) -> None:
    rules = json.loads(files(objects, "trino-coordinator")["access-rules.json"])
    assert rules["impersonation"] == [{"original_user": "gateway", "new_user": ".*"}]
    assert {"user": "gateway", "catalog": ".*", "allow": "none"} in rules["catalogs"]


def test_gateways_have_no_account_and_a_cancel_request_finds_each() -> None:
    many = declared(platform.program, load(file=None, cluster=None, overrides={"federation.gateways": "3"}, env={}).config)
    spec = templates(many)["Deployment/sql-gateway"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    [container] = spec["containers"]
    assert many["Service", "sql-gateway-pods"]["spec"]["clusterIP"] == "None"
    assert "sql-gateway-pods.bdc.svc" in container["args"]
    assert many["PodDisruptionBudget", "sql-gateway"]["spec"]["maxUnavailable"] == 1
    assert many["Service", "sql-external"]["spec"]["ports"][0]["nodePort"] == 31435

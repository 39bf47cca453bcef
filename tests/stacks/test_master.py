"""The SQL master's objects: whom its commits wait for, who may ask it what, and when a server is ready."""

from __future__ import annotations

import json

import pytest
import yaml

from bdc.config.load import load
from bdc.config.model import Config
from bdc_stacks import platform
from tests.stacks.recording import Json, declared, templates


def objects(**overrides: str) -> dict[tuple[str, str], Json]:
    return declared(platform.program, configuration(**overrides))


def configuration(**overrides: str) -> Config:
    return load(file=None, cluster=None, overrides={key.replace("__", "."): value for key, value in overrides.items()}, env={}).config


@pytest.mark.parametrize(
    ("settings", "mode", "strict"),
    [
        ({}, False, False),
        ({"profile": "ha"}, "quorum", True),
        ({"profile": "ha", "master__data_durability": "preferred"}, "quorum", False),
        ({"profile": "ha", "master__synchronous": "false"}, False, False),
    ],
)
def test_whom_commits_wait_for_is_set_while_it_runs(settings: dict[str, str], mode: str | bool, strict: bool) -> None:
    made = objects(**settings)
    [setup] = templates(made)["Job/master-setup"]["spec"]["containers"]
    [dynamic] = [one["value"] for one in setup["env"] if one["name"] == "PATRONI_DYNAMIC"]
    assert json.loads(dynamic) == {"synchronous_mode": mode, "synchronous_mode_strict": strict}


def test_changing_it_restarts_no_server() -> None:
    asynchronous = objects(profile="ha", master__synchronous="false")
    assert asynchronous["StatefulSet", "master"] == objects(profile="ha")["StatefulSet", "master"]


def test_patroni_can_rewind() -> None:
    """Its check asks the own server by the replication protocol on the socket, and pg_rewind reads the leader as the superuser."""
    patroni = yaml.safe_load(objects()["ConfigMap", "master-patroni"]["data"]["patroni.yml"])["postgresql"]
    assert (patroni["use_unix_socket_repl"], patroni["remove_data_directory_on_rewind_failure"]) == (True, True)
    assert "local replication replicator scram-sha-256" in patroni["pg_hba"]
    assert patroni["authentication"].keys() == {"superuser", "replication"}, "a section `rewind` would need a password of its own"


def test_ready_is_who_follows_and_a_start_may_take_long() -> None:
    [server] = templates(objects())["StatefulSet/master"]["spec"]["containers"]
    assert server["readinessProbe"]["httpGet"]["path"] == f"/readiness?lag={64 * 2**20}"
    assert server["startupProbe"]["httpGet"]["path"] == "/liveness"

"""The ClusterRole for deployers lets them do what the stacks need, and what doctor asks for."""

from __future__ import annotations

import pytest

from bdc.config.load import load
from bdc.config.model import Config
from bdc.health.checks.kubernetes import RIGHTS
from bdc.kube.permissions import deployer_rights
from bdc_stacks import data, platform
from tests.stacks.recording import declared, site

PLURALS = {
    "PriorityClass": "priorityclasses",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "NetworkPolicy": "networkpolicies",
}
WRITTEN = ("create", "delete", "get", "patch")


POOL = {"spark.pools.etl.max_cpu": "4", "spark.pools.etl.priority": "5"}


def objects(profile: str) -> dict[tuple[str, str], dict[str, object]]:
    config = load(file=None, cluster=None, overrides={"profile": profile} | POOL, env={}).config
    where = site(config, pull_secret="login", pull_login="{}")
    return declared(data.program, config, where) | declared(platform.program, config, where)


@pytest.mark.parametrize("profile", ["local", "ha"])
def test_a_deployer_may_write_every_kind_that_the_stacks_use(profile: str) -> None:
    kinds = {
        (str(item["apiVersion"]).rpartition("/")[0], PLURALS.get(kind, f"{kind.lower()}s")) for (kind, _), item in objects(profile).items()
    }
    assert {"namespaces", "secrets", "statefulsets", "rolebindings", "priorityclasses"} <= {resource for _, resource in kinds}
    assert {(verb, group, resource) for group, resource in kinds for verb in WRITTEN} <= set(deployer_rights())


def test_a_deployer_may_do_what_the_clusters_own_accounts_may() -> None:
    """Or Kubernetes refuses to make their Roles: nobody gives away more than they have."""
    roles = [item for (kind, _), item in objects("local").items() if kind == "Role"]
    assert roles
    given = {
        (verb, group, resource)
        for role in roles
        for rule in role["rules"]  # type: ignore[attr-defined]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert given <= set(deployer_rights())


def test_doctor_asks_for_nothing_else() -> None:
    assert set(RIGHTS) <= set(deployer_rights())


def test_the_pull_secret_is_made_of_a_login() -> None:
    config = Config()
    made = declared(data.program, config, site(config, pull_secret="login", pull_login='{"auths": {}}'))[("Secret", "login")]
    assert made["type"] == "kubernetes.io/dockerconfigjson"
    assert set(made["data"]) == {".dockerconfigjson"}
    assert ("Secret", "login") not in declared(data.program, config, site(config, pull_secret="login"))

"""Which pods a changed Secret rolls: those that `bdc credentials rotate` says, and no others."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from bdc.access.credentials.journal import _ITEMS, Item, Kind
from bdc.access.credentials.rotate import restarts
from bdc.config.load import load
from bdc.config.model import Config
from bdc.config.names import GATEWAY_ROLE, role_secret
from bdc_stacks import platform
from bdc_stacks.stack_context import StackContext
from tests.stacks.recording import EVERYTHING, Json, declared, site, templates

HA = load(file=None, cluster=None, overrides={"profile": "ha"}, env={}).config
TLS = ("ca.crt", "tls.crt", "tls.key", "tls.pem")


def rolled(config: Config, kind: Kind) -> set[str]:
    """Workloads whose pods differ once the values of this kind do."""
    where = site(config)
    gateway = (role_secret(GATEWAY_ROLE), "password")
    changing = {item for item in _ITEMS.get(kind, ()) if item[0] != "ca"} | ({gateway} if kind == "internal" else set())
    if kind in ("certificates", "ca"):
        changing |= {(where.tls, key) for key in TLS if kind == "ca" or key != "ca.crt"}
    items = {gateway} | {item for items in _ITEMS.values() for item in items} | {(where.tls, key) for key in TLS}
    before = _templates(config, where, dict.fromkeys(items, "1"))
    after = _templates(config, where, {item: "2" if item in changing else "1" for item in items})
    return {name.partition("/")[2] for name in before if before[name] != after[name] and not name.startswith("Job/")}


def _templates(config: Config, where: StackContext, revisions: dict[Item, str]) -> dict[str, Json]:
    return templates(declared(platform.program, config, replace(where, revisions=revisions)))


@pytest.mark.parametrize("config", [Config(), HA, EVERYTHING], ids=["local", "ha", "everything"])
@pytest.mark.parametrize("kind", get_args(Kind))
def test_what_is_said_to_restart_does(config: Config, kind: Kind) -> None:
    assert rolled(config, kind) == set(restarts(config, [kind])), "restarts_on in bdc.config.workloads and the Secrets of the pods differ"


def test_pods_without_secrets_say_nothing_of_them() -> None:
    annotations = templates(declared(platform.program, Config()))["StatefulSet/namenode"]["metadata"]["annotations"]
    assert set(annotations) == {"bdc.dev/configuration"}

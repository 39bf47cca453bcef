"""The stacks as plain Pulumi projects make what `bdc up` makes: pulumi itself, a file backend and a passphrase of the user's own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bdc.config.paths import cache_dir
from bdc.toolchain import ensure
from tests.e2e.support.commands import KUBECTL, kubectl
from tests.e2e.support.host import TestHost

pytestmark = pytest.mark.full
KINDS = "deployments,statefulsets,services,configmaps,secrets,serviceaccounts,roles,rolebindings,persistentvolumeclaims"
STACKS = {"data": "bdc-data", "platform": "bdc"}


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("progs") as made:
        (made.folder / "tools" / "pulumi").symlink_to(ensure("pulumi").path)
        language = made.folder / "tools" / "pulumi-language-python"
        language.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).parent / "support" / "language_host.py"} "$@"\n')
        language.chmod(0o755)
        (made.folder / "passphrase").write_text("of the user's own\n")
        (made.folder / "backend").mkdir()
        yield made


def bdc(host: TestHost, *arguments: str, code: int = 0) -> str:
    done = host.run(["bdc", *arguments], timeout_seconds=1500)
    assert done.returncode == code, f"bdc {' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


def pulumi(host: TestHost, project: str, *arguments: str, code: int = 0) -> str:
    """Pulumi as its user runs it: in the project's folder, with the environment that its documentation names."""
    env = {
        "PULUMI_HOME": str(cache_dir() / "pulumi-home" / "builtin"),
        "PULUMI_BACKEND_URL": f"file://{host.folder}/backend",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(host.folder / "passphrase"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "KUBECONFIG": "/etc/kubernetes/admin.conf",
    }
    command = ["pulumi", "--non-interactive", "-C", str(host.folder / "projects" / project), *arguments]
    done = host.run(command, env=env, timeout_seconds=900)
    assert done.returncode == code, f"pulumi {' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


def objects(host: TestHost) -> dict[str, Any]:
    """What bdc declares of each of the namespace's objects; of generated values only that they are there."""
    found = json.loads(kubectl(host, "get", KINDS, "-l", "app.kubernetes.io/managed-by=bdc", "-o", "json"))["items"]
    return {f"{item['kind']} {item['metadata']['name']}": _declared(item) for item in found}


def _declared(item: dict[str, Any]) -> object:
    if item["kind"] == "Secret" or item["metadata"]["name"] == "identity":
        return sorted(item["data"])
    if item["kind"] in {"Service", "PersistentVolumeClaim"}:
        chosen_by_server = {"clusterIP", "clusterIPs", "volumeName", "healthCheckNodePort"}
        return {key: value for key, value in item["spec"].items() if key not in chosen_by_server}
    spec = item.get("spec") or {}
    # How `bdc up` rolls pods whose Secrets were rotated; what stands for the values can't be known before there is a cluster.
    metadata = spec.get("template", {}).get("metadata", {})
    others = {key: value for key, value in metadata.pop("annotations", {}).items() if key != "bdc.dev/credentials"}
    metadata |= {"annotations": others} if others else {}
    return spec or item.get("data") or item.get("rules") or item.get("roleRef")


def until_well(host: TestHost) -> None:
    """Until every engine answers in time: Trino's first query takes a while."""
    end = time.monotonic() + 180
    while (done := host.run(["bdc", "status"])).returncode:
        assert time.monotonic() < end, done.stdout + done.stderr
        time.sleep(2)


def test_they_make_what_bdc_makes(host: TestHost) -> None:
    bdc(host, "up")
    ours = objects(host)
    assert ours.pop("ConfigMap configuration")  # bdc's own note of what it deployed, no part of the stacks
    assert len(ours) > 40
    projects = str(host.folder / "projects")
    bdc(host, "config", "pulumi", projects)
    assert "there already" in bdc(host, "config", "pulumi", projects, code=2)
    bdc(host, "down", "--delete-data", "--yes")
    for project, stack in STACKS.items():
        pulumi(host, project, "stack", "init", stack)
        assert "to create" in pulumi(host, project, "preview", "--stack", stack)
        pulumi(host, project, "up", "--yes", "--skip-preview", "--stack", stack)
    assert objects(host) == ours
    until_well(host)


def test_a_second_time_they_change_nothing(host: TestHost) -> None:
    bdc(host, "config", "pulumi", str(host.folder / "projects"), "--force")
    for project, stack in STACKS.items():
        assert "encryptionsalt" in (host.folder / "projects" / project / f"Pulumi.{stack}.yaml").read_text()
        pulumi(host, project, "preview", "--refresh", "--expect-no-changes", "--stack", stack)


def test_their_state_has_no_secret_in_clear(host: TestHost) -> None:
    password = bdc(host, "credentials", "show", "--password").strip()
    states = [path.read_text() for path in (host.folder / "backend").rglob("*.json")]
    assert any("StatefulSet" in state for state in states)
    assert not any(password in state for state in states)


def test_bdc_refuses_what_they_made(host: TestHost) -> None:
    assert "exists" in bdc(host, "up", code=1)
    until_well(host)


def test_a_mistake_in_the_configuration_is_named(host: TestHost) -> None:
    pulumi(host, "platform", "config", "set", "--path", "bdc:images.spark", "", "--stack", "bdc")
    pulumi(host, "platform", "config", "rm", "--path", "bdc:images.spark", "--stack", "bdc")
    said = pulumi(host, "platform", "preview", "--stack", "bdc", code=1)
    assert "bdc:images lacks spark" in said
    assert "Traceback" not in said
    bdc(host, "config", "pulumi", str(host.folder / "projects"), "--force")


def test_they_are_removed_in_the_other_order(host: TestHost) -> None:
    for project, stack in reversed(STACKS.items()):
        pulumi(host, project, "destroy", "--yes", "--skip-preview", "--stack", stack)
    assert "NotFound" in host.run([*KUBECTL, "get", "namespace", "bdc"]).stderr

"""The order of `bdc up`: what is refused is refused before anything that takes long."""

from __future__ import annotations

import json
from unittest.mock import MagicMock

import pytest

from bdc import images, toolchain
from bdc.config.model import Config
from bdc.config.secret_data import encoded
from bdc.engine import ClusterStore
from bdc.errors import BdcError, UnreachableError, UsageError
from bdc.lifecycle import deploy, preflight, program_inputs
from bdc.lifecycle.target import Target
from tests.unit.fake_kube import FakeKube


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """Building images, which no test gets past; some are missing."""
    for name in ("choose_plugin", "connect"):
        monkeypatch.setattr(deploy, name, MagicMock())
    monkeypatch.setattr(toolchain, "ensure", MagicMock())
    monkeypatch.setattr(preflight, "ports", MagicMock())
    monkeypatch.setattr(images, "missing", lambda _: ["spark"])
    build = MagicMock(side_effect=BdcError("building"))
    monkeypatch.setattr(images, "build", build)
    return build


def refusing(monkeypatch: pytest.MonkeyPatch, error: BdcError) -> None:
    monkeypatch.setattr(preflight, "refuse_fixed", MagicMock(side_effect=error))


def test_what_cant_change_is_refused_before_images_are_built(built: MagicMock, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, UsageError("storage.datanode_volume can't change"))
    with pytest.raises(UsageError, match="datanode_volume"):
        deploy.up(Config(), MagicMock(), MagicMock())
    built.assert_not_called()


def test_a_node_that_is_stopped_keeps_no_image_from_being_built(built: MagicMock, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, UnreachableError("https://192.0.2.1:6443", "nobody is there"))
    with pytest.raises(BdcError, match="building"):
        deploy.up(Config(), MagicMock(), MagicMock())
    built.assert_called_once()


def test_new_credentials_are_new_inputs_of_the_platform_alone() -> None:
    kube = FakeKube()
    kube.put("/api/v1/namespaces/bdc-system/secrets/bdc-bdc-passphrase", {"data": encoded({"lineage": "l", "passphrase": "p"})})
    credentials = "/api/v1/namespaces/bdc/secrets/credentials"
    kube.put(credentials, {"data": encoded({"password": "Secr3t-1"})})
    substrate = MagicMock(storage_class="fast")
    target = Target(Config(), substrate, MagicMock(address="10.0.0.1"), kube, code=program_inputs.code())
    stacks = deploy._stacks(target, ClusterStore(kube, "bdc"))

    def said() -> list[object]:
        return [one.inputs() for one in stacks if one.inputs]

    before = said()
    assert before == said()
    kube.objects[credentials]["data"] = encoded({"password": "Secr3t-2"})
    data, platform = said()
    assert data == before[0]
    assert platform != before[1]
    assert "Secr3t" not in json.dumps(platform)

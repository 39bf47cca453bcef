from pathlib import Path
from typing import Any

import pytest

from bdc.cluster import choice, substrate
from bdc.cluster.embedded import EmbeddedNode
from bdc.cluster.existing import ExistingCluster, node_address
from bdc.errors import BdcError, UsageError


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(choice, "ADMIN_KUBECONFIG", tmp_path / "admin.conf")
    monkeypatch.setattr(EmbeddedNode, "is_ours", lambda self: True)


def chosen(kubeconfig: Path | None = None, context: str | None = None) -> str:
    return substrate("auto", kubeconfig=kubeconfig, context=context, name="bdc").name


def test_this_host_where_nothing_is_named() -> None:
    assert chosen() == "embedded"


def test_a_named_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(kubeconfig=tmp_path / "config") == "existing"
    assert chosen(context="production") == "existing"
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert chosen() == "existing"


def test_the_nodes_own_kubeconfig_names_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "admin.conf"))
    assert chosen() == "embedded"
    assert chosen(kubeconfig=tmp_path / "admin.conf") == "embedded"


def test_somebody_elses_admin_conf_is_a_cluster_that_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmbeddedNode, "is_ours", lambda self: False)
    (tmp_path / "admin.conf").touch()
    assert chosen(kubeconfig=tmp_path / "admin.conf") == "existing"


def test_a_contradiction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="kind is embedded"):
        substrate("embedded", kubeconfig=tmp_path / "config", context=None, name="bdc")


def test_kind_by_name() -> None:
    assert substrate("kind", kubeconfig=None, context=None, name="bdc").name == "kind"


def test_an_external_address_before_an_internal_one() -> None:
    addresses = [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "ExternalIP", "address": "192.0.2.1"}]
    assert node_address([{"status": {"addresses": addresses}}]) == "192.0.2.1"
    assert node_address([{"status": {"addresses": addresses[:1]}}]) == "10.0.0.1"
    with pytest.raises(BdcError, match="no nodes"):
        node_address([])


class FakeApi:
    server = "https://192.0.2.1:6443"

    def __init__(self, denied: str) -> None:
        self.denied = denied

    def request(self, method: str, path: str, body: Any = None, **_: object) -> dict[str, Any]:
        if path.endswith("selfsubjectaccessreviews"):
            return {"status": {"allowed": body["spec"]["resourceAttributes"]["resource"] != self.denied}}
        return {}


def test_missing_rights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = ExistingCluster()
    monkeypatch.setattr(cluster, "_connect", lambda: FakeApi(denied="secrets"))
    with pytest.raises(UsageError, match=r"may not create secrets, delete secrets, .* and 2 more") as failure:
        cluster.check()
    assert "deployer.yaml" in str(failure.value.hint)
    monkeypatch.setattr(cluster, "_connect", lambda: FakeApi(denied=""))
    cluster.check()

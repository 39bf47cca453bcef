"""Where the kubeconfig comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc import settings as module
from bdc.cli.settings import Settings
from bdc.errors import NotFoundError


@pytest.fixture
def admin_conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "admin.conf"
    monkeypatch.setattr(module, "ADMIN_CONF", path)
    return path


def test_from_the_nearest_to_the_farthest(admin_conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().kubeconfig_path() is None
    admin_conf.write_text("")
    assert Settings().kubeconfig_path() == admin_conf
    monkeypatch.setenv("KUBECONFIG", "/k")
    assert Settings().kubeconfig_path() is None
    assert Settings(overrides={"cluster.substrate": "embedded"}).kubeconfig_path() == admin_conf
    Path("sub").mkdir()
    Path("sub/bdc.yaml").write_text("cluster: {kubeconfig: mine}")
    file = Path("sub/bdc.yaml")
    assert Settings(file=file).kubeconfig_path() == Path("sub/mine")
    assert Settings(file=file, overrides={"cluster.kubeconfig": "other"}).kubeconfig_path() == Path("other")
    monkeypatch.setenv("BDC_KUBECONFIG", "/b")
    assert Settings(file=file).kubeconfig_path() == Path("/b")
    assert Settings(file=file, kubeconfig=Path("/o")).kubeconfig_path() == Path("/o")


def test_context() -> None:
    assert Settings().kube_context() is None
    configured = {"cluster.context": "file"}
    assert Settings(overrides=configured).kube_context() == "file"
    assert Settings(overrides=configured, context="option").kube_context() == "option"


def test_no_cluster_at_all_is_said(admin_conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not admin_conf.exists()
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(NotFoundError, match="no Kubernetes cluster is configured"):
        Settings().kube()


def test_a_node_whose_kubeconfig_is_roots(admin_conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    admin_conf.write_text("")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(NotFoundError, match="whose kubeconfig only root may read") as refused:
        Settings().kube()
    assert "bdc context export USER" in str(refused.value.hint)


def test_the_configuration_is_read_once() -> None:
    options = Settings(cluster="x")
    assert options.load() is options.load()
    assert (options.config.name, options.load().sources["name"]) == ("x", "--cluster")

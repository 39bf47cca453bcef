"""When certificates of the node are renewed. kubeadm is a stand-in here; tests/e2e/test_node.py runs the real one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from bdc.cluster.embedded import certificates
from bdc.cluster.embedded.layout import Layout


def pem(days: float) -> bytes:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder(subject_name=name, issuer_name=name).public_key(key.public_key()).serial_number(1)
    made = builder.not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days)).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM)


class Node:
    """A node's folders, and what kubeadm was called for."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kubernetes, self.kubelet, self.layout = root / "kubernetes", root / "kubelet", Layout(root / "home", root / "run", root / "v")
        self.calls: list[list[str]] = []
        for folder in (self.kubernetes / "pki" / "etcd", self.kubelet / "pki"):
            folder.mkdir(parents=True)
        (self.kubernetes / "kubelet.conf").touch()
        for name in ("ca.crt", "front-proxy-ca.crt", "etcd/ca.crt"):
            (self.kubernetes / "pki" / name).write_bytes(pem(10))
        for name in ("apiserver.crt", "etcd/server.crt"):
            (self.kubernetes / "pki" / name).write_bytes(pem(3000))
        self.conf("admin.conf", 3000)
        monkeypatch.setattr(certificates, "run", lambda argv, **_: self.calls.append([str(part) for part in argv[1:]]))

    def conf(self, name: str, days: float) -> None:
        data = base64.b64encode(pem(days)).decode()
        (self.kubernetes / name).write_text(yaml.safe_dump({"users": [{"name": "me", "user": {"client-certificate-data": data}}]}))

    def own(self, days: float) -> None:
        (self.kubelet / "pki" / "kubelet-client-1.pem").write_bytes(pem(days) + pem(5000))
        (self.kubelet / "pki" / "kubelet-client-current.pem").symlink_to("kubelet-client-1.pem")

    def renew(self) -> bool:
        self.calls.clear()
        return certificates.renew(self.layout, lambda _: None, kubernetes=self.kubernetes, kubelet=self.kubelet)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path, monkeypatch)


def test_certificates_that_last_are_left_alone(node: Node) -> None:
    node.own(20)  # the kubelet's own affair while it has not ended
    assert node.renew() is False
    assert node.calls == []


@pytest.mark.parametrize("days", [89, 1, -300])
@pytest.mark.parametrize("name", ["apiserver.crt", "etcd/server.crt", "admin.conf", "scheduler.conf"])
def test_one_that_ends_renews_all(node: Node, name: str, days: float) -> None:
    if name.endswith(".conf"):
        node.conf(name, days)
    else:
        (node.kubernetes / "pki" / name).write_bytes(pem(days))
    assert node.renew() is True
    assert [call[:3] for call in node.calls] == [["certs", "renew", "all"]]
    assert (node.kubernetes / "kubelet.conf").exists()


def test_a_kubelets_that_has_ended_is_made_anew(node: Node) -> None:
    node.own(-1)
    assert node.renew() is True
    assert [call[:4] for call in node.calls] == [["init", "phase", "kubeconfig", "kubelet"]]
    assert not (node.kubernetes / "kubelet.conf").exists()
    assert list((node.kubelet / "pki").iterdir()) == []
    assert node.renew() is False

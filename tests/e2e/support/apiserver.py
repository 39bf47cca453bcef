"""A bare Kubernetes: etcd, API server and controllers on free loopback ports; no node, so pods stay as the tests leave them."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bdc.errors import BdcError
from bdc.kube import connect
from bdc.toolchain import ensure

_START_SECONDS = 90


@dataclass
class ApiServer:
    """A running bare API server."""

    folder: Path
    kubeconfig: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)


@contextlib.contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """Run one in `folder`; ready when entered, gone afterwards."""
    etcd, kubernetes = ensure("etcd"), ensure("kubernetes")
    client, peer, port, controllers = _free_ports(4)
    _certificates(folder)
    kubeconfig = _kubeconfig(folder, port)
    server = ApiServer(folder, kubeconfig)
    url = f"http://127.0.0.1:{client}"
    commands = {
        "etcd": [
            str(etcd.path), "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync", "--listen-client-urls", url,
            "--advertise-client-urls", url, "--listen-peer-urls", f"http://127.0.0.1:{peer}",
        ],
        "kube-apiserver": [
            str(kubernetes.link("kube-apiserver")), "--etcd-servers", url, "--bind-address=127.0.0.1",
            f"--secure-port={port}", f"--tls-cert-file={folder}/server.crt", f"--tls-private-key-file={folder}/server.key",
            f"--client-ca-file={folder}/ca.crt", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={folder}/sa.key",
            f"--service-account-signing-key-file={folder}/sa.key", f"--cert-dir={folder}", "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
        ],
        "kube-controller-manager": [
            str(kubernetes.link("kube-controller-manager")), f"--kubeconfig={kubeconfig}", f"--secure-port={controllers}",
            "--bind-address=127.0.0.1", f"--service-account-private-key-file={folder}/sa.key", f"--cert-dir={folder}",
            f"--root-ca-file={folder}/ca.crt", "--leader-elect=false", "--use-service-account-credentials=false",
            "--concurrent-namespace-syncs=10", "--concurrent-gc-syncs=20",
        ],
    }  # fmt: skip
    try:
        for name, command in commands.items():
            with (folder / f"{name}.log").open("wb") as log:
                dying = ["setpriv", "--pdeathsig", "KILL", *command]  # also with a killed test
                server.processes.append(subprocess.Popen(dying, stdout=log, stderr=log, cwd=folder, start_new_session=True))
            if name == "kube-apiserver":
                _until_ready(server, "/readyz")
        _until_ready(server, "/api/v1/namespaces/default/serviceaccounts/default")
        yield server
    finally:
        for process in reversed(server.processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until_ready(server: ApiServer, path: str) -> None:
    end = time.monotonic() + _START_SECONDS
    kube = connect(server.kubeconfig)
    while True:
        try:
            kube.text(path)
        except BdcError as error:
            if time.monotonic() > end or any(process.poll() is not None for process in server.processes):
                logs = "\n".join(log.read_text()[-2000:] for log in sorted(server.folder.glob("*.log")))
                raise AssertionError(f"the bare API server does not start: {error}\n{logs}") from error
            time.sleep(0.3)
        else:
            kube.close()
            return


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _certificates(folder: Path) -> None:
    ca_key = _key(folder / "ca.key")
    ca = _certificate(folder / "ca.crt", "bare-ca", ca_key, ca_key, None, is_ca=True)
    _certificate(folder / "server.crt", "kube-apiserver", _key(folder / "server.key"), ca_key, ca)
    _certificate(folder / "admin.crt", "admin", _key(folder / "admin.key"), ca_key, ca, organization="system:masters")
    _key(folder / "sa.key")


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    path.write_bytes(pem)
    return key


def _certificate(
    path: Path,
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    *,
    organization: str = "bdc",
    is_ca: bool = False,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization), x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    addresses = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate


def _kubeconfig(folder: Path, port: int) -> Path:
    path = folder / "admin.conf"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bare",
        "contexts": [{"name": "bare", "context": {"cluster": "bare", "user": "admin"}}],
        "clusters": [{"name": "bare", "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.crt"}}],
        "users": [{"name": "admin", "user": {"client-certificate": "admin.crt", "client-key": "admin.key"}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path

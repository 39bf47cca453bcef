"""The certificates that kubeadm gave the node, and their renewal.

They are for ten years (manifests/node/kubeadm.yaml.j2), a node that was made with other settings or by hand has others; kubeadm renews
them from the authorities on disk, also when they have ended. The kubelet renews its own while it runs; only one that has ended, as the
node was off, must be made anew.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from bdc.cluster.embedded.command import run
from bdc.cluster.embedded.layout import KUBELET_DIR, KUBERNETES_DIR, Layout
from bdc.cluster.embedded.services import service_path

SOON = timedelta(days=90)
"""Renewed when less than this is left: a node is started or brought up more often than that."""

_KUBECONFIGS = ("admin.conf", "controller-manager.conf", "scheduler.conf", "super-admin.conf")
_SECONDS = 120


def renew(layout: Layout, report: Callable[[str], None], *, kubernetes: Path = KUBERNETES_DIR, kubelet: Path = KUBELET_DIR) -> bool:
    """Renew what ends soon; whether anything was, so that the control plane and the kubelet must start again."""
    now = datetime.now(UTC)
    found = [(when, path) for path, when in ends(kubernetes) if when - now < SOON]
    own = kubelet / "pki" / "kubelet-client-current.pem"
    lost = own.exists() and _end(own.read_bytes()) < now
    config: list[str | Path] = ["--config", layout.settings / "kubeadm.yaml"]
    env = {"PATH": service_path(layout), "HOME": "/root"}
    if found:
        when, path = min(found)
        report(f"renewing the node's certificates: {path.name} {'ended' if when < now else 'ends'} {when:%Y-%m-%d}")
        argv = [layout.bin / "kubeadm", "certs", "renew", "all", *config]
        run(argv, what="renewing the node's certificates", deadline_seconds=_SECONDS, env=env)
    if lost:
        report("renewing the kubelet's certificate")
        (kubernetes / "kubelet.conf").unlink(missing_ok=True)
        argv = [layout.bin / "kubeadm", "init", "phase", "kubeconfig", "kubelet", *config]
        run(argv, what="renewing the kubelet's certificate", deadline_seconds=_SECONDS, env=env)
        for each in own.parent.glob("kubelet-client-*.pem"):  # last: as long as one is there, this is done again
            each.unlink()
    return bool(found) or lost


def ends(kubernetes: Path = KUBERNETES_DIR) -> Iterator[tuple[Path, datetime]]:
    """The control plane's certificates, but for the authorities', and when each ends."""
    pki = kubernetes / "pki"
    for path in sorted([*pki.glob("*.crt"), *pki.glob("etcd/*.crt")]):
        if not path.stem.endswith("ca"):
            yield path, _end(path.read_bytes())
    for path in [kubernetes / name for name in _KUBECONFIGS]:
        if path.exists():
            for user in yaml.safe_load(path.read_text())["users"]:
                yield path, _end(base64.b64decode(user["user"]["client-certificate-data"]))


def _end(pem: bytes) -> datetime:
    from cryptography.x509 import load_pem_x509_certificates  # 0.1 s that other commands don't pay

    return load_pem_x509_certificates(pem)[0].not_valid_after_utc

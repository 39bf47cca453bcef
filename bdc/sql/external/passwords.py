"""Passwords of sources: keys of one Secret, which Trino's servers have mounted. A key is used once, so that its value never changes."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from bdc.config.names import COMPONENT, EXTERNAL_CREDENTIALS, INSTANCE, MANAGED_BY, PART
from bdc.config.secret_data import encoded
from bdc.kube import ApiNotFoundError, Kube
from bdc.kube.refresh import refresh

_SEEN = "bdc.dev/external-credentials"
_COMPONENTS = ("trino-coordinator", "trino-worker")


def keep(kube: Kube, cluster: str, value: str) -> str:
    """Keep a password; its key. The servers' pods are touched, which makes the kubelet bring them the new key at once."""
    key = secrets.token_hex(8)
    data = encoded({key: value})
    try:
        kube.patch(_path(cluster), {"data": data})
    except ApiNotFoundError:
        labels = {MANAGED_BY: "bdc", INSTANCE: cluster, PART: "federation"}
        metadata = {"name": EXTERNAL_CREDENTIALS, "namespace": cluster, "labels": labels}
        kube.request("POST", _path(cluster, ""), {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    refresh(kube, cluster, {INSTANCE: cluster, COMPONENT: _COMPONENTS}, _SEEN, key)
    return key


def sweep(kube: Kube, cluster: str, used: Collection[str]) -> list[str]:
    """Remove the keys that no credential names; which they were. To be called where nobody else changes credentials."""
    try:
        data = kube.request("GET", _path(cluster)).get("data") or {}
    except ApiNotFoundError:
        return []
    if orphans := sorted(set(data) - set(used)):
        kube.patch(_path(cluster), {"data": dict.fromkeys(orphans)})
    return orphans


def _path(cluster: str, name: str = EXTERNAL_CREDENTIALS) -> str:
    return f"/api/v1/namespaces/{cluster}/secrets/{name}".rstrip("/")

"""Passwords of sources: keys of one Secret, which Trino's servers have mounted. A key is used once, so that its value never changes."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from bdc.config.names import COMPONENT, EXTERNAL_CREDENTIALS, INSTANCE, MANAGED_BY, PART
from bdc.config.secret_data import encoded
from bdc.kube import ApiNotFoundError, Kube

_MERGE = "application/merge-patch+json"
_SEEN = "bdc.dev/external-credentials"
_COMPONENTS = ("trino-coordinator", "trino-worker")


def keep(kube: Kube, cluster: str, value: str) -> str:
    """Keep a password; its key. The servers' pods are touched, which makes the kubelet bring them the new key at once."""
    key = secrets.token_hex(8)
    data = encoded({key: value})
    try:
        kube.request("PATCH", _path(cluster), {"data": data}, content_type=_MERGE)
    except ApiNotFoundError:
        labels = {MANAGED_BY: "bdc", INSTANCE: cluster, PART: "federation"}
        metadata = {"name": EXTERNAL_CREDENTIALS, "namespace": cluster, "labels": labels}
        kube.request("POST", _path(cluster, ""), {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    _touch(kube, cluster, key)
    return key


def sweep(kube: Kube, cluster: str, used: Collection[str]) -> list[str]:
    """Remove the keys that no credential names; which they were. To be called where nobody else changes credentials."""
    try:
        data = kube.request("GET", _path(cluster)).get("data") or {}
    except ApiNotFoundError:
        return []
    if orphans := sorted(set(data) - set(used)):
        kube.request("PATCH", _path(cluster), {"data": dict.fromkeys(orphans)}, content_type=_MERGE)
    return orphans


def _touch(kube: Kube, cluster: str, key: str) -> None:
    pods = f"/api/v1/namespaces/{cluster}/pods"
    wanted = f"{INSTANCE}={cluster},{COMPONENT} in ({','.join(_COMPONENTS)})"
    for pod in kube.request("GET", pods, query={"labelSelector": wanted})["items"]:
        kube.request("PATCH", f"{pods}/{pod['metadata']['name']}", {"metadata": {"annotations": {_SEEN: key}}}, content_type=_MERGE)


def _path(cluster: str, name: str = EXTERNAL_CREDENTIALS) -> str:
    return f"/api/v1/namespaces/{cluster}/secrets/{name}".rstrip("/")

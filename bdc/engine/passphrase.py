"""The passphrase that encrypts the secrets in Pulumi's state: made once a cluster, kept in the cluster, never in a file or on argv.

With it lies the cluster's `lineage`, a random id: state of another cluster that happened to have the same name is told by it.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field

from bdc.config.secret_data import texts
from bdc.kube import ApiNotFoundError, Kube
from bdc.kube.system_namespace import LABELS, SYSTEM_NAMESPACE


@dataclass(frozen=True)
class Passphrase:
    """The passphrase and the lineage that it belongs to."""

    lineage: str
    value: str = field(repr=False)


def read(kube: Kube, cluster: str) -> Passphrase | None:
    """The cluster's passphrase, None while there is none."""
    try:
        found = texts(kube.request("GET", _path(cluster))["data"])
    except ApiNotFoundError:
        return None
    return Passphrase(found["lineage"], found["passphrase"])


def generate() -> Passphrase:
    """A new one, kept nowhere."""
    return Passphrase(uuid.uuid4().hex, secrets.token_urlsafe(32))


def read_or_create(kube: Kube, cluster: str) -> Passphrase:
    """The cluster's passphrase, made now if there is none. Call it with the lock held."""
    if found := read(kube, cluster):
        return found
    fresh = generate()
    metadata = {"name": _name(cluster), "labels": {**LABELS, "bdc/cluster": cluster}}
    data = {"lineage": fresh.lineage, "passphrase": fresh.value}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    kube.request("POST", f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/secrets", secret)
    return fresh


def remove(kube: Kube, cluster: str) -> None:
    """Forget it: what was encrypted with it is lost."""
    try:
        kube.request("DELETE", _path(cluster))
    except ApiNotFoundError:
        return


def _name(cluster: str) -> str:
    return f"bdc-{cluster}-passphrase"


def _path(cluster: str) -> str:
    return f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/secrets/{_name(cluster)}"

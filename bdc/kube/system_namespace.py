"""The namespace bdc-system: what bdc keeps in a cluster beside the clusters themselves (locks, state, passphrases)."""

from __future__ import annotations

import contextlib
import time

from bdc.errors import BdcError
from bdc.kube.client import Kube
from bdc.kube.errors import ApiError, ApiNotFoundError

SYSTEM_NAMESPACE = "bdc-system"
LABELS = {"app.kubernetes.io/managed-by": "bdc"}
_PATH = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}"
_GONE_SECONDS = 60


def ensure_namespace(kube: Kube) -> None:
    """Make it if it is missing; wait for one that is just going away."""
    metadata = {"name": SYSTEM_NAMESPACE, "labels": LABELS}
    for _ in range(_GONE_SECONDS):
        try:
            live = kube.request("GET", _PATH)
        except ApiNotFoundError:
            with contextlib.suppress(ApiError):  # somebody may have been faster; the next GET tells
                kube.request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
                return
            continue
        if not live["metadata"].get("deletionTimestamp"):
            return
        time.sleep(1)
    raise BdcError(
        f"the namespace {SYSTEM_NAMESPACE} is being deleted and does not go", f"see kubectl get namespace {SYSTEM_NAMESPACE} -o yaml"
    )


def remove_if_unused(kube: Kube) -> None:
    """Delete it when nothing is in it that somebody made."""
    coordination = f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM_NAMESPACE}/leases"
    try:
        kinds = [f"{_PATH}/secrets", f"{_PATH}/pods", f"{_PATH}/services", f"{_PATH}/persistentvolumeclaims", coordination]
        if any(kube.request("GET", path)["items"] for path in kinds):
            return
        maps = kube.request("GET", f"{_PATH}/configmaps")["items"]
        if all(one["metadata"]["name"] == "kube-root-ca.crt" for one in maps):
            kube.request("DELETE", _PATH)
    except ApiNotFoundError:
        return

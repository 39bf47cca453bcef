"""The namespace bdc-system: what bdc keeps in a cluster beside the clusters themselves (locks, state, passphrases)."""

from __future__ import annotations

from contextlib import suppress

from bdc.errors import BdcError
from bdc.kube.client import Kube
from bdc.kube.errors import ApiConflictError, ApiNotFoundError
from bdc.kube.wait import until

SYSTEM_NAMESPACE = "bdc-system"
LABELS = {"app.kubernetes.io/managed-by": "bdc"}
_PATH = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}"
_GONE_SECONDS, _POLL_SECONDS = 60.0, 1.0


def ensure_namespace(kube: Kube) -> None:
    """Make it if it is missing; wait for one that is just going away. Who may not make it gets ApiForbiddenError at once."""
    until(lambda: _stays(kube), _does_not_go, seconds=_GONE_SECONDS, pause_seconds=_POLL_SECONDS)


def _stays(kube: Kube) -> bool:
    """Whether it is there now, not going away."""
    metadata = {"name": SYSTEM_NAMESPACE, "labels": LABELS}
    try:
        return not kube.request("GET", _PATH)["metadata"].get("deletionTimestamp")
    except ApiNotFoundError:
        with suppress(ApiConflictError):  # somebody was faster: the next look tells
            kube.request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
            return True
    return False


def _does_not_go() -> BdcError:
    return BdcError(
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

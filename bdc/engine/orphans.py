"""Workloads that no state knows: made by a run that was killed, on a machine whose state was not copied to the cluster any more.

`up` adopts them; `down` from another machine would leave them running. They are told by the field manager of a Pulumi stack and by the
labels of the cluster. Only what runs or is reached is swept: volumes, Secrets and settings are never taken for left-overs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bdc.config.names import INSTANCE, MANAGED_BY
from bdc.kube import ApiNotFoundError, Kube
from bdc.kube.selector import label_selector

_KINDS = (("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("batch/v1", "Job"), ("v1", "Service"))
_MANAGER = re.compile(r"pulumi-kubernetes-[0-9a-f]{8}")


def sweep(kube: Kube, cluster: str) -> None:
    """Delete them, and what they own, in the background. Call it with the lock held, after the workloads' stack is destroyed."""
    for path in list(_left(kube, cluster)):
        try:
            kube.request("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"})
        except ApiNotFoundError:
            continue


def remove_namespace(kube: Kube, cluster: str) -> None:
    """Delete the cluster's namespace if a Pulumi stack made it. For `down --delete-data`, after both stacks are destroyed."""
    try:
        namespace = kube.request("GET", f"/api/v1/namespaces/{cluster}")
    except ApiNotFoundError:
        return
    if (namespace["metadata"].get("labels") or {}).get(INSTANCE) == cluster and _made_by_pulumi(namespace):
        kube.request("DELETE", f"/api/v1/namespaces/{cluster}")


def _left(kube: Kube, cluster: str) -> Iterator[str]:
    selector = label_selector({MANAGED_BY: "bdc", INSTANCE: cluster})
    for api_version, kind in _KINDS:
        place = kube.path({"apiVersion": api_version, "kind": kind, "metadata": {"namespace": cluster}}, collection=True)
        for obj in kube.request("GET", place, query={"labelSelector": selector})["items"]:
            if _made_by_pulumi(obj):
                yield f"{place}/{obj['metadata']['name']}"


def _made_by_pulumi(obj: dict[str, Any]) -> bool:
    return any(_MANAGER.fullmatch(entry.get("manager", "")) for entry in obj["metadata"].get("managedFields") or [])

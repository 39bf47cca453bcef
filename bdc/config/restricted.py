"""Whom pods run as, and what the Pod Security Standard "restricted" asks of them, which the namespaces of a cluster enforce.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UIDS: Mapping[str, int] = {
    "hadoop": 10001,
    "trino": 10002,
    "proxy": 10003,
    "hive-metastore": 10004,
    "bdc": 10005,
    "spark": 185,
    "postgres": 999,
}
"""The user, and the group, of each image's processes: as in its Dockerfile."""


def pod_security(uid: int, *, writes: bool = False, **more: Any) -> dict[str, Any]:
    """The securityContext of a pod that runs as this user; `writes`: it has volumes, which are to be its group's."""
    volumes = {"fsGroup": uid, "fsGroupChangePolicy": "OnRootMismatch"} if writes else {}
    return {
        "runAsNonRoot": True,
        "runAsUser": uid,
        "runAsGroup": uid,
        **volumes,
        **more,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """The securityContext of each of its containers: it may not gain rights."""
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}

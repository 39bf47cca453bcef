"""Plays scheduler and kubelet for a bare API server: pods of a namespace become what a test says they are."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from bdc.errors import BdcError
from bdc.kube import Kube

Life = Literal["ready", "crashing"]


@contextlib.contextmanager
def pods_are(kube: Kube, namespace: str, life: Life) -> Iterator[None]:
    """While inside, every pod of the namespace gets that status."""
    ended = threading.Event()
    thread = threading.Thread(target=_live, args=(kube, namespace, life, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _live(kube: Kube, namespace: str, life: Life, ended: threading.Event) -> None:
    while not ended.wait(0.3):
        with contextlib.suppress(BdcError):
            for pod in kube.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]:
                path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}"
                if pod["metadata"].get("deletionTimestamp"):
                    kube.request("DELETE", path, {"gracePeriodSeconds": 0})
                    continue
                patch = {"status": _ready() if life == "ready" else _crashing()}
                kube.request("PATCH", f"{path}/status", patch, content_type="application/merge-patch+json")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ready() -> dict[str, Any]:
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": _now()} for kind in ("Ready", "ContainersReady", "PodScheduled")]
    state = {"running": {"startedAt": _now()}}
    return {"phase": "Running", "conditions": conditions, "containerStatuses": [_container(state, ready=True, restarts=0)]}


def _crashing() -> dict[str, Any]:
    ended = {"terminated": {"exitCode": 3, "reason": "Error", "message": "no such table", "startedAt": _now(), "finishedAt": _now()}}
    container = _container({"waiting": {"reason": "CrashLoopBackOff"}}, ready=False, restarts=1) | {"lastState": ended}
    return {"phase": "Running", "conditions": [], "containerStatuses": [container]}


def _container(state: dict[str, Any], *, ready: bool, restarts: int) -> dict[str, Any]:
    return {"name": "main", "image": "web:1", "imageID": "", "ready": ready, "restartCount": restarts, "state": state}

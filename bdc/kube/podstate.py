"""How far pods that aren't ready yet have come, in a few words: what somebody who waits for them wants to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]


def progress(pods: Sequence[Object]) -> str:
    """What the first pod by name that isn't ready is at, with its name; empty when all are, or there is none yet."""
    for pod in sorted(pods, key=lambda one: str(one["metadata"]["name"])):
        if said := _progress(pod):
            return f"{pod['metadata']['name']} ({said})"
    return ""


def _progress(pod: Object) -> str:
    status = pod.get("status") or {}
    conditions = {one["type"]: one for one in status.get("conditions") or []}
    if pod["metadata"].get("deletionTimestamp"):
        return "ending"
    if status.get("phase") == "Succeeded" or conditions.get("Ready", {}).get("status") == "True":
        return ""
    if conditions.get("PodScheduled", {}).get("status") == "False":
        return "no node yet"
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return next((said for one in containers if (said := _container(one))), "getting volumes and network")


def _container(container: Object) -> str:
    state = container.get("state") or {}
    if container.get("ready") or (state.get("terminated") or {}).get("exitCode") == 0:
        return ""
    if "running" in state:
        return "running, not ready"
    if ended := state.get("terminated") or (container.get("lastState") or {}).get("terminated"):
        return f"exited with status {ended.get('exitCode')}, starting again"
    reason = str((state.get("waiting") or {}).get("reason") or "")
    return "starting" if reason in {"", "ContainerCreating", "PodInitializing"} else f"can't start yet: {reason}"

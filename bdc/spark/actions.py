"""Stopping and removing applications.

`kill` ends the Job by its deadline, so that `list` and `status` go on to show it as Killed; Kubernetes removes its pods, and with
the driver's pod its log. What its executors did stays in the event log (`bdc spark history`). `delete` removes all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bdc.errors import UsageError
from bdc.kube import ApiNotFoundError, Kube
from bdc.spark.labels import KILLED
from bdc.spark.queries import get, get_job, job_path, missing
from bdc.spark.scheduling.queueing import never_begins
from bdc.spark.state import Status


def kill(kube: Kube, namespace: str, name: str) -> Status:
    """Stop an application. Raises NotFoundError, and UsageError when it has already ended."""
    job = get_job(kube, namespace, name)
    now = get(kube, namespace, name)
    if now.state.final:
        raise UsageError(f"{name} has already ended: {now.state}", f"remove it with bdc spark delete {name}")
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    change: Mapping[str, Any] = {"metadata": {"annotations": {KILLED: stamp}}, "spec": {"activeDeadlineSeconds": 1}}
    if job["spec"].get("suspend"):
        change = never_begins(**{KILLED: stamp})
    try:
        kube.patch(job_path(namespace, name), change)
    except ApiNotFoundError:
        raise missing(name) from None
    return get(kube, namespace, name)


def delete(kube: Kube, namespace: str, name: str) -> None:
    """Remove an application, running or not, with its driver, executors and settings. Raises NotFoundError."""
    get_job(kube, namespace, name)
    kube.request("DELETE", job_path(namespace, name), query={"propagationPolicy": "Background"})

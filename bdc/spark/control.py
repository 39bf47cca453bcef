"""Stopping and removing applications.

`kill` ends the Job by its deadline, so that `list` and `status` go on to show it as Killed; Kubernetes removes its pods, and with
the driver's pod its log. What its executors did stays in the event log (`bdc spark history`). `delete` removes all of it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bdc.errors import UsageError
from bdc.kube import ApiNotFoundError, Kube
from bdc.spark.inspect import get, get_job, job_path, missing
from bdc.spark.labels import KILLED
from bdc.spark.state import Status

_MERGE = "application/merge-patch+json"


def kill(kube: Kube, cluster: str, name: str) -> Status:
    """Stop an application. Raises NotFoundError, and UsageError when it has already ended."""
    now = get(kube, cluster, name)
    if now.state.final:
        raise UsageError(f"{name} has already ended: {now.state}", f"remove it with bdc spark delete {name}")
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    change = {"metadata": {"annotations": {KILLED: stamp}}, "spec": {"activeDeadlineSeconds": 1}}
    try:
        kube.request("PATCH", job_path(cluster, name), change, content_type=_MERGE)
    except ApiNotFoundError:
        raise missing(name) from None
    return get(kube, cluster, name)


def delete(kube: Kube, cluster: str, name: str) -> None:
    """Remove an application, running or not, with its driver, executors and settings. Raises NotFoundError."""
    get_job(kube, cluster, name)
    kube.request("DELETE", job_path(cluster, name), query={"propagationPolicy": "Background"})

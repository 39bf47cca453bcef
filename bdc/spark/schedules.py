"""Schedules: applications that Kubernetes starts again and again. Each run is an application of its own, named after the schedule."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bdc.errors import NotFoundError, UsageError
from bdc.kube import ApiNotFoundError, Kube
from bdc.spark.admission import bounds
from bdc.spark.defaults import defaults_of
from bdc.spark.labels import RELEASED, SCHEDULE, SOURCE
from bdc.spark.queries import cron_job_path, job_path, list_all
from bdc.spark.scheduling.queueing import admit
from bdc.spark.state import moment

_MANUAL = "cronjob.kubernetes.io/instantiate"


@dataclass(frozen=True)
class ScheduleStatus:
    """One schedule. Times are UTC; `active` are the runs that have not ended."""

    name: str
    cron: str
    time_zone: str | None
    concurrency: str
    paused: bool
    source: str
    created: datetime
    last_started: datetime | None
    last_succeeded: datetime | None
    active: tuple[str, ...]


def schedules(kube: Kube, namespace: str) -> list[ScheduleStatus]:
    """All schedules by name."""
    return sorted((_status(item) for item in list_all(kube, cron_job_path(namespace), SCHEDULE)), key=lambda one: one.name)


def pause(kube: Kube, namespace: str, name: str) -> None:
    """Start it no more; what runs goes on. Raises NotFoundError."""
    _get(kube, namespace, name)
    kube.patch(cron_job_path(namespace, name), {"spec": {"suspend": True}})


def resume(kube: Kube, namespace: str, name: str) -> None:
    """Start it again at its times. Raises NotFoundError, and UsageError for one whose submit was interrupted."""
    found = _get(kube, namespace, name)
    if RELEASED not in found["metadata"].get("annotations", {}):
        raise UsageError(f"the submit of {name} was interrupted", f"submit it again with --name {name} --exist-ok, which finishes it")
    kube.patch(cron_job_path(namespace, name), {"spec": {"suspend": False}})


def run_now(kube: Kube, namespace: str, name: str) -> str:
    """Start a run besides its times, whatever else runs of it; its name. Raises NotFoundError."""
    found = _get(kube, namespace, name)
    template = found["spec"]["jobTemplate"]
    run = f"{name}-{secrets.token_hex(3)}"
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": name, "uid": found["metadata"]["uid"], "controller": True}
    metadata = {
        "name": run,
        "namespace": namespace,
        "labels": template["metadata"]["labels"],
        "annotations": {**template["metadata"].get("annotations", {}), _MANUAL: "manual"},
        "ownerReferences": [owner],
    }
    kube.request("POST", job_path(namespace), {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]})
    if template["spec"].get("suspend") and not kube.person and (limit := bounds(defaults_of(kube, namespace))):
        admit(kube, namespace, limit, only=run)
    return run


def delete_schedule(kube: Kube, namespace: str, name: str) -> None:
    """Remove a schedule with its runs; those that go on are stopped. Raises NotFoundError."""
    _get(kube, namespace, name)
    kube.request("DELETE", cron_job_path(namespace, name), query={"propagationPolicy": "Background"})


def _get(kube: Kube, namespace: str, name: str) -> dict[str, Any]:
    try:
        found = kube.request("GET", cron_job_path(namespace, name))
    except ApiNotFoundError:
        found = {"metadata": {}}
    if SCHEDULE not in found["metadata"].get("labels", {}):
        raise NotFoundError(f"there is no schedule {name}", "bdc spark schedules list shows all")
    return found


def _status(item: Mapping[str, Any]) -> ScheduleStatus:
    metadata, spec, status = item["metadata"], item["spec"], item.get("status") or {}
    return ScheduleStatus(
        name=metadata["name"],
        cron=spec["schedule"],
        time_zone=spec.get("timeZone"),
        concurrency=spec.get("concurrencyPolicy", "Allow"),
        paused=bool(spec.get("suspend")),
        source=metadata.get("annotations", {}).get(SOURCE, ""),
        created=moment(metadata["creationTimestamp"]),
        last_started=moment(status.get("lastScheduleTime")),
        last_succeeded=moment(status.get("lastSuccessfulTime")),
        active=tuple(sorted(one["name"] for one in status.get("active") or [])),
    )

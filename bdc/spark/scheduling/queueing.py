"""The queue of a pool with bounds: who may begin is released, executors may start, who has waited too long is ended.

See `bdc.spark.admission`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bdc.config.names import APPLICATION, POOL_GATE
from bdc.kube import ApiConflictError, ApiInvalidError, ApiNotFoundError, Kube
from bdc.spark.admission import UNBOUNDED, Amount, admissible, bounds, ended, gated, openable, queue, runs, waits
from bdc.spark.defaults import defaults_of
from bdc.spark.labels import ADMISSION, ADMITTED, ENDED, QUEUE, QUEUED, TIMEOUT
from bdc.spark.queries import job_path, list_all, pods_path
from bdc.spark.state import moment

_JSON_PATCH = "application/json-patch+json"
_COUNTS = f"{APPLICATION},{ADMISSION},{ADMISSION}!={ENDED}"
_LIVE = "status.phase!=Succeeded,status.phase!=Failed"
_LABEL = f"/metadata/labels/{ADMISSION.replace('/', '~1')}"

Json = Mapping[str, Any]


def unfinished(kube: Kube, namespace: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The Jobs of a pool that are not known to have ended, and its applications' pods that live; few, however many have ended."""
    return list_all(kube, job_path(namespace), _COUNTS), list_all(kube, pods_path(namespace), APPLICATION, _LIVE)


@dataclass(frozen=True)
class Round:
    """What was done for a pool: names of the applications that begin, of those that waited too long, of executors that may start now.

    `quiet` where nothing runs and nobody waits.
    """

    begun: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    executors: tuple[str, ...] = ()
    quiet: bool = True


def look(kube: Kube, namespace: str) -> Round:
    """What the controller does for a pool, again and again; two small requests where nothing runs and nobody waits."""
    jobs, pods = unfinished(kube, namespace)
    settle(kube, namespace, jobs)
    late = expire(kube, namespace, jobs)
    closed = [pod for pod in pods if gated(pod)]
    quiet = not closed and not any(waits(job) or runs(job) for job in jobs)
    if not closed and not any(map(waits, jobs)):
        return Round(late=tuple(late), quiet=quiet)
    limit = bounds(defaults_of(kube, namespace)) or UNBOUNDED  # bounds that somebody took away hold nobody up
    begun = admit(kube, namespace, limit) if any(map(waits, jobs)) else []
    opened = [name for name in openable(jobs, pods, limit) if _open(kube, namespace, name, closed)]
    return Round(tuple(begun), tuple(late), tuple(opened), quiet)


def admit(kube: Kube, namespace: str, limit: Amount, *, only: str | None = None) -> list[str]:
    """Release what may begin, or only one of it; the names."""
    jobs, pods = unfinished(kube, namespace)
    by_name = {job["metadata"]["name"]: job for job in jobs}
    names = [name for name in admissible(jobs, pods, limit) if only in (None, name)]
    return [name for name in names if _release(kube, namespace, by_name[name], datetime.now(UTC))]


def expire(kube: Kube, namespace: str, jobs: Sequence[Json]) -> list[str]:
    """End what has waited as long as its --timeout says; the names."""
    now = datetime.now(UTC)
    late = [job["metadata"]["name"] for job in queue(jobs) if (left := _left(job, now)) is not None and left <= 0]
    for name in late:
        with suppress(ApiNotFoundError):
            kube.patch(job_path(namespace, name), never_begins())
    return late


def never_begins(**annotations: str) -> Json:
    """A merge patch for a suspended Job: it leaves the queue, bdc's or Kueue's, Kubernetes ends it, and no driver is ever made."""
    metadata = {"labels": {ADMISSION: ENDED, QUEUE: None}, "annotations": annotations}
    return {"metadata": metadata, "spec": {"suspend": False, "parallelism": 0, "activeDeadlineSeconds": 1}}


def settle(kube: Kube, namespace: str, jobs: Sequence[Json]) -> None:
    """Mark what has ended, so that it need not be looked at again."""
    change = {"metadata": {"labels": {ADMISSION: ENDED}}}
    for job in filter(ended, jobs):
        with suppress(ApiNotFoundError):
            kube.patch(job_path(namespace, job["metadata"]["name"]), change)


def _release(kube: Kube, namespace: str, job: Json, now: datetime) -> bool:
    """Let a Job begin, unless somebody was faster, or has stopped it."""
    left = _left(job, now)
    change = [
        {"op": "test", "path": _LABEL, "value": QUEUED},
        {"op": "replace", "path": _LABEL, "value": ADMITTED},
        {"op": "replace", "path": "/spec/suspend", "value": False},
    ]
    if left is not None:
        change.append({"op": "add", "path": "/spec/activeDeadlineSeconds", "value": max(1, int(left))})
    try:
        kube.request("PATCH", job_path(namespace, job["metadata"]["name"]), change, content_type=_JSON_PATCH)
    except (ApiNotFoundError, ApiConflictError, ApiInvalidError):  # the last where a patch's `test` fails
        return False
    return True


def _left(job: Json, now: datetime) -> float | None:
    """Seconds until a Job's --timeout is over; None without one."""
    seconds = (job["metadata"].get("annotations") or {}).get(TIMEOUT)
    return None if seconds is None else float(seconds) - (now - moment(job["metadata"]["creationTimestamp"])).total_seconds()


def _open(kube: Kube, namespace: str, name: str, closed: Sequence[Json]) -> bool:
    """Open the gate of an executor's pod, if it is still there."""
    [gates] = [pod["spec"]["schedulingGates"] for pod in closed if pod["metadata"]["name"] == name]
    others = [gate for gate in gates if gate["name"] != POOL_GATE]
    try:
        kube.patch(f"{pods_path(namespace)}/{name}", {"spec": {"schedulingGates": others or None}})
    except ApiNotFoundError:
        return False
    return True

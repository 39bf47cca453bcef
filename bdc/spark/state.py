"""What an application is doing, told from its Job and its driver's pods. Pure: JSON in, values out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bdc.config.names import POOL
from bdc.spark.admission import asks, waits
from bdc.spark.labels import CONTAINER, KILLED, QUEUE, RELEASED, SOURCE

Json = Mapping[str, Any]
_PREEMPTION = re.compile(r"\.?\s+(?:no new claims to deallocate|preemption:)")


class State(StrEnum):
    """The states of an application; the last three are final."""

    QUEUED = "Queued"
    STARTING = "Starting"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    KILLED = "Killed"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self in (State.SUCCEEDED, State.FAILED, State.KILLED)


@dataclass(frozen=True)
class Status:
    """One application. Times are UTC; `started` is when the newest driver's container began to run, `finished` when it ended.

    `finished` is the Job's time where there was no such end: the driver's pod is gone, somebody killed it, or its time was over.
    """

    name: str
    state: State
    reason: str | None
    source: str
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    exit_code: int | None = None
    attempts: int = 0
    pod: str | None = None
    pool: str | None = None

    def seconds(self, now: datetime) -> float:
        """How long it has run, or ran; 0 before it started."""
        return ((self.finished or now) - self.started).total_seconds() if self.started else 0.0


def status(job: Json, pods: Sequence[Json]) -> Status:
    """The status of the application whose Job and driver pods these are."""
    ordered = sorted(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))
    newest = ordered[-1] if ordered else None
    container = container_state(newest) if newest else {}
    ended = container.get("terminated") or {}
    state, reason, finished = _judge(job, newest)
    metadata = job["metadata"]
    return Status(
        name=metadata["name"],
        state=state,
        reason=reason,
        source=metadata.get("annotations", {}).get(SOURCE, ""),
        created=moment(metadata["creationTimestamp"]),
        started=moment((ended or container.get("running") or {}).get("startedAt")),
        finished=finished,
        exit_code=ended.get("exitCode") if state.final else None,
        attempts=len(ordered),
        pod=newest["metadata"]["name"] if newest else None,
        pool=metadata.get("labels", {}).get(POOL),
    )


def container_state(pod: Json) -> Json:
    """The state of the driver's container: a mapping with one of waiting, running, terminated, or empty."""
    for container in pod.get("status", {}).get("containerStatuses") or []:
        if container["name"] == CONTAINER:
            return dict(container.get("state") or {})
    return {}


def _judge(job: Json, pod: Json | None) -> tuple[State, str | None, datetime | None]:
    conditions = {entry["type"]: entry for entry in job.get("status", {}).get("conditions") or [] if entry["status"] == "True"}
    if done := conditions.get("Complete"):
        return State.SUCCEEDED, None, _end(pod) or moment(job["status"].get("completionTime") or done.get("lastTransitionTime"))
    killed = job["metadata"].get("annotations", {}).get(KILLED)
    if killed:
        return State.KILLED, None, moment(killed)
    if failed := conditions.get("Failed"):
        reason = _failed(failed, pod)
        # The pods of a Job that was late go in a moment, and the end must not go with them.
        return State.FAILED, reason, (None if reason == TIMED_OUT else _end(pod)) or moment(failed.get("lastTransitionTime"))
    if ended := _ended(job, pod):
        return ended
    if job["spec"].get("suspend"):
        return State.QUEUED, _queued(job), None
    return (*_waiting(pod), None)


def _end(pod: Json | None) -> datetime | None:
    """When the driver's container ended: known before the Job has judged, and the same afterwards."""
    return moment((container_state(pod).get("terminated") or {}).get("finishedAt")) if pod else None


def _ended(job: Json, pod: Json | None) -> tuple[State, str | None, datetime | None] | None:
    """What a driver's end means, seconds before the Job says so; None where the Job may yet judge otherwise."""
    ended = container_state(pod).get("terminated") if pod else None
    if not pod or not ended:
        return None
    if ended["exitCode"] == 0:
        return State.SUCCEEDED, None, _end(pod)
    stopped = pod["metadata"].get("deletionTimestamp") or any(
        entry["type"] == "FailureTarget" for entry in job.get("status", {}).get("conditions") or []
    )
    if job["spec"].get("backoffLimit") == 0 and not stopped:
        return State.FAILED, _failed({}, pod), _end(pod)
    return None


def _queued(job: Json) -> str:
    metadata = job["metadata"]
    if (queue := metadata.get("labels", {}).get(QUEUE)) and RELEASED in metadata.get("annotations", {}):
        return f"waits for its turn in Kueue's queue {queue}"
    if not waits(job):
        return "not released: its submit was interrupted"
    return f"waits for room in the pool {job['metadata']['labels'].get(POOL)}: it asks for {asks(job)}"


NO_POD = "no driver pod yet"
"""The reason of an application whose driver's pod is not there yet, or not any more."""

TIMED_OUT = "timed out"
"""The reason of an application that had not ended by its --timeout."""


def _failed(condition: Json, pod: Json | None) -> str:
    if condition.get("reason") == "DeadlineExceeded":
        return TIMED_OUT
    ended = container_state(pod).get("terminated") if pod else None
    if ended and ended.get("reason") == "OOMKilled":
        return "OOMKilled"
    if ended:
        return f"exit {ended.get('exitCode')}"
    return str((pod or {}).get("status", {}).get("reason") or condition.get("reason") or "unknown")


def _waiting(pod: Json | None) -> tuple[State, str | None]:
    if pod is None:
        return State.QUEUED, NO_POD
    state = container_state(pod)
    if "running" in state or "terminated" in state:
        return State.RUNNING, None
    if waiting := state.get("waiting"):
        reason = waiting.get("reason")
        return State.STARTING, None if reason in ("ContainerCreating", "PodInitializing") else waiting.get("message") or reason
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return State.QUEUED, unschedulable(condition)
    return State.STARTING, None


def unschedulable(condition: Json) -> str:
    """Why no node takes a pod, from its condition PodScheduled, without what the scheduler says of preemption."""
    return _PREEMPTION.split(str(condition.get("message") or condition.get("reason") or "no reason given"))[0].rstrip(". ")


def moment(text: str | None) -> Any:
    """A Kubernetes time as a datetime; None stays None."""
    return datetime.fromisoformat(text) if text else None

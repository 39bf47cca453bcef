"""Follow an application to its end: states, log lines from the first one, progress, and why it failed.

It asks again every half second instead of keeping connections open, so it goes on over a restart of the API server, and when
it is started again it tells everything from the beginning. It never changes anything: ending it leaves the application alone.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from bdc.config.names import POOL
from bdc.errors import BdcError, NotFoundError
from bdc.kube import ApiError, Kube, UnreachableError
from bdc.kube.diagnose import events_of, warnings_of
from bdc.kube.podlog import PodLog
from bdc.spark.following.events import Ended, Event, LogLine, StageProgress, StateChanged
from bdc.spark.following.failure import Cause, explain, late
from bdc.spark.following.progress import progress
from bdc.spark.labels import CONTAINER, DRIVER, EXECUTOR, application_selector
from bdc.spark.queries import get_job, list_all, pods_path
from bdc.spark.state import NO_POD, TIMED_OUT, Json, State, Status, container_state, status, unschedulable

_TAIL = 400
_WARNINGS_EVERY = 6
_KILLED_EXIT = 143
_OWN_FAILURE_EXIT = 125
_TIMED_OUT_EXIT = 124  # as timeout(1) has it


class LostError(BdcError):
    """The application can't be followed any more; it may go on."""

    exit_code = 126


def follow(
    kube: Kube,
    namespace: str,
    name: str,
    *,
    poll_seconds: float = 0.5,
    lost_after_seconds: float = 300,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """Yield what happens until the application has ended; the last event is `Ended`.

    Its exit code is the application's own; 143 when it was killed, 124 when it timed out, 125 when its driver never ran. Raises
    NotFoundError when there is no such application, LostError when it vanishes or the API doesn't answer for `lost_after_seconds`.
    """
    view = _View(kube, namespace, name)
    seen = False
    answered = clock()
    while True:
        try:
            for event in view.look():
                seen = True
                yield event
                if isinstance(event, Ended):
                    return
            answered = clock()
        except NotFoundError as error:
            if not seen:
                raise
            raise LostError(
                f"{name} was deleted while it was followed", "somebody ran bdc spark delete, or took the cluster down"
            ) from error
        except (UnreachableError, ApiError) as error:
            # An API server that has just started does not know anybody's rights yet.
            starting = seen and isinstance(error, ApiError) and error.code in (401, 403)
            if isinstance(error, ApiError) and error.code < 500 and not starting:
                raise
            if clock() - answered > lost_after_seconds:
                raise LostError(f"lost sight of {name}: {error.message}", f"it may go on; see later: bdc spark logs {name} -f") from error
        sleep(poll_seconds)


class _View:
    """What was told so far."""

    def __init__(self, kube: Kube, namespace: str, name: str) -> None:
        self.kube, self.namespace, self.name = kube, namespace, name
        self._told: tuple[State, str | None] | None = None
        self._logs: dict[str, PodLog] = {}
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._progress: StageProgress | None = None
        self._waited, self._warning = 0, ""
        self.job: Json = {}
        self.waited_for: str | None = None

    def look(self) -> Iterator[Event]:
        job = get_job(self.kube, self.namespace, self.name)
        pods = list_all(self.kube, pods_path(self.namespace), application_selector(DRIVER, self.name))
        now = self._told_why(status(job, pods), job, pods)
        self.job = job
        if not now.state.final and (now.reason != NO_POD or self._told is None):  # a pod that was there and is gone tells nothing new
            self.waited_for = now.reason if now.state in (State.QUEUED, State.STARTING) else None
            if (now.state, now.reason) != self._told:
                self._told = (now.state, now.reason)
                yield StateChanged(now)
        for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"])):
            yield from self._lines(pod)
        if now.state is State.RUNNING and now.pod:
            yield from self._steps(now.pod)
        if now.state.final:
            yield StateChanged(now)
            yield self._end(now, pods)

    def _told_why(self, now: Status, job: Json, pods: list[dict[str, Any]]) -> Status:
        """What waits without a reason of its own gets the last warning of its events, such as a quota; looked up every few seconds."""
        if now.state not in (State.QUEUED, State.STARTING) or (now.pod and now.reason):
            return now
        self._waited += 1
        if self._waited % _WARNINGS_EVERY == 0:
            self._warning = warnings_of(events_of(self.kube, pods[-1] if pods else job), last=1)
        return replace(now, reason=self._warning) if self._warning else now

    def _lines(self, pod: Json) -> Iterator[LogLine]:
        state = container_state(pod)
        if "running" not in state and "terminated" not in state:
            return
        name = pod["metadata"]["name"]
        log = self._logs.setdefault(name, PodLog(self.kube, self.namespace, name, CONTAINER))
        try:
            lines = log.read(final="terminated" in state)
        except ApiError as error:
            if error.code in (400, 404):  # the container isn't there yet, or not any more
                return
            raise
        for line in lines:
            self._tail.append(line)
            yield LogLine(line)

    def _steps(self, pod: str) -> Iterator[StageProgress]:
        step = progress(self.kube, self.namespace, pod)
        if step and step != self._progress:
            self._progress = step
            yield step

    def _end(self, now: Status, pods: list[dict[str, Any]]) -> Ended:
        if now.state is State.SUCCEEDED:
            return Ended(now, 0)
        if now.state is State.KILLED:
            return Ended(now, _KILLED_EXIT)
        if now.reason == TIMED_OUT:
            return Ended(now, _TIMED_OUT_EXIT, late(self.job, self.waited_for or _scheduling(self.kube, self.namespace, self.job)))
        return Ended(now, now.exit_code or _OWN_FAILURE_EXIT, _explain(self.kube, self.namespace, now, pods, list(self._tail)))


def why(kube: Kube, namespace: str, failed: Status) -> Cause:
    """Why an application failed, from what is left of it. For one that was followed, `Ended` has it."""
    if failed.reason == TIMED_OUT:
        job = get_job(kube, namespace, failed.name)
        return late(job, _scheduling(kube, namespace, job))
    pods = list_all(kube, pods_path(namespace), application_selector(DRIVER, failed.name))
    log: list[str] = []
    if failed.pod:
        with contextlib.suppress(ApiError):
            log = PodLog(kube, namespace, failed.pod, CONTAINER, tail=_TAIL).read(final=True)
    return _explain(kube, namespace, failed, pods, log)


def _scheduling(kube: Kube, namespace: str, job: Json) -> str | None:
    """Why no driver ran, from the Job or from events that outlive its pod by an hour; None when one did or nobody knows any more."""
    if job["spec"].get("parallelism") == 0:
        return f"the pool {job['metadata']['labels'].get(POOL)} had no room for it"
    query = {"fieldSelector": "involvedObject.kind=Pod"}
    try:
        events = kube.request("GET", f"/api/v1/namespaces/{namespace}/events", query=query)["items"]
    except ApiError:
        return None
    mine = [event for event in events if str(event["involvedObject"].get("name")).startswith(f"{job['metadata']['name']}-")]
    mine = [event for event in mine if not str(event.get("message")).startswith("skip schedule")]  # said of a pod that is being deleted
    mine.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    return unschedulable(mine[-1]) if mine and mine[-1].get("reason") == "FailedScheduling" else None


def _explain(kube: Kube, namespace: str, failed: Status, pods: list[dict[str, Any]], log: list[str]) -> Cause:
    executors = list_all(kube, pods_path(namespace), application_selector(EXECUTOR, failed.name))
    driver = next((pod for pod in pods if pod["metadata"]["name"] == failed.pod), None)
    return explain(log, driver, executors)

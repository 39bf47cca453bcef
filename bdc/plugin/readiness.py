"""When an object counts as ready, and when it never will be.

The conditions are the official plugin's; on top, pods that can't work end the wait at once, with the pod's name, the cause and
the end of its log, instead of at the deadline.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bdc.config.names import PART
from bdc.errors import BdcError, DeadlineError, UnhealthyError
from bdc.kube import ApiError, ApiNotFoundError, Kube
from bdc.kube.diagnose import diagnose, events_of, warnings_of
from bdc.kube.podstate import progress
from bdc.kube.selector import label_selector
from bdc.plugin.conditions import condition, waited_for
from bdc.plugin.kinds import POD_OWNERS, annotation, object_id
from bdc.plugin.wording import INTERRUPTED, write

DEFAULT_TIMEOUT_SECONDS = 600.0
_DIAGNOSE_EVERY_SECONDS = 2.0
_Object = Mapping[str, Any]


class NotLiveError(Exception):
    """The object is there but not ready: its state is kept, and the next update waits for it again. `text` has remedy and exit code."""

    def __init__(self, message: str, obj: dict[str, Any], hint: str | None = None, exit_code: int = 1) -> None:
        super().__init__(message)
        self.obj = obj
        self.text = write(message, hint, exit_code)


class Waiter:
    """Waits for one object at a time; many threads may use it."""

    def __init__(self, kube: Kube, stopped: threading.Event) -> None:
        self._kube, self._stopped = kube, stopped

    def until_ready(self, obj: dict[str, Any], inputs: _Object, timeout_seconds: float, report: Callable[[str], None]) -> dict[str, Any]:
        """The object once it is ready. `report` gets what it waits for whenever that changes. Raises NotLiveError."""
        if annotation(inputs, "skipAwait") == "true":
            return obj
        started = datetime.now(UTC)
        limit = timeout_seconds or float(annotation(inputs, "timeoutSeconds") or 0) or DEFAULT_TIMEOUT_SECONDS
        end, pause, said, looked, pods = time.monotonic() + limit, 0.1, "", time.monotonic(), ""
        while True:
            wanting = waiting_for(self._kube, obj)
            if not wanting:
                return obj
            now = time.monotonic()
            if now - looked >= _DIAGNOSE_EVERY_SECONDS or now > end:
                looked, pods = now, self._look_at_pods(obj, started)
            if pods:  # of a single pod there is nothing to count
                wanting = pods if obj["spec"].get("replicas", 1) == 1 and " old " not in wanting else f"{wanting}: {pods}"
            if wanting != said:
                report(wanting)
                said = wanting
            if now > end:
                raise self._late(obj, wanting, limit)
            if self._stopped.wait(pause):
                raise NotLiveError("the wait was interrupted", obj, exit_code=INTERRUPTED)
            pause = min(pause * 1.4, 1.0)
            try:
                obj = self._kube.get(obj)
            except ApiNotFoundError:
                raise NotLiveError("it was deleted while bdc waited for it", obj) from None

    def missing(self, obj: dict[str, Any], inputs: _Object) -> str:
        """What the object waits for right now; empty when it is ready, or needn't be."""
        if annotation(inputs, "skipAwait") == "true":
            return ""
        try:
            found = waiting_for(self._kube, obj)
        except NotLiveError as error:
            return str(error)
        return found and f"waiting for {found}"

    def until_gone(self, obj: _Object, timeout_seconds: float) -> None:
        """Return once the object, by its uid, is gone. Raises DeadlineError, or BdcError when interrupted."""
        uid, pause = obj["metadata"].get("uid"), 0.05
        limit = timeout_seconds or DEFAULT_TIMEOUT_SECONDS
        end = time.monotonic() + limit
        while True:
            try:
                live = self._kube.get(obj)
            except ApiNotFoundError:
                return
            if uid and live["metadata"]["uid"] != uid:
                return
            if time.monotonic() > end:
                left = ", ".join(live["metadata"].get("finalizers") or []) or "none"
                late = f"{obj['kind']} {object_id(obj)} was not gone in {limit:.0f} s: it is still being deleted; finalizers: {left}"
                raise DeadlineError(late, "what its finalizers stand for must be done first; then run the command again")
            if self._stopped.wait(pause):
                interrupted = BdcError("the wait for its deletion was interrupted")
                interrupted.exit_code = INTERRUPTED
                raise interrupted
            pause = min(pause * 1.5, 1.0)

    def _look_at_pods(self, obj: dict[str, Any], since: datetime) -> str:
        """How far the object's pods are. Raises NotLiveError when one can't work."""
        try:
            pods = self._pods(obj)
            found = diagnose(self._kube, pods, since=since)
        except ApiError:  # such as no right to list pods: then the deadline decides
            return ""
        if found:
            raise NotLiveError(f"{obj['kind']} {object_id(obj)} can't become ready: {found}", obj, found.hint, UnhealthyError.exit_code)
        return progress(pods)

    def _pods(self, obj: dict[str, Any]) -> list[dict[str, Any]]:
        if obj["kind"] == "Pod":
            return [obj]
        labels = (obj["spec"].get("selector") or {}).get("matchLabels") or {} if obj["kind"] in POD_OWNERS else {}
        if not labels:
            return []
        query = {"labelSelector": label_selector(labels)}
        return list(self._kube.request("GET", f"/api/v1/namespaces/{obj['metadata']['namespace']}/pods", query=query)["items"])

    def _late(self, obj: dict[str, Any], waiting_for: str, limit: float) -> NotLiveError:
        warnings = warnings_of(events_of(self._kube, obj))
        text = f"{obj['kind']} {object_id(obj)} was not ready in time ({limit:.0f} s), waiting for {waiting_for}"
        part = (obj["metadata"].get("labels") or {}).get(PART)
        look = f"bdc logs {part} says more; " if part else ""
        hint = f"{look}bdc up goes on from here, and --timeout gives each part more time"
        return NotLiveError(f"{text}{f'; {warnings}' if warnings else ''}", obj, hint, DeadlineError.exit_code)


def waiting_for(kube: Kube, obj: dict[str, Any]) -> str:
    """What an object waits for, empty when it is ready. Raises NotLiveError where it never will be."""
    if expressions := annotation(obj, "waitFor"):
        return waited_for(obj, expressions)
    check = _CHECKS.get((obj["apiVersion"], obj["kind"]))
    return check(kube, obj) if check else ""


def _deployment(_: Kube, obj: dict[str, Any]) -> str:
    wanted, status = obj["spec"].get("replicas", 1), obj.get("status") or {}
    if condition(obj, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        late = f"Deployment {object_id(obj)} was not ready in time: its progress deadline is over"
        raise NotLiveError(late, obj, exit_code=DeadlineError.exit_code)
    available = int(status.get("availableReplicas", 0))
    old = int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))
    if _seen(obj) and int(status.get("updatedReplicas", 0)) >= wanted and available >= wanted and old <= 0:
        return ""
    return (
        f"{old} old {'pod' if old == 1 else 'pods'} to end"
        if available >= wanted and old > 0
        else f"pods, {available} of {wanted} available"
    )


def _stateful_set(_: Kube, obj: dict[str, Any]) -> str:
    wanted, status = obj["spec"].get("replicas", 1), obj.get("status") or {}
    ready, updated = int(status.get("readyReplicas", 0)), int(status.get("updatedReplicas", 0))
    current = status.get("currentRevision") == status.get("updateRevision")
    by_hand = (obj["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
    if _seen(obj) and ready >= wanted and (by_hand or (updated >= wanted and current)):
        return ""
    if updated > wanted:
        return f"{updated - wanted} {'pod' if updated - wanted == 1 else 'pods'} to end"
    return f"pods, {ready} of {wanted} ready" if ready < wanted else f"pods, {updated} of {wanted} on the new version"


def _daemon_set(_: Kube, obj: dict[str, Any]) -> str:
    status = obj.get("status") or {}
    wanted, available = int(status.get("desiredNumberScheduled", 0)), int(status.get("numberAvailable", 0))
    if _seen(obj) and int(status.get("updatedNumberScheduled", 0)) >= wanted and available >= wanted:
        return ""
    return f"pods, {available} of {wanted} available"


def _job(_: Kube, obj: dict[str, Any]) -> str:
    failed = condition(obj, "Failed")
    if failed.get("status") == "True":
        reason = f"{failed.get('reason')}: {failed.get('message')}"
        failure = f"Job {object_id(obj)} can't become ready: it has failed ({reason})"
        raise NotLiveError(failure, obj, exit_code=UnhealthyError.exit_code)
    return "" if condition(obj, "Complete").get("status") == "True" else "the job to complete"


def _pod(_: Kube, obj: dict[str, Any]) -> str:
    phase = (obj.get("status") or {}).get("phase", "Pending")
    if phase == "Succeeded" or condition(obj, "Ready").get("status") == "True":
        return ""
    return f"the pod, {phase}"


def _claim(kube: Kube, obj: dict[str, Any]) -> str:
    if (obj.get("status") or {}).get("phase") == "Bound":
        return ""
    if name := obj["spec"].get("storageClassName"):
        try:
            storage_class = kube.request("GET", f"/apis/storage.k8s.io/v1/storageclasses/{name}")
        except ApiNotFoundError:
            return f"storage class {name}, which does not exist"
        if storage_class.get("volumeBindingMode") == "WaitForFirstConsumer":
            return ""
    return "a volume"


def _service(kube: Kube, obj: dict[str, Any]) -> str:
    spec, status, metadata = obj["spec"], obj.get("status") or {}, obj["metadata"]
    if spec.get("type") == "LoadBalancer" and not (status.get("loadBalancer") or {}).get("ingress"):
        return "an address of the load balancer"
    if spec.get("type") == "ExternalName" or not spec.get("selector") or spec.get("clusterIP") == "None":
        return ""
    slices = kube.request(
        "GET",
        f"/apis/discovery.k8s.io/v1/namespaces/{metadata['namespace']}/endpointslices",
        query={"labelSelector": label_selector({"kubernetes.io/service-name": metadata["name"]})},
    )["items"]
    endpoints = [endpoint for one in slices for endpoint in one.get("endpoints") or []]
    return "" if any((e.get("conditions") or {}).get("ready") for e in endpoints) else "a ready pod behind it"


def _seen(obj: _Object) -> bool:
    """Whether the controller has seen this generation; before, its status is about an older one."""
    return int((obj.get("status") or {}).get("observedGeneration", 0)) >= int(obj["metadata"].get("generation", 0))


_CHECKS: Mapping[tuple[str, str], Callable[[Kube, dict[str, Any]], str]] = {
    ("apps/v1", "Deployment"): _deployment,
    ("apps/v1", "StatefulSet"): _stateful_set,
    ("apps/v1", "DaemonSet"): _daemon_set,
    ("batch/v1", "Job"): _job,
    ("v1", "Pod"): _pod,
    ("v1", "PersistentVolumeClaim"): _claim,
    ("v1", "Service"): _service,
}

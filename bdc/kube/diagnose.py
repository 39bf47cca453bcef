"""Why a pod can't work, in one line, from its status, its events and its log.

`examine` is pure, so every cause has a unit test; `diagnose` feeds it from a cluster. `bdc up` calls it while it waits, `bdc status`
and `bdc doctor` when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bdc.config import workloads
from bdc.config.names import COMPONENT, PART
from bdc.errors import BdcError
from bdc.kube.client import Kube

LOG_LINES = 10
_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_SCALING = {"TriggeredScaleUp", "Nominated", "ScaleUp"}  # an autoscaler is adding a node: waiting helps
_UNSCHEDULABLE_AFTER = timedelta(seconds=60)
_CONFIG_AFTER = timedelta(seconds=20)  # its ConfigMap or Secret may be made a moment later
_MOUNT_AFTER = timedelta(seconds=120)  # a volume that moves between nodes takes a while
_JUST_MADE = timedelta(seconds=5)  # how much older than the answer to the apply its first pods may be

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Diagnosis:
    """What keeps a pod from working: one line of cause, what was seen (a log's end), what to do."""

    pod: str
    cause: str
    detail: str
    hint: str

    def __str__(self) -> str:
        text = f"pod {self.pod} {self.cause}"
        return f"{text}\n{self.detail}" if self.detail else text


def diagnose(kube: Kube, pods: Sequence[Object], *, since: datetime | None = None) -> Diagnosis | None:
    """The first pod by name that can't work, or None. Exits from before `since` don't count."""
    for pod in sorted(pods, key=lambda one: str(one["metadata"]["name"])):
        if found := diagnose_pod(kube, pod, since=since):
            return found
    return None


def diagnose_pod(kube: Kube, pod: Object, *, since: datetime | None = None) -> Diagnosis | None:
    """What keeps this pod from working, or None. Events and logs are asked for only where they are needed."""
    if not _troubled(pod):
        return None
    events = events_of(kube, pod) if pod.get("status", {}).get("phase") == "Pending" else []
    return examine(pod, events, lambda name, previous: _log(kube, pod, name, previous), now=datetime.now(UTC), since=since)


def examine(
    pod: Object,
    events: Sequence[Object],
    log: Callable[[str, bool], str],
    *,
    now: datetime,
    since: datetime | None = None,
) -> Diagnosis | None:
    """Judge one pod. `log(container, previous)` gives the end of a log, empty when there is none."""
    metadata = pod["metadata"]
    if metadata.get("deletionTimestamp"):
        return None
    name = str(metadata["name"])
    for container in _containers(pod):
        found = (
            _image(name, container)
            or _config(name, container, now - _time(metadata.get("creationTimestamp"), now))
            or _exits(name, pod, container, log, since)
        )
        if found:
            return found
    return _evicted(name, pod) or _unschedulable(name, pod, events, now) or _mount(name, pod, events, now)


def events_of(kube: Kube, obj: Object) -> list[dict[str, Any]]:
    """The events about an object, oldest first; none where we may not read them."""
    metadata = obj["metadata"]
    try:
        events = kube.request(
            "GET",
            f"/api/v1/namespaces/{metadata.get('namespace') or 'default'}/events",
            query={"fieldSelector": f"involvedObject.uid={metadata['uid']}"},
        )["items"]
    except BdcError:
        return []
    return sorted(events, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))


def warnings_of(events: Sequence[Object], last: int = 3) -> str:
    """The last Warning events as one line, empty when there are none."""
    return "; ".join([f"{e.get('reason')}: {e.get('message')}" for e in events if e.get("type") == "Warning"][-last:])


def _troubled(pod: Object) -> bool:
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded",):
        return False
    return not any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or [])


def _containers(pod: Object) -> Iterator[Object]:
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


def _image(pod: str, container: Object) -> Diagnosis | None:
    waiting = (container.get("state") or {}).get("waiting") or {}
    if waiting.get("reason") not in _IMAGE:
        return None
    return Diagnosis(
        pod,
        f"can't get its image {container.get('image')} ({waiting['reason']})",
        str(waiting.get("message") or ""),
        "check the image's name and that the nodes reach its registry, or run bdc images build",
    )


def _config(pod: str, container: Object, age: timedelta) -> Diagnosis | None:
    waiting = (container.get("state") or {}).get("waiting") or {}
    if waiting.get("reason") not in _CONFIG or age < _CONFIG_AFTER:
        return None
    return Diagnosis(
        pod,
        f"can't start container {container['name']}: {waiting.get('message') or waiting['reason']}",
        "",
        "make what it names, or correct the name; it starts by itself then",
    )


def _exits(pod: str, obj: Object, container: Object, log: Callable[[str, bool], str], since: datetime | None) -> Diagnosis | None:
    """A container that has ended twice, in failure at last, and isn't ready."""
    state = container.get("state") or {}
    running = "running" in state
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    exits = int(container.get("restartCount") or 0) + (1 if ended and not running else 0)
    final = (obj.get("spec") or {}).get("restartPolicy") == "Never" and "terminated" in state
    if container.get("ready") or not ended or not ended.get("exitCode") or (exits < 2 and not final) or _older(obj, ended, since):
        return None
    name, killed = str(container["name"]), ended.get("reason") == "OOMKilled"
    how = f"was killed for using more memory than its limit{_limit(obj, name)}" if killed else f"exited with status {ended['exitCode']}"
    times = f", {exits} times" if exits > 1 else ""
    tail = log(name, running or "waiting" in state) or str(ended.get("message") or "")
    hint = _more_memory(obj) if killed else _read_the_log(obj, name)
    return Diagnosis(pod, f"can't run: container {name} {how}{times}", _indent(tail), hint)


def _limit(pod: Object, container: str) -> str:
    """The container's memory limit, as " of 512Mi"."""
    limits = [one.get("resources", {}).get("limits", {}) for one in pod.get("spec", {}).get("containers", []) if one["name"] == container]
    return f" of {limits[0]['memory']}" if limits and "memory" in limits[0] else ""


def _more_memory(pod: Object) -> str:
    component = (pod["metadata"].get("labels") or {}).get(COMPONENT)
    section = next((one.resources for one in workloads.WORKLOADS if one.name == component), None)
    return f"raise {section}.memory_limit in bdc.yaml, then run bdc up again" if section else "raise its memory limit"


def _read_the_log(pod: Object, container: str) -> str:
    if part := (pod["metadata"].get("labels") or {}).get(PART):
        return f"correct in bdc.yaml what the end of its log says, then run bdc up again; all of the log: bdc logs {part} --previous"
    return f"the end of its log is above; all of it: kubectl logs {pod['metadata']['name']} -c {container} --previous"


def _older(pod: Object, ended: Object, since: datetime | None) -> bool:
    """Whether these exits belong to the time before `since`: the pod did, and so did the container that ended last.

    A pod made a moment before belongs to the change that is waited for. Its container's start gets no such moment: what has ended
    since a node came back, while the DNS was not there yet, will work at its next start.
    """
    if since is None:
        return False
    # The API server's times are whole seconds.
    floor = since.replace(microsecond=0)
    created = _time(pod["metadata"].get("creationTimestamp"), floor)
    return created < floor - _JUST_MADE and _time(ended.get("startedAt"), floor) < floor


def _evicted(name: str, pod: Object) -> Diagnosis | None:
    status = pod.get("status") or {}
    if status.get("phase") != "Failed" or not status.get("reason"):
        return None
    return Diagnosis(name, f"has failed: {status['reason']}: {status.get('message', '')}".rstrip(": "), "", "free what the node ran out of")


def _unschedulable(name: str, pod: Object, events: Sequence[Object], now: datetime) -> Diagnosis | None:
    for condition in (pod.get("status") or {}).get("conditions") or []:
        waiting = now - _time(condition.get("lastTransitionTime"), now)
        if condition["type"] != "PodScheduled" or condition.get("reason") != "Unschedulable" or waiting < _UNSCHEDULABLE_AFTER:
            continue
        if any(event.get("reason") in _SCALING for event in events):
            return None
        cause = f"is Pending, no node can take it: {condition.get('message') or 'Unschedulable'}"
        return Diagnosis(name, cause, "", "lower what it asks for in bdc.yaml, free a node, or add one")
    return None


def _mount(name: str, pod: Object, events: Sequence[Object], now: datetime) -> Diagnosis | None:
    age = now - _time(pod["metadata"].get("creationTimestamp"), now)
    failed = [
        e
        for e in events
        if e.get("type") == "Warning" and e.get("reason") in ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
    ]
    if not failed or age < _MOUNT_AFTER or (pod.get("status") or {}).get("phase") != "Pending":
        return None
    last = failed[-1]
    return Diagnosis(name, f"can't start: {last['reason']}: {last.get('message')}", "", f"kubectl describe pod {name} shows all its events")


def _log(kube: Kube, pod: Object, container: str, previous: bool) -> str:
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
    for before in (previous, not previous):
        try:
            text = kube.text(path, query={"container": container, "tailLines": LOG_LINES, "previous": before}, timeout=10)
        except BdcError:
            continue
        if text.strip() and not text.startswith("unable to retrieve container logs"):
            return text
    return ""


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-LOG_LINES:])


def _time(value: Any, default: datetime) -> datetime:
    return datetime.fromisoformat(str(value)) if value else default

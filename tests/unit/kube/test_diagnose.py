"""Each way in which a pod can't work has its one line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bdc.kube.diagnose import Diagnosis, examine

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def stamp(seconds_ago: float) -> str:
    return (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(age: float = 30, phase: str = "Running", **status: Any) -> dict[str, Any]:
    metadata = {"name": "web-0", "namespace": "shop", "creationTimestamp": stamp(age)}
    return {"metadata": metadata, "spec": {}, "status": {"phase": phase, **status}}


def container(state: dict[str, Any], restarts: int = 0, last: dict[str, Any] | None = None, *, ready: bool = False) -> dict[str, Any]:
    found = {"name": "main", "image": "web:1", "ready": ready, "restartCount": restarts, "state": state}
    return found | ({"lastState": {"terminated": last}} if last else {})


def ended(code: int = 3, ago: float = 5, ran: float = 1, reason: str = "Error") -> dict[str, Any]:
    return {"exitCode": code, "reason": reason, "startedAt": stamp(ago + ran), "finishedAt": stamp(ago)}


def judge(obj: dict[str, Any], *events: dict[str, Any], since: float | None = None, log: str = "a\nb") -> Diagnosis | None:
    return examine(obj, events, lambda *_: log, now=NOW, since=None if since is None else NOW - timedelta(seconds=since))


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def test_first_exit_is_tolerated_the_second_is_not() -> None:
    assert judge(pod(containerStatuses=[container(waiting("CrashLoopBackOff"), 0, ended())])) is None
    found = judge(pod(containerStatuses=[container(waiting("CrashLoopBackOff"), 1, ended())]))
    assert found
    assert found.pod == "web-0"
    assert found.cause == "can't run: container main exited with status 3, 2 times"
    assert found.detail == "  a\n  b"
    assert "--previous" in found.hint


def test_running_again_after_the_second_exit() -> None:
    assert judge(pod(containerStatuses=[container({"running": {}}, 1, ended())])) is None
    assert judge(pod(containerStatuses=[container({"running": {}}, 2, ended())]))
    assert judge(pod(containerStatuses=[container({"running": {}}, 2, ended(), ready=True)])) is None


def test_exits_before_the_rollout_do_not_count() -> None:
    yesterday = pod(age=86400, containerStatuses=[container({"running": {}}, 5, ended(ago=80000))])
    assert judge(yesterday, since=60) is None
    assert judge(yesterday)
    again = pod(age=86400, containerStatuses=[container(waiting("CrashLoopBackOff"), 7, ended(ago=5))])
    assert judge(again, since=60)
    of_this_change = pod(age=63, containerStatuses=[container(waiting("CrashLoopBackOff"), 2, ended(ago=61))])
    assert judge(of_this_change, since=60)
    before_the_dns = pod(age=600, containerStatuses=[container(waiting("CrashLoopBackOff"), 3, ended(ago=61))])
    assert judge(before_the_dns, since=60) is None
    assert judge(pod(age=86400, containerStatuses=[container(waiting("CrashLoopBackOff"), 5, ended(ago=5, ran=70000))]), since=60) is None


def test_out_of_memory_has_its_own_hint() -> None:
    found = judge(pod(containerStatuses=[container(waiting("CrashLoopBackOff"), 1, ended(137, reason="OOMKilled"))]))
    assert found
    assert "more memory than its limit" in found.cause
    assert found.hint == "raise its memory limit"


def test_a_pod_of_ours_names_the_setting_and_the_limit() -> None:
    ours = pod(containerStatuses=[container(waiting("CrashLoopBackOff"), 1, ended(137, reason="OOMKilled"))])
    ours["metadata"]["labels"] = {"app.kubernetes.io/component": "trino-coordinator", "app.kubernetes.io/part-of": "federation"}
    ours["spec"]["containers"] = [{"name": "main", "resources": {"limits": {"memory": "96Mi"}}}]
    found = judge(ours)
    assert found
    assert "more memory than its limit of 96Mi, 2 times" in found.cause
    assert found.hint == "raise federation.coordinator.memory_limit in bdc.yaml, then run bdc up again"
    ours["status"]["containerStatuses"] = [container(waiting("CrashLoopBackOff"), 1, ended())]
    other = judge(ours)
    assert other
    assert other.hint.endswith("bdc logs federation --previous")


def test_a_pod_that_may_not_restart_fails_at_its_first_exit() -> None:
    once = pod(phase="Failed", containerStatuses=[container({"terminated": ended(1)})])
    once["spec"]["restartPolicy"] = "Never"
    assert judge(once)
    success = pod(phase="Running", containerStatuses=[container({"terminated": ended(0)})])
    assert judge(success) is None


def test_init_containers_count() -> None:
    assert judge(pod(phase="Pending", initContainerStatuses=[container(waiting("CrashLoopBackOff"), 1, ended())]))


def test_image() -> None:
    found = judge(pod(phase="Pending", containerStatuses=[container(waiting("ImagePullBackOff", "not found"))]))
    assert found
    assert found.cause == "can't get its image web:1 (ImagePullBackOff)"
    assert found.detail == "not found"


def test_configuration_gets_a_moment() -> None:
    statuses = [container(waiting("CreateContainerConfigError", 'configmap "x" not found'))]
    assert judge(pod(age=5, phase="Pending", containerStatuses=statuses)) is None
    found = judge(pod(age=25, phase="Pending", containerStatuses=statuses))
    assert found
    assert 'configmap "x" not found' in found.cause


def unschedulable(seconds: float) -> dict[str, Any]:
    message = "0/1 nodes are available: 1 Insufficient memory."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return pod(age=seconds, phase="Pending", conditions=[condition | {"lastTransitionTime": stamp(seconds)}])


def test_unschedulable_after_a_minute() -> None:
    assert judge(unschedulable(50)) is None
    found = judge(unschedulable(61))
    assert found
    assert "Insufficient memory" in found.cause
    assert judge(unschedulable(61), {"reason": "TriggeredScaleUp", "type": "Normal"}) is None


def test_mount_and_eviction() -> None:
    event = {"type": "Warning", "reason": "FailedMount", "message": "no such path"}
    assert judge(pod(age=60, phase="Pending"), event) is None
    found = judge(pod(age=130, phase="Pending"), event)
    assert found
    assert "FailedMount: no such path" in str(found)
    evicted = judge(pod(phase="Failed", reason="Evicted", message="disk pressure"))
    assert evicted
    assert "Evicted: disk pressure" in evicted.cause


def test_a_pod_that_goes_away_is_fine() -> None:
    leaving = pod(containerStatuses=[container(waiting("CrashLoopBackOff"), 9, ended())])
    leaving["metadata"]["deletionTimestamp"] = stamp(1)
    assert judge(leaving) is None

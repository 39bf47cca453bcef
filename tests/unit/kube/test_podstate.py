"""What is said of a pod on its way."""

from __future__ import annotations

from typing import Any

import pytest

from bdc.kube.podstate import progress


def pod(name: str = "web-0", phase: str = "Pending", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"phase": phase, **status}}


def container(state: dict[str, Any], *, ready: bool = False, last: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": "main", "ready": ready, "state": state, "lastState": {"terminated": last} if last else {}}


READY = [{"type": "Ready", "status": "True"}]
UNSCHEDULED = [{"type": "PodScheduled", "status": "False"}]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (pod(), "getting volumes and network"),
        (pod(conditions=UNSCHEDULED), "no node yet"),
        (pod(containerStatuses=[container({"waiting": {"reason": "ContainerCreating"}})]), "starting"),
        (pod(containerStatuses=[container({"waiting": {"reason": "ErrImagePull"}})]), "can't start yet: ErrImagePull"),
        (pod(phase="Running", containerStatuses=[container({"running": {}})]), "running, not ready"),
        (pod(phase="Running", containerStatuses=[container({"terminated": {"exitCode": 3}})]), "exited with status 3, starting again"),
        (
            pod(phase="Running", containerStatuses=[container({"waiting": {"reason": "CrashLoopBackOff"}}, last={"exitCode": 1})]),
            "exited with status 1, starting again",
        ),
        (
            pod(
                phase="Running",
                initContainerStatuses=[container({"terminated": {"exitCode": 0}})],
                containerStatuses=[container({"running": {}}, ready=True), container({"running": {}})],
            ),
            "running, not ready",
        ),
    ],
)
def test_how_far_it_is(one: dict[str, Any], said: str) -> None:
    assert progress([one]) == f"web-0 ({said})"


def test_the_first_that_is_not_ready_is_told() -> None:
    pods = [pod("web-1", conditions=UNSCHEDULED), pod("web-0", "Running", conditions=READY), pod("job", "Succeeded")]
    assert progress(pods) == "web-1 (no node yet)"
    assert progress(pods[1:]) == ""
    assert progress([]) == ""


def test_a_pod_that_goes_is_ending() -> None:
    leaving = pod("web-0", "Running", conditions=READY)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert progress([leaving]) == "web-0 (ending)"

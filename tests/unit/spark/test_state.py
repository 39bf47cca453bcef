from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bdc.errors import NotFoundError, UsageError
from bdc.spark import State, delete, get, kill, listing
from bdc.spark.state import status
from tests.unit.fake_kube import FakeKube
from tests.unit.spark.conftest import job, pod

RUNNING = {"running": {"startedAt": "2026-11-21T10:00:03Z"}}
DONE = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": "2026-11-21T10:00:03Z", "finishedAt": "2026-11-21T10:00:33Z"}}
FAILED = {"terminated": {"exitCode": 3, "reason": "Error", "startedAt": "2026-11-21T10:00:03Z", "finishedAt": "2026-11-21T10:00:33Z"}}
UNSCHEDULABLE = [
    {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes: 1 Insufficient memory. no new claims to deallocate, preemption: 0/1",
    }
]


def ended(kind: str, reason: str = "") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True", "reason": reason, "lastTransitionTime": "2026-11-21T10:00:34Z"}]}


@pytest.mark.parametrize(
    ("job_more", "pods", "state", "reason"),
    [
        ({"spec": {"suspend": True}}, [], State.QUEUED, "not released: its submit was interrupted"),
        ({}, [], State.QUEUED, "no driver pod yet"),
        ({}, [pod(phase="Pending", conditions=UNSCHEDULABLE)], State.QUEUED, "0/1 nodes: 1 Insufficient memory"),
        ({}, [pod(phase="Pending")], State.STARTING, None),
        ({}, [pod(state={"waiting": {"reason": "ContainerCreating"}})], State.STARTING, None),
        ({}, [pod(state={"waiting": {"reason": "ErrImagePull", "message": "not found"}})], State.STARTING, "not found"),
        ({}, [pod(state=RUNNING)], State.RUNNING, None),
        ({}, [pod(state=DONE)], State.SUCCEEDED, None),
        ({"spec": {"backoffLimit": 0}}, [pod(state=FAILED)], State.FAILED, "exit 3"),
        ({"spec": {"backoffLimit": 1}}, [pod(state=FAILED)], State.RUNNING, None),
        ({"spec": {"backoffLimit": 0}, "status": ended("FailureTarget", "DeadlineExceeded")}, [pod(state=FAILED)], State.RUNNING, None),
        ({"status": ended("Complete")}, [pod(state=DONE)], State.SUCCEEDED, None),
        ({"status": ended("Failed", "BackoffLimitExceeded")}, [pod(state=FAILED)], State.FAILED, "exit 3"),
        ({"status": ended("Failed", "BackoffLimitExceeded")}, [], State.FAILED, "BackoffLimitExceeded"),
    ],
)
def test_states(job_more: dict[str, Any], pods: list[dict[str, Any]], state: State, reason: str | None) -> None:
    now = status(job(**job_more), pods)
    assert (now.state, now.reason) == (state, reason)


def test_times_exit_code_and_attempts() -> None:
    first = pod("etl-aaaaa", state=FAILED)
    second = pod("etl-bbbbb", state=FAILED)
    second["metadata"]["creationTimestamp"] = "2026-11-21T10:00:40Z"
    now = status(job(status=ended("Failed")), [second, first])
    assert (now.pod, now.attempts, now.exit_code) == ("etl-bbbbb", 2, 3)
    assert now.seconds(datetime(2030, 1, 1, tzinfo=UTC)) == 30


@pytest.mark.parametrize(("container", "kind"), [(DONE, "Complete"), (FAILED, "Failed")])
def test_the_end_is_the_drivers_before_and_after_the_job_has_judged(container: dict[str, Any], kind: str) -> None:
    judged = ended(kind) | ({"completionTime": "2026-11-21T10:00:36Z"} if kind == "Complete" else {})
    times = [status(job(spec={"backoffLimit": 0}, status=said), [pod(state=container)]).finished for said in ({}, judged)]
    assert times == [datetime(2026, 11, 21, 10, 0, 33, tzinfo=UTC)] * 2
    assert status(job(status=judged), []).finished == datetime(2026, 11, 21, 10, 0, 36 if kind == "Complete" else 34, tzinfo=UTC)


def test_the_end_of_one_that_was_late_does_not_go_with_its_pod() -> None:
    late = job(status=ended("Failed", "DeadlineExceeded"))
    assert status(late, [pod(state=FAILED)]).finished == status(late, []).finished


def test_a_driver_that_was_sent_away_is_left_to_the_job() -> None:
    away = pod(state=FAILED)
    away["metadata"]["deletionTimestamp"] = "2026-11-21T10:00:30Z"
    assert status(job(spec={"backoffLimit": 0}), [away]).state is State.RUNNING


def test_oom_is_said() -> None:
    killed = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": "2026-11-21T10:00:03Z"}}
    assert status(job(status=ended("Failed")), [pod(state=killed)]).reason == "OOMKilled"


def test_listing_is_newest_first_and_takes_two_requests(kube: FakeKube) -> None:
    for at in range(30):
        kube.put(f"/apis/batch/v1/namespaces/bdc/jobs/a{at}", job(f"a{at}") | {"metadata": {**job(f"a{at}")["metadata"],
                 "creationTimestamp": f"2026-11-21T10:{at:02}:00Z"}})  # fmt: skip
    kube.put("/apis/batch/v1/namespaces/bdc/jobs/hdfs-folders", {"spec": {}})
    kube.calls.clear()
    assert [entry.name for entry in listing(kube, "bdc")] == [f"a{at}" for at in reversed(range(30))]
    assert len(kube.calls) == 2


def test_another_job_is_no_application(kube: FakeKube) -> None:
    kube.put("/apis/batch/v1/namespaces/bdc/jobs/hdfs-folders", {"spec": {}})
    with pytest.raises(NotFoundError, match="no application hdfs-folders"):
        get(kube, "bdc", "hdfs-folders")
    with pytest.raises(NotFoundError):
        delete(kube, "bdc", "hdfs-folders")
    assert "/apis/batch/v1/namespaces/bdc/jobs/hdfs-folders" in kube.objects


def test_kill_keeps_it_in_the_list_and_delete_does_not(kube: FakeKube) -> None:
    kube.put("/apis/batch/v1/namespaces/bdc/jobs/etl", job())
    assert kill(kube, "bdc", "etl").state is State.KILLED
    assert kube.objects["/apis/batch/v1/namespaces/bdc/jobs/etl"]["spec"]["activeDeadlineSeconds"] == 1
    with pytest.raises(UsageError, match="already ended: Killed"):
        kill(kube, "bdc", "etl")
    assert [entry.state for entry in listing(kube, "bdc")] == [State.KILLED]
    delete(kube, "bdc", "etl")
    assert listing(kube, "bdc") == []

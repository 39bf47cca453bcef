from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bdc.errors import NotFoundError
from bdc.kube import ApiError, ApiForbiddenError, UnreachableError
from bdc.spark import Ended, Event, LogLine, LostError, StageProgress, State, StateChanged, follow, get, history, read_log, why
from bdc.spark.following.progress import read
from tests.unit.fake_kube import FakeKube
from tests.unit.spark.conftest import job, pod
from tests.unit.spark.test_state import FAILED, RUNNING, ended

JOB = "/apis/batch/v1/namespaces/bdc/jobs/etl"
PODS = "/api/v1/namespaces/bdc/pods"
POD = f"{PODS}/etl-abcde"
LOG = f"{POD}/log"
STAGES = "etl-abcde:4040/api/v1/applications/etl-abcde/stages"
EXECUTORS = "etl-abcde:4040/api/v1/applications/etl-abcde/executors"
STAGE = {
    "stageId": 3, "name": "groupBy at etl.py:41", "numTasks": 200, "numCompleteTasks": 124, "numFailedTasks": 0,
    "shuffleReadBytes": 5, "shuffleWriteBytes": 6,
}  # fmt: skip


class Script:
    """Lets something happen at each sleep; time goes on by one second."""

    def __init__(self, *steps: Callable[[], Any]) -> None:
        self.steps: Iterator[Callable[[], Any]] = iter(steps)
        self.now = 0.0

    def sleep(self, _: float) -> None:
        self.now += 1
        if step := next(self.steps, None):
            step()
        elif self.now > 1000:
            pytest.fail("follow doesn't end")

    def run(self, kube: FakeKube, **options: Any) -> Iterator[Event]:
        return follow(kube, "bdc", "etl", sleep=self.sleep, clock=lambda: self.now, **options)


def line(second: int, text: str) -> str:
    return f"2026-11-21T10:00:{second:02}.000000001Z {text}\n"


def test_a_whole_life(kube: FakeKube) -> None:
    kube.put(JOB, job())
    script = Script(
        lambda: kube.put(POD, pod(phase="Pending")),
        lambda: (
            kube.put(POD, pod(state=RUNNING)),
            kube.logs.update({LOG: line(3, "one")}),
            kube.pages.update({STAGES: [STAGE], EXECUTORS: [{"id": "driver"}, {"id": "1"}]}),
        ),
        lambda: kube.logs.update({LOG: line(3, "one") + line(4, "two") + line(4, "")[:-1]}),
        lambda: (
            kube.put(JOB, job(status=ended("Complete"))),
            kube.put(POD, pod(state={"terminated": {"exitCode": 0, "startedAt": "2026-11-21T10:00:03Z"}})),
            kube.logs.update({LOG: line(3, "one") + line(4, "two") + line(5, "end")[:-1]}),
        ),
    )
    events = list(script.run(kube))
    assert [event.status.state for event in events if isinstance(event, StateChanged)] == [
        State.QUEUED,
        State.STARTING,
        State.RUNNING,
        State.SUCCEEDED,
    ]
    assert [event.text for event in events if isinstance(event, LogLine)] == ["one", "two", "end"]
    assert [event for event in events if isinstance(event, StageProgress)] == [
        StageProgress(stage=3, name="groupBy at etl.py:41", done=124, total=200, failed=0, executors=1, shuffled_bytes=11)
    ]
    last = events[-1]
    assert isinstance(last, Ended)
    assert last.exit_code == 0


def test_a_failure_has_the_applications_exit_code_and_the_cause(kube: FakeKube) -> None:
    kube.put(JOB, job(status=ended("Failed")))
    kube.put(POD, pod(state=FAILED))
    kube.logs[LOG] = "".join(
        line(4, text) for text in ("Traceback (most recent call last):", '  File "/tmp/etl.py", line 2, in <module>', "ValueError: no")
    )
    last = list(Script().run(kube))[-1]
    assert isinstance(last, Ended)
    assert last.exit_code == 3
    assert last.cause is not None
    assert (last.cause.what, last.cause.where) == ("ValueError: no", "etl.py:2")


def test_an_api_server_that_restarts_is_not_noticed(kube: FakeKube) -> None:
    kube.put(JOB, job())
    kube.put(POD, pod(state=RUNNING))
    kube.logs[LOG] = line(3, "one")
    script = Script(
        lambda: kube.fail("GET", "/jobs/", UnreachableError("https://fake", "connection refused"), times=20),
        *[lambda: None] * 25,
        lambda: kube.fail("GET", "/jobs/", ApiForbiddenError(403, "Forbidden", "rights are not read yet"), times=3),
        *[lambda: None] * 5,
        lambda: kube.fail("GET", "/log", ApiError(502, "BadGateway", "kubelet away"), times=3),
        *[lambda: None] * 5,
        lambda: (kube.put(JOB, job(status=ended("Complete"))), kube.logs.update({LOG: line(3, "one") + line(9, "two")})),
    )
    events = list(script.run(kube))
    assert [event.text for event in events if isinstance(event, LogLine)] == ["one", "two"]
    assert isinstance(events[-1], Ended)


def test_an_api_server_that_stays_away_is_lost(kube: FakeKube) -> None:
    kube.put(JOB, job())
    script = Script(lambda: kube.fail("GET", "/jobs/", UnreachableError("https://fake", "refused"), times=10_000))
    with pytest.raises(LostError, match="lost sight of etl") as caught:
        list(script.run(kube, lost_after_seconds=60))
    assert caught.value.exit_code == 126
    assert 60 < script.now < 70


def test_deleted_while_followed_is_lost_and_absent_is_not_found(kube: FakeKube) -> None:
    with pytest.raises(NotFoundError, match="no application etl"):
        list(Script().run(kube))
    kube.put(JOB, job())
    with pytest.raises(LostError, match="was deleted"):
        list(Script(lambda: kube.objects.pop(JOB)).run(kube))


def test_refused_rights_are_not_retried(kube: FakeKube) -> None:
    kube.fail("GET", "/jobs/etl", ApiForbiddenError(403, "Forbidden", "may not"))
    with pytest.raises(ApiError, match="may not"):
        list(Script().run(kube))


def test_killed_is_143_and_a_driver_that_never_ran_is_125(kube: FakeKube) -> None:
    killed = job()
    killed["metadata"]["annotations"]["bdc.dev/killed"] = "2026-11-21T10:00:20Z"
    kube.put(JOB, killed)
    last = list(Script().run(kube))[-1]
    assert isinstance(last, Ended)
    assert last.exit_code == 143
    kube.put(JOB, job(status=ended("Failed", "BackoffLimitExceeded")))
    last = list(Script().run(kube))[-1]
    assert isinstance(last, Ended)
    assert last.exit_code == 125


def timed_out() -> dict[str, Any]:
    late = job(status=ended("Failed", "DeadlineExceeded"))
    late["spec"]["activeDeadlineSeconds"] = 60
    return late


NO_NODE = "0/1 nodes are available: 1 Insufficient memory. no new claims to deallocate, preemption: 0/1 nodes are available."


def test_one_that_never_began_by_its_timeout_is_124_with_what_it_waited_for(kube: FakeKube) -> None:
    waiting = pod(phase="Pending")
    waiting["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", "message": NO_NODE}]
    kube.put(JOB, job())
    kube.put(POD, waiting)
    # Kubernetes takes the pod away first, and says so of the Job a moment later.
    told = list(Script(lambda: kube.objects.pop(POD), lambda: kube.put(JOB, timed_out())).run(kube))
    assert [event.status.state for event in told if isinstance(event, StateChanged)] == [State.QUEUED, State.FAILED]
    last = told[-1]
    assert isinstance(last, Ended)
    assert (last.exit_code, last.status.reason) == (124, "timed out")
    assert last.cause
    assert last.cause.what == (
        "it had not begun after its --timeout of 60 s: no node takes the driver: 0/1 nodes are available: 1 Insufficient memory"
    )
    assert last.cause.hint
    assert "--driver-memory" in last.cause.hint


@pytest.mark.parametrize(("reason", "word"), [("FailedScheduling", "not begun"), ("Started", "not ended")])
def test_a_timeout_that_nobody_saw_is_told_from_events(kube: FakeKube, reason: str, word: str) -> None:
    def event(name: str, reason: str, message: str, second: int) -> None:
        about = {"kind": "Pod", "name": name}
        stamp = f"2026-11-21T10:00:{second:02}Z"
        body = {"involvedObject": about, "reason": reason, "message": message, "lastTimestamp": stamp}
        kube.put(f"/api/v1/namespaces/bdc/events/{name}.{second}", body)

    kube.put(JOB, timed_out())
    event("etl-abcde", reason, NO_NODE, 1)
    event("etl-abcde", "FailedScheduling", "skip schedule deleting pod: bdc/etl-abcde", 3)
    event("other-abcde", "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.", 2)
    cause = why(kube, "bdc", get(kube, "bdc", "etl"))
    assert f"it had {word} after its --timeout of 60 s" in cause.what
    assert ("Insufficient memory" in cause.what) == (reason == "FailedScheduling")


def test_every_attempts_log_is_told(kube: FakeKube) -> None:
    second = pod("etl-bbbbb", state={"terminated": {"exitCode": 0}})
    second["metadata"]["creationTimestamp"] = "2026-11-21T10:01:00Z"
    kube.put(JOB, job(status=ended("Complete")))
    kube.put(f"{PODS}/etl-bbbbb", second)
    kube.put(POD, pod(state=FAILED))
    kube.logs = {LOG: line(1, "first"), f"{PODS}/etl-bbbbb/log": line(2, "second")}
    assert [event.text for event in Script().run(kube) if isinstance(event, LogLine)] == ["first", "second"]


def test_a_stages_name_has_no_folders_of_the_driver() -> None:
    step = read([STAGE | {"name": "sum at /tmp/spark-3abe/etl.py:4"}], 0)
    assert step is not None
    assert step.name == "sum at etl.py:4"


def test_progress_of_another_shape_is_none() -> None:
    assert read([{"stageId": 1}], 0) is None


def test_executor_log(kube: FakeKube) -> None:
    kube.put(JOB, job())
    labels = {"app.kubernetes.io/component": "spark-executor", "bdc.dev/application": "etl", "spark-exec-id": "2"}
    kube.put(f"{PODS}/etl-abcde-exec-2", {"metadata": {"labels": labels}, "status": {}})
    kube.logs[f"{PODS}/etl-abcde-exec-2/log"] = line(1, "task")
    assert read_log(kube, "bdc", "etl", executor=2) == ["task"]
    with pytest.raises(NotFoundError, match="no executor 1 now; there are: 2"):
        read_log(kube, "bdc", "etl", executor=1)


def test_history_of_one_application(kube: FakeKube) -> None:
    labels = {"app.kubernetes.io/instance": "bdc", "app.kubernetes.io/component": "spark-history"}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    kube.put(f"{PODS}/spark-history-1", {"metadata": {"labels": labels}, "status": ready})
    attempt = {"startTimeEpoch": 0, "endTimeEpoch": 5000, "duration": 5000, "completed": True, "appSparkVersion": "4.2.0"}
    kube.pages["spark-history-1:18080/api/v1/applications"] = [
        {"id": "etl-abcde", "name": "etl", "attempts": [attempt]},
        {"id": "etl-2-abcde", "name": "etl-2", "attempts": [attempt]},
    ]
    assert [entry.id for entry in history(kube, "bdc", "etl")] == ["etl-abcde"]
    assert history(kube, "bdc", "etl")[0].duration_seconds == 5
    with pytest.raises(NotFoundError, match="no run of nothing"):
        history(kube, "bdc", "nothing")


def test_what_waits_says_what_kubernetes_warns_of(kube: FakeKube) -> None:
    waiting = job()
    waiting["metadata"]["uid"] = "u1"
    kube.put(JOB, waiting)
    kube.put("/api/v1/namespaces/default/events/e", {"type": "Warning", "reason": "FailedCreate", "message": "exceeded quota: memory"})
    script = Script(*[lambda: None] * 8, lambda: kube.put(JOB, job(status=ended("Complete"))))
    reasons = [event.status.reason for event in script.run(kube) if isinstance(event, StateChanged)]
    assert reasons == ["no driver pod yet", "FailedCreate: exceeded quota: memory", None]


def test_why_an_application_failed_is_told_later_too(kube: FakeKube) -> None:
    kube.put(JOB, job(status=ended("Failed")))
    kube.put(POD, pod(state=FAILED))
    kube.logs[LOG] = line(4, "Error: Failed to load class org.example.Main.")
    assert why(kube, "bdc", get(kube, "bdc", "etl")).what == "no such class: org.example.Main"
    del kube.logs[LOG]
    assert why(kube, "bdc", get(kube, "bdc", "etl")).what == "the driver ended with exit code 3 and printed nothing"

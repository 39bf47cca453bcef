"""Schedules: a CronJob made like an application's Job, and what can be done with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bdc.errors import NotFoundError, UsageError
from bdc.kube import ApiInvalidError
from bdc.spark import Application, Concurrency, Schedule, Staging, get, listing, submit
from bdc.spark.schedules import delete_schedule, pause, resume, run_now, schedules
from tests.unit.fake_kube import FakeKube

BATCH = "/apis/batch/v1/namespaces/bdc"
NIGHTLY = f"{BATCH}/cronjobs/nightly"
CONFIG = "/api/v1/namespaces/bdc/configmaps/nightly-driver"
APP = Application("local:///opt/etl.py", name="nightly", retries=1, timeout_seconds=60)
AT_TWO = Schedule("0 2 * * *", "Europe/Paris")


@pytest.fixture
def nightly(kube: FakeKube, staging: Staging) -> dict[str, Any]:
    submit(kube, "bdc", APP, staging=staging, schedule=AT_TWO)
    return kube.objects[NIGHTLY]


def test_it_is_made_suspended_and_owns_its_settings(kube: FakeKube, nightly: dict[str, Any]) -> None:
    writes = [(call, body) for call, body in zip(kube.calls, kube.bodies, strict=True) if call[0] in ("POST", "PATCH")]
    assert [call[0] + call[1].rsplit("/", 1)[-1] for call, _ in writes] == ["POSTcronjobs", "POSTconfigmaps", "PATCHnightly"]
    assert writes[0][1]["spec"]["suspend"] is True
    assert nightly["spec"]["suspend"] is False
    [owner] = kube.objects[CONFIG]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("CronJob", nightly["metadata"]["uid"])
    spec = nightly["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("0 2 * * *", "Europe/Paris", "Forbid")
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (3, 3)
    run = spec["jobTemplate"]["spec"]
    assert (run["backoffLimit"], run["activeDeadlineSeconds"]) == (1, 60)
    assert "suspend" not in run


def test_names_are_shared_with_applications(kube: FakeKube, staging: Staging, nightly: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="nightly is in use"):
        submit(kube, "bdc", APP, staging=staging)
    submit(kube, "bdc", Application("local:///a.py", name="etl"), staging=staging)
    with pytest.raises(UsageError, match="etl is in use"):
        submit(kube, "bdc", Application("local:///a.py", name="etl"), staging=staging, schedule=AT_TWO, exist_ok=True)


def test_exist_ok_takes_the_same_also_when_it_is_paused(kube: FakeKube, staging: Staging, nightly: dict[str, Any]) -> None:
    pause(kube, "bdc", "nightly")
    again = submit(kube, "bdc", APP, staging=staging, schedule=AT_TWO, exist_ok=True)
    assert (again.created, nightly["spec"]["suspend"]) == (False, True)
    with pytest.raises(UsageError, match="a schedule nightly that asks for something else"):
        submit(kube, "bdc", APP, staging=staging, schedule=Schedule("0 3 * * *"), exist_ok=True)


def test_an_interrupted_submit_is_finished_and_never_resumed(kube: FakeKube, staging: Staging, nightly: dict[str, Any]) -> None:
    del nightly["metadata"]["annotations"]["bdc.dev/released"], kube.objects[CONFIG]
    nightly["spec"]["suspend"] = True
    with pytest.raises(UsageError, match="was interrupted"):
        resume(kube, "bdc", "nightly")
    submit(kube, "bdc", APP, staging=staging, schedule=AT_TWO, exist_ok=True)
    assert nightly["spec"]["suspend"] is False
    assert CONFIG in kube.objects


def test_pause_and_resume(kube: FakeKube, nightly: dict[str, Any]) -> None:
    pause(kube, "bdc", "nightly")
    assert [(one.name, one.paused) for one in schedules(kube, "bdc")] == [("nightly", True)]
    resume(kube, "bdc", "nightly")
    assert [one.paused for one in schedules(kube, "bdc")] == [False]


def test_a_run_is_an_application_of_its_own(kube: FakeKube, nightly: dict[str, Any]) -> None:
    run = run_now(kube, "bdc", "nightly")
    assert run.startswith("nightly-")
    made = kube.objects[f"{BATCH}/jobs/{run}"]
    assert made["metadata"]["ownerReferences"][0]["uid"] == nightly["metadata"]["uid"]
    assert made["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual"
    assert get(kube, "bdc", run).source == APP.file
    assert [one.name for one in listing(kube, "bdc")] == [run]
    assert made["spec"] == nightly["spec"]["jobTemplate"]["spec"]


def test_what_is_shown(kube: FakeKube, nightly: dict[str, Any]) -> None:
    nightly["status"] = {
        "lastScheduleTime": "2026-11-21T02:00:00Z",
        "lastSuccessfulTime": "2026-11-21T02:03:00Z",
        "active": [{"name": "nightly-2"}, {"name": "nightly-1"}],
    }
    [one] = schedules(kube, "bdc")
    assert (one.cron, one.time_zone, one.concurrency, one.source) == ("0 2 * * *", "Europe/Paris", "Forbid", APP.file)
    assert one.last_started
    assert one.last_succeeded
    assert (one.last_succeeded - one.last_started).total_seconds() == 180
    assert one.active == ("nightly-1", "nightly-2")


def test_delete(kube: FakeKube, nightly: dict[str, Any]) -> None:
    delete_schedule(kube, "bdc", "nightly")
    assert NIGHTLY not in kube.objects
    for act in (delete_schedule, pause, resume, run_now):
        with pytest.raises(NotFoundError, match="no schedule nightly"):
            act(kube, "bdc", "nightly")


def test_another_cron_job_is_none_of_ours(kube: FakeKube) -> None:
    kube.put(f"{BATCH}/cronjobs/backup", {"spec": {}})
    with pytest.raises(NotFoundError):
        delete_schedule(kube, "bdc", "backup")


def test_what_kubernetes_refuses_is_said_and_leaves_nothing(kube: FakeKube, staging: Staging) -> None:
    kube.fail("POST", "/cronjobs", ApiInvalidError(422, "Invalid", "spec.timeZone: Invalid value: unknown time zone Mars/Base"))
    with pytest.raises(UsageError, match="unknown time zone Mars/Base"):
        submit(kube, "bdc", APP, staging=staging, schedule=Schedule("0 2 * * *", "Mars/Base"))
    assert NIGHTLY not in kube.objects


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Schedule("tomorrow"), "not a cron expression"),
        (lambda: Schedule("0 2 * *"), "not a cron expression"),
        (lambda: Schedule("CRON_TZ=UTC 0 2 * *"), "time zone in it"),
        (lambda: Schedule("@daily", keep=-1), "negative"),
    ],
)
def test_what_is_no_schedule(make: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make()
    assert Schedule("@daily").concurrency is Concurrency.FORBID


def test_a_name_that_is_too_long_for_its_runs(kube: FakeKube, staging: Staging, script: Path) -> None:
    with pytest.raises(UsageError, match="too long for a schedule"):
        submit(kube, "bdc", Application(str(script), name="n" * 31), staging=staging, schedule=AT_TWO)

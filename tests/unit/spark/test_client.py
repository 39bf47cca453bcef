"""The Spark pool for Python programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc.errors import NotFoundError, UsageError
from bdc.settings import Settings
from bdc.spark import Application, Client, State
from tests.unit.fake_kube import FakeKube
from tests.unit.spark.conftest import FakeHdfs, job, pod
from tests.unit.spark.test_state import FAILED, ended

JOBS = "/apis/batch/v1/namespaces/bdc/jobs"
POD = "/api/v1/namespaces/bdc/pods/etl-abcde"


@pytest.fixture
def client(kube: FakeKube, hdfs: FakeHdfs, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(Settings, "kube", lambda _: kube)
    monkeypatch.setattr(Client, "_hdfs", lambda _: hdfs.connect())
    return Client()


def test_submit_stages_and_releases(client: Client, kube: FakeKube, hdfs: FakeHdfs, script: Path) -> None:
    done = client.submit(Application(str(script), name="etl"))
    assert (done.name, done.created, hdfs.puts) == ("etl", True, 1)
    assert kube.objects[f"{JOBS}/etl"]["spec"]["suspend"] is False
    assert not client.submit(Application(str(script), name="etl"), exist_ok=True).created
    with pytest.raises(UsageError, match="in use"):
        client.submit(Application(str(script), name="etl"))


def test_an_ended_one_is_told_and_removed(client: Client, kube: FakeKube) -> None:
    kube.put(f"{JOBS}/etl", job(status=ended("Failed")))
    kube.put(POD, pod(state=FAILED))
    kube.logs = {f"{POD}/log": "2026-11-21T10:00:03Z one\n2026-11-21T10:00:03Z two\n"}
    last = client.wait("etl")
    assert last.exit_code == last.status.exit_code != 0
    assert last.cause
    assert [one.name for one in client.applications()] == ["etl"]
    assert client.status("etl").state is State.FAILED
    assert client.log("etl") == ["one", "two"]
    with pytest.raises(UsageError, match="already ended"):
        client.kill("etl")
    client.delete("etl")
    with pytest.raises(NotFoundError):
        client.status("etl")


def test_a_running_one_is_killed(client: Client, kube: FakeKube) -> None:
    kube.put(f"{JOBS}/etl", job())
    assert client.kill("etl").state is State.KILLED
    assert client.wait("etl").exit_code == 143

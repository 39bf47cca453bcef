"""The lock: one holder, who is named; the dead don't hold it."""

from __future__ import annotations

import os
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bdc.kube import ApiError, lease
from bdc.kube.lease import HeldError, check_free, identity, lock, machine
from tests.unit.kube.fake import FakeKube

PATH = "/apis/coordination.k8s.io/v1/namespaces/bdc-system/leases/bdc-one"


@pytest.fixture
def kube() -> FakeKube:
    return FakeKube()


def held_by(kube: FakeKube, *, pid: int, where: str, renewed_ago: float) -> None:
    renewed = (datetime.now(UTC) - timedelta(seconds=renewed_ago)).isoformat()
    metadata = {"name": "bdc-one", "annotations": {"bdc/machine": where, "bdc/pid": str(pid)}}
    spec = {"holderIdentity": f"ann@there pid {pid}", "acquireTime": renewed, "renewTime": renewed}
    kube.request("POST", PATH.rsplit("/", 1)[0], {"metadata": metadata, "spec": spec})


def take(kube: FakeKube, slept: list[float] | None = None) -> str:
    with lock(kube, "bdc-one", "cluster one", sleep=(slept if slept is not None else []).append):
        return str(kube.objects[PATH]["spec"]["holderIdentity"])


def gone_pid() -> int:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


def test_taken_and_given_back(kube: FakeKube) -> None:
    assert take(kube) == identity()
    assert PATH not in kube.objects
    assert "/api/v1/namespaces/bdc-system" in kube.objects


def test_given_back_after_a_failure(kube: FakeKube) -> None:
    with pytest.raises(ZeroDivisionError), lock(kube, "bdc-one", "cluster one"):
        raise ZeroDivisionError
    assert PATH not in kube.objects


@pytest.mark.parametrize("where", ["elsewhere", machine()])
def test_a_living_holder_is_named(kube: FakeKube, where: str) -> None:
    held_by(kube, pid=os.getpid(), where=where, renewed_ago=5)
    with pytest.raises(HeldError, match=rf"cluster one is being changed by ann@there pid {os.getpid()} since 20"):
        take(kube)


def test_a_dead_process_of_this_machine_holds_nothing(kube: FakeKube) -> None:
    held_by(kube, pid=gone_pid(), where=machine(), renewed_ago=1)
    slept: list[float] = []
    assert take(kube, slept) == identity()
    assert slept == []


def test_a_pid_of_another_machine_means_nothing(kube: FakeKube) -> None:
    held_by(kube, pid=gone_pid(), where="elsewhere", renewed_ago=1)
    with pytest.raises(HeldError):
        take(kube)


def test_a_stale_one_is_taken_over(kube: FakeKube) -> None:
    held_by(kube, pid=1, where="elsewhere", renewed_ago=31)
    slept: list[float] = []
    assert take(kube, slept) == identity()
    assert len(slept) == 1


def test_a_holder_with_a_wrong_clock_keeps_it(kube: FakeKube) -> None:
    held_by(kube, pid=1, where="elsewhere", renewed_ago=3600)

    def renew(_: float) -> None:
        kube.objects[PATH]["spec"]["renewTime"] = (datetime.now(UTC) - timedelta(seconds=3595)).isoformat()

    with pytest.raises(HeldError), lock(kube, "bdc-one", "cluster one", sleep=renew):
        pass


def test_losing_a_race(kube: FakeKube) -> None:
    def faster(method: str, path: str) -> None:
        if method == "POST" and path == PATH.rsplit("/", 1)[0]:
            raise ApiError(409, "AlreadyExists", "it exists")

    kube.before = faster
    with pytest.raises(HeldError, match="another run"):
        take(kube)


def test_renewed_while_held(kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.01)
    renewed = threading.Event()
    kube.before = lambda method, path: renewed.set() if (method, path) == ("PUT", PATH) else None
    with lock(kube, "bdc-one", "cluster one"):
        assert renewed.wait(10)


def test_its_loss_is_told(kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.01)
    lost = threading.Event()
    with lock(kube, "bdc-one", "cluster one", on_lost=lost.set):
        taken: dict[str, Any] = kube.request("GET", PATH)
        taken["spec"]["holderIdentity"] = "somebody else"
        kube.objects[PATH] = {**taken, "metadata": {**taken["metadata"], "resourceVersion": "999"}}
        assert lost.wait(10)
    assert kube.objects[PATH]["spec"]["holderIdentity"] == "somebody else"


def test_looking_takes_nothing_and_is_refused_while_another_runs(kube: FakeKube) -> None:
    check_free(kube, "bdc-one", "cluster one")
    assert PATH not in kube.objects
    with lock(kube, "bdc-one", "cluster one"), pytest.raises(HeldError, match="cluster one is being changed by"):
        check_free(kube, "bdc-one", "cluster one")
    held_by(kube, pid=gone_pid(), where=machine(), renewed_ago=1)
    before = dict(kube.objects[PATH])
    check_free(kube, "bdc-one", "cluster one")
    assert kube.objects[PATH] == before, "the lease of a dead run is left for whoever takes it"

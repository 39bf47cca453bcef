"""The lock: one holder, who is named; the dead don't hold it."""

from __future__ import annotations

import os
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bdc.errors import BdcError, UnreachableError
from bdc.kube import ApiConflictError, lease
from bdc.kube.lease import HeldError, LostError, check_free, identity, lock, machine
from tests.unit.fake_kube import FakeKube

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
            raise ApiConflictError(409, "AlreadyExists", "it exists")

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


def test_a_renewal_that_was_carried_out_without_an_answer_is_no_loss(kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.01)
    lost, renewed = threading.Event(), threading.Event()
    versions = []

    def unheard(method: str, path: str) -> None:
        if (method, path) == ("PUT", PATH):
            taken = kube.objects[PATH]
            versions.append(taken["metadata"]["resourceVersion"])
            if len(versions) == 1:
                kube.objects[PATH] = {**taken, "metadata": {**taken["metadata"], "resourceVersion": "999"}}
                raise UnreachableError("https://10.0.0.1", "timed out")
            if len(versions) > 3:
                renewed.set()

    kube.before = unheard
    with lock(kube, "bdc-one", "cluster one", on_lost=lost.set):
        assert renewed.wait(10)
    assert versions[1:3] == ["999", "999"]
    assert not lost.is_set()
    assert PATH not in kube.objects


def test_a_lock_whose_last_renewal_was_not_heard_of_is_given_back(kube: FakeKube) -> None:
    with lock(kube, "bdc-one", "cluster one"):
        taken = kube.objects[PATH]
        kube.objects[PATH] = {**taken, "metadata": {**taken["metadata"], "resourceVersion": "999"}}
    assert PATH not in kube.objects


@pytest.mark.parametrize("deleted", [False, True])
def test_what_fails_by_the_loss_says_so(kube: FakeKube, monkeypatch: pytest.MonkeyPatch, *, deleted: bool) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.01)

    def lose() -> None:
        lost = threading.Event()
        with lock(kube, "bdc-one", "cluster one", on_lost=lost.set):
            taken = kube.objects.pop(PATH)
            if not deleted:
                spec, metadata = {**taken["spec"], "holderIdentity": "somebody else"}, {**taken["metadata"], "resourceVersion": "999"}
                kube.objects[PATH] = {**taken, "spec": spec, "metadata": metadata}
            assert lost.wait(10)
            raise BdcError("the wait was interrupted")

    told = "its Lease was deleted" if deleted else "cluster one is being changed by somebody else"
    with pytest.raises(LostError, match=f"^this run stopped halfway, as it lost the lock of cluster one: {told}") as raised:
        lose()
    assert str(raised.value.__cause__) == "the wait was interrupted"


def test_looking_takes_nothing_and_is_refused_while_another_runs(kube: FakeKube) -> None:
    check_free(kube, "bdc-one", "cluster one")
    assert PATH not in kube.objects
    with lock(kube, "bdc-one", "cluster one"), pytest.raises(HeldError, match="cluster one is being changed by"):
        check_free(kube, "bdc-one", "cluster one")
    held_by(kube, pid=gone_pid(), where=machine(), renewed_ago=1)
    before = dict(kube.objects[PATH])
    check_free(kube, "bdc-one", "cluster one")
    assert kube.objects[PATH] == before, "the lease of a dead run is left for whoever takes it"

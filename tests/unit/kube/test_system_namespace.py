"""The namespace bdc-system is made once, waited for while an old one goes, and a refusal is told at once."""

from __future__ import annotations

from typing import Any

import pytest

from bdc.errors import BdcError
from bdc.kube import ApiConflictError, ApiForbiddenError
from bdc.kube.system_namespace import ensure_namespace
from tests.unit.fake_kube import FakeKube, Json

NAMESPACES = "/api/v1/namespaces"
PATH = f"{NAMESPACES}/bdc-system"
MADE = [("GET", PATH), ("POST", NAMESPACES)]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr("bdc.kube.wait.time.sleep", made.append)
    return made


class Ending(FakeKube):
    """An old namespace is gone after two looks."""

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Json:
        answer = super().request(method, path, body, **options)
        if method == "GET" and len(self.calls) == 2:
            del self.objects[PATH]
        return answer


def test_it_is_made_once() -> None:
    kube = FakeKube()
    ensure_namespace(kube)
    ensure_namespace(kube)
    assert kube.calls == [*MADE, ("GET", PATH)]


def test_who_may_not_make_it_hears_so_at_once(pauses: list[float]) -> None:
    kube = FakeKube()
    kube.fail("POST", NAMESPACES, ApiForbiddenError(403, "Forbidden", "namespaces is forbidden"), times=60)
    with pytest.raises(ApiForbiddenError, match="namespaces is forbidden"):
        ensure_namespace(kube)
    assert kube.calls == MADE
    assert pauses == []


def test_another_run_may_be_faster(pauses: list[float]) -> None:
    kube = FakeKube()
    kube.fail("POST", NAMESPACES, ApiConflictError(409, "AlreadyExists", "it already exists"))
    ensure_namespace(kube)
    assert kube.calls == [*MADE, *MADE]
    assert len(pauses) == 1


def test_one_that_goes_away_is_waited_for() -> None:
    kube = Ending()
    kube.put(PATH, {"metadata": {"deletionTimestamp": "2026-11-21T10:00:00Z"}})
    ensure_namespace(kube)
    assert kube.calls == [("GET", PATH), ("GET", PATH), *MADE]


def test_one_that_does_not_go_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdc.kube.system_namespace._GONE_SECONDS", 0.0)
    kube = FakeKube()
    kube.put(PATH, {"metadata": {"deletionTimestamp": "2026-11-21T10:00:00Z"}})
    with pytest.raises(BdcError, match="is being deleted and does not go"):
        ensure_namespace(kube)

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bdc.cli.health import age
from bdc.cli.settings import Settings
from bdc.errors import BdcError, NotFoundError, UnreachableError
from bdc.health import Check, ClusterStatus, Finding, Level, LogLine, PartState, PartStatus, Result, Wanted
from tests.unit.cli.conftest import Bdc
from tests.unit.fake_kube import FakeKube

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def part(state: PartState, hint: str | None = None) -> PartStatus:
    return PartStatus("storage", "storage pool", state, "2/3", "0 missing", hint, 1, datetime.now(UTC) - timedelta(days=6))


@pytest.fixture(autouse=True)
def _kube(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "kube", lambda _: FakeKube())


def say(monkeypatch: pytest.MonkeyPatch, *parts: PartStatus) -> None:
    monkeypatch.setattr("bdc.health.status", lambda _, config: ClusterStatus(config.name, parts, 1, parts[0].since))


def test_status_of_a_well_cluster(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, part(PartState.READY))
    result = bdc("status")
    assert result.code == 0
    assert result.out.splitlines()[0] == "bdc · 1 node · made 6 days ago · all well"
    assert result.out.splitlines()[2].split()[:4] == ["storage", "pool", "2/3", "ready"]


def test_status_of_an_ill_cluster(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, part(PartState.DEGRADED, "do this"))
    result = bdc("status")
    assert result.code == 5
    assert "not ready: storage pool" in result.out
    assert "do this" in result.err


def test_status_as_json(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, part(PartState.DOWN))
    result = bdc("status", "-o", "json")
    document = json.loads(result.out)
    assert (result.code, document["cluster"], document["ready"]) == (5, "bdc", False)
    assert document["parts"][0].items() >= {"name": "storage", "ready": False, "state": "down", "replicas": "2/3"}.items()


def watched(monkeypatch: pytest.MonkeyPatch, *looks: ClusterStatus | BdcError) -> list[float]:
    """Looks one after the other, then Ctrl-C; how long it slept between them."""
    left, slept = list(looks), []

    def look(*_: object) -> ClusterStatus:
        found = left.pop(0)
        if isinstance(found, BdcError):
            raise found
        return found

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if not left:
            raise KeyboardInterrupt

    monkeypatch.setattr("bdc.health.status", look)
    monkeypatch.setattr("bdc.cli.health.time.sleep", sleep)
    return slept


def one(state: PartState) -> ClusterStatus:
    return ClusterStatus("bdc", (part(state),), 1, None)


def test_watching_goes_on_and_ends_with_the_last_looks_code(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = UnreachableError("https://fake:6443", "connection refused")
    slept = watched(monkeypatch, one(PartState.DOWN), gone, one(PartState.READY))
    result = bdc("status", "--watch", "--interval", "2")
    assert (result.code, slept) == (0, [2, 2, 2])
    assert [line.rpartition(" · ")[2] for line in result.out.splitlines() if line.startswith("bdc · ")] == [
        "not ready: storage pool",
        "all well",
    ]
    assert "connection refused" in result.err
    assert "\x1b" not in result.out
    watched(monkeypatch, one(PartState.READY), one(PartState.DOWN))
    assert bdc("status", "-w").code == 5


def test_watching_as_json_has_a_line_for_each_look(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, one(PartState.DOWN), one(PartState.READY))
    assert [json.loads(line)["ready"] for line in bdc("status", "-w", "-o", "json").out.splitlines()] == [False, True]


def test_watching_what_is_not_there_ends(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, NotFoundError("there is no cluster bdc here"))
    assert bdc("status", "--watch").code == 3


def test_status_of_no_cluster(bdc: Bdc) -> None:
    result = bdc("status")
    assert result.code == 3
    assert "error: there is no cluster bdc here" in result.err


@pytest.mark.parametrize(("level", "code"), [(Level.OK, 0), (Level.WARN, 0), (Level.FAIL, 5)])
def test_doctor(bdc: Bdc, monkeypatch: pytest.MonkeyPatch, level: Level, code: int) -> None:
    def examine(_: object) -> Iterator[Result]:
        yield Result(Check("a", "first", lambda _: Finding(Level.OK, "")), Finding(level, "seen", "do this"))

    monkeypatch.setattr("bdc.health.examine", examine)
    assert bdc("doctor").code == code
    assert ("first: seen" in bdc("doctor").out) is (level is not Level.OK)
    assert "first: seen" in bdc("doctor", "--all").out
    document = json.loads(bdc("doctor", "-o", "json").out)
    assert document == [{"check": "a", "title": "first", "level": str(level), "message": "seen", "remedy": "do this"}]


def test_logs(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def logs(_: object, cluster: str, name: str, wanted: Wanted, *, follow: bool) -> Iterator[LogLine]:
        asked.append((cluster, name, wanted, follow))
        yield LogLine("namenode-0", "a")
        yield LogLine("datanode-0", "")

    monkeypatch.setattr("bdc.health.logs", logs)
    result = bdc("logs", "storage", "--since", "10m", "--tail", "5", "--container", "c", "-f")
    assert result.out == "namenode-0 | a\ndatanode-0 |\n"
    assert asked == [("bdc", "storage", Wanted("c", 600, 5), True)]
    assert bdc("logs", "storage", "--since", "soon").code == 2
    assert bdc("logs", "storage", "-f", "-p").code == 2


def test_logs_of_nothing(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    def logs(*_: object, **__: object) -> Iterator[LogLine]:
        raise NotFoundError("bdc has no pods of hive")

    monkeypatch.setattr("bdc.health.logs", logs)
    assert bdc("logs", "hive").code == 3


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (3 * 86400, "3 days"), (-5, "0 s")]
)
def test_ages(seconds: int, text: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == text

"""The log is told whole and once, however the reads fall."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bdc.kube.podlog import PodLog, parse
from tests.unit.fake_kube import FakeKube

PATH = "/api/v1/namespaces/bdc/pods/p/log"
START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


class Log:
    """A container's log as the API gives it: whole seconds of sinceTime, fractions without trailing zeros."""

    def __init__(self, entries: list[tuple[int, str]]) -> None:
        self.entries = entries
        self.shown = 0

    def __call__(self, query: Mapping[str, Any]) -> str:
        since = datetime.fromisoformat(query["sinceTime"]) if "sinceTime" in query else START
        return "".join(
            f"{stamp(at)} {text}\n" for at, text in self.entries[: self.shown] if START + timedelta(microseconds=at // 1000) >= since
        )


def stamp(nanoseconds: int) -> str:
    second, rest = divmod(nanoseconds, 10**9)
    fraction = f".{rest:09}".rstrip("0").rstrip(".")
    return (START + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 10, 10**8, 10**9, 3 * 10**9]), st.text("ab \t", max_size=3)), max_size=30),
    st.lists(st.integers(0, 5), max_size=40),
)
def test_every_line_once(steps: list[tuple[int, str]], reads: list[int]) -> None:
    entries, at = [], 0
    for step, text in steps:
        at += step
        entries.append((at, text))
    source = Log(entries)
    kube = FakeKube()
    kube.logs[PATH] = source
    log, told = PodLog(kube, "bdc", "p"), []
    for more in [*reads, len(entries)]:
        source.shown = min(len(entries), source.shown + more)
        told += log.read()
    assert told == [text for _, text in entries]


def test_an_unfinished_line_waits() -> None:
    kube = FakeKube()
    kube.logs[PATH] = "2026-11-21T10:00:00.5Z one\n2026-11-21T10:00:01Z tw"
    log = PodLog(kube, "bdc", "p")
    assert log.read() == ["one"]
    kube.logs[PATH] = "2026-11-21T10:00:00.5Z one\n2026-11-21T10:00:01Z two"
    assert log.read() == []
    assert log.read(final=True) == ["two"]
    assert log.read(final=True) == []


def test_the_first_question_may_be_for_less() -> None:
    asked: list[Mapping[str, Any]] = []
    kube = FakeKube()

    def answer(query: Mapping[str, Any]) -> str:
        asked.append(dict(query))
        return "2026-11-21T10:00:00.5Z one\n"

    kube.logs[PATH] = answer
    log = PodLog(kube, "bdc", "p", "driver", tail=10, since_seconds=60)
    log.read()
    log.read()
    assert asked[0] == {"timestamps": True, "container": "driver", "tailLines": 10, "sinceSeconds": 60}
    assert asked[1] == {"timestamps": True, "container": "driver", "sinceTime": "2026-11-21T10:00:00Z"}


def test_times_of_other_zones_are_utc() -> None:
    assert parse("2026-11-21T12:00:00.25+02:00 x") == ((START, 250_000_000), "x")
    assert parse("no time") == (None, "no time")

"""What a run of `bdc up` prints off a terminal: plain lines, or events as JSON lines."""

from __future__ import annotations

import json

import pytest

from bdc.cli.live import Lines, view
from bdc.cli.output import Format
from bdc.engine import Event
from bdc.lifecycle import Step


def event(state: str, name: str = "namenode", kind: str = "StatefulSet", message: str = "") -> Event:
    return Event(state=state, op="create", kind=kind, name=name, part="storage", seconds=12.0, message=message)  # type: ignore[arg-type]


def test_lines_say_each_thing_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(json_lines=False)
    for _ in range(2):
        lines.step(Step("node", "embedded · 192.0.2.1", "done", 9.4))
        lines.event(event("waiting", message="pods, 0 of 1 ready"))
    lines.event(event("done"))
    lines.event(event("done", "hadoop-conf", "ConfigMap"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "node             embedded · 192.0.2.1  9 s",
        "storage pool     waiting for pods, 0 of 1 ready",
        "storage pool     StatefulSet namenode created  12 s",
    ]


def test_a_failed_step_is_said_without_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    Lines(json_lines=False).step(Step("images", "", "failed", 1.0))
    assert "images" in (err := capsys.readouterr().err)
    assert "failed" in err


def test_json_lines_hold_every_event_and_nothing_is_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with view(Format.json, False, "title") as report:
        report.step(Step("plan", "", "done", 0.04))
        report.event(event("failed", message="it crashed"))
    captured = capsys.readouterr()
    assert [json.loads(line) for line in captured.out.splitlines()] == [
        {"step": "plan", "state": "done", "text": "", "seconds": 0.0},
        {
            "resource": "namenode", "kind": "StatefulSet", "part": "storage", "op": "create", "state": "failed",
            "message": "it crashed", "seconds": 12.0,
        },
    ]  # fmt: skip
    assert captured.err == ""

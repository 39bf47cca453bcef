"""Pulumi's events as ours."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.automation import EngineEvent

from bdc.engine.errors import Failure, engine_error
from bdc.engine.events import Event, Watcher
from bdc.plugin.wording import INTERRUPTED, write

STACK = "urn:pulumi:s::bdc::pulumi:pulumi:Stack::bdc-s"
PART = "urn:pulumi:s::bdc::bdc:storage:Part::pool"
INNER = "urn:pulumi:s::bdc::bdc:storage:Part$bdc:x:X::inner"
URN = "urn:pulumi:s::bdc::bdc:storage:Part$bdc:x:X$kubernetes:apps/v1:Deployment::web"


def state(urn: str, kind: str, parent: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "urn": urn, "id": "", "parent": parent, "provider": "", "custom": kind.startswith("kubernetes"), **more}


def step(urn: str, kind: str, parent: str, op: str, **more: Any) -> dict[str, Any]:
    inputs = {"metadata": {"name": "web-real"}}
    metadata = {"op": op, "urn": urn, "type": kind, "provider": "", "new": state(urn, kind, parent, inputs=inputs), **more}
    return {"metadata": metadata}


def send(watcher: Watcher, **event: Any) -> None:
    watcher(EngineEvent.from_json({"sequence": 1, "timestamp": 1, **event}))


def watched(op: str = "update", **more: Any) -> tuple[Watcher, list[Event]]:
    events: list[Event] = []
    watcher = Watcher(events.append)
    send(watcher, resourcePreEvent=step(PART, "bdc:storage:Part", STACK, "create"))
    send(watcher, resourcePreEvent=step(INNER, "bdc:x:X", PART, "create"))
    send(watcher, resourcePreEvent=step(URN, "kubernetes:apps/v1:Deployment", INNER, op, **more))
    return watcher, events


def test_change_has_its_outermost_part_and_its_paths() -> None:
    watcher, _ = watched(detailedDiff={"spec.replicas": {"diffKind": "update", "inputDiff": True}}, diffs=["spec"])
    (change,) = watcher.changes
    assert (change.op, change.kind, change.name, change.part) == ("update", "Deployment", "web-real", "storage")
    assert change.paths == ("spec.replicas",)


def test_unchanged_is_no_change() -> None:
    assert watched("same")[0].changes == []


def test_waiting_and_done() -> None:
    watcher, events = watched()
    send(
        watcher, diagnosticEvent={"message": "<{%reset%}>waiting for pods<{%reset%}>\n", "severity": "info", "ephemeral": True, "urn": URN}
    )
    send(watcher, resOutputsEvent=step(URN, "kubernetes:apps/v1:Deployment", INNER, "update"))
    assert [(event.state, event.message) for event in events] == [("started", ""), ("waiting", "pods"), ("done", "")]


def test_failure_has_its_message_and_hint() -> None:
    watcher, events = watched("create")
    message = write(f"resource {URN} was created, but failed: Deployment n/web-real can't become ready: pod web-1 x\n  log", "do that", 5)
    for _ in range(2):
        send(watcher, diagnosticEvent={"message": f"error: {message}\n", "severity": "error", "urn": URN})
    send(watcher, diagnosticEvent={"message": "update failed", "severity": "error", "urn": ""})
    send(watcher, resOpFailedEvent=step(URN, "kubernetes:apps/v1:Deployment", INNER, "create"))
    (failure,) = watcher.failures
    assert failure.message.endswith("Deployment n/web-real can't become ready: pod web-1 x\n  log")
    assert failure.hint == "do that"
    assert events[-1].state == "failed"
    assert watcher.said == ("update failed",)
    error = engine_error(watcher.failures, watcher.said, "")
    assert error.exit_code == 5
    assert error.hint == "do that"
    assert error.message.startswith("storage: ")


def test_error_without_a_resource() -> None:
    assert engine_error((), ("program failed",), "x").message == "program failed"
    assert engine_error((), (), "a\nb").message == "a\nb"


@pytest.mark.parametrize(("codes", "expected"), [((), 1), ((1, 3), 1), ((1, 4), 4), ((4, 5), 5), ((130,), 1)])
def test_the_exit_code_is_what_the_plugin_says_and_no_word_of_it(codes: tuple[int, ...], expected: int) -> None:
    said = "Job n/x was not ready in time and can't become ready"
    failures = tuple(Failure(None, "Job", "n/x", said, None, code) for code in codes)
    assert engine_error(failures, (), said).exit_code == expected
    assert engine_error((), tuple(write(said, None, code) for code in codes), said).exit_code == expected


def test_what_only_waited_for_others_is_not_told_among_failures() -> None:
    watcher, _ = watched("create")
    other = URN.replace("web", "other")
    send(watcher, resourcePreEvent=step(other, "kubernetes:apps/v1:Deployment", INNER, "create"))
    for urn, text in ((URN, write("it was stopped", None, INTERRUPTED)), (other, write("broken", "mend it", 5))):
        send(watcher, diagnosticEvent={"message": f"error: {text}", "severity": "error", "urn": urn})
        send(watcher, resOpFailedEvent=step(urn, "kubernetes:apps/v1:Deployment", INNER, "create"))
    assert [(failure.message, failure.hint, failure.exit_code) for failure in watcher.failures] == [("broken", "mend it", 5)]


def test_an_object_of_another_namespace_is_named_with_it() -> None:
    from bdc.engine.events import shown_name

    assert shown_name({"name": "a", "namespace": "bdc-pool-etl"}, "bdc") == "bdc-pool-etl/a"
    assert shown_name({"name": "a", "namespace": "bdc"}, "bdc") == shown_name({"name": "a"}, "bdc") == "a"

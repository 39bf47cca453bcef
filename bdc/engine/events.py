"""Pulumi's engine events as ours: what starts, what it waits for, what is done, what failed, and what would change.

A resource's part is the module of its outermost component below the stack: `storage` of `bdc:storage:StoragePool`.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bdc.engine.errors import Failure
from bdc.plugin.wording import INTERRUPTED, read

if TYPE_CHECKING:
    from pulumi.automation import EngineEvent
    from pulumi.automation.events import DiagnosticEvent, StepEventMetadata

NOT_READY = "status"
Op = Literal["create", "update", "replace", "delete"]
State = Literal["started", "waiting", "done", "failed"]

_OPS: dict[str, Op] = {
    "create": "create", "update": "update", "delete": "delete", "replace": "replace", "create-replacement": "replace",
    "delete-replaced": "replace", "import": "create",
}  # fmt: skip
_COLOR = re.compile(r"<\{%[^%]*%\}>")
_BOILERPLATE = re.compile(
    r"^(?:error: )?(?:\d+ errors? occurred:\s*\* )?(?:(?:resource|update of resource|creation of) urn:\S+ .*?: )*", re.DOTALL
)


@dataclass(frozen=True)
class Change:
    """What a run would do to one object. `paths` are the fields that differ: `spec.replicas`, `data["core-site.xml"]`.

    An update whose only path is `status` changes nothing: the object isn't ready, and the run will wait for it.
    """

    op: Op
    kind: str
    name: str
    part: str | None
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Event:
    """Something happened to one object. `message` says what it waits for, or why it failed; `seconds` since it started.

    With the op `wait` it is as it should be, and only has to become ready.
    """

    state: State
    op: Op | Literal["wait"]
    kind: str
    name: str
    part: str | None
    seconds: float
    message: str = ""


@dataclass
class _Step:
    op: Op
    kind: str
    name: str
    part: str | None
    started: float


class Watcher:
    """Follows one operation; `on_event` is called from other threads, one call at a time. `namespace` is the cluster's own."""

    def __init__(
        self, on_event: Callable[[Event], None] | None = None, on_failure: Callable[[], None] | None = None, *, namespace: str = ""
    ) -> None:
        self._namespace = namespace
        self._on_event = on_event or (lambda _: None)
        self._on_failure = on_failure or (lambda: None)
        self._lock = threading.Lock()
        self._parents: dict[str, str] = {}
        self._steps: dict[str, _Step] = {}
        self._changes: dict[str, Change] = {}
        self._errors: dict[str, list[str]] = {}
        self._failed: dict[str, _Step] = {}

    def __call__(self, event: EngineEvent) -> None:
        """Take one engine event."""
        with self._lock:
            if event.resource_pre_event:
                self._pre(event.resource_pre_event.metadata)
            elif event.res_outputs_event:
                self._end(event.res_outputs_event.metadata, "done")
            elif event.res_op_failed_event:
                self._end(event.res_op_failed_event.metadata, "failed")
            elif event.diagnostic_event:
                self._say(event.diagnostic_event)

    @property
    def changes(self) -> list[Change]:
        """What a preview would change, in its order."""
        return list(self._changes.values())

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The resources that failed; those whose wait was ended because of them only when there are no others."""
        found = [_failure(step, "\n".join(self._errors.get(urn) or ["it failed without output"])) for urn, step in self._failed.items()]
        return tuple([failure for failure in found if failure.exit_code != INTERRUPTED] or found)

    @property
    def said(self) -> tuple[str, ...]:
        """Errors that belong to no resource, such as an exception in a program."""
        return tuple(text for urn, texts in self._errors.items() if urn not in self._failed for text in texts)

    def _pre(self, metadata: StepEventMetadata) -> None:
        for state in (metadata.old, metadata.new):
            if state and state.parent:
                self._parents[metadata.urn] = state.parent
        op = _OPS.get(str(metadata.op.value))
        if op is None or not _custom(metadata):
            return
        kind, name, part = metadata.type.rsplit(":", 1)[-1], _name(metadata, self._namespace), self._part(metadata.urn)
        paths = tuple(sorted(metadata.detailed_diff or ())) or tuple(sorted(metadata.diffs or ()))
        if op == "update" and not paths:
            paths = (NOT_READY,)  # nothing differs: it is updated to wait for it
        known = self._changes.get(metadata.urn)
        if known is None or not known.paths:  # a replacement comes as several steps
            self._changes[metadata.urn] = Change(op if known is None else known.op, kind, name, part, paths if op != "create" else ())
        self._steps[metadata.urn] = step = _Step(op, kind, name, part, time.monotonic())
        self._tell("started", step)

    def _end(self, metadata: StepEventMetadata, state: State) -> None:
        step = self._steps.pop(metadata.urn, None)
        if step is None:
            if state != "failed":
                return
            kind = metadata.type.rsplit(":", 1)[-1]
            step = _Step("update", kind, _name(metadata, self._namespace), self._part(metadata.urn), time.monotonic())
        if state == "failed":
            self._failed[metadata.urn] = step
            self._on_failure()
        self._tell(state, step, "\n".join(self._errors.get(metadata.urn, ())) if state == "failed" else "")

    def _say(self, event: DiagnosticEvent) -> None:
        text, urn = _clean(event.message), event.urn or ""
        if event.severity == "error":
            texts = self._errors.setdefault(urn, [])
            if text and text not in texts:
                texts.append(text)
        elif event.ephemeral and urn in self._steps and text.startswith("waiting for "):
            self._tell("waiting", self._steps[urn], text.removeprefix("waiting for "))

    def _tell(self, state: State, step: _Step, message: str = "") -> None:
        seconds = time.monotonic() - step.started
        self._on_event(Event(state, step.op, step.kind, step.name, step.part, seconds, read(message).message))

    def _part(self, urn: str) -> str | None:
        part = None
        while parent := self._parents.get(urn):
            if "::pulumi:pulumi:Stack::" not in parent:
                part = parent.split("::")[2].rsplit("$", 1)[-1].split(":")[1]
            urn = parent
        return part


def _custom(metadata: StepEventMetadata) -> bool:
    """Whether this is an object in the cluster, not a component, the stack or a provider."""
    state = metadata.new or metadata.old
    return bool(state and state.custom) and not metadata.type.startswith("pulumi:")


def _name(metadata: StepEventMetadata, namespace: str) -> str:
    """The object's own name; the logical one where it is generated. Behind its namespace where that isn't the cluster's."""
    logical = metadata.urn.rsplit("::", 1)[-1]
    for state in (metadata.new, metadata.old):
        found: Any = (state.inputs or {}).get("metadata") if state else None
        if isinstance(found, dict) and isinstance(found.get("name"), str):
            generated = (found.get("annotations") or {}).get("pulumi.com/autonamed") == "true"
            return logical if generated else shown_name(found, namespace)
    return logical


def shown_name(metadata: Mapping[str, Any], own: str) -> str:
    """An object's name, behind its namespace where that isn't the cluster's `own`."""
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if isinstance(namespace, str) and namespace != own else str(metadata["name"])


def _clean(message: str) -> str:
    return _BOILERPLATE.sub("", _COLOR.sub("", message)).strip()


def _failure(step: _Step, message: str) -> Failure:
    told = read(message)
    return Failure(step.part, step.kind, step.name, told.message, told.hint, told.exit_code)

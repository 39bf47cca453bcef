"""One of the stacks of a cluster: its Pulumi workspace, and the operations on it."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi as sdk
from pulumi import automation
from pulumi.automation._stack import StackInitMode

from bdc.engine.errors import engine_error
from bdc.engine.events import Change, Event, Watcher
from bdc.engine.program import Pulumi
from bdc.engine.stacks import StackProgram
from bdc.plugin.kinds import groups

PROJECT = "bdc"
PARALLEL = 16
_HISTORY, _FILES_EACH = 5, 4
_AFTER_FAILURE_SECONDS = 20
# The event stream's thread warns when the operation ends before it does.
warnings.filterwarnings("ignore", message="Error in event stream", category=UserWarning)

Program = Callable[[], None]
Deployment = dict[str, Any]


@dataclass(frozen=True)
class StateLocation:
    """Where a stack's state is and what its pulumi gets. `folder` is local; `backend` is an address."""

    folder: Path
    backend: str
    env: dict[str, str] = field(repr=False)


class _Operations(automation.Stack):
    """Pulumi's stack without what it asks for after each operation, three more commands, and nobody here reads."""

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:  # noqa: ARG002  (its signature)
        return automation.UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")


class Stack:
    """One stack of `cluster`. Opening it makes it where it does not exist yet."""

    def __init__(self, definition: StackProgram, cluster: str, place: StateLocation, pulumi: Pulumi, *, deadline_seconds: float) -> None:
        self.name = name = definition.stack
        self._cluster, self._place, self._pulumi = cluster, place, pulumi
        self._work = work = place.folder / "work" / name
        work.mkdir(parents=True, exist_ok=True)
        program = _within(definition.program, deadline_seconds)
        settings = automation.ProjectSettings(name=PROJECT, runtime="python", backend=automation.ProjectBackend(url=place.backend))
        workspace = automation.LocalWorkspace(
            work_dir=str(work), program=program, env_vars=place.env, project_settings=settings, pulumi_command=pulumi,
            secrets_provider="passphrase",
        )  # fmt: skip
        known = self._checkpoint is not None and self._checkpoint.exists()
        mode = StackInitMode.SELECT if known else StackInitMode.CREATE_OR_SELECT
        self._stack = _Operations(name, workspace, mode)

    def plan(self, on_event: Callable[[Event], None] | None = None) -> list[Change]:
        """What `up` would change, drift included."""
        with self._watched(on_event) as watcher:
            self._stack.preview(refresh=True, parallel=PARALLEL, color="never", on_event=watcher, suppress_progress=True)
        return watcher.changes

    def up(self, on_event: Callable[[Event], None] | None = None) -> None:
        """Make the cluster what the program says."""
        with self._watched(on_event) as watcher:
            self._stack.up(refresh=True, parallel=PARALLEL, color="never", on_event=watcher, suppress_progress=True, continue_on_error=True)

    def destroy(self, on_event: Callable[[Event], None] | None = None) -> None:
        """Delete everything in it."""
        with self._watched(on_event) as watcher:
            self._stack.destroy(parallel=PARALLEL, color="never", on_event=watcher, suppress_progress=True, continue_on_error=True)

    def outputs(self) -> dict[str, object]:
        """The outputs of the last `up`."""
        return {key: output.value for key, output in self._stack.workspace.stack_outputs(self.name).items()}

    def export(self) -> Deployment:
        """The state; secrets in it stay encrypted, which the Automation API's own export would not do."""
        if self._checkpoint:
            checkpoint = json.loads(self._checkpoint.read_text())
            latest = checkpoint["checkpoint"].get("latest") or {}
            return {"version": checkpoint["version"], "deployment": latest}
        command = ["stack", "export", "--stack", self.name]
        return dict(json.loads(self._pulumi.run(command, str(self._work), self._place.env).stdout))

    def load(self, deployment: Deployment) -> None:
        """Replace the state."""
        self._stack.import_stack(automation.Deployment(**deployment))

    def recover(self, *, exclusive: bool) -> None:
        """Clean up after a run that was killed: operations whose end nobody saw, and its lock where no other run can have it (`exclusive`).

        What such an operation made is there or not; objects have our field manager, so creating them again adopts them.
        """
        if exclusive and self._locked():
            self._stack.cancel()
        state = self.export()
        if state["deployment"].get("pending_operations"):
            state["deployment"]["pending_operations"] = []
            with self._watched(None):
                self.load(state)

    def forget_history(self) -> None:
        """Drop what the file backend keeps of all but the last operations: a copy of the whole state each."""
        if root := self._local_root():
            for old in sorted((root / "history" / PROJECT / self.name).glob("*"))[: -_HISTORY * _FILES_EACH]:
                old.unlink()

    def _locked(self) -> bool:
        root = self._local_root()
        return root is None or any((root / "locks").rglob(f"{self.name}/*.json"))

    @property
    def _checkpoint(self) -> Path | None:
        """The file backend's file of this stack."""
        root = self._local_root()
        return root / "stacks" / PROJECT / f"{self.name}.json" if root else None

    def _local_root(self) -> Path | None:
        """The file backend's folder; None for other backends."""
        if not self._place.backend.startswith("file://"):
            return None
        return Path(self._place.backend.removeprefix("file://")) / ".pulumi"

    @contextmanager
    def _watched(self, on_event: Callable[[Event], None] | None) -> Iterator[Watcher]:
        """Follow an operation. After a failure the others get a moment to finish; then the operation is cancelled."""
        cancel = threading.Timer(_AFTER_FAILURE_SECONDS, self._pulumi.interrupt)

        def failed() -> None:
            if not cancel.is_alive() and not cancel.finished.is_set():
                cancel.start()

        watcher = Watcher(on_event, failed, namespace=self._cluster)
        try:
            yield watcher
        except automation.CommandError as error:
            raise engine_error(watcher.failures, watcher.said, str(error)) from error
        finally:
            cancel.cancel()
            if cancel.ident:
                cancel.join()


def load_kinds() -> None:
    """Load the kinds' modules, which `pulumi_kubernetes` does at first use: two threads at once can't."""
    import pulumi_kubernetes

    for group in ("meta", *sorted(groups())):
        _ = getattr(pulumi_kubernetes, group).v1.outputs


def _within(program: Program, seconds: float) -> Program:
    """The program with a deadline for each of its objects, from when it can start."""
    timeouts = sdk.CustomTimeouts(create=f"{seconds:.0f}s", update=f"{seconds:.0f}s")

    def limited(args: sdk.ResourceTransformationArgs) -> sdk.ResourceTransformationResult:
        options = sdk.ResourceOptions.merge(args.opts, sdk.ResourceOptions(custom_timeouts=timeouts))
        return sdk.ResourceTransformationResult(args.props, options)

    def run() -> None:
        sdk.runtime.register_stack_transformation(limited)
        program()

    return run

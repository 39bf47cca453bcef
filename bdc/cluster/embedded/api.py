"""Asks the node's API server, with the node's own kubectl."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bdc.cluster.embedded.command import run
from bdc.cluster.embedded.layout import ADMIN_KUBECONFIG, Layout
from bdc.errors import BdcError, DeadlineError

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class SystemState:
    """What of the node's own parts is not ready, each with a word why; empty: all well."""

    waiting: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing is waited for."""
        return not self.waiting


class NodeApi:
    """The API server of this host."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def kubectl(self, *arguments: str, stdin: str | None = None, deadline_seconds: float = 60) -> str:
        """Output of kubectl as the cluster's administrator."""
        argv: list[str | Path] = [self._layout.bin / "kubectl", f"--kubeconfig={ADMIN_KUBECONFIG}", f"--cache-dir={self._layout.run}/kubectl", *arguments]
        return run(argv, what="asking the node's API server", deadline_seconds=deadline_seconds, stdin=stdin)

    def ready(self) -> bool:
        """Whether the API server says that it is ready."""
        if not ADMIN_KUBECONFIG.exists():
            return False
        try:
            return self.kubectl("get", "--raw=/readyz", "--request-timeout=3s", deadline_seconds=10).strip() == "ok"
        except BdcError:
            return False

    def apply(self, manifest: str) -> None:
        """Make the cluster's objects as in `manifest`."""
        self.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=bdc-node", "-f", "-", stdin=manifest)

    def system_state(self) -> SystemState:
        """The node's readiness and that of its own workloads."""
        kinds = "nodes,deployments.apps,daemonsets.apps"
        found = json.loads(self.kubectl("get", kinds, "-A", "-o", "json", "--request-timeout=5s", deadline_seconds=15))
        return SystemState(tuple(reason for item in found["items"] if (reason := unready(item))))

    def wait_ready(self, deadline_seconds: float, on_progress: Callable[[str], None]) -> None:
        """Wait until the API server answers and all of the node's own parts are ready."""
        until = time.monotonic() + deadline_seconds
        state = SystemState(("the API server",))
        told: tuple[str, ...] = ()
        while time.monotonic() < until:
            if self.ready():
                try:
                    state = self.system_state()
                except (BdcError, subprocess.SubprocessError, ValueError):
                    state = SystemState(("the API server",))
                if state.ready:
                    return
            if state.waiting != told:
                on_progress(f"waiting for {', '.join(state.waiting)}")
                told = state.waiting
            time.sleep(_POLL_SECONDS)
        raise DeadlineError(
            f"the node was not ready in {deadline_seconds:.0f} s: still waiting for {', '.join(state.waiting)}",
            f"see {self._layout.logs}/kubelet.log and: kubectl --kubeconfig {ADMIN_KUBECONFIG} -n kube-system get pods,events",
        )


_SYSTEM_NAMESPACES = {"kube-system", "local-path-storage"}


def unready(item: dict[str, Any]) -> str | None:
    """Why a Node, Deployment or DaemonSet is not ready; None where it is, or isn't the node's own."""
    kind, name = str(item["kind"]), str(item["metadata"]["name"])
    status = item.get("status", {})
    if kind == "Node":
        conditions = {each["type"]: each for each in status.get("conditions", [])}
        ready = conditions.get("Ready", {})
        return None if ready.get("status") == "True" else f"node {name} ({ready.get('reason', 'not registered')})"
    if item["metadata"].get("namespace") not in _SYSTEM_NAMESPACES:
        return None
    if status.get("observedGeneration", 0) < item["metadata"].get("generation", 0):
        return name
    if kind == "DaemonSet":
        wanted, there = status.get("desiredNumberScheduled", 0) or 1, status.get("numberReady", 0)
    else:
        wanted, there = item["spec"].get("replicas", 1), status.get("readyReplicas", 0)
    return None if there >= wanted else f"{name} ({there}/{wanted})"

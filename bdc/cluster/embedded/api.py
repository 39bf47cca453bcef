"""Asks the node's API server, with the node's own kubectl."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bdc.cluster.embedded.command import run
from bdc.cluster.embedded.layout import ADMIN_KUBECONFIG, Layout
from bdc.cluster.embedded.services import log_of
from bdc.errors import BdcError, DeadlineError
from bdc.kube.wait import until

_POLL_SECONDS = 0.2
_DAEMONS = ("numberReady", "updatedNumberScheduled")
_REPLICAS = ("readyReplicas", "updatedReplicas")
_SYSTEM_NAMESPACES = {"kube-system", "local-path-storage"}


@dataclass(frozen=True)
class SystemState:
    """What of the node's own parts is not ready, each with a word why; empty: all well."""

    waiting: tuple[str, ...]

    @property
    def needed(self) -> tuple[str, ...]:
        """Those that pods need; the metrics server is ready only after its first round of measurements, 15 s later."""
        return tuple(each for each in self.waiting if not each.removeprefix("pod ").startswith("metrics-server"))


class NodeApi:
    """The API server of this host."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def kubectl(self, *arguments: str, stdin: str | None = None, deadline_seconds: float = 60) -> str:
        """Output of kubectl as the cluster's administrator."""
        argv: list[str | Path] = [
            self._layout.bin / "kubectl",
            f"--kubeconfig={ADMIN_KUBECONFIG}",
            f"--cache-dir={self._layout.run}/kubectl",
            *arguments,
        ]
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

    def system_state(self, since: datetime | None = None) -> SystemState:
        """The node's readiness and that of its own workloads; with `since`, as it was found after that moment.

        After a crash the API server at first repeats what it was told before it; the kubelet corrects it within seconds.
        """
        kinds = "nodes,pods,deployments.apps,daemonsets.apps"
        found = json.loads(self.kubectl("get", kinds, "-A", "-o", "json", "--request-timeout=5s", deadline_seconds=15))
        return SystemState(tuple(reason for item in found["items"] if (reason := unready(item, since))))

    def wait_ready(self, deadline_seconds: float, on_progress: Callable[[str], None], since: datetime | None = None) -> None:
        """Wait until the API server answers and the parts are ready that pods need: all but the metrics server."""
        waiting: tuple[str, ...] = ()

        def ready() -> bool:
            nonlocal waiting
            told, waiting = waiting, self._waiting(since)
            if waiting and waiting != told:
                on_progress(f"waiting for {', '.join(waiting)}")
            return not waiting

        def late() -> DeadlineError:
            return DeadlineError(
                f"the node was not ready in {deadline_seconds:.0f} s: still waiting for {', '.join(waiting)}",
                f"see {log_of(self._layout, 'kubelet')} and: kubectl --kubeconfig {ADMIN_KUBECONFIG} -n kube-system get pods,events",
            )

        until(ready, late, seconds=deadline_seconds, pause_seconds=_POLL_SECONDS)

    def _waiting(self, since: datetime | None) -> tuple[str, ...]:
        if not self.ready():
            return ("the API server",)
        try:
            return self.system_state(since).needed
        except (BdcError, ValueError):
            return ("the API server",)


def unready(item: dict[str, Any], since: datetime | None = None) -> str | None:
    """Why a Node, Pod, Deployment or DaemonSet is not ready; None where it is, or isn't the node's own."""
    check = {"Node": _unready_node, "Pod": _unready_pod, "Deployment": _unready_workload, "DaemonSet": _unready_workload}
    kind = str(item["kind"])
    if kind != "Node" and item["metadata"].get("namespace") not in _SYSTEM_NAMESPACES:
        return None
    return check[kind](item, since)


def _unready_node(item: dict[str, Any], since: datetime | None) -> str | None:
    ready: dict[str, Any] = next((each for each in item.get("status", {}).get("conditions", []) if each["type"] == "Ready"), {})
    if ready.get("status") == "True" and not _before(ready.get("lastHeartbeatTime"), since):
        return None
    return f"node {item['metadata']['name']} ({ready.get('reason', 'not registered')})"


def _unready_pod(item: dict[str, Any], since: datetime | None) -> str | None:
    """A pod whose containers have all been running and ready since `since`.

    Helper pods, which nobody owns, come and go; static pods, which the node owns, work long before their probes say so; a Job's pod that
    is done will never be ready again.
    """
    owners = item["metadata"].get("ownerReferences", [])
    if not owners or owners[0]["kind"] == "Node" or "deletionTimestamp" in item["metadata"]:
        return None
    if item.get("status", {}).get("phase") == "Succeeded":
        return None
    statuses = item.get("status", {}).get("containerStatuses", [])
    ready = statuses and all(each["ready"] and not _before(each["state"].get("running", {}).get("startedAt"), since) for each in statuses)
    return None if ready else f"pod {item['metadata']['name']}"


def _unready_workload(item: dict[str, Any], _: datetime | None) -> str | None:
    name, status = str(item["metadata"]["name"]), item.get("status", {})
    if status.get("observedGeneration", 0) < item["metadata"].get("generation", 0):
        return name
    if item["kind"] == "DaemonSet":
        wanted, there = status.get("desiredNumberScheduled", 0) or 1, min(status.get(key, 0) for key in _DAEMONS)
    else:
        wanted, there = item["spec"].get("replicas", 1), min(status.get(key, 0) for key in _REPLICAS)
    return None if there >= wanted else f"{name} ({there}/{wanted})"


def _before(moment: str | None, since: datetime | None) -> bool:
    """Whether an API time (whole seconds) lies before `since`; one that is missing does."""
    return since is not None and (moment is None or datetime.fromisoformat(moment) < since.replace(microsecond=0))

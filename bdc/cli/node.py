"""`bdc node`: this host as a Kubernetes node."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bdc.cluster.embedded import NodeStatus

app = typer.Typer(help="This host as a Kubernetes node.", no_args_is_help=True)


_FOR_ROOT = {
    "running": "; whether all of its parts are ready only root can see: sudo bdc node status",
    "unknown": "; this host shows its processes to root only: sudo bdc node status",
}


class Output(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


@app.command()
def status(output: Annotated[Output, typer.Option("--output", "-o", help="table or json.")] = Output.TABLE) -> None:
    """How the node is; exit code 3 where this host is none, 5 where it isn't ready.

    Whether all of its parts are ready only root can see; for others it is "running" when its services run and its API answers.
    """
    from bdc.cluster.embedded import EmbeddedNode

    found = EmbeddedNode().status()
    if output is Output.JSON:
        print(json.dumps(asdict(found), default=str, indent=2))
    else:
        for name, value in _rows(found):
            print(f"{name:<12}{value}")
    if found.state not in ("ready", "running"):
        raise typer.Exit(3 if found.state == "absent" else 5)


@app.command()
def start() -> None:
    """Start the node that is on this host, after a reboot or a stop."""
    from bdc.cluster.embedded import EmbeddedNode

    EmbeddedNode().start(on_progress=_progress)


@app.command()
def stop() -> None:
    """Stop the node with all its pods; `bdc node start` brings them back with their data."""
    from bdc.cluster.embedded import EmbeddedNode

    EmbeddedNode().stop(on_progress=_progress)


@app.command()
def reset(
    delete_volumes: Annotated[bool | None, typer.Option("--delete-volumes/--keep-volumes", help="Also delete all volumes' data.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask; volumes are kept unless --delete-volumes is given.")] = False,
) -> None:
    """Take the node off this host and leave the host as it was before."""
    from bdc.cluster.embedded import EmbeddedNode
    from bdc.errors import UsageError

    node = EmbeddedNode()
    node.check_reset()
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("bdc node reset removes the cluster on this host; it asks first, and nobody can answer here", "add --yes")
        typer.confirm("Remove the Kubernetes node on this host, with all that runs on it?", abort=True, err=True)
        if delete_volumes is None:
            question = f"Also delete all data in {node.status().volumes}?"
            delete_volumes = typer.confirm(question, default=False, err=True)
    node.reset(delete_volumes=bool(delete_volumes), on_progress=_progress)


def _progress(message: str) -> None:
    print(f"node        {message}", file=sys.stderr, flush=True)


def _rows(status: NodeStatus) -> list[tuple[str, str]]:
    rows = [("state", f"{status.state}{_FOR_ROOT.get(status.state, '')}")]
    if status.waiting:
        rows.append(("waiting for", ", ".join(status.waiting)))
    if status.version:
        rows.append(("kubernetes", status.version))
    if status.address:
        rows.append(("address", f"{status.address} ({status.node_name})"))
    if status.running:
        rows.append(("processes", ", ".join(f"{name} {pid}" for name, pid in status.running.items())))
    if status.uptime_seconds is not None:
        rows.append(("up", _duration(status.uptime_seconds)))
    if status.kubeconfig:
        rows.append(("kubeconfig", str(status.kubeconfig)))
    return [*rows, ("volumes", str(status.volumes))]


def _duration(seconds: float) -> str:
    minutes, hours, days = seconds / 60, seconds / 3600, seconds / 86400
    if minutes < 2:
        return f"{seconds:.0f} s"
    if hours < 2:
        return f"{minutes:.0f} min"
    return f"{hours:.0f} h" if days < 2 else f"{days:.0f} days"

"""`bdc status` and `bdc logs`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import settings

if TYPE_CHECKING:
    from bdc.health import ClusterStatus

UNHEALTHY = 5


def status(ctx: typer.Context, output: FormatOption = Format.table) -> int:
    """Show every part of the cluster: replicas, and what the engine itself says. Exit code 5 when a part isn't ready."""
    from bdc.health import status as ask

    options = settings(ctx)
    found = ask(options.kube(), options.config)
    Output(output, quiet=options.quiet).emit(asdict(found), text=_text(found, options.config.profile))
    return 0 if found.ready else UNHEALTHY


def logs(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PART|WORKLOAD|POD", help="storage, master, ...; namenode, httpfs, ...; or a pod.")],
    tail: Annotated[int | None, typer.Option("--tail", metavar="N", help="The last lines of each container only.")] = 100,
    container: Annotated[str | None, typer.Option("--container", metavar="NAME", help="This container only.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes; Ctrl-C ends it.")] = False,
) -> None:
    """Show the logs of a part, from all its pods at once."""
    from bdc.health import follow_logs, sources

    options = settings(ctx)
    kube, cluster = options.kube(), options.config.name
    found = sources(kube, cluster, name, container)
    width = max(len(str(one)) for one in found)
    for source, line in follow_logs(kube, cluster, found, tail=tail, follow=follow):
        prefix = f"{source!s:<{width}}  " if len(found) > 1 else ""
        sys.stdout.write(f"{prefix}{line}\n")


def _text(found: ClusterStatus, profile: str) -> str:
    from bdc.cli.output import table

    rows = [[part.title, part.replicas, part.state, part.restarts, _duration(part.age_seconds), part.detail] for part in found.parts]
    words = "all well" if found.ready else "not well: " + ", ".join(part.title for part in found.parts if not part.ready)
    head = f"{found.cluster} · profile {profile} · {words}\n"
    return head + table(rows, ["part", "replicas", "state", "restarts", "age", "detail"])


def _duration(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

"""`bdc status`, `bdc doctor`, `bdc logs`: how the cluster is, what is wrong with it, what it says."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.output import error as print_error
from bdc.cli.settings import Settings, administrator
from bdc.cli.streams import styled
from bdc.errors import UnhealthyError, UnreachableError

if TYPE_CHECKING:
    from bdc.health import ClusterStatus, PartStatus, Result

_PARTS = {"title": "part", "replicas": "replicas", "state": "state", "restarts": "restarts", "age": "age", "detail": "detail"}


def status(
    ctx: typer.Context,
    output: FormatOption = Format.table,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option("--interval", min=1, metavar="SECONDS", help="With --watch: seconds between refreshes.")] = 5,
) -> int:
    """Show the parts of the cluster; each engine is asked whether it works.

    Exits with 5 when a part isn't ready, with 3 when there is no such cluster. With --watch it goes on, also while the cluster can't be
    reached; a terminal shows the newest look alone, elsewhere one follows the other, and with -o json each is one line.
    """
    from bdc.health import status as look

    options = administrator(ctx)
    if watch:
        return _watch(options, output, interval)
    return _shown(look(options.kube(), options.config), Output(output, quiet=options.quiet))


def _watch(options: Settings, output: Format, interval: float) -> int:
    """Look until Ctrl-C, and give the exit code of the last look."""
    from bdc.health import status as look

    kube, config, code = options.kube(), options.config, 0
    try:
        while True:
            try:
                found = look(kube, config)
            except UnreachableError as error:
                print_error(error.message, error.hint)
                code = UnreachableError.exit_code
            else:
                code = _newest(found, output, quiet=options.quiet)
            sys.stdout.flush()
            time.sleep(interval)
    except KeyboardInterrupt:
        return code


def _newest(found: ClusterStatus, output: Format, *, quiet: bool) -> int:
    if output is Format.json:
        sys.stdout.write(json.dumps(_document(found)) + "\n")
        return _code(found)
    if output is Format.yaml:
        sys.stdout.write("---\n")
    elif styled(sys.stdout):
        sys.stdout.write("\x1b[H\x1b[J")  # to the top, and nothing below (ECMA-48: CUP, ED)
    else:
        sys.stdout.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}\n")
    return _shown(found, Output(output, quiet=quiet))


def _shown(found: ClusterStatus, out: Output) -> int:
    now = datetime.now(UTC)
    if out.format is Format.table:
        out.emit([], text=f"{_headline(found, now)}\n")
        out.emit([_row(part) | {"age": age(part.since, now)} for part in found.parts], columns=_PARTS)
        for part in found.parts:
            if part.hint and not part.ready:
                out.progress(f"hint:  {part.title}: {part.hint}")
    else:
        out.emit(_document(found))
    return _code(found)


def _document(found: ClusterStatus) -> dict[str, Any]:
    return {"cluster": found.cluster, "ready": found.ready, "nodes": found.nodes, "parts": [_row(part) for part in found.parts]}


def _code(found: ClusterStatus) -> int:
    return 0 if found.ready else UnhealthyError.exit_code


def doctor(
    ctx: typer.Context,
    output: FormatOption = Format.table,
    *,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Show the checks that passed, too.")] = False,
) -> int:
    """Check the cluster and the way to it, and say what to do about what is wrong.

    Exits with 5 when something doesn't work; warnings alone exit with 0.
    """
    from bdc.health import CheckContext, Level, examine

    options = administrator(ctx)
    results = []
    for result in examine(CheckContext(options.kube(), options.config)):
        results.append(result)
        if output is Format.table and (everything or result.finding.level is not Level.OK):
            sys.stdout.write(_report(result))
            sys.stdout.flush()
    levels = [result.finding.level for result in results]
    if output is Format.table:
        wrong, warned = levels.count(Level.FAIL), levels.count(Level.WARN)
        sys.stdout.write(f"{len(levels)} checks: {len(levels) - wrong - warned} passed, {warned} warnings, {wrong} failed\n")
    else:
        Output(output).emit([_result(result) for result in results])
    return UnhealthyError.exit_code if Level.FAIL in levels else 0


def logs(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PART|WORKLOAD|POD", help="What to show, e.g. storage, namenode or namenode-0.")],
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Only newer lines: 90s, 10m, 1h30m, 2d.")] = None,
    tail: Annotated[int | None, typer.Option("--tail", metavar="N", min=0, help="Only the last lines of each container.")] = None,
    container: Annotated[str | None, typer.Option("--container", metavar="NAME", help="Only this container.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines, also from new pods.")] = False,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="Logs of the run before the last restart.")] = False,
) -> None:
    """Show the logs of a part, a workload or a pod: all containers in one stream by time, each line after its pod's name."""
    from bdc.config.duration import duration
    from bdc.errors import UsageError
    from bdc.health import Wanted
    from bdc.health import logs as read

    if follow and previous:
        raise UsageError("--previous shows a run that has ended, so there is nothing to follow", "leave out --follow")
    options = administrator(ctx)
    wanted = Wanted(container, duration(since) if since else None, tail, previous=previous)
    for line in read(options.kube(), options.config.name, name, wanted, follow=follow):
        sys.stdout.write(f"{line.source} | {line.text}\n" if line.text else f"{line.source} |\n")
        if follow:
            sys.stdout.flush()


def age(since: datetime | None, now: datetime) -> str | None:
    """A time span in one unit, as people say it: 40 s, 5 min, 3 h, 6 days."""
    if since is None:
        return None
    seconds = int((now - since).total_seconds())
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def _headline(found: ClusterStatus, now: datetime) -> str:
    ill = [part.title for part in found.parts if not part.ready]
    nodes = f"{found.nodes} node{'s' if found.nodes != 1 else ''}"
    since = f" · made {age(found.since, now)} ago" if found.since else ""
    return f"{found.cluster} · {nodes}{since} · " + ("all well" if not ill else f"not ready: {', '.join(ill)}")


def _row(part: PartStatus) -> dict[str, Any]:
    return {
        "name": part.name,
        "title": part.title,
        "ready": part.ready,
        "state": str(part.state),
        "replicas": part.replicas,
        "restarts": part.restarts,
        "since": part.since.isoformat() if part.since else None,
        "detail": part.detail,
        "hint": part.hint,
    }


def _report(result: Result) -> str:
    finding = result.finding
    text = f"{finding.level:<5} {result.check.title}: {finding.message}\n"
    return text + (f"      {finding.remedy}\n" if finding.remedy and finding.level != "ok" else "")


def _result(result: Result) -> dict[str, Any]:
    finding = result.finding
    return {
        "check": result.check.id,
        "title": result.check.title,
        "level": str(finding.level),
        "message": finding.message,
        "remedy": finding.remedy,
    }

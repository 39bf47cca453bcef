"""`bdc spark`: its commands, and those that watch and stop applications."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import settings
from bdc.cli.spark.environments import app as environments
from bdc.cli.spark.pools import PoolOption
from bdc.cli.spark.pools import app as pools
from bdc.cli.spark.schedules import app as schedules
from bdc.cli.spark.sessions import connect, shell, sql
from bdc.cli.spark.submission import submit
from bdc.cli.spark.submit_options import SubmitCommand
from bdc.errors import BdcError, UsageError

if TYPE_CHECKING:
    from bdc.spark import State

app = typer.Typer(no_args_is_help=True, help="Spark applications.")
app.add_typer(schedules, name="schedules")
app.add_typer(pools, name="pool")
app.add_typer(environments, name="env")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The application.")]
_COLUMNS = {"state": "state", "seconds": "seconds", "exit_code": "exit", "source": "file", "reason": "reason"}
_HISTORY = {"id": "run", "name": "name", "started": "started (UTC)", "duration_seconds": "seconds", "completed": "ended"}


app.command(cls=SubmitCommand)(submit)


@app.command("list")
def list_(
    ctx: typer.Context,
    pool: Annotated[str | None, typer.Option("--pool", metavar="POOL", help="Only applications of this pool.")] = None,
    state: Annotated[
        list[str] | None, typer.Option("--state", metavar="STATE", help="Only applications in this state; repeatable.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most this many, the newest first.")] = None,
    output: FormatOption = Format.table,
) -> None:
    """Show applications, the newest first. States: queued, starting, running, succeeded, failed, killed."""
    from bdc.cli.spark.follow import row
    from bdc.spark import Client

    found = Client(settings(ctx)).applications(pool=pool, states=_states(state or []), limit=limit)
    pooled = {"pool": "pool"} if any(one.pool for one in found) else {}
    Output(output).emit([row(one) for one in found], columns={"name": "name"} | pooled | _COLUMNS)


@app.command()
def status(ctx: typer.Context, name: Name, pool: PoolOption = None, output: FormatOption = Format.table) -> None:
    """Show one application, and why it failed."""
    from bdc.cli.spark.follow import row
    from bdc.spark import Client, State

    client = Client(settings(ctx))
    found = client.status(name, pool=pool)
    cause = client.why(found) if found.state is State.FAILED else None
    shown: dict[str, object] = {"cause": cause.what, "where": cause.where, "hint": cause.hint} if cause else {}
    if output is not Format.table:
        shown = {"cause": asdict(cause) if cause else None}
    Output(output).emit(row(found) | shown)


@app.command()
def logs(
    ctx: typer.Context,
    name: Name,
    executor: Annotated[int | None, typer.Option("--executor", metavar="N", help="An executor's log instead of the driver's.")] = None,
    tail: Annotated[int | None, typer.Option("--tail", metavar="N", help="Only the last N lines.")] = None,
    pool: PoolOption = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing until the application ends.")] = False,
) -> int:
    """Show what the driver, or an executor, printed.

    With --follow the exit code is the application's, and Ctrl-C leaves it running.
    """
    from bdc.cli.spark.follow import show
    from bdc.spark import Client

    options = settings(ctx)
    client = Client(options)
    if follow:
        if executor is not None or tail is not None:
            raise UsageError("--follow shows the driver's log from its first line", "leave out --executor and --tail")
        return show(client, name, pool, Output(quiet=options.quiet))
    for line in client.log(name, executor=executor, tail=tail, pool=pool):
        sys.stdout.write(f"{line}\n")
    return 0


@app.command()
def kill(ctx: typer.Context, name: Name, pool: PoolOption = None) -> None:
    """Stop an application; it stays in the list as Killed."""
    from bdc.spark import Client

    options = settings(ctx)
    Client(options).kill(name, pool=pool)
    Output(quiet=options.quiet).progress(f"{name} is being killed")


@app.command()
def delete(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The applications.")],
    pool: PoolOption = None,
) -> None:
    """Remove applications with their logs; running ones are stopped."""
    from bdc.spark import Client

    options = settings(ctx)
    client = Client(options)
    for name in names:
        client.delete(name, pool=pool)
        Output(quiet=options.quiet).progress(f"{name} deleted")


@app.command()
def ui(
    ctx: typer.Context,
    name: Name,
    port: Annotated[int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Local port; any free one by default.")] = 0,
    pool: PoolOption = None,
) -> None:
    """Open the Spark UI of an application: forwarded to this machine while it runs, in the history server afterwards."""
    from bdc.cli.access import until_interrupted, url
    from bdc.kube.endpoints import addresses, endpoint
    from bdc.spark import Client, State, run_of

    options = settings(ctx)
    kube, cluster, client = options.kube(), options.config.name, Client(options)
    out = Output(quiet=options.quiet)
    found = client.status(name, pool=pool)
    if found.state is State.RUNNING:
        with client.pages(name, pool=pool, local_port=port, on_error=out.progress) as (host, local):
            sys.stdout.write(f"http://{host}:{local}/\n")
            until_interrupted(out)
        return
    if not found.state.final:
        raise UsageError(f"{name} has no pages before it runs; it is {found.state.lower()}", f"see why: bdc spark status {name}")
    run, server = run_of(kube, cluster, found), endpoint("history")
    if not (outside := addresses(kube, options.config, "history")):
        raise BdcError(f"{name} has ended, and the history server is not exposed", "forward it: bdc connect history")
    sys.stdout.write(f"{url(server, outside[0], server.port)}/history/{run}/jobs/\n")
    out.progress(f"{name} has ended; its pages need a login: bdc credentials show")


@app.command()
def history(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One application; all by default.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Maximum number of runs.")] = 50,
    output: FormatOption = Format.table,
) -> None:
    """Show finished applications from the event logs on HDFS, including deleted ones."""
    from bdc.spark import history as read

    options = settings(ctx)
    runs = read(options.kube(), options.config.name, name, limit=limit)
    rows = [asdict(run) | {"started": f"{run.started:%Y-%m-%d %H:%M:%S}"} if output is Format.table else asdict(run) for run in runs]
    Output(output).emit(rows, columns=_HISTORY)


for session in (connect, sql, shell):
    app.command()(session)


def _states(words: Sequence[str]) -> list[State]:
    from bdc.spark import State

    known = {str(state).lower(): state for state in State}
    for word in words:
        if word.lower() not in known:
            raise UsageError(f"--state {word!r} is no state of an application", f"choose of {', '.join(known)}")
    return [known[word.lower()] for word in words]

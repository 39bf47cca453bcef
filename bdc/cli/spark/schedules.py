"""`bdc spark schedules`: applications that Kubernetes starts again and again."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import settings
from bdc.cli.spark.pools import PoolOption
from bdc.errors import UsageError

if TYPE_CHECKING:
    from bdc.spark import Client, Schedule

app = typer.Typer(no_args_is_help=True, help="Applications that run on a schedule.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The schedule.")]
_COLUMNS = {
    "name": "name",
    "cron": "schedule",
    "time_zone": "time zone",
    "state": "state",
    "last_started": "last started (UTC)",
    "last_succeeded": "last succeeded",
    "source": "file",
}


@app.command("list")
def list_(ctx: typer.Context, output: FormatOption = Format.table) -> None:
    """Show all schedules."""
    rows = []
    for one in _client(ctx).schedules():
        row = asdict(one) | {"state": "paused" if one.paused else "running" if one.active else "waiting"}
        if output is Format.table:
            row |= {key: f"{row[key]:%Y-%m-%d %H:%M:%S}" if row[key] else None for key in ("last_started", "last_succeeded")}
        rows.append(row)
    Output(output).emit(rows, columns=_COLUMNS)


@app.command()
def pause(ctx: typer.Context, name: Name, pool: PoolOption = None) -> None:
    """Suspend a schedule; a run in progress is left alone."""
    _client(ctx).pause(name, pool=pool)
    _say(ctx, f"{name} is paused")


@app.command()
def resume(ctx: typer.Context, name: Name, pool: PoolOption = None) -> None:
    """Resume a schedule."""
    _client(ctx).resume(name, pool=pool)
    _say(ctx, f"{name} is resumed")


@app.command()
def run(ctx: typer.Context, name: Name, pool: PoolOption = None) -> None:
    """Start a run now, outside the schedule; prints the run's name."""
    started = _client(ctx).run_now(name, pool=pool)
    sys.stdout.write(f"{started}\n")
    _say(ctx, f"follow it: bdc spark logs {started} -f")


@app.command()
def delete(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The schedules.")],
    pool: PoolOption = None,
) -> None:
    """Delete schedules and their runs; runs in progress are stopped."""
    client = _client(ctx)
    for name in names:
        client.delete_schedule(name, pool=pool)
        _say(ctx, f"{name} deleted")


def asked(cron: str | None, time_zone: str | None, concurrency: str | None, keep: int | None) -> Schedule | None:
    """The schedule that a submit asks for. Raises UsageError."""
    from bdc.spark import Concurrency, Schedule

    if cron is None:
        given = {"--time-zone": time_zone, "--concurrency": concurrency, "--keep": keep}
        if alone := [option for option, value in given.items() if value is not None]:
            raise UsageError(f"{alone[0]} is for schedules, and there is no --schedule", "add --schedule CRON, or leave it out")
        return None
    policies = {one.value.lower(): one for one in Concurrency}
    if (concurrency or "forbid").lower() not in policies:
        raise UsageError(f"--concurrency {concurrency!r} is none of {', '.join(policies)}")
    return Schedule(cron, time_zone, policies[(concurrency or "forbid").lower()], 3 if keep is None else keep)


def _client(ctx: typer.Context) -> Client:
    from bdc.spark import Client

    return Client(settings(ctx))


def _say(ctx: typer.Context, text: str) -> None:
    Output(quiet=settings(ctx).quiet).progress(text)

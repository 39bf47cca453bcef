"""`bdc spark pool`: shares of the Spark pool, and how full they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import settings
from bdc.config.quantity import human

if TYPE_CHECKING:
    from bdc.spark import PoolStatus

app = typer.Typer(no_args_is_help=True, help="Shares of the Spark pool; they are set in bdc.yaml: spark.pools.NAME.")

PoolOption = Annotated[str | None, typer.Option("--pool", metavar="POOL", help="The pool, if several pools have one of this name.")]
ConnectPoolOption = Annotated[
    str | None, typer.Option("--pool", metavar="POOL", help="Pool whose Spark Connect server to use; the cluster's by default.")
]

_COLUMNS = {"name": "name", "running": "running", "waiting": "waiting", "cpu": "CPU", "memory": "memory"}


@app.command("list")
def list_(ctx: typer.Context, output: FormatOption = Format.table) -> None:
    """Show all pools, and how full they are."""
    from bdc.spark import Client

    found = Client(settings(ctx)).pools()
    Output(output).emit([_row(one, output) for one in found], columns=_COLUMNS)


@app.command()
def show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="The pool.")], output: FormatOption = Format.table
) -> None:
    """Show one pool: its limits, its usage and its queue."""
    from bdc.spark import Client

    found = Client(settings(ctx)).pool(name)
    row = _row(found, output)
    if output is Format.table:
        row["waiting"] = ", ".join(found.waiting) or None
    Output(output).emit(row)


def _row(one: PoolStatus, output: Format) -> dict[str, object]:
    if output is not Format.table:
        return asdict(one)
    cpu = f"{one.cpu:.3g}" + (f" of {one.cpu_limit:.3g}" if one.cpu_limit is not None else "")
    memory = human(one.memory) + (f" of {human(one.memory_limit)}" if one.memory_limit is not None else "")
    return {"name": one.name, "running": one.running, "waiting": len(one.waiting) or None, "cpu": cpu, "memory": memory}

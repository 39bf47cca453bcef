"""`bdc spark env`: Python packages for applications."""

from __future__ import annotations

from typing import Annotated

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import settings
from bdc.config.quantity import human

app = typer.Typer(no_args_is_help=True, help="Environments: Python packages for applications.")

_COLUMNS = {"name": "name", "packages": "packages", "size": "size", "created": "created (UTC)"}


@app.command()
def build(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A requirements.txt, or an environment.yml with packages for pip.")],
    name: Annotated[str | None, typer.Option("--name", help="Name of the environment; made from the file by default.")] = None,
    index_url: Annotated[str | None, typer.Option("--index-url", metavar="URL", help="Package index, as pip's --index-url.")] = None,
    extra_index_url: Annotated[
        list[str] | None, typer.Option("--extra-index-url", metavar="URL", help="Further package index, as pip's; repeatable.")
    ] = None,
    trusted_host: Annotated[
        list[str] | None,
        typer.Option("--trusted-host", metavar="HOST", help="Host whose certificate is not checked, as pip's; repeatable."),
    ] = None,
    output: FormatOption = Format.table,
) -> None:
    """Create an environment in the cluster unless it exists; prints its name.

    Packages come as wheels for the cluster's own Python. An index that asks for a password belongs into pip.conf in a Secret `pip` of the
    cluster's namespace, not on the command line.
    """
    from bdc.spark import Client

    options = settings(ctx)
    out = Output(output, quiet=options.quiet)
    words = [("--index-url", [index_url] if index_url else []), ("--extra-index-url", extra_index_url), ("--trusted-host", trusted_host)]
    pip = [word for option, values in words for value in values or () for word in (option, value)]
    made = Client(options).build_environment(file, name, pip=pip, on_line=out.progress)
    out.emit({"name": made.name, "packages": made.packages, "uri": made.uri}, text=made.name)


@app.command("list")
def list_(ctx: typer.Context, output: FormatOption = Format.table) -> None:
    """Show all environments."""
    from dataclasses import asdict

    from bdc.spark import Client

    rows = []
    for one in Client(settings(ctx)).environments():
        row: dict[str, object] = asdict(one)
        if output is Format.table:
            row |= {"packages": _short(one.packages), "size": human(one.size), "created": f"{one.created:%Y-%m-%d %H:%M:%S}"}
        rows.append(row)
    Output(output).emit(rows, columns=_COLUMNS)


@app.command()
def delete(ctx: typer.Context, names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The environments.")]) -> None:
    """Remove environments. An application that runs with one may fail when it gets new executors."""
    from bdc.spark import Client

    client = Client(settings(ctx))
    for name in names:
        client.delete_environment(name)
        Output(quiet=settings(ctx).quiet).progress(f"{name} deleted")


def _short(packages: dict[str, str]) -> str:
    shown = [f"{name} {version}" for name, version in packages.items()]
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")

"""`bdc images`: build, list and push the container images."""

from __future__ import annotations

from typing import Annotated

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import settings

app = typer.Typer(no_args_is_help=True, help="Build, list and push the container images.")
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Images; all by default.")]


@app.command()
def build(ctx: typer.Context, names: Names = None, output: FormatOption = Format.table) -> None:
    """Build what isn't built yet at its present content."""
    from bdc import images

    out = Output(output, quiet=settings(ctx).quiet)
    built = images.build(names or None, on_progress=out.progress)
    out.emit([{"image": image.name, "reference": image.reference} for image in built])


@app.command("list")
def list_(ctx: typer.Context, output: FormatOption = Format.table) -> None:
    """List the images with the names that pods pull them by."""
    from bdc import images

    registry = settings(ctx).config.images.registry
    absent = set(images.missing())
    rows = [{"image": name, "reference": reference, "built": name not in absent} for name, reference in images.references(registry).items()]
    Output(output).emit(rows)


@app.command()
def push(
    ctx: typer.Context,
    names: Names = None,
    registry: Annotated[str | None, typer.Option(help="Registry and path; images.registry of bdc.yaml by default.")] = None,
) -> None:
    """Build what is missing and push it to a registry, with the build tool's own login."""
    from bdc import images
    from bdc.errors import UsageError

    target = registry or settings(ctx).config.images.registry
    if not target:
        raise UsageError("no registry to push to", "name one with --registry, or set images.registry in bdc.yaml")
    out = Output(quiet=settings(ctx).quiet)
    images.build(names or None, on_progress=out.progress)
    images.push(names or None, target, on_progress=out.progress)

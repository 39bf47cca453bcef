"""`bdc images`: build, list and push the container images."""

from __future__ import annotations

from typing import Annotated

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import RegistryOption, settings

app = typer.Typer(no_args_is_help=True, help="Build, list and push the container images.")
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Images; all by default.")]


@app.command()
def build(ctx: typer.Context, names: Names = None, registry: RegistryOption = None, output: FormatOption = Format.table) -> None:
    """Build images whose content has changed, and list the names that pods pull them by."""
    from bdc import images

    chosen = settings(ctx, registry=registry)
    out = Output(output, quiet=chosen.quiet)
    built = images.build(names or None, on_progress=out.progress)
    references = images.references(chosen.config.images.registry)
    out.emit([{"image": image.name, "reference": references[image.name]} for image in built])


@app.command("list")
def list_(ctx: typer.Context, registry: RegistryOption = None, output: FormatOption = Format.table) -> None:
    """List the images with the names that pods pull them by."""
    from bdc import images

    references = images.references(settings(ctx, registry=registry).config.images.registry)
    missing = set(images.missing())
    names = [spec.name for spec in images.images() if not spec.intermediate]
    Output(output).emit([{"image": name, "reference": references[name], "built": name not in missing} for name in names])


@app.command()
def push(ctx: typer.Context, names: Names = None, registry: RegistryOption = None) -> None:
    """Build what is missing and push it to a registry, with the login of docker, podman, skopeo or buildah.

    What is there already isn't sent again; an interrupted push goes on where it was.
    """
    from bdc import images
    from bdc.errors import UsageError

    chosen = settings(ctx, registry=registry)
    target = chosen.config.images.registry
    if not target:
        raise UsageError("no registry to push to", "name one with --registry, or set images.registry in bdc.yaml")
    images.place(target)
    out = Output(quiet=chosen.quiet)
    images.build(names or None, on_progress=out.progress)
    images.push(names or None, target, on_progress=out.progress)

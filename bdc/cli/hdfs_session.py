"""What the commands of `bdc hdfs` share: the way to HDFS, arguments, and rows with sizes in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bdc.cli.output import Format, Output
from bdc.cli.settings import settings

if TYPE_CHECKING:
    from bdc.storage import Hdfs

Paths = Annotated[list[str], typer.Argument(metavar="PATH...", help="Paths or patterns; relative ones are below your /user/NAME.")]
SomePaths = Annotated[list[str] | None, typer.Argument(metavar="[PATH...]", help="Paths or patterns; your /user/NAME by default.")]
Human = Annotated[bool, typer.Option("--human", "-h", help="Sizes as 1.5 GiB.")]


@contextmanager
def connected(ctx: typer.Context) -> Iterator[Hdfs]:
    """The file system of the cluster that the options name."""
    from bdc.kube.endpoints import credentials, reach
    from bdc.storage import Hdfs

    options = settings(ctx)
    kube, config = options.kube(), options.config
    access = credentials(kube, config.name)
    with reach(kube, config, "httpfs", authority=access.ca) as reached, Hdfs.at(reached, access) as hdfs:
        yield hdfs


def emit(rows: list[dict[str, Any]], output: Format, sizes: tuple[str, ...], *, human: bool) -> None:
    """Write rows; the keys in `sizes` are bytes, and for people, if they want, 1.5 GiB."""
    if human and output is Format.table:
        from bdc.config.quantity import human as size

        rows = [{key: size(value) if key in sizes and value is not None else value for key, value in row.items()} for row in rows]
    Output(output).emit(rows)

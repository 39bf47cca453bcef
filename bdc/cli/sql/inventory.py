"""`bdc sql databases|tables|describe`: what there is to query, over the lake, the external data and the master."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import settings
from bdc.errors import UsageError

if TYPE_CHECKING:
    from bdc.sql import Session

DatabaseArgument = Annotated[
    str | None, typer.Argument(metavar="[DATABASE]", help="[catalog.]database, or a catalog: lake, external, master; else all of them.")
]


def databases(ctx: typer.Context, output: FormatOption = Format.table) -> None:
    """List the databases of the lake, the external data and the master, with the number of their tables."""
    from bdc.sql.inventory import databases as found

    with _session(ctx) as session:
        rows = [{"catalog": catalog, "name": name, "tables": tables} for catalog, name, tables in found(session)]
    Output(output).emit(rows, columns={key: key.upper() for key in ("catalog", "name", "tables")})


def tables(ctx: typer.Context, database: DatabaseArgument = None, output: FormatOption = Format.table) -> None:
    """List tables and views: all of them, or those of one database."""
    from bdc.sql.inventory import tables as found

    parts = _parts(database) if database else []
    with _session(ctx) as session:
        rows = [{"catalog": one.catalog, "database": one.database, "name": one.name, "type": one.kind} for one in found(session, parts)]
    Output(output).emit(rows, columns={key: key.upper() for key in ("catalog", "database", "name", "type")})


def describe(
    ctx: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Name of a table or view, [[catalog.]database.]table.")],
    output: FormatOption = Format.table,
) -> None:
    """Show the columns of a table or view, with their types."""
    from bdc.sql.inventory import describe as found

    parts = _parts(table)
    with _session(ctx) as session:
        rows = [{"column": one.name, "type": one.type, "comment": one.comment} for one in found(session, parts)]
    Output(output).emit(
        rows, columns={key: key.upper() for key in ("column", "type", "comment") if key != "comment" or any(row[key] for row in rows)}
    )


def _parts(name: str) -> list[str]:
    from bdc.sql.external.locations import split_name

    if not (parts := split_name(name)):
        raise UsageError(f"{name!r} is no name", 'such as lake.demo.flights; a part may stand in [brackets] or "quotes"')
    return parts


@contextmanager
def _session(ctx: typer.Context) -> Iterator[Session]:
    from bdc.sql import Engine, connect

    options = settings(ctx)
    say = Output(quiet=options.quiet).progress
    with connect(options.kube(), options.config, Engine.federation, on_notice=say) as session:
        yield session

"""`bdc sql credential|source|table|objects|explain`: external data sources and tables, as they are defined and as they are."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from bdc.cli.output import Format, FormatOption, NoInputOption, Output, YesOption, confirm
from bdc.cli.settings import settings
from bdc.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from bdc.sql.external.ddl import Definer
    from bdc.sql.external.definitions import Definitions, Table, Troubles
    from bdc.sql.polybase.ddl import DropKind, ObjectName

credentials = typer.Typer(no_args_is_help=True, help="Users and passwords for external data sources.")
sources = typer.Typer(no_args_is_help=True, help="External data sources: the databases and stores that external tables read.")
tables = typer.Typer(no_args_is_help=True, help="External tables: tables of external data sources.")

SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="Name of an external data source.")]
TableArgument = Annotated[str, typer.Argument(metavar="TABLE", help="Name of an external table, [schema.]table; the schema is dbo.")]


@credentials.command("list")
def list_credentials(ctx: typer.Context, output: FormatOption = Format.table) -> None:
    """List credentials and the sources that use them; no passwords."""
    with _external(ctx) as external:
        definitions = external.lookups.definitions()
    using: dict[str, list[str]] = {}
    for source in definitions.sources.values():
        if source.credential:
            using.setdefault(source.credential.name, []).append(source.name)
    rows = [
        {"name": one.name, "identity": one.identity, "password": one.key is not None, "sources": using.get(one.name, [])}
        for one in definitions.credentials
    ]
    shown = [{**row, "password": "yes" if row["password"] else "no", "sources": ", ".join(using.get(str(row["name"]), []))} for row in rows]
    columns = {key: key.upper() for key in ("name", "identity", "password", "sources")}
    Output(output).emit(shown if output is Format.table else rows, columns=columns)


@credentials.command("set")
def set_credential(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the credential; an existing one is changed.")],
    identity: Annotated[str, typer.Option("--identity", metavar="USER", help="User name at the source.")],
) -> None:
    """Create or change a credential. The password is asked for, or read from standard input, never from an argument."""
    from bdc.cli.credentials import read_password
    from bdc.sql.polybase.ddl import SetCredential

    password = read_password()  # before anything is connected: people take their time
    with _external(ctx) as external:
        there = any(one.name.lower() == name.lower() for one in external.lookups.definitions().credentials)
        external.run(SetCredential("ALTER" if there else "CREATE", name, identity, password))
    Output(quiet=settings(ctx).quiet).progress(f"{'changed' if there else 'made'} {name}")


@credentials.command("drop")
def drop_credential(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a credential.")],
    *,
    yes: YesOption = False,
    no_input: NoInputOption = False,
) -> None:
    """Drop a credential that no source uses, with its password."""
    _drop(ctx, "DATABASE SCOPED CREDENTIAL", name, yes=yes, no_input=no_input)


@sources.command("list")
def list_sources(ctx: typer.Context, output: FormatOption = Format.table) -> None:
    """List external data sources and their errors."""
    with _external(ctx) as external:
        definitions, troubles = external.lookups.definitions(), external.lookups.troubles()
    rows = [
        {
            "name": source.name,
            "location": source.location,
            "credential": source.credential.name if source.credential else None,
            "tables": sum(table.source == source.name for table in definitions.tables),
            "state": _state(troubles.sources.get(name)),
        }
        for name, source in definitions.sources.items()
    ]
    Output(output).emit(rows, columns={key: key.upper() for key in ("name", "location", "credential", "tables", "state")})


@sources.command("show")
def show_source(ctx: typer.Context, source: SourceArgument, output: FormatOption = Format.table) -> None:
    """Show one source in full; no password."""
    with _external(ctx) as external:
        one, definitions, troubles = external.lookups.source(source), external.lookups.definitions(), external.lookups.troubles()
    own = [table for table in definitions.tables if table.source == one.name]
    shown = {
        "name": one.name,
        "location": one.location,
        "options": one.options,
        "credential": one.credential.name if one.credential else None,
        "identity": one.credential.identity if one.credential else None,
        "pushdown": one.pushdown,
        "error": troubles.sources.get(one.name.lower()),
        "tables": [_row(table, troubles) for table in own],
    }
    text = {**shown, "pushdown": "on" if one.pushdown else "off", "tables": ", ".join(map(str, own)) or "none"}
    Output(output).emit(text if output is Format.table else shown)


@sources.command("test")
def test_source(ctx: typer.Context, source: SourceArgument) -> None:
    """Connect to a source and list its schemas; exits with 5 and the cause if it doesn't answer."""
    with _external(ctx) as external:
        started = time.monotonic()
        found = external.lookups.test(source)
        seconds = time.monotonic() - started
    schemas = f"{found} schema{'' if found == 1 else 's'}, " if found else ""
    Output().emit({}, text=f"{source} answers: {schemas}{seconds:.1f} s")


@sources.command("drop")
def drop_source(ctx: typer.Context, source: SourceArgument, *, yes: YesOption = False, no_input: NoInputOption = False) -> None:
    """Drop a source that has no tables; nothing changes in the source itself."""
    _drop(ctx, "EXTERNAL DATA SOURCE", source, yes=yes, no_input=no_input)


@tables.command("list")
def list_tables(ctx: typer.Context, output: FormatOption = Format.table) -> None:
    """List external tables and their errors."""
    with _external(ctx) as external:
        definitions, troubles = external.lookups.definitions(), external.lookups.troubles()
    rows = [_row(table, troubles) for table in definitions.tables]
    Output(output).emit(rows, columns={key: key.upper() for key in ("name", "source", "location", "state")})


@tables.command("show")
def show_table(ctx: typer.Context, table: TableArgument, output: FormatOption = Format.table) -> None:
    """A table's definition, as the statements that make it and say who may read it."""
    from bdc.sql.external.definition_writes import EVERYBODY
    from bdc.sql.external.pool import is_pool
    from bdc.sql.polybase.ddl import Column, CreateTable, DataType, ObjectName, SetReaders

    with _external(ctx) as external:
        definitions, troubles = external.lookups.definitions(), external.lookups.troubles()
    one = _find(definitions, table)
    name, columns = ObjectName((one.schema, one.name)), tuple(Column(column.name, DataType(column.type)) for column in one.columns)
    form, rejects = one.format.name if one.format else None, one.rejects
    kept = rejects.type, rejects.value, rejects.sample, rejects.location
    location = None if is_pool(definitions.of(one)) else one.location
    statement = str(CreateTable(name, columns, one.source, location, form, *kept, one.distribution))
    rights = [] if one.readers is None else [str(SetReaders("REVOKE", name, (EVERYBODY,)))]
    rights += [str(SetReaders("GRANT", name, one.readers))] if one.readers else []
    error = troubles.tables.get(str(one).lower())
    shown = {**_row(one, troubles), "readers": None if one.readers is None else list(one.readers), "statement": statement}
    Output(output).emit(shown, text="\n".join([statement, *rights, *([f"-- {error}"] if error else [])]))


@tables.command("create")
def create_table(
    ctx: typer.Context,
    object_name: Annotated[str, typer.Argument(metavar="OBJECT", help="The object's name in the source, public.orders, or a path.")],
    source: Annotated[str, typer.Option("--from", metavar="SOURCE", help="Its external data source.")],
    name: Annotated[str | None, typer.Option("--name", help="Name of the table, [schema.]table; else dbo and the object's.")] = None,
    *,
    yes: YesOption = False,
    no_input: NoInputOption = False,
) -> None:
    """Create an external table with all columns of an object: shows the statement, asks, and runs it."""
    from bdc.sql.external.locations import split_name

    last = [PurePosixPath(object_name).stem] if "/" in object_name else split_name(object_name)
    if not last or not last[-1]:
        raise UsageError(f"{object_name!r} is no name of an object", "such as public.orders, or /data/orders")
    with _external(ctx) as external:
        statement = external.lookups.proposal(source, object_name, _name(name) if name else _name_of(last[-1]))
        Output().emit({}, text=str(statement))
        if not confirm("Make this table?", yes=yes, no_input=no_input):
            raise typer.Exit(1)
        external.run(statement)


@tables.command("drop")
def drop_table(ctx: typer.Context, table: TableArgument, *, yes: YesOption = False, no_input: NoInputOption = False) -> None:
    """Drop an external table; nothing changes in its source. A table of the data pool is removed with its rows."""
    from bdc.sql.external.pool import is_pool

    with _external(ctx) as external:
        definitions = external.lookups.definitions()
    of = definitions.of(_find(definitions, table))
    question = f"Remove {table} and all of its rows?" if is_pool(of) else None
    _drop(ctx, "EXTERNAL TABLE", table, yes=yes, no_input=no_input, question=question)


def objects(
    ctx: typer.Context,
    source: SourceArgument,
    root: Annotated[str | None, typer.Argument(metavar="[ROOT]", help="[database.]schema to look below; else all schemas.")] = None,
    depth: Annotated[int, typer.Option("--depth", min=1, max=2, help="2 shows the tables of each schema, too.")] = 1,
    output: FormatOption = Format.table,
) -> None:
    """List a source's schemas, or the tables of one schema."""
    with _external(ctx) as external:
        found = external.lookups.objects(source, root, depth)
    rows = [{"type": kind.lower(), "name": whole} for kind, whole, _ in found]
    Output(output).emit(rows, columns={"type": "TYPE", "name": "NAME"})


def explain(
    ctx: typer.Context,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One statement; - reads it from stdin.")],
    *,
    analyze: Annotated[
        bool, typer.Option("--analyze", help="Run it, and show Trino's plan with the rows, bytes and times of each step.")
    ] = False,
    output: FormatOption = Format.table,
) -> None:
    """Show which parts of a statement each source runs and which Trino runs; nothing is executed without --analyze."""
    from bdc.sql import federation

    text = (sys.stdin.read() if sql == "-" else sql).strip().rstrip(";")
    options = settings(ctx)
    with federation(options.kube(), options.config) as session:
        if analyze:
            [(plan,)] = session.query(f"EXPLAIN ANALYZE {text}").rows
            Output(output).emit({"plan": plan}, text=str(plan))
            return
        found = session.explain(text)
    rows = [{"where": one.where, "operator": one.kind, "detail": one.detail} for one in found]
    Output(output).emit(rows, columns={"where": "WHERE", "operator": "OPERATOR", "detail": "DETAIL"})


@contextmanager
def _external(ctx: typer.Context) -> Iterator[Definer]:
    from bdc.sql import define

    options = settings(ctx)
    say = Output(quiet=options.quiet).progress
    with define(options.kube(), options.config, say) as external:
        yield external


def _drop(ctx: typer.Context, kind: DropKind, name: str, *, yes: bool, no_input: bool, question: str | None = None) -> None:
    from bdc.sql.polybase.ddl import Drop

    what = _name(name) if kind == "EXTERNAL TABLE" else _name_of(name)
    if not confirm(question or f"Forget the {kind.lower()} {name}?", yes=yes, no_input=no_input):
        raise typer.Exit(1)
    with _external(ctx) as external:
        external.run(Drop(kind, what))
    Output(quiet=settings(ctx).quiet).progress(f"removed {name}" if question else f"forgot {name}")


def _find(definitions: Definitions, name: str) -> Table:
    from bdc.sql.external.definition_writes import table_name

    schema, table = table_name(_name(name))
    for one in definitions.tables:
        if (one.schema.lower(), one.name.lower()) == (schema.lower(), table.lower()):
            return one
    raise NotFoundError(f"there is no external table {schema}.{table}", "bdc sql table list")


def _name(text: str) -> ObjectName:
    from bdc.sql.external.locations import split_name
    from bdc.sql.polybase.ddl import ObjectName

    parts = split_name(text)
    if not 1 <= len(parts) <= 3:
        raise UsageError(f"{text!r} is no name of a table", "[schema.]table")
    return ObjectName(tuple(parts))


def _name_of(part: str) -> ObjectName:
    from bdc.sql.polybase.ddl import ObjectName

    return ObjectName((part,))


def _row(table: Table, troubles: Troubles) -> dict[str, str]:
    state = _state(troubles.tables.get(str(table).lower()))
    return {"name": str(table), "source": table.source, "location": table.location, "state": state}


def _state(error: str | None) -> str:
    return error or "ok"

"""`bdc sql`: statements on the federation (Trino: everything), on the master (PostgreSQL: its own tables) or on Spark (the lake)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bdc.cli.output import Output
from bdc.cli.settings import settings
from bdc.cli.sql import external, inventory
from bdc.cli.sql.printer import Printer
from bdc.cli.sql_options import ChartOption, OutputOption, SqlFormat
from bdc.errors import NotFoundError, UsageError
from bdc.sql import Dialect, Engine, QueryError, Session, in_tsql, statements
from bdc.sql.polybase.errors import SqlSyntaxError

app = typer.Typer(no_args_is_help=True, help="SQL on the federation, the master and Spark.")
app.add_typer(external.credentials, name="credential")
app.add_typer(external.sources, name="source")
app.add_typer(external.tables, name="table")
app.command("databases")(inventory.databases)
app.command("tables")(inventory.tables)
app.command("describe")(inventory.describe)
app.command("objects")(external.objects)
app.command("explain")(external.explain)

EngineOption = Annotated[
    Engine, typer.Option("--engine", "-e", help="federation: Trino, over everything. master: PostgreSQL. spark: the lake.")
]
CatalogOption = Annotated[str | None, typer.Option("--catalog", help="The federation's catalog: lake, master, tpch, ...")]
SchemaOption = Annotated[str | None, typer.Option("--schema", help="Schema in that catalog, or Spark's database.")]
PoolOption = Annotated[
    str | None, typer.Option("--pool", help="For Spark: pool whose Spark Connect server runs it; the cluster's by default.")
]
DialectOption = Annotated[
    Dialect,
    typer.Option("--dialect", help="Dialect of statements to the federation: auto detects it for each; tsql and trino force it."),
]


@app.command()
def query(
    ctx: typer.Context,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One statement; - reads it from stdin.")],
    engine: EngineOption = Engine.federation,
    catalog: CatalogOption = None,
    schema: SchemaOption = None,
    pool: PoolOption = None,
    output: OutputOption = SqlFormat.table,
    *,
    dialect: DialectOption = Dialect.auto,
    chart: ChartOption = False,
) -> None:
    """Run one statement and show its result."""
    if _is_file_name(sql):
        raise UsageError(f"{sql} is the name of a file, and query takes a statement", f"bdc sql run {sql}")
    found = statements(sys.stdin.read() if sql == "-" else sql, engine)
    if len(found) != 1:
        raise UsageError(f"this is {len(found)} statements, and query runs one", "bdc sql run FILE runs all of a file; - is stdin")
    with _session(ctx, engine, catalog, schema, pool, dialect) as session:
        Printer(output, draw=chart, quiet=settings(ctx).quiet).run(session, found[0])


@app.command()
def run(
    ctx: typer.Context,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="File of statements, each ended by a semicolon, on the federation also by GO; - reads stdin."),
    ],
    engine: EngineOption = Engine.federation,
    catalog: CatalogOption = None,
    schema: SchemaOption = None,
    pool: PoolOption = None,
    output: OutputOption = SqlFormat.table,
    *,
    dialect: DialectOption = Dialect.auto,
    chart: ChartOption = False,
) -> None:
    """Run a file's statements in order, in one session; the first that fails ends it.

    With -o json, every statement's result is an array of its own.
    """
    text = _read(file)
    try:
        found = statements(text, engine)
    except SqlSyntaxError as error:
        raise error.inside(file) from error
    printer = Printer(output, draw=chart, quiet=settings(ctx).quiet)
    with _session(ctx, engine, catalog, schema, pool, dialect, leaning=in_tsql(found)) as session:
        for statement in found:
            try:
                printer.run(session, statement)
            except QueryError as error:
                raise error.inside(file, statement.line) from error
            except UsageError as error:
                raise UsageError(f"{file}:{statement.line}: {error.message}", error.hint) from error


@app.command()
def shell(
    ctx: typer.Context,
    engine: EngineOption = Engine.federation,
    catalog: CatalogOption = None,
    schema: SchemaOption = None,
    pool: PoolOption = None,
    *,
    dialect: DialectOption = Dialect.auto,
) -> None:
    """Type statements and see their results. \\? says what else can be typed."""
    from bdc.cli.sql.shell import Shell
    from bdc.config.paths import state_dir

    options = settings(ctx)
    with _session(ctx, engine, catalog, schema, pool, dialect) as session:
        Shell(session, engine, Printer(SqlFormat.table, quiet=options.quiet), state_dir(options.config.name) / "sql_history").run()


@contextmanager
def _session(
    ctx: typer.Context,
    engine: Engine,
    catalog: str | None,
    schema: str | None,
    pool: str | None,
    dialect: Dialect = Dialect.auto,
    *,
    leaning: bool = False,
) -> Iterator[Session]:
    from bdc.sql import connect

    if engine is Engine.master and (catalog or schema):
        raise UsageError("--catalog and --schema are the federation's; the master has one database, bdc", "SET search_path = ...")
    if engine is Engine.spark and catalog:
        raise UsageError("--catalog is the federation's; Spark has one, the lake", "--schema chooses a database of it")
    if schema and not catalog and engine is Engine.federation:
        raise UsageError("--schema was given without --catalog", "such as --catalog lake --schema demo")
    if pool and engine is not Engine.spark:
        raise UsageError("--pool says whose Spark Connect runs it, and this runs elsewhere", "add --engine spark, or leave it out")
    if dialect is not Dialect.auto and engine is not Engine.federation:
        raise UsageError("--dialect is of the federation's statements, and this runs elsewhere", "leave it out")
    options = settings(ctx)
    say = Output(quiet=options.quiet).progress
    where = {"catalog": catalog, "schema": schema, "pool": pool}
    with connect(options.kube(), options.config, engine, **where, on_notice=say, dialect=dialect, leaning=leaning) as session:
        yield session


def _is_file_name(sql: str) -> bool:
    return sql.lower().endswith(".sql") and not any(mark.isspace() or mark in ";'\"(" for mark in sql)


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {file}") from None
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError(f"{file} isn't UTF-8 text") from None

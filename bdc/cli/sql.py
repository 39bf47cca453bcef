"""`bdc sql`: statements on the federation (Trino: everything), on the master (PostgreSQL: its own tables) or on Spark (the lake)."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bdc.cli import sql_external, sql_inventory
from bdc.cli.output import Output
from bdc.cli.settings import settings
from bdc.cli.sql_options import ChartOption, OutputOption, SqlFormat
from bdc.cli.sql_render import chart, is_chartable, render
from bdc.errors import NotFoundError, UsageError
from bdc.sql import Dialect, Engine, QueryError, Result, Session, Statement, in_tsql, statements
from bdc.sql.polybase.errors import SqlSyntaxError

app = typer.Typer(no_args_is_help=True, help="SQL on the federation, the master and Spark.")
app.add_typer(sql_external.credentials, name="credential")
app.add_typer(sql_external.sources, name="source")
app.add_typer(sql_external.tables, name="table")
app.command("databases")(sql_inventory.databases)
app.command("tables")(sql_inventory.tables)
app.command("describe")(sql_inventory.describe)
app.command("objects")(sql_external.objects)
app.command("explain")(sql_external.explain)

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
    from bdc.cli.sql_shell import Shell
    from bdc.config.paths import state_dir

    options = settings(ctx)
    with _session(ctx, engine, catalog, schema, pool, dialect) as session:
        Shell(session, engine, Printer(SqlFormat.table, quiet=options.quiet), state_dir(options.config.name) / "sql_history").run()


class Printer:
    """Runs statements and shows their results on stdout, and what there is to say of them on stderr."""

    def __init__(self, output: SqlFormat, *, draw: bool = False, quiet: bool = False) -> None:
        self._output, self._draw = output, draw
        self._say = Output(quiet=quiet).progress
        self.timing = True

    def run(self, session: Session, statement: Statement) -> None:
        """One statement, from start to last row."""
        started = time.monotonic()
        with closing(session.query(statement)) as result:
            if result.columns or self._output is SqlFormat.json:
                rows = self._show(result)
                said = f"{rows:,} row{'' if rows == 1 else 's'}" if result.columns else str(result.command)
            else:
                said = str(result.command or "done")
                for _ in result.rows:
                    continue
            if result.affected is not None and str(result.affected) not in said:
                said += f" {result.affected:,}"
        sys.stdout.flush()
        self._say(f"({said}, {time.monotonic() - started:.1f} s)" if self.timing else f"({said})")

    def _show(self, result: Result) -> int:
        if self._draw and self._output is SqlFormat.table and sys.stdout.isatty():
            if not is_chartable(result.columns):
                self._say("a chart needs two columns: a label and a number")
            else:
                return self._chart(result)
        return render(result, self._output, sys.stdout.write)

    def _chart(self, result: Result) -> int:
        rows = list(result.rows)
        drawing = chart(rows, shutil.get_terminal_size().columns)
        if drawing is None:
            self._say("a chart needs numbers in the second column")
            return render(Result(result.columns, iter(rows)), self._output, sys.stdout.write)
        sys.stdout.write(drawing)
        return len(rows)


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

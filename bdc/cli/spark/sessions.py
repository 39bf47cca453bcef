"""`bdc spark connect`, `sql` and `shell`: Spark Connect from outside, and sessions in a pod beside it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bdc.cli.output import Output
from bdc.cli.settings import settings
from bdc.cli.spark.pools import ConnectPoolOption
from bdc.cli.sql_options import ChartOption, OutputOption, SqlFormat
from bdc.errors import BdcError, UsageError


def connect(ctx: typer.Context, pool: ConnectPoolOption = None) -> None:
    """Print the address of Spark Connect, for any PySpark client; what else it needs is said on stderr.

    The address is the same for all pools: the token says whose server is meant.
    """
    from bdc.cli.access import url
    from bdc.kube.endpoints import addresses, endpoint

    options = settings(ctx)
    found = addresses(options.kube(), options.config, "connect")
    if not found:
        raise BdcError("Spark Connect is not exposed", "forward it: bdc connect connect")
    one = endpoint("connect")
    sys.stdout.write(f"{url(one, found[0], one.port)}\n")
    sys.stdout.flush()
    which = f" --pool {pool}" if pool else ""
    Output(quiet=options.quiet).progress(
        f"its token: bdc credentials show --token{which} (as ;token=...)\n"
        "its certificate authority: bdc credentials ca bdc-ca.crt; export GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=$PWD/bdc-ca.crt"
    )


def sql(
    ctx: typer.Context,
    statement: Annotated[
        str | None, typer.Argument(metavar="[SQL]", help="One statement; - reads it from stdin. Without: a shell, or all of stdin.")
    ] = None,
    file: Annotated[str | None, typer.Option("--file", "-f", metavar="FILE", help="Statements, each ended by a semicolon.")] = None,
    database: Annotated[str | None, typer.Option("--database", help="Database in which tables are looked up.")] = None,
    pool: ConnectPoolOption = None,
    output: OutputOption = SqlFormat.table,
    *,
    chart: ChartOption = False,
) -> None:
    """Run SQL on Spark, over the tables of the lake.

    The session lives in a pod of the cluster, beside Spark Connect, and takes some seconds to start; many statements in one file, or
    the shell, pay for it once.
    """
    from bdc.cli.sql import statements
    from bdc.sql import Engine

    if statement is not None and file is not None:
        raise UsageError("there is a statement and a --file", "give one of them")
    if statement is not None:
        statements.query(ctx, statement, Engine.spark, None, database, pool, output, chart=chart)
    elif file is not None or not sys.stdin.isatty():
        statements.run(ctx, file or "-", Engine.spark, None, database, pool, output, chart=chart)
    else:
        statements.shell(ctx, Engine.spark, None, database, pool)


def shell(
    ctx: typer.Context,
    memory: Annotated[str, typer.Option("--memory", metavar="SIZE", help="Limit of the session's pod, for what is collected.")] = "1g",
    pool: ConnectPoolOption = None,
) -> int:
    """Python with a Spark session, in the cluster's own image; `spark` is there. A program on stdin runs as in a terminal.

    It is Spark Connect's client: the shell's memory is for what you collect, the work is done by executors. Ctrl-D ends it.
    """
    from bdc.cli.terminal import join
    from bdc.kube.attach import STDOUT
    from bdc.spark import console
    from bdc.spark.memory import spark_mebibytes

    options = settings(ctx)
    limit = f"{spark_mebibytes(memory, '--memory')}Mi"
    say = Output(quiet=options.quiet).progress
    if sys.stdin.isatty() and sys.stdout.isatty():
        with console(options.kube(), options.config.name, "shell", pool=pool, memory=limit, on_progress=say) as opened:
            join(opened.attachment)
            return opened.exit_code()
    program = sys.stdin.buffer.read()
    with console(options.kube(), options.config.name, "script", pool=pool, memory=limit, on_progress=say) as opened:
        opened.attachment.send(b"%d\n" % len(program))
        opened.attachment.send(program)
        while read := opened.attachment.read():
            stream = sys.stdout if read[0] == STDOUT else sys.stderr
            stream.buffer.write(read[1])
            stream.flush()
        return opened.exit_code()

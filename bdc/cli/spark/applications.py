"""`bdc spark`: submit, watch and stop Spark applications; the words of spark-submit where they mean something here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import settings
from bdc.cli.spark.environments import app as environments
from bdc.cli.spark.pools import ConnectPoolOption, PoolOption
from bdc.cli.spark.pools import app as pools
from bdc.cli.spark.schedules import app as schedules
from bdc.cli.spark.submit_options import OWN_FAILURE, SubmitCommand
from bdc.cli.sql_options import ChartOption, OutputOption, SqlFormat
from bdc.errors import BdcError, UsageError

if TYPE_CHECKING:
    from bdc.spark import State

app = typer.Typer(no_args_is_help=True, help="Spark applications.")
app.add_typer(schedules, name="schedules")
app.add_typer(pools, name="pool")
app.add_typer(environments, name="env")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The application.")]
_COLUMNS = {"state": "state", "seconds": "seconds", "exit_code": "exit", "source": "file", "reason": "reason"}
_HISTORY = {"id": "run", "name": "name", "started": "started (UTC)", "duration_seconds": "seconds", "completed": "ended"}


@app.command(cls=SubmitCommand)
def submit(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="APP", help="Python file or jar: local, hdfs:// or local:// (in the image).")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[-- ARGS...]", help="Arguments of the application.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the application; made from the file by default.")] = None,
    conf: Annotated[list[str] | None, typer.Option("--conf", metavar="KEY=VALUE", help="A Spark setting; repeatable.")] = None,
    py_files: Annotated[str | None, typer.Option("--py-files", metavar="A,B", help="Python files and zips for sys.path.")] = None,
    files: Annotated[str | None, typer.Option("--files", metavar="A,B", help="Files for the working directory.")] = None,
    jars: Annotated[str | None, typer.Option("--jars", metavar="A,B", help="Jars for the class path.")] = None,
    main_class: Annotated[str | None, typer.Option("--class", metavar="CLASS", help="Main class of a jar.")] = None,
    archives: Annotated[str | None, typer.Option("--archives", metavar="A,B", help="Archives unpacked in the working directory.")] = None,
    packages: Annotated[str | None, typer.Option("--packages", metavar="A,B", help="Maven coordinates of jars for the class path.")] = None,
    exclude_packages: Annotated[str | None, typer.Option("--exclude-packages", metavar="A,B", help="Left out of --packages.")] = None,
    repositories: Annotated[str | None, typer.Option("--repositories", metavar="A,B", help="Where else --packages looks.")] = None,
    properties_file: Annotated[Path | None, typer.Option("--properties-file", metavar="FILE", help="Settings; --conf wins.")] = None,
    secret: Annotated[
        list[str] | None, typer.Option("--secret", metavar="NAME:ENV", help="Variable ENV from a Kubernetes Secret; repeatable.")
    ] = None,
    driver_java_options: Annotated[str | None, typer.Option("--driver-java-options", metavar="TEXT", help="For the driver's JVM.")] = None,
    driver_class_path: Annotated[str | None, typer.Option("--driver-class-path", metavar="PATHS", help="Paths in the image.")] = None,
    driver_library_path: Annotated[str | None, typer.Option("--driver-library-path", metavar="PATHS", help="Paths in the image.")] = None,
    driver_memory: Annotated[str | None, typer.Option("--driver-memory", metavar="SIZE", help="Heap of the driver, e.g. 2g.")] = None,
    driver_cores: Annotated[int | None, typer.Option("--driver-cores", metavar="N", help="Cores of the driver.")] = None,
    executor_memory: Annotated[str | None, typer.Option("--executor-memory", metavar="SIZE", help="Heap of an executor.")] = None,
    executor_cores: Annotated[int | None, typer.Option("--executor-cores", metavar="N", help="Tasks at a time in an executor.")] = None,
    executors: Annotated[
        str | None, typer.Option("--executors", "--num-executors", metavar="N|MIN:MAX", help="How many executors.")
    ] = None,
    pool: Annotated[str | None, typer.Option("--pool", metavar="POOL", help="Pool to run in; bdc spark pool list shows all.")] = None,
    priority: Annotated[int, typer.Option("--priority", metavar="N", help="Queue priority within the pool; higher starts first.")] = 0,
    environment: Annotated[
        str | None, typer.Option("--environment", metavar="NAME|FILE", help="Python packages: bdc spark env, or a requirements.txt.")
    ] = None,
    retries: Annotated[int, typer.Option("--retries", help="Number of retries after a failure. A retry repeats side effects.")] = 0,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Time limit: 90s, 10m, 2h; waiting for room counts.")
    ] = None,
    schedule: Annotated[
        str | None, typer.Option("--schedule", metavar="CRON", help='Run it again and again: "0 2 * * *", or @daily.')
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", metavar="NAME", help="Time zone of the schedule, such as Europe/Paris.")
    ] = None,
    concurrency: Annotated[
        str | None,
        typer.Option(
            "--concurrency", metavar="allow|forbid|replace", help="What to do if the previous run is still running. Default: forbid."
        ),
    ] = None,
    keep: Annotated[int | None, typer.Option("--keep", metavar="N", help="Finished runs of the schedule to keep. Default: 3.")] = None,
    output: FormatOption = Format.table,
    *,
    exist_ok: Annotated[bool, typer.Option("--exist-ok", help="With --name: take the application that is there already.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the application to end.")] = True,
) -> int:
    """Run an application on the cluster and follow it; the exit code is the application's own.

    It is 143 when somebody stops it with bdc spark kill, 124 when its --timeout is over. Failures of bdc itself exit 125, an
    application that is lost sight of 126. Ctrl-C exits 130; it asks whether to kill the application or leave it running, and kills
    it where nobody can be asked. With --schedule it is not followed: Kubernetes starts it, and each run is an application of its own.
    """
    from bdc.cli.spark.follow import show
    from bdc.cli.spark.schedules import asked
    from bdc.config.duration import duration
    from bdc.spark import Application, Client, Executors, LostError, SecretVariable

    options = settings(ctx)
    out = Output(output, quiet=options.quiet)
    try:
        if exist_ok and not name:
            raise UsageError("--exist-ok takes an application that is there, and none is named", "add --name")
        wanted = Application(
            file,
            tuple(arguments or ()),
            name=name,
            main_class=main_class,
            conf={**_properties(properties_file), **_settings(conf or [])},
            py_files=_listed(py_files),
            files=_listed(files),
            jars=_listed(jars),
            archives=_listed(archives),
            packages=_listed(packages),
            exclude_packages=_listed(exclude_packages),
            repositories=_listed(repositories),
            driver_java_options=driver_java_options,
            driver_class_path=driver_class_path,
            driver_library_path=driver_library_path,
            secrets=tuple(map(SecretVariable.parse, secret or ())),
            driver_memory=driver_memory,
            driver_cores=driver_cores,
            executor_memory=executor_memory,
            executor_cores=executor_cores,
            executors=Executors.parse(executors) if executors else None,
            retries=retries,
            pool=pool,
            priority=priority,
            environment=environment,
            timeout_seconds=duration(timeout) if timeout else None,
        )
        when = asked(schedule, time_zone, concurrency, keep)
        client = Client(options)
        submitted = client.submit(wanted, schedule=when, exist_ok=exist_ok, on_line=out.progress)
        if when or not wait:
            out.emit({"name": submitted.name, "created": submitted.created, "pool": submitted.pool}, text=submitted.name)
            if when:
                out.progress(f"scheduled; a run now: bdc spark schedules run {submitted.name}")
            return 0
        return show(client, submitted.name, submitted.pool, out, ends_with_us=submitted.created)
    except BdcError as error:
        if not isinstance(error, LostError):
            error.exit_code = OWN_FAILURE
        raise


@app.command("list")
def list_(
    ctx: typer.Context,
    pool: Annotated[str | None, typer.Option("--pool", metavar="POOL", help="Only applications of this pool.")] = None,
    state: Annotated[
        list[str] | None, typer.Option("--state", metavar="STATE", help="Only applications in this state; repeatable.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most this many, the newest first.")] = None,
    output: FormatOption = Format.table,
) -> None:
    """Show applications, the newest first. States: queued, starting, running, succeeded, failed, killed."""
    from bdc.cli.spark.follow import row
    from bdc.spark import Client

    found = Client(settings(ctx)).applications(pool=pool, states=_states(state or []), limit=limit)
    pooled = {"pool": "pool"} if any(one.pool for one in found) else {}
    Output(output).emit([row(one) for one in found], columns={"name": "name"} | pooled | _COLUMNS)


@app.command()
def status(ctx: typer.Context, name: Name, pool: PoolOption = None, output: FormatOption = Format.table) -> None:
    """Show one application, and why it failed."""
    from bdc.cli.spark.follow import row
    from bdc.spark import Client, State

    client = Client(settings(ctx))
    found = client.status(name, pool=pool)
    cause = client.why(found) if found.state is State.FAILED else None
    shown: dict[str, object] = {"cause": cause.what, "where": cause.where, "hint": cause.hint} if cause else {}
    if output is not Format.table:
        shown = {"cause": asdict(cause) if cause else None}
    Output(output).emit(row(found) | shown)


@app.command()
def logs(
    ctx: typer.Context,
    name: Name,
    executor: Annotated[int | None, typer.Option("--executor", metavar="N", help="An executor's log instead of the driver's.")] = None,
    tail: Annotated[int | None, typer.Option("--tail", metavar="N", help="Only the last N lines.")] = None,
    pool: PoolOption = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing until the application ends.")] = False,
) -> int:
    """Show what the driver, or an executor, printed.

    With --follow the exit code is the application's, and Ctrl-C leaves it running.
    """
    from bdc.cli.spark.follow import show
    from bdc.spark import Client

    options = settings(ctx)
    client = Client(options)
    if follow:
        if executor is not None or tail is not None:
            raise UsageError("--follow shows the driver's log from its first line", "leave out --executor and --tail")
        return show(client, name, pool, Output(quiet=options.quiet))
    for line in client.log(name, executor=executor, tail=tail, pool=pool):
        sys.stdout.write(f"{line}\n")
    return 0


@app.command()
def kill(ctx: typer.Context, name: Name, pool: PoolOption = None) -> None:
    """Stop an application; it stays in the list as Killed."""
    from bdc.spark import Client

    options = settings(ctx)
    Client(options).kill(name, pool=pool)
    Output(quiet=options.quiet).progress(f"{name} is being killed")


@app.command()
def delete(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The applications.")],
    pool: PoolOption = None,
) -> None:
    """Remove applications with their logs; running ones are stopped."""
    from bdc.spark import Client

    options = settings(ctx)
    client = Client(options)
    for name in names:
        client.delete(name, pool=pool)
        Output(quiet=options.quiet).progress(f"{name} deleted")


@app.command()
def ui(
    ctx: typer.Context,
    name: Name,
    port: Annotated[int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Local port; any free one by default.")] = 0,
    pool: PoolOption = None,
) -> None:
    """Open the Spark UI of an application: forwarded to this machine while it runs, in the history server afterwards."""
    from bdc.cli.access import until_interrupted, url
    from bdc.kube.endpoints import addresses, endpoint
    from bdc.spark import Client, State, run_of

    options = settings(ctx)
    kube, cluster, client = options.kube(), options.config.name, Client(options)
    out = Output(quiet=options.quiet)
    found = client.status(name, pool=pool)
    if found.state is State.RUNNING:
        with client.pages(name, pool=pool, local_port=port, on_error=out.progress) as (host, local):
            sys.stdout.write(f"http://{host}:{local}/\n")
            until_interrupted(out)
        return
    if not found.state.final:
        raise UsageError(f"{name} has no pages before it runs; it is {found.state.lower()}", f"see why: bdc spark status {name}")
    run, server = run_of(kube, cluster, found), endpoint("history")
    if not (outside := addresses(kube, options.config, "history")):
        raise BdcError(f"{name} has ended, and the history server is not exposed", "forward it: bdc connect history")
    sys.stdout.write(f"{url(server, outside[0], server.port)}/history/{run}/jobs/\n")
    out.progress(f"{name} has ended; its pages need a login: bdc credentials show")


@app.command()
def history(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One application; all by default.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Maximum number of runs.")] = 50,
    output: FormatOption = Format.table,
) -> None:
    """Show finished applications from the event logs on HDFS, including deleted ones."""
    from bdc.spark import history as read

    options = settings(ctx)
    runs = read(options.kube(), options.config.name, name, limit=limit)
    rows = [asdict(run) | {"started": f"{run.started:%Y-%m-%d %H:%M:%S}"} if output is Format.table else asdict(run) for run in runs]
    Output(output).emit(rows, columns=_HISTORY)


@app.command()
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


@app.command()
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


@app.command()
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


def _states(words: Sequence[str]) -> list[State]:
    from bdc.spark import State

    known = {str(state).lower(): state for state in State}
    for word in words:
        if word.lower() not in known:
            raise UsageError(f"--state {word!r} is no state of an application", f"choose of {', '.join(known)}")
    return [known[word.lower()] for word in words]


def _settings(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise UsageError(f"--conf {pair!r} is not KEY=VALUE", "write it like --conf spark.sql.shuffle.partitions=64")
        found[key] = value
    return found


def _properties(file: Path | None) -> dict[str, str]:
    from bdc.spark import parse_settings

    if file is None:
        return {}
    try:
        return parse_settings(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}") from error


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())

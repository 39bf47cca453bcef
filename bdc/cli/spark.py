"""`bdc spark`: submit, watch and stop Spark applications; the words of spark-submit where they mean something here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import settings
from bdc.errors import BdcError, UsageError

if TYPE_CHECKING:
    from bdc.spark import Status
    from bdc.storage import Hdfs

OWN_FAILURE = 125
INTERRUPTED = 130

app = typer.Typer(no_args_is_help=True, help="Spark applications.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The application.")]
_COLUMNS = {"name": "name", "state": "state", "reason": "reason", "source": "file", "created": "submitted", "seconds": "seconds"}


@app.command(context_settings={"ignore_unknown_options": False})
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
    driver_memory: Annotated[str | None, typer.Option("--driver-memory", metavar="SIZE", help="Heap of the driver, e.g. 2g.")] = None,
    driver_cores: Annotated[int | None, typer.Option("--driver-cores", metavar="N", help="Cores of the driver.")] = None,
    executor_memory: Annotated[str | None, typer.Option("--executor-memory", metavar="SIZE", help="Heap of an executor.")] = None,
    executor_cores: Annotated[int | None, typer.Option("--executor-cores", metavar="N", help="Tasks at a time in an executor.")] = None,
    executors: Annotated[str | None, typer.Option("--executors", metavar="N|MIN:MAX", help="How many executors.")] = None,
    retries: Annotated[int, typer.Option("--retries", help="Runs after a failed one. A retry repeats side effects.")] = 0,
    output: FormatOption = Format.table,
    *,
    exist_ok: Annotated[bool, typer.Option("--exist-ok", help="With --name: take the application that is there already.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end.")] = True,
) -> int:
    """Run an application on the cluster and follow it; the exit code is the application's own.

    Failures of bdc itself exit 125, an application that is lost sight of 126. Ctrl-C exits 130 and leaves the application running,
    unless you say to kill it.
    """
    from bdc.spark import Application, Executors, Staging, submit

    options = settings(ctx)
    try:
        wanted = Application(
            file,
            tuple(arguments or ()),
            name=name,
            main_class=main_class,
            conf=_settings(conf or []),
            py_files=_listed(py_files),
            files=_listed(files),
            jars=_listed(jars),
            driver_memory=driver_memory,
            driver_cores=driver_cores,
            executor_memory=executor_memory,
            executor_cores=executor_cores,
            executors=Executors.parse(executors) if executors else None,
            retries=retries,
        )
        kube, cluster = options.kube(), options.config.name
        with Staging(lambda: _Sender.opened(ctx)) as staging:
            submitted = submit(kube, cluster, wanted, staging=staging, exist_ok=exist_ok)
    except UsageError:
        raise
    except BdcError as error:
        error.exit_code = OWN_FAILURE
        raise
    out = Output(output, quiet=options.quiet)
    if not wait:
        out.emit({"name": submitted.name, "created": submitted.created}, text=submitted.name)
        return 0
    out.progress(f"{submitted.name} submitted")
    return _follow(ctx, submitted.name, out)


@app.command("list")
def list_(ctx: typer.Context, output: FormatOption = Format.table) -> None:
    """Show all applications, the newest first."""
    from bdc.spark import listing

    options = settings(ctx)
    Output(output).emit([_row(one) for one in listing(options.kube(), options.config.name)], columns=_COLUMNS)


@app.command()
def status(ctx: typer.Context, name: Name, output: FormatOption = Format.table) -> None:
    """Show one application."""
    from bdc.spark import get

    options = settings(ctx)
    Output(output).emit(_row(get(options.kube(), options.config.name, name)))


@app.command()
def logs(
    ctx: typer.Context,
    name: Name,
    executor: Annotated[int | None, typer.Option("--executor", metavar="N", help="An executor's log instead of the driver's.")] = None,
    tail: Annotated[int | None, typer.Option("--tail", metavar="N", help="The last lines only.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the application has ended.")] = False,
) -> int:
    """Show what the driver, or an executor, printed."""
    from bdc.spark import read_log

    options = settings(ctx)
    if follow:
        if executor is not None or tail is not None:
            raise UsageError("--follow shows the driver's log from its first line", "leave out --executor and --tail")
        return _follow(ctx, name, Output(quiet=True))
    for line in read_log(options.kube(), options.config.name, name, executor=executor, tail=tail):
        sys.stdout.write(f"{line}\n")
    return 0


@app.command()
def kill(ctx: typer.Context, name: Name) -> None:
    """Stop an application; it stays in the list as Killed."""
    from bdc.spark import kill as stop

    options = settings(ctx)
    stop(options.kube(), options.config.name, name)
    Output(quiet=options.quiet).progress(f"{name} is being killed")


@app.command()
def delete(ctx: typer.Context, names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The applications.")]) -> None:
    """Remove applications with their logs; running ones are stopped."""
    from bdc.spark import delete as remove

    options = settings(ctx)
    for name in names:
        remove(options.kube(), options.config.name, name)
        Output(quiet=options.quiet).progress(f"{name} deleted")


def _follow(ctx: typer.Context, name: str, out: Output) -> int:
    """Show an application until it ends; its exit code."""
    from bdc.spark import Ended, LogLine, StageProgress, StateChanged, follow

    options = settings(ctx)
    kube, cluster = options.kube(), options.config.name
    bar = _Bar(shown=not out.quiet and sys.stderr.isatty())
    document = out.format is not Format.table
    try:
        for event in follow(kube, cluster, name):
            bar.clear()
            if isinstance(event, LogLine):
                (sys.stderr if document else sys.stdout).write(f"{event.text}\n")
            elif isinstance(event, StageProgress):
                bar.show(event)
            elif isinstance(event, StateChanged) and not event.status.state.final:
                out.progress(f"{name} {event.status.state.lower()}{f': {event.status.reason}' if event.status.reason else ''}")
            elif isinstance(event, Ended):
                return _ended(out, name, event, document=document)
    except KeyboardInterrupt:
        bar.clear()
        _interrupted(ctx, name)
        return INTERRUPTED
    return OWN_FAILURE


def _ended(out: Output, name: str, event: Any, *, document: bool) -> int:
    """Say how it ended; the exit code."""
    sys.stdout.flush()
    if document:
        cause = asdict(event.cause) if event.cause else None
        out.emit(_row(event.status) | {"exit_code": event.exit_code, "cause": cause})
    seconds = event.status.seconds(datetime.now(UTC))
    out.progress(f"{name} {event.status.state.lower()} after {seconds:.0f} s" + (f" (exit {event.exit_code})" if event.exit_code else ""))
    if event.cause:
        sys.stderr.write("\n".join(f"  {line}" for line in str(event.cause).splitlines()) + "\n")
    return int(event.exit_code)


def _interrupted(ctx: typer.Context, name: str) -> None:
    """After Ctrl-C: on a terminal ask whether to kill; otherwise leave it running and say so."""
    from bdc.spark import kill as stop

    options = settings(ctx)
    if sys.stdin.isatty():
        sys.stderr.write(f"\n{name} is still running. Kill it? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in {"y", "yes"}:
            stop(options.kube(), options.config.name, name)
            sys.stderr.write(f"{name} is being killed\n")
            return
    sys.stderr.write(f"{name} goes on; see it with: bdc spark logs {name} -f, stop it with: bdc spark kill {name}\n")


class _Bar:
    """One line on the terminal that says how far the running stage is."""

    _WIDTH = 20

    def __init__(self, *, shown: bool) -> None:
        self._shown, self._there = shown, False

    def show(self, event: Any) -> None:
        """Draw a StageProgress."""
        if not self._shown:
            return
        full = self._WIDTH * event.done // max(event.total, 1)
        bar = "█" * full + "░" * (self._WIDTH - full)
        sys.stderr.write(f"stage {event.stage}  {event.name[:40]}  {bar}  {event.done}/{event.total} tasks  {event.executors} executors")
        sys.stderr.flush()
        self._there = True

    def clear(self) -> None:
        """Remove it."""
        if self._there:
            sys.stderr.write("\r\x1b[K")
            self._there = False


class _Sender:
    """HDFS as staging sees it."""

    def __init__(self, hdfs: Hdfs) -> None:
        self._hdfs = hdfs

    @classmethod
    @contextmanager
    def opened(cls, ctx: typer.Context) -> Iterator[_Sender]:
        from bdc.kube.endpoints import credentials, reach
        from bdc.storage import Hdfs

        options = settings(ctx)
        kube, config = options.kube(), options.config
        with reach(kube, config, "httpfs") as reached, Hdfs.at(reached, credentials(kube, config.name)) as hdfs:
            yield cls(hdfs)

    def exists(self, path: str) -> bool:
        return self._hdfs.exists(path)

    def put(self, local: Path, target: str) -> None:
        self._hdfs.mkdir(target.rpartition("/")[0], parents=True)
        self._hdfs.put(local, target)


def _row(one: Status) -> dict[str, object]:
    return asdict(one) | {"seconds": round(one.seconds(datetime.now(UTC)))}


def _settings(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise UsageError(f"--conf {pair!r} is not KEY=VALUE", "write it like --conf spark.sql.shuffle.partitions=64")
        found[key] = value
    return found


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part for part in (text or "").split(",") if part)

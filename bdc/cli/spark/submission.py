"""`bdc spark submit`, with the words of spark-submit where they mean something here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import settings
from bdc.cli.spark.submit_options import OWN_FAILURE
from bdc.errors import BdcError, UsageError


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

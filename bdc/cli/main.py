"""The command line's entry: global options, the table of commands, and what an error looks like.

Commands are one file per noun; this file knows only their names, where they are, and their help in one line. A command returns None, or an
int that is its exit code.
"""

# Without `from __future__ import annotations`: Typer would compile the text of each of _root's at every start.

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_group

from bdc.cli.anywhere import gathered
from bdc.cli.lazy import HELP_OPTIONS, Entry, LazyGroup, prepared
from bdc.cli.output import error
from bdc.cli.settings import Settings
from bdc.cli.streams import open_closed
from bdc.errors import BdcError, UnreachableError, UsageError

INTERRUPTED = 130
GLOBAL_OPTIONS = frozenset({"-c", "--cluster", "-f", "--config", "--set", "--kubeconfig", "--context", "--debug", "-q", "--quiet"})


class Commands(LazyGroup):
    """All commands of bdc."""

    table = {  # noqa: RUF012  - never changed
        "up": Entry("bdc.cli.lifecycle:up", "Bring up the cluster that bdc.yaml describes."),
        "plan": Entry("bdc.cli.lifecycle:plan", "Show what `up` would change."),
        "down": Entry("bdc.cli.lifecycle:down", "Remove the cluster; its data stays unless told otherwise."),
        "status": Entry("bdc.cli.health:status", "Show the parts of the cluster and how they are."),
        "doctor": Entry("bdc.cli.health:doctor", "Find out why something doesn't work, and what to do."),
        "logs": Entry("bdc.cli.health:logs", "Show the logs of a part."),
        "endpoints": Entry("bdc.cli.access:endpoints", "Show where the cluster is reached, and whether it answers."),
        "connect": Entry("bdc.cli.access:connect", "Forward an endpoint to this machine with the kubeconfig's rights."),
        "credentials": Entry("bdc.cli.credentials:credentials", "Show and rotate passwords, the token and certificates."),
        "context": Entry("bdc.cli.context:app", "Create, import and revoke user contexts."),
        "hdfs": Entry("bdc.cli.hdfs:app", "Files in HDFS: ls, put, get, cat, tail, mkdir, mv, rm, du, df, chmod."),
        "spark": Entry("bdc.cli.spark.applications:app", "Spark applications: submit, list, status, logs, kill, delete, history."),
        "sql": Entry("bdc.cli.sql.statements:app", "SQL on the master, on HDFS tables and on both together."),
        "config": Entry("bdc.cli.config:app", "Write, show, check and change bdc.yaml."),
        "node": Entry("bdc.cli.node:app", "This host as a Kubernetes node: status, start, stop, reset."),
        "images": Entry("bdc.cli.images:app", "Build, list and push the container images."),
    }

    def invoke(self, ctx: Any) -> Any:
        """Run the command; Typer would make of Ctrl-C an exit code like any other."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise typer.Abort from interrupt


app = typer.Typer(name="bdc", cls=Commands, rich_markup_mode=None, context_settings={"help_option_names": list(HELP_OPTIONS)})


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    cluster: Annotated[str | None, typer.Option("--cluster", "-c", metavar="NAME", help="The cluster; bdc.yaml's by default.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-f", metavar="FILE", help="Configuration, instead of ./bdc.yaml.")] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value; repeatable.")] = None,
    kubeconfig: Annotated[Path | None, typer.Option("--kubeconfig", metavar="FILE", help="Kubeconfig of the cluster.")] = None,
    context: Annotated[str | None, typer.Option("--context", metavar="NAME", help="Context in the kubeconfig.")] = None,
    output: Annotated[str | None, typer.Option("--output", "-o", metavar="FORMAT", help="Format of the command's result.")] = None,  # noqa: ARG001  - see bdc.cli.anywhere
    *,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Tracebacks of errors.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """An open big-data cluster on Kubernetes: Spark, HDFS, PostgreSQL and Trino."""
    if version:
        sys.stdout.write(f"bdc {_version()}\n")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        sys.stdout.write(ctx.get_help() + "\n")
        raise typer.Exit
    ctx.obj = Settings(cluster, config, assignments(overrides or []), kubeconfig, context, debug, quiet)


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """KEY=VALUE arguments as a mapping. Raises UsageError."""
    pairs = [text.partition("=") for text in texts]
    for text, (key, equals, _) in zip(texts, pairs, strict=True):
        if not key or not equals:
            raise UsageError(f"{text!r} is not KEY=VALUE", "write it like storage.datanodes=3")
    return {key.strip(): value for key, _, value in pairs}


def main() -> None:
    """Entry point of the program `bdc`."""
    open_closed()
    gc.set_threshold(50_000)  # a start makes much that stays, and by default a twentieth of it goes into looking for what doesn't
    code = run(sys.argv[1:])
    gc.freeze()  # all of it goes with the process, which would look through it once more before, for a tenth of its time
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are printed."""
    debug = "--debug" in list(arguments)[: list(arguments).index("--") if "--" in arguments else None]
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone (`bdc logs | head`): nothing is left to say, also not by Python's own flush at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("\ncancelled\n" if sys.stderr.isatty() else "cancelled\n")  # a terminal is behind ^C, or a question
        return INTERRUPTED
    except BdcError as failure:
        _trace(debug)
        error(failure.message, _remedy(failure))
        return failure.exit_code
    except typer.TyperException as failure:
        _usage(failure)
        return failure.exit_code
    except OSError as failure:
        _trace(debug)
        return _system(failure, debug=debug)
    except Exception as failure:  # noqa: BLE001  - the one place where a bug becomes a message
        _trace(debug)
        return _bug(failure, debug=debug)
    return code


def _remedy(failure: BdcError) -> str | None:
    """The error's own remedy, or a better one that needs a look at this host."""
    if isinstance(failure, UnreachableError):
        from bdc.cluster.embedded import EmbeddedNode

        with contextlib.suppress(BdcError):
            return EmbeddedNode().remedy(failure.server) or failure.hint
    return failure.hint


def _system(failure: OSError, *, debug: bool) -> int:
    """A full disk can meet any write, and a lack of rights any file: they have their words here. All else that the system refuses has them
    where it is done."""
    from bdc.config.disk import full_disk, is_full
    from bdc.config.paths import NODE_DIR, cache_dir, state_dir

    if isinstance(failure, PermissionError) and isinstance(failure.filename, str):
        error(f"{failure.filename}: permission denied", f"uid {os.geteuid()}, which runs bdc, has no right to it or to a folder above it")
        return 1
    if not is_full(failure):
        return _bug(failure, debug=debug)
    places = [Path(failure.filename)] if isinstance(failure.filename, str) else [cache_dir(), state_dir(), NODE_DIR]
    told = full_disk(f"writing {failure.filename or 'a file'}", places, "")
    error(told.message, told.hint)
    return told.exit_code


def _bug(failure: Exception, *, debug: bool) -> int:
    error(f"internal error: {type(failure).__name__}: {failure}", None if debug else "run again with --debug and report it")
    return 1


def _run(arguments: Sequence[str]) -> int:
    command = get_group(app)
    _complete_options(command)
    prepared(command)
    result = command.main(args=gathered(command, arguments), prog_name="bdc", standalone_mode=False)
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def _complete_options(command: Any) -> None:
    """--install-completion and --show-completion, which Typer adds only to apps that it runs itself."""
    from typer.main import get_install_completion_arguments

    command.params.extend(get_install_completion_arguments())


def _usage(failure: typer.TyperException) -> None:
    """Print a mistake in the command line in our shape; a group called without a command prints its help."""
    ctx = getattr(failure, "ctx", None)
    message = failure.format_message()
    if ctx is not None and message == ctx.get_help():
        sys.stderr.write(f"{message}\n")
        return
    option = getattr(failure, "option_name", None)
    hint = f"{ctx.command_path} --help" if ctx else "bdc --help"
    if option in GLOBAL_OPTIONS and ctx is not None and ctx.parent is not None:
        hint = f"{option} goes before the command: bdc {option} ... {ctx.command_path.removeprefix('bdc ')}"
    error(f"{message[:1].lower()}{message[1:]}".rstrip("."), hint)


def _trace(debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()


def _version() -> str:
    from importlib.metadata import version

    return version("bdc")


if __name__ == "__main__":
    main()

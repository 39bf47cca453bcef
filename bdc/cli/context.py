"""`bdc context`: an administrator gives people a file with which they use the cluster; they take it in."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bdc.cli.output import Format, FormatOption, NoInputOption, Output, YesOption, confirm
from bdc.cli.settings import administrator
from bdc.errors import UsageError

if TYPE_CHECKING:
    from bdc.kube.contexts import Context

app = typer.Typer(no_args_is_help=True, help="Create, import and revoke user contexts.")

_HERE = {"name": "name", "cluster": "cluster", "user": "user", "pools": "pools", "server": "Kubernetes API", "current": "used"}
_USERS = {"name": "user", "pools": "pools", "created": "since (UTC)"}
_MOST_DAYS = 3650


@app.command()
def export(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(metavar="USER", help="The user; created if there is none of that name.")],
    pool: Annotated[
        list[str] | None, typer.Option("--pool", help="Spark pool that the user may use; repeatable, all pools by default.")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=_MOST_DAYS, help="Validity of the Kubernetes token, in days.")] = 90,
    file: Annotated[Path | None, typer.Option("--file", "-f", metavar="FILE", help="Where to write it; stdout by default.")] = None,
) -> None:
    """Write what an ordinary user needs to a file: bdc context export ann -f ann.yaml

    With it they keep files in /user/USER on HDFS, query the lake through Trino, have a schema of their own in the SQL master, and submit
    to the Spark pools that are open to them, if there are any; and no more. It holds secrets: hand it over as you would a password. Each
    export makes new ones and ends those of the files before it. It is a kubeconfig, too, so kubectl takes it.
    """
    from bdc.access import users
    from bdc.cli.private_file import private_file

    if file is None and sys.stdout.isatty():
        raise UsageError(
            "the context has secrets in it, which would be on the screen", f"write it to a file: bdc context export {user} -f {user}.yaml"
        )
    options = administrator(ctx)
    out = Output(quiet=options.quiet)
    kube = options.kube()
    with private_file(file) if file else nullcontext(sys.stdout) as target:
        text, until = users.grant(kube, options.config, user, pool or (), days=days, say=out.progress)
        if file is None:
            _private(sys.stdout.fileno())
        target.write(text)
    if users.local(kube.server):
        out.progress(f"your kubeconfig's server is {kube.server}: on another machine that is somebody else; change it in the file")
    out.progress(f"good until {until:%Y-%m-%d}; for {user}: bdc context import {file or 'FILE'}")


@app.command("users")
def users_(ctx: typer.Context, output: FormatOption = Format.table) -> None:
    """Show the cluster's ordinary users."""
    from bdc.access import users

    options = administrator(ctx)
    rows: list[dict[str, object]] = []
    for one in users.users(options.kube(), options.config.name):
        table = output is Format.table
        rows.append(
            {
                "name": one.name,
                "pools": ", ".join(one.pools) if table else list(one.pools),
                "created": f"{one.created:%Y-%m-%d %H:%M:%S}" if table else one.created,
            }
        )
    Output(output).emit(rows, columns=_USERS)


@app.command()
def revoke(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(metavar="USER", help="The user whose access ends.")],
    *,
    yes: YesOption = False,
    no_input: NoInputOption = False,
) -> None:
    """Revoke a user's access and credentials; files, tables and applications are kept."""
    from bdc.access import users

    options = administrator(ctx)
    if not confirm(f"Revoke what {user} may do in cluster {options.config.name}?", yes=yes, no_input=no_input):
        raise typer.Exit(1)
    users.revoke(options.kube(), options.config, user)
    Output(quiet=options.quiet).progress(f"{user} has no rights any more; HttpFS and Trino forget the password within a minute or two")


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="File from `bdc context export`; - reads stdin.")],
    output: FormatOption = Format.table,
) -> None:
    """Import a context, and use it wherever there is no bdc.yaml."""
    from bdc.kube.contexts import take

    try:
        text = sys.stdin.read() if file == "-" else Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}") from error
    found = take(text)
    Output(output).emit(_row(found, output), text=f"using {found.name}; pools: {', '.join(found.person.pools) or 'none'}")


@app.command("list")
def list_(output: FormatOption = Format.table) -> None:
    """Show the contexts on this machine."""
    from bdc.kube.contexts import contexts

    Output(output).emit([_row(one, output) for one in contexts()], columns=_HERE)


@app.command()
def use(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The context.")] = None,
    *,
    none: Annotated[bool, typer.Option("--none", help="Use no context; the kubeconfig applies again.")] = False,
) -> None:
    """Switch to another context."""
    from bdc.kube.contexts import use as chosen

    if (name is None) != none:
        raise UsageError("which context?", "name one (bdc context list), or say --none")
    chosen(name)


@app.command()
def delete(name: Annotated[str, typer.Argument(metavar="NAME", help="The context.")]) -> None:
    """Remove a context from this machine; its credentials stay valid until they expire or are revoked."""
    from bdc.kube.contexts import delete as forget

    forget(name)


def _private(descriptor: int) -> None:
    """Let nobody else read the file that the shell has made for our output, whatever the umask says."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, 0o600)


def _row(one: Context, output: Format) -> dict[str, object]:
    table = output is Format.table
    pools = one.person.pools
    return {
        "name": one.name,
        "cluster": one.person.cluster,
        "user": one.person.name,
        "pools": ", ".join(pools) if table else list(pools),
        "server": one.server,
        "current": ("yes" if one.current else "") if table else one.current,
    }

"""`bdc credentials`: show what it takes to get in, and make it new."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bdc.cli.output import Format, FormatOption, NoInputOption, Output, YesOption, confirm
from bdc.cli.settings import settings
from bdc.errors import BdcError, UsageError

if TYPE_CHECKING:
    from bdc.lifecycle import Kind

credentials = typer.Typer(no_args_is_help=True, help="Show and rotate passwords, the token and certificates.")

_WHAT = {
    "password": "the user's password",
    "token": "Spark Connect's token",
    "internal": "the passwords between the parts",
    "certificates": "the endpoints' certificate",
    "ca": "the certificate authority",
}


@credentials.command()
def show(
    ctx: typer.Context,
    output: FormatOption = Format.table,
    pool: Annotated[str | None, typer.Option("--pool", help="The token of this pool's Spark Connect.")] = None,
    *,
    password: Annotated[bool, typer.Option("--password", help="Print the password only.")] = False,
    token: Annotated[bool, typer.Option("--token", help="Print Spark Connect's token only.")] = False,
) -> None:
    """Show the user, the password and Spark Connect's token."""
    from bdc.kube.endpoints import connect_token, rotating
    from bdc.kube.endpoints import credentials as read

    if password and token:
        raise UsageError("--password and --token were both given", "choose one")
    options = settings(ctx)
    kube = options.kube()
    found = read(kube, options.config.name)
    if not kube.person and rotating(kube, options.config.name):
        Output(quiet=options.quiet).progress(
            "a rotation is going on, or was interrupted: some endpoints may take other ones until `bdc up`"
        )
    if pool:
        known: str | None = connect_token(kube, options.config.name, pool).get_secret_value()
    else:
        known = found.token.get_secret_value() if found.token else None
    if token and known is None:
        raise UsageError(f"{found.username} has a token of Spark Connect by pool only", "add --pool")
    if password or token:
        sys.stdout.write(f"{known if token else found.password.get_secret_value()}\n")
        return
    secrets = {"username": found.username, "password": found.password.get_secret_value(), "token": known}
    Output(output).emit(secrets)


@credentials.command()
def ca(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to write it; stdout by default.")] = None,
) -> None:
    """Show or save the certificate of the cluster's certificate authority, PEM, for other programs to trust."""
    from bdc.kube.endpoints import certificate_authority

    options = settings(ctx)
    pem = certificate_authority(options.kube(), options.config.name)
    if file is None:
        sys.stdout.write(pem)
        return
    try:
        file.write_text(pem)
    except OSError as error:
        raise BdcError(f"{file} can't be written: {error.strerror}") from error
    Output(quiet=options.quiet).progress(f"wrote {file}")


@credentials.command()
def rotate(
    ctx: typer.Context,
    *,
    password: Annotated[bool, typer.Option("--password", help="The user's password.")] = False,
    token: Annotated[bool, typer.Option("--token", help="Spark Connect's token.")] = False,
    internal: Annotated[bool, typer.Option("--internal", help="Passwords that the parts use among themselves.")] = False,
    certificates: Annotated[bool, typer.Option("--certificates", help="The endpoints' certificate, issued by the same authority.")] = False,
    authority: Annotated[
        bool, typer.Option("--ca", help="The certificate authority, and with it the certificate: every client needs the new one.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="All of these but the certificate authority.")] = False,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the new password from standard input.")] = False,
    yes: YesOption = False,
    no_input: NoInputOption = False,
    output: FormatOption = Format.table,
) -> None:
    """Make new credentials; without an option the user's password and the token. The old ones are refused from then on; no data is lost.

    What has to start again does, one part after the other: for the password HttpFS and the history server; for the token Spark Connect,
    which ends its sessions; for --internal the master (with one replica away for some seconds), the metastore and Trino, which ends its
    queries; for certificates all of these. Connections to the master that are open stay open, and applications of `bdc spark submit` go on.

    May be interrupted at any point: the next `bdc credentials rotate` or `bdc up` finishes it.
    """
    from bdc.access.credentials import journal
    from bdc.cli.interruption import interruptible
    from bdc.cli.lifecycle import substrate_of
    from bdc.cli.live import view
    from bdc.lifecycle import restarts
    from bdc.lifecycle import rotate as run

    chosen = settings(ctx)
    flags = {"password": password or password_stdin, "token": token, "internal": internal, "certificates": certificates, "ca": authority}
    kinds: list[Kind] = [kind for kind in journal.KINDS if flags[kind] or (everything and kind != "ca")]
    kinds = kinds or ["password", "token"]
    given = read_password() if password_stdin else None
    if given is not None:
        journal.check_password(given)
    if not confirm(_question(chosen.config.name, kinds, restarts(chosen.config, kinds)), yes=yes, no_input=no_input):
        raise typer.Exit(1)
    title = f"rotating the credentials of cluster {chosen.config.name}"
    hint = "bdc credentials rotate or bdc up goes on from here"
    with view(Format.table, chosen.quiet, title) as shown, interruptible(shown, hint) as report:
        done = run(chosen.config, substrate_of(chosen), report, kinds, password=given)
    said = f"rotated {_listed([_WHAT[kind] for kind in done.kinds])}; restarted {_listed(done.restarted) or 'nothing'}"
    Output(output).emit({"rotated": list(done.kinds), "restarted": list(done.restarted)}, text=said)
    if output is Format.table:
        Output(quiet=chosen.quiet).progress(_after(done.kinds))


def _question(cluster: str, kinds: Sequence[str], parts: Sequence[str]) -> str:
    what = _listed([_WHAT[kind] for kind in kinds])
    told = " Trino's queries end." if "trino-coordinator" in parts else ""
    told += " Spark Connect's sessions end." if "spark-connect" in parts else ""
    told += " Every client needs the new certificate of the authority." if "ca" in kinds else ""
    return f"Rotate {what} of cluster {cluster}? {_listed(parts)} restart.{told}"


def _after(kinds: Sequence[str]) -> str:
    lines = ["the new ones: bdc credentials show"] if {"password", "token"} & set(kinds) else []
    return "\n".join([*lines, *(["for clients: bdc credentials ca FILE"] if "ca" in kinds else [])])


def read_password() -> str:
    """A password from the terminal, asked for twice, or the first line of standard input. Raises UsageError for none."""
    if sys.stdin.isatty():
        from getpass import getpass

        text = getpass("New password: ")
        if getpass("Again: ") != text:
            raise UsageError("the two passwords differ", "try again")
    else:
        text = sys.stdin.readline().rstrip("\r\n")
    if not text:
        raise UsageError("there is no password", "type one, or give it on standard input")
    return text


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)

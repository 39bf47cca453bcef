"""`bdc endpoints` and `bdc connect`: where a cluster is reached."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bdc.cli.output import Format, FormatOption, Output
from bdc.cli.settings import settings
from bdc.config.workloads import Endpoint
from bdc.errors import BdcError, UsageError

if TYPE_CHECKING:
    from bdc.config.model import Config
    from bdc.kube import Kube

_COLUMNS = {"name": "name", "title": "what it is", "url": "address", "reachable": "reachable", "reason": "reason"}


def endpoints(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One endpoint only.")] = None,
    output: FormatOption = Format.table,
    *,
    uri: Annotated[bool, typer.Option("--uri", help="Print only the address, in the form that clients expect.")] = False,
) -> None:
    """Show where the cluster is reached, and whether it answers from here.

    Each is spoken to with TLS and its certificate checked. None of the addresses contains a password. Clients check the certificate, too:
    bdc credentials ca ~/.postgresql/root.crt puts its authority where those of PostgreSQL look for it.
    """
    from bdc.kube import endpoints as known

    if uri and not name:
        raise UsageError("--uri prints one address, and no endpoint was named", "bdc endpoints master --uri")
    options = settings(ctx)
    kube, config = options.kube(), options.config
    there = known.endpoints(kube, config)
    wanted = [known.endpoint(name, there)] if name else there
    authority = known.certificate_authority(kube, config.name)
    alike = known.addresses(kube, config) if known.reached_alike(kube, config) else None
    with ThreadPoolExecutor(len(wanted)) as pool:
        rows = list(pool.map(lambda one: _look(kube, config, one, authority, alike), wanted))
    if uri:
        if not rows[0]["url"]:
            raise BdcError(f"{name} is not exposed", f"forward it: bdc connect {name}")
        sys.stdout.write(f"{rows[0]['url']}\n")
        return
    Output(output, quiet=options.quiet).emit(rows, columns=_COLUMNS)


def connect(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME[:PORT]...]", help="Endpoints, and local ports for them.")] = None,
    output: FormatOption = Format.table,
    address: Annotated[str, typer.Option("--address", help="Local address to listen at.")] = "127.0.0.1",
) -> None:
    """Forward endpoints to this machine, through the Kubernetes API, until Ctrl-C.

    A local port is the endpoint's own when it is free here, else any. Connections outlive pods: each takes a ready one.
    """
    from bdc.kube import endpoints as known

    options = settings(ctx)
    kube, config = options.kube(), options.config
    known.credentials(kube, config.name)
    there = known.endpoints(kube, config)
    wanted = [(known.endpoint(name, there), port) for name, port in map(_split, names or [one.name for one in there])]
    printer = Output(output, quiet=options.quiet)
    with ExitStack() as stack:
        rows = []
        for one, port in wanted:
            host, local = _forward(stack, kube, config, one, port, address, printer)
            here = host == "127.0.0.1"
            rows.append({"name": one.name, "url": url(one, "localhost" if here else host, local, named=here), "port": local})
        printer.emit(rows, columns={"name": "name", "url": "address"})
        until_interrupted(printer)


def until_interrupted(printer: Output) -> None:
    """Say that something is forwarded, and wait for Ctrl-C."""
    sys.stdout.flush()
    printer.progress("forwarding until Ctrl-C")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        printer.progress("")


def url(endpoint: Endpoint, host: str, port: int, user: str = "bdc", *, named: bool = True) -> str:
    """An endpoint's address as its clients take it, without a secret; `user` is who we are at the master.

    `named`: whether the certificate names the host; where it doesn't, clients can check only whose it is. HttpFS is named as clients of
    WebHDFS take it, who add /webhdfs/v1 themselves.
    """
    from bdc.kube.connection import bracketed

    place = f"{bracketed(host)}:{port}"
    if endpoint.scheme == "postgresql":
        return f"postgresql://{user}@{place}/bdc?sslmode={'verify-full' if named else 'verify-ca'}"
    if endpoint.scheme == "sc":
        return f"sc://{place}/;use_ssl=true"
    return f"{endpoint.scheme}://{place}"


def _look(kube: Kube, config: Config, endpoint: Endpoint, authority: str, alike: list[str] | None) -> dict[str, Any]:
    """The row of one endpoint: the first of its addresses that answers, else the first and why it doesn't. `alike` are all endpoints'."""
    from bdc.kube.endpoints import addresses, server_name
    from bdc.kube.tls import probe

    user = kube.person.name if kube.person else "bdc"
    row: dict[str, Any] = {"name": endpoint.name, "title": endpoint.title, "url": None, "reachable": False}
    for address in addresses(kube, config, endpoint.name) if alike is None else alike:
        name = server_name(kube, config, endpoint.name, address)
        found = probe(address, endpoint.port, name, authority, endpoint.scheme)
        if found.reachable or row["url"] is None:
            shown = url(endpoint, address, endpoint.port, user, named=name == address)
            row |= {"url": shown, "reachable": found.reachable, "reason": found.reason}
        if found.reachable:
            break
    if row["url"] is None:
        row["reason"] = f"not exposed: bdc connect {endpoint.name}"
    return row


def _split(text: str) -> tuple[str, int | None]:
    name, colon, port = text.partition(":")
    if colon and not (port.isdigit() and int(port) < 65536):
        raise UsageError(f"{text}: {port!r} is not a port", "write NAME or NAME:PORT, such as master:5432")
    return name, int(port) if colon else None


def _forward(
    stack: ExitStack, kube: Kube, config: Config, one: Endpoint, port: int | None, address: str, printer: Output
) -> tuple[str, int]:
    from bdc.kube.endpoints import forwarded

    def listen(local: int) -> tuple[str, int]:
        heard = lambda reason: printer.progress(f"{one.name}: {reason}")  # noqa: E731 it needs the name
        return stack.enter_context(forwarded(kube, config, one.name, local_port=local, bind=address, on_error=heard))

    if port is not None:
        return listen(port)
    try:
        return listen(one.port)
    except BdcError as error:
        if "in use" not in str(error):
            raise
        return listen(0)

"""`python -m bdc.services.pgwire`: the federation for PostgreSQL's clients. See `bdc.sql.pgwire`.

It finds Trino and the master by their Services, and its password in its environment.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import socket
import ssl
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bdc.errors import BdcError
from bdc.kube.connection import Credentials, EndpointConnection, SecretStr
from bdc.sql.pgwire.catalogs import Catalogs
from bdc.sql.pgwire.execution import Services
from bdc.sql.pgwire.names import Names
from bdc.sql.pgwire.seen import Seen
from bdc.sql.pgwire.server import Server
from bdc.sql.pgwire.trino import Trino

_DRAIN_SECONDS = 30.0
_MOST_CLIENTS = 500


def main(arguments: list[str]) -> int:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="bdc.services.pgwire", description="The federation for PostgreSQL's clients.")
    parser.add_argument("namespace", help="the cluster's namespace")
    parser.add_argument("--port", type=int, default=5432)
    parser.add_argument("--tls", type=Path, required=True, help="folder with tls.crt, tls.key, ca.crt")
    parser.add_argument("--peers", required=True, help="name whose addresses are those of all gateways")
    chosen = parser.parse_args(arguments)
    gc.set_threshold(100_000, 20, 100)  # pages of rows are many small objects, and none of them makes a circle
    try:
        asyncio.run(_run(chosen))
    except BdcError as error:
        sys.stderr.write(f"error: {error.message}\n")
        return error.exit_code
    return 0


async def _run(chosen: argparse.Namespace) -> None:
    account = Credentials(os.environ["GATEWAY_USER"], SecretStr(os.environ["GATEWAY_PASSWORD"]), None, "")
    ca_file = chosen.tls / "ca.crt"
    trino = Trino(f"https://trino.{chosen.namespace}.svc:8443", account, str(ca_file))
    master = f"master.{chosen.namespace}.svc"
    catalogs = Catalogs(EndpointConnection(master, 5432, master, ca_file), account)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chosen.tls / "tls.crt", chosen.tls / "tls.key")
    own = os.environ.get("POD_IP", "")

    def peers() -> Sequence[tuple[str, int]]:
        with suppress(OSError):
            found = {str(one[4][0]) for one in socket.getaddrinfo(chosen.peers, chosen.port, type=socket.SOCK_STREAM)}
            return [(address, chosen.port) for address in sorted(found - {own})]
        return []

    services = Services(trino, catalogs, Names(trino), Seen(trino))
    server = Server(services, lambda: context, _MOST_CLIENTS, peers, account.password.get_secret_value())
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await catalogs.open()
    gc.freeze()
    listening = await server.listen(None, chosen.port)
    try:
        await stopped.wait()
    finally:
        listening.close()
        await server.drain(_DRAIN_SECONDS)
        await trino.close()
        await catalogs.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

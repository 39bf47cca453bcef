"""`python -m bdc.services.reconciler`: keeps the federation equal to the external data that the master defines.

It finds Trino and the master by their Services, and the passwords in its environment.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from bdc.errors import BdcError
from bdc.kube import connect
from bdc.kube.connection import Credentials, EndpointConnection, SecretStr
from bdc.sql.external import maintenance
from bdc.sql.external.definition_store import Connection
from bdc.sql.external.loop import ReconcileLoop, run
from bdc.sql.federation import Federation
from bdc.sql.master import open_connection

_ANSWER_SECONDS = 10.0
"""Trino answers a request within a second or two, also while a statement goes on."""


def main(arguments: list[str]) -> int:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="bdc.services.reconciler", description="Makes external tables in the federation.")
    parser.add_argument("namespace", help="the cluster's namespace")
    parser.add_argument("--beat", type=Path, required=True, help="file that is touched after each round")
    parser.add_argument("--ca", type=Path, required=True, help="certificate of the cluster's CA")
    chosen = parser.parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    user, master = _login("TRINO_USER", "TRINO_PASSWORD"), _login("MASTER_USER", "MASTER_PASSWORD")

    def open_trino() -> Federation:
        return Federation(_reached(chosen, "trino", 8443), user, wait_seconds=_ANSWER_SECONDS)

    def open_master() -> Connection:
        return open_connection(_reached(chosen, "master", 5432), master)

    threading.Thread(target=maintenance.run, args=(maintenance.Upkeep(open_trino), open_master, stopped.wait), daemon=True).start()
    try:
        run(ReconcileLoop(connect(), chosen.namespace, open_trino), open_master, stopped.is_set, chosen.beat)
    except BdcError as error:
        sys.stderr.write(f"error: {error.message}\n")
        return error.exit_code
    return 0


def _reached(chosen: argparse.Namespace, service: str, port: int) -> EndpointConnection:
    host = f"{service}.{chosen.namespace}.svc"
    return EndpointConnection(host, port, host, chosen.ca)


def _login(user: str, password: str) -> Credentials:
    return Credentials(os.environ[user], SecretStr(os.environ[password]), None, "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

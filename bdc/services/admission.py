"""`python -m bdc.services.admission NAMESPACE...`: the pools to look after. It finds the cluster by the pod's own account."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
from pathlib import Path

from bdc.errors import BdcError
from bdc.kube import connect
from bdc.services.admission_loop import run


def main(arguments: list[str]) -> int:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="bdc.services.admission", description="Lets applications that wait in their pools begin.")
    parser.add_argument("namespaces", metavar="NAMESPACE", nargs="+", help="namespace of a pool")
    parser.add_argument("--beat", type=Path, default=Path(tempfile.gettempdir()) / "beat", help="file that is touched after each round")
    chosen = parser.parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        run(connect(), chosen.namespaces, stopped.wait, chosen.beat)
    except BdcError as error:
        sys.stderr.write(f"error: {error.message}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

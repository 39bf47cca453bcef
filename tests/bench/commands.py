"""How long commands take until they first connect, in two trees by turns: `python tests/bench/commands.py BEFORE AFTER [COUNT]`.

A tree is a folder with a package `bdc`. No cluster is needed: a run ends as it connects, to the API server or, for SQL, to Trino. The
processor's time is what a busy machine leaves alone.
"""

import base64
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import certifi

COMMANDS = {
    "sql query": ["sql", "query", "SELECT 1"],
    "sql query, a table": ["sql", "query", "SELECT * FROM tpch.tiny.nation"],
    "hdfs ls": ["hdfs", "ls", "/"],
    "spark list": ["spark", "list"],
    "endpoints": ["endpoints"],
    "status": ["status"],
}

CHILD = """
import json, os, sys, time

def connected(event, _arguments):
    if event == "socket.connect":
        os.write(1, json.dumps({"at": time.monotonic(), "modules": len(sys.modules)}).encode() + b"\\n")
        os._exit(0)

sys.addaudithook(connected)
import bdc
assert bdc.__file__.startswith(os.environ["PYTHONPATH"] + "/"), bdc.__file__
if sys.argv[1] == "sql":
    from contextlib import nullcontext
    from pathlib import Path
    from types import SimpleNamespace
    from bdc.kube import connection, endpoints
    secret = SimpleNamespace(get_secret_value=lambda: "x")
    endpoints.credentials = lambda *_: connection.Credentials("ann", secret, None, "")
    endpoints.reach = lambda *_, **__: nullcontext(connection.EndpointConnection("127.0.0.1", 1, "localhost", Path(os.devnull)))
from bdc.cli.main import main
main()
"""

AUTHORITY = base64.b64encode(Path(certifi.where()).read_bytes().partition(b"-----END")[0] + b"-----END CERTIFICATE-----\n").decode()
"""One authority, as a cluster has."""

KUBECONFIG = {
    "current-context": "x",
    "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    "clusters": [{"name": "x", "cluster": {"server": "https://127.0.0.1:1", "certificate-authority-data": AUTHORITY}}],
    "users": [{"name": "x", "user": {"token": "x"}}],
}


@dataclass(frozen=True)
class Run:
    """What a command took until it connected, and the modules that it had loaded by then."""

    wall_seconds: float
    cpu_seconds: float
    modules: int


def run(tree: Path, arguments: list[str], folder: str) -> Run:
    """One run of a command in a tree."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "BDC_KUBECONFIG": f"{folder}/kubeconfig", "HOME": folder}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not done.stdout.startswith('{"at"'):
        sys.exit(f"{tree}: {' '.join(arguments)} never connected:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[0])  # several threads may connect at once
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(found["at"] - began, cpu, found["modules"])


def median(runs: list[Run]) -> Run:
    """The medians of some runs."""
    return Run(*(statistics.median(column) for column in zip(*map(astuple, runs), strict=True)))


def main() -> None:
    """Print a line for each command."""
    trees = [Path(one).resolve() for one in sys.argv[1:3]]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kubeconfig").write_text(json.dumps(KUBECONFIG))
        for name, arguments in COMMANDS.items():
            by_turns = [[run(tree, arguments, folder) for tree in trees] for _ in range(count + 1)][1:]  # the first writes bytecode
            before, after = (median(list(one)) for one in zip(*by_turns, strict=True))
            sys.stdout.write(
                f"{name}: {before.wall_seconds:.3f} s -> {after.wall_seconds:.3f} s, ratio {after.wall_seconds / before.wall_seconds:.2f}; "
                f"CPU {before.cpu_seconds:.3f} s -> {after.cpu_seconds:.3f} s, ratio {after.cpu_seconds / before.cpu_seconds:.2f}; "
                f"modules {before.modules:.0f} -> {after.modules:.0f}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()

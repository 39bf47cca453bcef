"""How long commands take until they first connect, in two trees by turns: `python tests/bench/commands.py BEFORE AFTER [COUNT]`.

A tree is a folder with a package `bdc`. No cluster is needed: a run ends as it connects, to the API server or, for SQL, to Trino.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
    from pydantic import SecretStr
    from bdc.kube import connection, endpoints
    endpoints.credentials = lambda *_: connection.Credentials("ann", SecretStr("x"), None, "")
    endpoints.reach = lambda *_, **__: nullcontext(connection.EndpointConnection("127.0.0.1", 1, "localhost", Path(os.devnull)))
from bdc.cli.main import main
main()
"""

KUBECONFIG = {
    "current-context": "x",
    "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    "clusters": [{"name": "x", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "x", "user": {"token": "x"}}],
}


def run(tree: Path, arguments: list[str], folder: str) -> tuple[float, int]:
    """Seconds until a command in a tree connects, and the modules that it has loaded by then."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "BDC_KUBECONFIG": f"{folder}/kubeconfig", "HOME": folder}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if not done.stdout.startswith('{"at"'):
        sys.exit(f"{tree}: {' '.join(arguments)} never connected:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[0])  # several threads may connect at once
    return found["at"] - began, found["modules"]


def main() -> None:
    """Print a line for each command."""
    trees = [Path(one).resolve() for one in sys.argv[1:3]]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kubeconfig").write_text(json.dumps(KUBECONFIG))
        for name, arguments in COMMANDS.items():
            runs: list[list[tuple[float, int]]] = [[], []]
            for number in range(count + 1):
                for at, tree in enumerate(trees):
                    one = run(tree, arguments, folder)
                    if number:  # the first writes bytecode
                        runs[at].append(one)
            (before, modules), (after, left) = ((statistics.median(seconds for seconds, _ in one), one[0][1]) for one in runs)
            sys.stdout.write(f"{name}: {before:.3f} s, {modules} modules -> {after:.3f} s, {left} modules; ratio {after / before:.2f}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

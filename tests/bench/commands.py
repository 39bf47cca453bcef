"""How long commands take with a cluster that answers at once, in trees by turns: `python -m tests.bench.commands COUNT TREE...`.

A tree is a folder with the packages `bdc` and `stacks/bdc_stacks`. The processor's time is what a busy machine leaves alone; what engines
take is in neither time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import astuple, dataclass
from pathlib import Path

from tests.bench.fake_cluster import serve

COMMANDS = {
    "sql query": ["sql", "query", "SELECT 1"],
    "sql query, a table": ["sql", "query", "SELECT * FROM tpch.tiny.nation"],
    "hdfs ls": ["hdfs", "ls", "/"],
    "spark list": ["spark", "list"],
    "endpoints": ["endpoints"],
    "status": ["status"],
}

CHILD = """
import os, sys
import bdc
assert bdc.__file__.startswith(os.environ["PYTHONPATH"].split(":")[0] + "/"), bdc.__file__
from bdc.cli.main import main
try:
    main()
finally:
    with open(os.environ["MODULES"], "w") as file:
        file.write(str(len(sys.modules)))
"""


@dataclass(frozen=True)
class Run:
    """What a command took, and the modules that it had loaded at its end."""

    wall_seconds: float
    cpu_seconds: float
    modules: float


def run(tree: Path, arguments: list[str], folder: Path) -> Run:
    """One run of a command in a tree."""
    environment = {
        **os.environ, "PYTHONPATH": f"{tree}:{tree}/stacks", "BDC_KUBECONFIG": f"{folder}/kubeconfig", "HOME": str(folder),
        "MODULES": f"{folder}/modules",
    }  # fmt: skip
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments], env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{tree}: {' '.join(arguments)} ends with {process.returncode}")
    return Run(time.monotonic() - began, usage.ru_utime + usage.ru_stime, int((folder / "modules").read_text()))


def median(runs: list[Run]) -> Run:
    """The medians of some runs."""
    return Run(*(statistics.median(column) for column in zip(*map(astuple, runs), strict=True)))


def counted(tree: Path, arguments: list[str], folder: Path, counts: Counter[str]) -> str:
    """What a command asks for; its run also writes bytecode and the configuration that is kept."""
    run(tree, arguments, folder)
    counts.clear()
    run(tree, arguments, folder)
    return ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))


def main() -> None:
    """Print lines for each command: one of each tree."""
    count, trees = int(sys.argv[1]), [Path(one).resolve() for one in sys.argv[2:]]
    with tempfile.TemporaryDirectory() as name, serve(Path(name)) as counts:
        folder = Path(name)
        for title, arguments in COMMANDS.items():
            asked = [counted(tree, arguments, folder, counts) for tree in trees]
            by_turns = [[run(tree, arguments, folder) for tree in trees] for _ in range(count)]
            medians = [median(list(one)) for one in zip(*by_turns, strict=True)]
            for tree, found, requests in zip(trees, medians, asked, strict=True):
                sys.stdout.write(
                    f"{title}, {tree.name}: {found.wall_seconds:.3f} s; CPU {found.cpu_seconds:.3f} s, "
                    f"ratio {found.cpu_seconds / medians[0].cpu_seconds:.2f}; modules {found.modules:.0f}; {requests}\n"
                )
            sys.stdout.flush()


if __name__ == "__main__":
    main()

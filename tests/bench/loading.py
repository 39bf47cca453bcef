"""How long the built images take to load into a containerd, unpacked and as kept layers: `python tests/bench/loading.py [COUNT]`.

As root. A containerd of its own for each turn, on the cache's filesystem; the cache's own kept layers stay as they are.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bdc.config.names import IMAGES
from bdc.config.paths import cache_dir
from bdc.errors import DeadlineError
from bdc.images import build, ctr, load
from bdc.kube.wait import until
from bdc.toolchain import ensure

SETTINGS = """version = 3
root = "{folder}/containerd"
state = "{folder}/state"
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"]
[grpc]
address = "{folder}/socket"
[plugins."io.containerd.transfer.v1.local"]
max_concurrent_unpacks = {cores}
"""


def turn(folder: Path, programs: Path) -> tuple[float, float]:
    """Seconds on the clock, and of processor time, of one load."""
    (folder / "containerd").mkdir(parents=True)
    (folder / "settings").write_text(SETTINGS.format(folder=folder, cores=os.cpu_count()))
    ctr.Ctr.store = property(lambda _: folder / "containerd")  # type: ignore[assignment,method-assign]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([programs / "containerd", "-c", folder / "settings"], stdout=log, stderr=log)
    try:
        until((folder / "socket").exists, lambda: DeadlineError("containerd did not start"), seconds=30, pause_seconds=0.05)
        time.sleep(1)
        began, before = time.monotonic(), used()
        load(IMAGES, ctr=programs / "ctr", address=folder / "socket")
        taken, mine = time.monotonic() - began, used() - before
        seen = (Path("/proc") / str(process.pid) / "stat").read_text().rpartition(")")[2].split()
        return taken, mine + (int(seen[11]) + int(seen[12])) / os.sysconf("SC_CLK_TCK")
    finally:
        process.terminate()
        process.wait()


def used() -> float:
    """Processor time of this process and its ended children."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in found)


def main(count: int) -> None:
    """Print medians."""
    build(IMAGES)
    programs = ensure("containerd").path.parent
    taken: dict[str, list[tuple[float, float]]] = {"unpacked": [], "kept": []}
    layout = cache_dir() / "images" / "layout"
    for _ in range(count):
        with tempfile.TemporaryDirectory(prefix="bench-", dir=cache_dir()) as name:
            os.environ["BDC_CACHE"] = f"{name}/cache"
            (Path(name) / "cache" / "images").mkdir(parents=True)
            (Path(name) / "cache" / "images" / "layout").symlink_to(layout)
            for number, which in enumerate(taken):
                taken[which].append(turn(Path(name) / str(number), programs))
            del os.environ["BDC_CACHE"]
    for which, times in taken.items():
        wall, cpu = (statistics.median(one) for one in zip(*times, strict=True))
        sys.stdout.write(f"{which}: {wall:.1f} s, {cpu:.1f} s of processor time (medians of {count})\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)

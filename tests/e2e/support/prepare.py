"""What test hosts take from the machine, as they have no way to a registry: packages, programs and images, made by bdc's own code.

As a program (`python -m tests.e2e.support.prepare`, which `make e2e` runs first) it makes all of it and says what it does: a machine
without caches builds for twenty minutes.
"""

from __future__ import annotations

import shutil
import subprocess

from bdc import toolchain
from bdc.cluster.embedded.packages import install_packages
from bdc.config.names import IMAGES
from bdc.images import build
from tests.e2e.support.outside import java_servers, versitygw

TOOLS = {"nsenter": "util-linux", "unshare": "util-linux", "setpriv": "util-linux", "ip": "iproute2", "curl": "curl"}


def node() -> None:
    """The packages and programs of a node."""
    missing = sorted({package for program, package in TOOLS.items() if shutil.which(program) is None})
    if missing:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing], check=True)
    install_packages(_say)
    for spec in toolchain.programs():
        toolchain.ensure(spec.name, on_progress=_say)


def images() -> None:
    """Everything else that `bdc up` takes from this machine."""
    build(IMAGES, on_progress=_say)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    node()
    images()
    versitygw()
    java_servers()

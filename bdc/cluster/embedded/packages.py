"""Programs that kubeadm, the kubelet and containerd take from the host, installed with apt where they are missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from bdc.cluster.embedded.command import run
from bdc.cluster.embedded.services import SYSTEM_PATH
from bdc.errors import BdcError

CNI_BIN_DIRS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
_CNI_PLUGINS = ("bridge", "host-local", "portmap", "loopback")
_PACKAGE_OF = {
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",  # kubeadm insists
    "ip": "iproute2",
    "ss": "iproute2",
    "mount": "mount",
    "losetup": "mount",
    "nsenter": "util-linux",
    "ps": "procps",
}
_APT_LOCK_SECONDS = 300


def cni_bin_dir() -> Path | None:
    """Folder with all CNI plugins that we use."""
    return next((folder for folder in CNI_BIN_DIRS if all((folder / plugin).is_file() for plugin in _CNI_PLUGINS)), None)


def missing_packages() -> list[str]:
    """Debian packages that would bring what is missing."""
    wanted = {package for program, package in _PACKAGE_OF.items() if shutil.which(program, path=SYSTEM_PATH) is None}
    if cni_bin_dir() is None:
        wanted.add("containernetworking-plugins")
    return sorted(wanted)


def check_packages() -> None:
    """Refuse where something is missing that can't be installed here."""
    if (missing := missing_packages()) and shutil.which("apt-get", path=SYSTEM_PATH) is None:
        raise BdcError(
            f"this host lacks what a Kubernetes node needs, and has no apt-get to install it: {', '.join(missing)}",
            "install these (Debian's package names) with the host's package manager, then run the command again",
        )


def install_packages(on_progress: Callable[[str], None]) -> None:
    """Install what is missing; waits for another apt to finish."""
    missing = missing_packages()
    if not missing:
        return
    check_packages()
    on_progress(f"installing {', '.join(missing)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": SYSTEM_PATH}
    apt = ["apt-get", "-q", "-y", "-o", f"DPkg::Lock::Timeout={_APT_LOCK_SECONDS}"]
    install = [*apt, "install", "--no-install-recommends", *missing]
    hint = f"install them yourself: apt-get install {' '.join(missing)}"
    try:
        run(install, what="installing packages", deadline_seconds=900, env=env, hint=hint)
    except BdcError as error:  # package lists may be missing or old
        if "dpkg was interrupted" in error.message:  # such as by a kill of an earlier run
            run(["dpkg", "--configure", "-a"], what="completing an interrupted installation", deadline_seconds=900, env=env, hint=hint)
        run([*apt, "update"], what="updating the package lists", deadline_seconds=600, env=env, hint=hint)
        run(install, what="installing packages", deadline_seconds=900, env=env, hint=hint)
    if still := missing_packages():
        raise BdcError(f"after installing packages these are still missing: {', '.join(still)}", hint)

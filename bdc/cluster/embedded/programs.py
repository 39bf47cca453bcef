"""Puts the node's programs into its own bin folder, so that deleting the cache doesn't break a running node."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bdc.cluster.embedded.images import COMPONENTS, PROGRAMS

if TYPE_CHECKING:
    from bdc.toolchain import Program

_KUBERNETES = ("kubeadm", "kubectl", "kubelet")
_CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")


@dataclass(frozen=True)
class NodePrograms:
    """What the node runs, from the toolchain."""

    by_name: dict[str, Program]

    @property
    def versions(self) -> dict[str, str]:
        """Version of each, without a leading v."""
        return {name: program.version.removeprefix("v") for name, program in self.by_name.items()}

    @property
    def in_images(self) -> dict[str, Path]:
        """Path of each program that runs in an image."""
        paths = {name: self.by_name["kubernetes"].link(name) for name in COMPONENTS}
        return paths | {name: self.by_name[name].path for name in PROGRAMS}


def ensure_programs(on_progress: Callable[[str], None]) -> NodePrograms:
    """Everything that the node and its images are made of."""
    from bdc.toolchain import ensure

    *names, last = ("kubernetes", "containerd", *PROGRAMS)
    found = {name: ensure(name, more=True, on_progress=on_progress) for name in names}
    return NodePrograms(found | {last: ensure(last, on_progress=on_progress)})


def install_programs(programs: NodePrograms, folder: Path) -> bool:
    """Put the host's programs into `folder`; whether any of them is new there."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {name: programs.by_name["kubernetes"].link(name) for name in _KUBERNETES}
    wanted |= {name: programs.by_name["containerd"].link(name) for name in _CONTAINERD}
    placed = {name for name, source in wanted.items() if _place(source.resolve(), folder / name)}
    return bool(placed)


def _place(source: Path, target: Path) -> bool:
    """Hard-link, or copy across file systems; a running program keeps the file that it was started from."""
    if target.exists():
        there, here = source.stat(), target.stat()
        if (there.st_size, there.st_mtime_ns) == (here.st_size, here.st_mtime_ns):
            return False
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    try:
        os.link(source, partial)
    except OSError:
        shutil.copy2(source, partial)
    partial.replace(target)
    return True

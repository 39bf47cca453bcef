"""What the other rooms get: a program that is there and can be started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bdc.errors import NotFoundError

Source = Literal["path", "cache", "release", "mirror", "build"]


@dataclass(frozen=True)
class Program:
    """A program on this machine at a version that bdc accepts.

    `path` is the main executable, `bin_dir` the folder that has all of the program's executables, `source` where it came from in
    this call ("cache" when an earlier call had downloaded or built it).
    """

    name: str
    version: str
    path: Path
    bin_dir: Path
    source: Source

    def link(self, name: str) -> Path:
        """The path of one of the program's executables, e.g. `kubernetes.link("kubeadm")`; NotFoundError if it has no such one."""
        path = self.bin_dir / name
        if not path.is_file():
            raise NotFoundError(f"{self.name} {self.version} has no executable {name!r} in {self.bin_dir}")
        return path

"""containerd by its own client, `ctr`."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from bdc.config.disk import full_disk, says_full
from bdc.config.paths import NODE_DIR
from bdc.errors import BdcError


@dataclass(frozen=True)
class Ctr:
    """The client at `program` of the containerd at the socket `address`, in the namespace that kubelet uses."""

    program: Path
    address: Path

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        return [str(self.program), "--address", str(self.address), "--namespace", "k8s.io", *arguments]

    def run(self, *arguments: str) -> str:
        """What a command prints. Raises BdcError."""
        result = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        self.check(result.returncode, result.stderr)
        return result.stdout

    def check(self, code: int, output: str) -> None:
        """Raises BdcError where a command ended with another exit code than 0."""
        if code == 0:
            return
        if says_full(output):
            raise full_disk("loading images into containerd failed", [self.store or Path("/var/lib/containerd")], "")
        last = output.strip().splitlines()[-1:] or ["no output"]
        raise BdcError(f"loading images into containerd failed: {last[0]}", "is containerd running, and is this its socket?")

    @property
    def store(self) -> Path | None:
        """The root folder of the embedded node's containerd; None where the socket is another's, whose files aren't ours to touch."""
        own = NODE_DIR / "node" / "containerd"
        return own if self.address.is_relative_to("/run/bdc") and own.is_dir() else None

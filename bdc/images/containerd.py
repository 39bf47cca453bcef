"""Puts built images into a node's containerd, where kubelet finds them without a registry."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bdc.config.disk import full_disk, says_full
from bdc.config.paths import NODE_DIR
from bdc.errors import BdcError
from bdc.images.oci_layout import layout
from bdc.images.spec import chosen, references

_PINNED = "io.cri-containerd.pinned=pinned"
"""Label that keeps an image from kubelet's garbage collection: what isn't in a registry can't be pulled again."""
_IS_PINNED = 'labels."io.cri-containerd.pinned"==pinned'


def load(names: Iterable[str] | None, *, ctr: Path, address: Path, on_progress: Callable[[str], None] | None = None) -> None:
    """Loads built images (all unless told) into the containerd at socket `address` by its client `ctr`; those there are left alone."""
    reference = references()
    wanted = [reference[spec.name] for spec in chosen(names)]
    present = set(_ctr(ctr, address, "images", "ls", "-q").split())
    if absent := [name for name in wanted if name not in present]:
        _import(absent, ctr, address, on_progress)
    pinned = set(_ctr(ctr, address, "images", "ls", "-q", _IS_PINNED).split())
    for name in wanted:  # also those of a run that was killed between import and pin
        if name not in pinned:
            _ctr(ctr, address, "images", "label", name, _PINNED)


def _import(absent: Sequence[str], ctr: Path, address: Path, on_progress: Callable[[str], None] | None) -> None:
    if on_progress:
        on_progress(f"loading {len(absent)} images into containerd")
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            _command(ctr, address, "images", "import", "-"), stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            with process.stdin as stream:  # type: ignore[union-attr]
                layout().write_tar({name: name for name in absent}, stream)
        except BrokenPipeError:
            pass  # what ctr says about it is reported below
        finally:
            code = process.wait()
        output.seek(0)
        _check(code, output.read().decode(errors="replace"), _store(address))


def _command(ctr: Path, address: Path, *arguments: str) -> list[str]:
    return [str(ctr), "--address", str(address), "--namespace", "k8s.io", *arguments]


def _ctr(ctr: Path, address: Path, *arguments: str) -> str:
    result = subprocess.run(_command(ctr, address, *arguments), capture_output=True, text=True, check=False)
    _check(result.returncode, result.stderr, _store(address))
    return result.stdout


def _store(address: Path) -> Path:
    """The folder that containerd keeps images in, as far as it is this host's; /var/lib/containerd is containerd's own default."""
    own = NODE_DIR / "node" / "containerd"
    return own if address.is_relative_to("/run/bdc") and own.exists() else Path("/var/lib/containerd")


def _check(code: int, output: str, store: Path) -> None:
    if code == 0:
        return
    if says_full(output):
        raise full_disk("loading images into containerd failed", [store], "")
    last = output.strip().splitlines()[-1:] or ["no output"]
    raise BdcError(f"loading images into containerd failed: {last[0]}", "is containerd running, and is this its socket?")

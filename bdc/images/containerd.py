"""Puts built images into a node's containerd, where kubelet finds them without a registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from bdc.config.disk import full_disk, says_full
from bdc.config.paths import NODE_DIR
from bdc.errors import BdcError
from bdc.images.oci_layout import layout
from bdc.images.spec import chosen, references

_PINNED = "io.cri-containerd.pinned=pinned"
"""Label that keeps an image from kubelet's garbage collection: what isn't in a registry can't be pulled again."""
_CONTENT = "io.containerd.content.v1.content/blobs/sha256"
"""Where containerd keeps content, by its digest, in its root folder."""
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
    handed = _hand_over({path for name in absent for path in layout().layers(name)}, ctr, address)
    code, said = _stream(absent, ctr, address, without=handed)
    if code and handed:  # containerd may have dropped what no image had yet
        code, said = _stream(absent, ctr, address, without=frozenset())
    _check(code, said, _store(address))


def _hand_over(layers: Iterable[Path], ctr: Path, address: Path) -> frozenset[Path]:
    """Gives layers to containerd as files in its own store, where that is this node's; those that it took.

    A layer that is streamed is copied, read and summed several times, which takes longer than to unpack it. containerd takes over a file
    that is there under its digest, once somebody begins to write content of that digest and size (its content_sharing_policy is "shared");
    where it isn't, `ctr content ingest` writes it after all. What a layer unpacks to is compared with its image's diff_id in any case.
    """
    if not _own(address).is_dir():
        return frozenset()
    handed = set()
    for layer in layers:
        if not _place(layer, _own(address) / _CONTENT / layer.name):
            continue
        expected = ("--expected-digest", f"sha256:{layer.name}", "--expected-size", str(layer.stat().st_size))
        with layer.open("rb") as content:
            command = _command(ctr, address, "content", "ingest", *expected, layer.name)
            if subprocess.run(command, stdin=content, capture_output=True, check=False).returncode == 0:
                handed.add(layer)
    return frozenset(handed)


def _place(layer: Path, target: Path) -> bool:
    """Makes a layer a file of containerd's: a link if only root may write to it, else a copy. False where neither can be."""
    part = target.parents[3] / f"part-{target.name}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            return True
        status = layer.stat()
        if status.st_uid == os.geteuid() == 0 and not status.st_mode & 0o022:
            _sync(layer)
            with suppress(OSError):  # two file systems
                target.hardlink_to(layer)
                return True
        shutil.copyfile(layer, part)
        _sync(part)
        part.replace(target)
    except OSError:  # of a full disk, the import says so
        part.unlink(missing_ok=True)
        return False
    return True


def _sync(file: Path) -> None:
    """Has a file on the disk: containerd notes that it is whole, which shall be true after a loss of power."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _stream(names: Sequence[str], ctr: Path, address: Path, *, without: Collection[Path]) -> tuple[int, str]:
    """Has ctr import images from a tar that lacks some of their layers; its exit code and output."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            _command(ctr, address, "images", "import", "-"), stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            with process.stdin as stream:  # type: ignore[union-attr]
                layout().write_tar({name: name for name in names}, stream, without=without)
        except BrokenPipeError:
            pass  # what ctr says about it is the answer
        finally:
            code = process.wait()
        output.seek(0)
        return code, output.read().decode(errors="replace")


def _command(ctr: Path, address: Path, *arguments: str) -> list[str]:
    return [str(ctr), "--address", str(address), "--namespace", "k8s.io", *arguments]


def _ctr(ctr: Path, address: Path, *arguments: str) -> str:
    result = subprocess.run(_command(ctr, address, *arguments), capture_output=True, text=True, check=False)
    _check(result.returncode, result.stderr, _store(address))
    return result.stdout


def _store(address: Path) -> Path:
    """The folder that containerd keeps images in, as far as it is this host's; /var/lib/containerd is containerd's own default."""
    own = _own(address)
    return own if own.exists() else Path("/var/lib/containerd")


def _own(address: Path) -> Path:
    """The root folder of the embedded node's containerd; a folder that isn't there where the socket is another's."""
    return NODE_DIR / "node" / ("containerd" if address.is_relative_to("/run/bdc") else "none")


def _check(code: int, output: str, store: Path) -> None:
    if code == 0:
        return
    if says_full(output):
        raise full_disk("loading images into containerd failed", [store], "")
    last = output.strip().splitlines()[-1:] or ["no output"]
    raise BdcError(f"loading images into containerd failed: {last[0]}", "is containerd running, and is this its socket?")

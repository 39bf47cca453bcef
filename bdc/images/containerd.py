"""Puts built images into a node's containerd, where kubelet finds them without a registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from bdc.errors import BdcError
from bdc.images.ctr import Ctr
from bdc.images.oci_layout import layout
from bdc.images.spec import chosen, references
from bdc.images.unpacked import give, keep, release

_PINNED = "io.cri-containerd.pinned=pinned"
"""Label that keeps an image from kubelet's garbage collection: what isn't in a registry can't be pulled again."""
_CONTENT = "io.containerd.content.v1.content/blobs/sha256"
"""Where containerd keeps content, by its digest, in its root folder."""
_IS_PINNED = 'labels."io.cri-containerd.pinned"==pinned'


def load(names: Iterable[str] | None, *, ctr: Path, address: Path, on_progress: Callable[[str], None] | None = None) -> None:
    """Loads built images (all unless told) into the containerd at socket `address` by its client `ctr`; those there are left alone."""
    client, reference = Ctr(ctr, address), references()
    wanted = [reference[spec.name] for spec in chosen(names)]
    present = set(client.run("images", "ls", "-q").split())
    if absent := [name for name in wanted if name not in present]:
        if on_progress:
            on_progress(f"loading {len(absent)} images into containerd")
        _import(absent, client)
    pinned = set(client.run("images", "ls", "-q", _IS_PINNED).split())
    for name in wanted:  # also those of a run that was killed between import and pin
        if name not in pinned:
            client.run("images", "label", name, _PINNED)


def _import(absent: Sequence[str], ctr: Ctr) -> None:
    chains = {name: layout().chain(name) for name in absent}
    unpacked = give(ctr, chains.values()) if ctr.store else frozenset()
    placed = [(path, layer in unpacked) for name, chain in chains.items() for path, layer in zip(layout().layers(name), chain, strict=True)]
    packed = {path for path, is_there in placed if not is_there}
    needless = {path for path, _ in placed} - packed | _hand_over(packed, ctr)
    code, said = _stream(absent, ctr, without=needless)
    if code and needless:  # containerd may have dropped what no image had yet
        code, said = _stream(absent, ctr, without=frozenset())
    ctr.check(code, said)
    if ctr.store:
        layers = dict.fromkeys(layer for chain in chains.values() for layer in chain)
        release(ctr, [layer for layer in layers if layer in unpacked])
        with suppress(BdcError, OSError, LookupError, ValueError):  # such as an image that another bdc drops: what is kept is for later
            wanted = {layer for name in layout().descriptors() for layer in layout().chain(name)}
            keep(ctr, layers, wanted, anew=layers.keys() - unpacked)


def _hand_over(layers: Iterable[Path], ctr: Ctr) -> frozenset[Path]:
    """Gives layers to containerd as files in its own store, where that is this node's; those that it took.

    A layer that is streamed is copied, read and summed several times, which takes longer than to unpack it. containerd takes over a file
    that is there under its digest, once somebody begins to write content of that digest and size (its content_sharing_policy is "shared");
    where it isn't, `ctr content ingest` writes it after all. What a layer unpacks to is compared with its image's diff_id in any case.
    """
    if ctr.store is None:
        return frozenset()
    handed = set()
    for layer in layers:
        if not _place(layer, ctr.store / _CONTENT / layer.name):
            continue
        expected = ("--expected-digest", f"sha256:{layer.name}", "--expected-size", str(layer.stat().st_size))
        with layer.open("rb") as content:
            command = ctr.command("content", "ingest", *expected, layer.name)
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


def _stream(names: Sequence[str], ctr: Ctr, *, without: Collection[Path]) -> tuple[int, str]:
    """Has ctr import images from a tar that lacks some of their layers; its exit code and output."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(ctr.command("images", "import", "-"), stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        try:
            with process.stdin as stream:  # type: ignore[union-attr]
                layout().write_tar({name: name for name in names}, stream, without=without)
        except BrokenPipeError:
            pass  # what ctr says about it is the answer
        finally:
            code = process.wait()
        output.seek(0)
        return code, output.read().decode(errors="replace")

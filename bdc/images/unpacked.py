"""Layers as containerd unpacked them, kept in the cache, so that the next node of this machine needn't unpack them again.

A kept layer is the folder of one of containerd's snapshots for overlayfs: the layer's own files, and whiteouts for what it removes of those
below. Its name is the snapshot's, the layer's chain ID, a digest of what it and all below it unpack to
(https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid).

Nothing depends on it: a layer that isn't here, or isn't as it was kept, is unpacked. Only root uses it, as only root can say that nobody
else may change what is here; so files are links to those of the node where both share a file system, and take no space of their own.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bdc.config.disk import disk_of
from bdc.config.paths import cache_dir
from bdc.errors import BdcError
from bdc.images.ctr import Ctr

Chain = Sequence[str]
"""The chain IDs of an image's layers (`sha256:...`), the lowest first."""

_ROOT = 0
_SPARE_BYTES = 20 << 30
"""What must stay free of the cache's disk where files are copied there."""
_FILES, _LISTING = "files", "listing"
_ROOT_LABEL = "containerd.io/gc.root"


def give(ctr: Ctr, images: Iterable[Chain]) -> frozenset[str]:
    """Makes snapshots of the kept layers of these images. The layers that containerd has then."""
    folder = _folder()
    there = {line.split()[0] for line in ctr.run("snapshots", "ls").splitlines()[1:]}
    for chain in images:
        parent = ""
        for layer in chain:
            if layer not in there and not (folder and _give(ctr, folder / _digits(layer), layer, parent)):
                break
            there.add(layer)
            parent = layer
    return frozenset(there)


def release(ctr: Ctr, layers: Iterable[str]) -> None:
    """Leaves snapshots to containerd's garbage collection, once images hold them: what `ctr` makes would never go."""
    for layer in layers:
        ctr.run("snapshots", "label", layer, f"{_ROOT_LABEL}=")


def keep(ctr: Ctr, layers: Iterable[str], wanted: Collection[str], *, anew: Collection[str]) -> None:
    """Keeps these layers of containerd's, those of `anew` also where something is kept by their name, and drops all but the `wanted`.

    Nothing while another bdc does so. Layers that must be copied are kept as far as there is space.
    """
    folder = _folder()
    if folder is None:
        return
    with _locked(folder) as alone:
        if not alone:
            return
        known = {_digits(layer) for layer in wanted} - {_digits(layer) for layer in anew}
        for entry in folder.iterdir():
            if entry.is_dir() and entry.name not in known:
                shutil.rmtree(entry, ignore_errors=True)
        for layer in layers:
            if not (folder / _digits(layer)).exists():
                with suppress(OSError, BdcError, LookupError, ValueError):
                    _keep(ctr, folder / _digits(layer), layer)


def _give(ctr: Ctr, kept: Path, layer: str, parent: str) -> bool:
    active = f"bdc-{kept.name}"
    if not kept.exists():
        return False
    with suppress(BdcError):  # of a run that was killed
        ctr.run("snapshots", "rm", active)
    try:
        files = _own_files(ctr, "prepare", active, *filter(None, [parent]))
        if _copy(kept / _FILES, files) and _listing(files) == (kept / _LISTING).read_text():
            ctr.run("snapshots", "commit", layer, active)
            return True
    except (BdcError, LookupError, ValueError, OSError):
        pass
    with suppress(BdcError):
        ctr.run("snapshots", "rm", active)
    return False


def _keep(ctr: Ctr, target: Path, layer: str) -> None:
    view, part = f"bdc-view-{target.name}", target.with_suffix(".part")
    with suppress(BdcError):
        ctr.run("snapshots", "rm", view)
    source = _own_files(ctr, "view", view, layer)
    ctr.run("snapshots", "rm", view)
    part.mkdir()
    try:
        (part / _FILES).mkdir()
        if not _linkable(part, source) and disk_of(part).free < _SPARE_BYTES:
            return
        listing = _listing(source)
        if _copy(source, part / _FILES) and _listing(part / _FILES) == listing:
            (part / _LISTING).write_text(listing)
            subprocess.run(["sync", "--file-system", str(part)], check=False)
            part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _own_files(ctr: Ctr, *command: str) -> Path:
    """The folder of a snapshot's own files, of what `prepare` or `view` says of its mounts."""
    mount = json.loads(ctr.run("snapshots", command[0], "--mounts", *command[1:]))[0]
    options = dict(option.partition("=")[::2] for option in mount["Options"])
    found = Path(options.get("upperdir") or options.get("lowerdir", "").split(":")[0] or mount["Source"])
    if ctr.store is None or not found.is_relative_to(ctr.store):
        raise BdcError(f"{found} isn't the node's")
    return found


def _copy(source: Path, target: Path) -> bool:
    """Copies what is in a folder with all that it is, as links where that can be; whether it is whole."""
    how = ["--link"] if _linkable(source, target) else []
    return subprocess.run(["cp", "--archive", *how, f"{source}/.", f"{target}/"], capture_output=True, check=False).returncode == 0


def _linkable(source: Path, target: Path) -> bool:
    """Whether files of one folder can have a name in another: the same mount of the same filesystem. Tried with a file of its own."""
    mine, theirs = source.parent / f".link-{os.getpid()}", target.parent / f".link-{os.getpid()}"
    try:
        mine.touch()
        theirs.hardlink_to(mine)
    except OSError:
        return False
    finally:
        mine.unlink(missing_ok=True)
        theirs.unlink(missing_ok=True)
    return True


def _listing(folder: Path) -> str:
    """A digest of all that is in a folder: names, kinds, owners, modes, sizes, times, where links lead, and attributes.

    overlayfs says in an attribute that a folder hides those below it.
    """
    digest = hashlib.sha256()
    for line in (_fact(folder, "."), *_facts(folder)):
        digest.update(f"{line}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _facts(folder: Path, inside: str = "") -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            yield _fact(Path(entry.path), f"{inside}{entry.name}")
            if entry.is_dir(follow_symlinks=False):
                yield from _facts(Path(entry.path), f"{inside}{entry.name}/")


def _fact(path: Path, name: str) -> str:
    found = path.lstat()
    size = 0 if stat.S_ISDIR(found.st_mode) else found.st_size  # a folder's depends on its history
    leads = path.readlink() if stat.S_ISLNK(found.st_mode) else ""
    attributes = [(key, os.getxattr(path, key, follow_symlinks=False)) for key in sorted(os.listxattr(path, follow_symlinks=False))]
    return f"{name} {found.st_mode} {found.st_uid} {found.st_gid} {found.st_rdev} {size} {found.st_mtime_ns} {leads} {attributes}"


def _digits(layer: str) -> str:
    return layer.partition(":")[2]


def _folder() -> Path | None:
    """Where layers are kept; None where that can't be, or isn't root's alone: who owns a folder above it can put another in its place."""
    if os.geteuid() != _ROOT:
        return None
    folder = cache_dir() / "images" / "unpacked"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.lstat()
        owners = {above.stat().st_uid for above in folder.resolve().parents}
    except OSError:  # such as a cache that can't be written
        return None
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == _ROOT and not found.st_mode & 0o077
    return folder if mine and owners <= {0, _ROOT} else None


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Whether nobody else keeps layers meanwhile."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True

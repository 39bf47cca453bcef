"""Builds the images that are missing, in order, one bdc at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bdc.config.paths import cache_dir
from bdc.images.builder import Builder, ensure_builder
from bdc.images.debian import ensure_base
from bdc.images.host import Mount, mounts
from bdc.images.oci_layout import layout
from bdc.images.spec import Image, ImageSpec, chosen, images, pinned, references, tags

_KEPT_TAGS = 2

Progress = Callable[[str], None]


def missing(names: Iterable[str] | None = None) -> list[str]:
    """Names of the images that aren't built yet at their present content."""
    reference, built = references(), layout().descriptors()
    return [spec.name for spec in chosen(names) if reference[spec.name] not in built]


def build(names: Iterable[str] | None = None, *, on_progress: Progress | None = None) -> list[Image]:
    """Builds what is missing of `names` (all images unless told) and what that is built on."""
    say = on_progress or (lambda _line: None)
    specs = chosen(names)
    reference = references()
    wanted = missing(spec.name for spec in specs)
    if wanted:
        with build_lock(say):
            wanted = missing(wanted)
            if wanted:
                _build_all(wanted, say)
    return [Image(spec.name, reference[spec.name]) for spec in specs]


@contextmanager
def build_lock(say: Progress) -> Iterator[None]:
    """Holds the lock on the stores. The tools that a build starts inherit it: it is free only when the last of them has ended."""
    folder = cache_dir() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another image build on this host")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_all(wanted: list[str], say: Progress) -> None:
    builder = ensure_builder()
    for left in (cache_dir() / "images").glob(".work-*"):
        shutil.rmtree(left, ignore_errors=True)
    builder.recover()
    specs = {spec.name: spec for spec in images()}
    _restore_parents(wanted, specs, builder)
    order = _with_parents(wanted, specs, builder, references())
    with tempfile.TemporaryDirectory(prefix=".work-", dir=cache_dir() / "images") as work:
        mounted = mounts(Path(work))
        for number, spec in enumerate(order, 1):
            _build_one(spec, builder, mounted, Path(work), _numbered(say, f"[{number}/{len(order)}]"))
    builder.tidy(references().values())
    layout().prune(_newest(layout().descriptors()))


def _newest(built: Iterable[str]) -> set[str]:
    """The last two tags of each image: another checkout, or the version before this one, may still want the older."""
    by_name: dict[str, list[str]] = {}
    for reference in built:  # in the order in which they were built
        by_name.setdefault(reference.rpartition(":")[0], []).append(reference)
    return {reference for found in by_name.values() for reference in found[-_KEPT_TAGS:]}


def _numbered(say: Progress, number: str) -> Progress:
    return lambda line: say(f"{number} {line}")


def _restore_parents(wanted: Iterable[str], specs: dict[str, ImageSpec], builder: Builder) -> None:
    """Brings built images that others are built on back from the layout, where the tool's store no longer has them."""
    reference, built = references(), layout().descriptors()
    for parent in {parent for name in wanted for parent in specs[name].parents}:
        if reference[parent] in built and not builder.has(reference[parent]):
            builder.restore(layout(), reference[parent], _log(parent))


def _log(name: str) -> Path:
    path = cache_dir() / "images" / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _with_parents(wanted: Iterable[str], specs: dict[str, ImageSpec], builder: Builder, reference: dict[str, str]) -> list[ImageSpec]:
    """What has to be built, in order: the wanted images and the parents that the tool's store doesn't have."""
    needed = set(wanted)
    for spec in reversed(list(specs.values())):
        if spec.name in needed:
            needed |= {parent for parent in spec.parents if not builder.has(reference[parent])}
    return [spec for spec in specs.values() if spec.name in needed]


def _context(spec: ImageSpec, work: Path) -> Path:
    """The folder with an image's files; a copy where they come from several places."""
    files = spec.files
    if all(path.is_relative_to(spec.folder) for path in files.values()):
        return spec.folder
    context = work / spec.name
    for name, path in files.items():
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, context / name)
    return context


def _build_one(spec: ImageSpec, builder: Builder, mounted: list[Mount], work: Path, say: Progress) -> None:
    reference = references()[spec.name]
    log = _log(spec.name)
    log.write_text("")
    started = time.monotonic()
    say(f"building {spec.name}")
    for outside in spec.outside:
        ensure_base(outside, builder, log)
    dockerfile = work / f"{spec.name}.Dockerfile"
    dockerfile.write_text(pinned(spec, tags(images())))
    builder.build(reference, _context(spec, work), dockerfile, mounted, log)
    built = time.monotonic()
    size = ""
    if not spec.intermediate:
        builder.export(reference, layout(), log)
        size = f"{layout().size_bytes(reference) / 1e6:.0f} MB compressed, "
        if builder.separate_store and not any(spec.name in other.parents for other in images()):
            builder.remove(reference)
    say(f"built {reference} ({size}{built - started:.0f} s, stored in {time.monotonic() - built:.0f} s)")

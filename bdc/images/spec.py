"""The images of this release: what is in images/, what is built on what, and the tag of each.

An image is a folder with a Dockerfile. Another image of ours is named `bdc.local/NAME` there (`FROM bdc.local/base`,
`COPY --from=bdc.local/jre`), which is all that is said about the build order. The tag is a digest of the image's folder and of the
tags of the images that it is built on: the same content has the same tag on every machine, and unchanged means not rebuilt.

A folder with a file `rooms` is for what bdc itself runs in the cluster: the file lists parts of the package, whose sources are in the
build's context as `bdc/`.

An image with the label `bdc.role=intermediate` is only a step on the way to others and is never put on a node.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from bdc.config.paths import resources
from bdc.errors import BdcError, NotFoundError

REGISTRY = "bdc.local"
"""The registry of images that were built here and pushed nowhere: no host has this name."""

TAG_DIGITS = 12

_ROOMS = "rooms"
_PACKAGE = Path(__file__).parents[1]

_PARENT = re.compile(rf"(?im)^(?:FROM\s+|COPY\s.*--from=)(?:--platform=\S+\s+)?{re.escape(REGISTRY)}/([a-z0-9-]+)")
_OUTSIDE = re.compile(rf"(?im)^FROM\s+(?!{re.escape(REGISTRY)}/)(\S+/\S+:\S+)")
_INTERMEDIATE = re.compile(r"(?m)\bbdc\.role=\"?intermediate")


@dataclass(frozen=True)
class Image:
    """An image under its full name, as a pod names it."""

    name: str
    reference: str


@dataclass(frozen=True)
class ImageSpec:
    """An image's folder: its Dockerfile and the files that go into it."""

    name: str
    folder: Path

    @cached_property
    def dockerfile(self) -> str:
        """The Dockerfile's text."""
        return (self.folder / "Dockerfile").read_text()

    @cached_property
    def parents(self) -> tuple[str, ...]:
        """Names of our images that this one is built on or copies from."""
        return tuple(dict.fromkeys(_PARENT.findall(self.dockerfile)))

    @cached_property
    def outside(self) -> tuple[str, ...]:
        """References of images that aren't ours, such as the Debian base."""
        return tuple(dict.fromkeys(_OUTSIDE.findall(self.dockerfile)))

    @cached_property
    def intermediate(self) -> bool:
        """Whether no pod ever runs this image."""
        return bool(_INTERMEDIATE.search(self.dockerfile))

    @property
    def files(self) -> dict[PurePosixPath, Path]:
        """What goes into the image: files by their path in the build's context."""
        found = _files(self.folder, PurePosixPath())
        listed = self.folder / _ROOMS
        for room in listed.read_text().split() if listed.exists() else ():
            found |= _files(_PACKAGE / room, PurePosixPath("bdc") / room)
        return found

    def digest(self, parent_tags: Iterable[str]) -> str:
        """Tag of this image: the first digits of SHA-256 over its files (names, modes, contents) and `parent_tags`."""
        sha = hashlib.sha256()
        for name, path in sorted(self.files.items()):
            executable = bool(path.stat().st_mode & 0o100)
            sha.update(f"{name}\0{executable}\0{path.stat().st_size}\0".encode())
            sha.update(path.read_bytes())
        for tag in parent_tags:
            sha.update(f"{tag}\0".encode())
        return sha.hexdigest()[:TAG_DIGITS]


def _files(root: Path, name: PurePosixPath) -> dict[PurePosixPath, Path]:
    if root.is_file():
        return {name: root}
    inside = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {name / path.relative_to(root).as_posix(): path for path in inside}


def images(folder: Path | None = None) -> tuple[ImageSpec, ...]:
    """All images, each after those that it is built on; `folder` is images/ unless told."""
    folder = folder or resources("images")
    found = {path.parent.name: ImageSpec(path.parent.name, path.parent) for path in sorted(folder.glob("*/Dockerfile"))}
    ordered: dict[str, ImageSpec] = {}
    for name in found:
        _place(name, found, ordered, ())
    return tuple(ordered.values())


def _place(name: str, found: Mapping[str, ImageSpec], ordered: dict[str, ImageSpec], below: tuple[str, ...]) -> None:
    if name in ordered:
        return
    if name in below:
        raise BdcError(f"images are built on each other in a circle: {' -> '.join((*below, name))}")
    if name not in found:
        raise BdcError(f"image {below[-1]} is built on {REGISTRY}/{name}, which has no folder in images/")
    for parent in found[name].parents:
        _place(parent, found, ordered, (*below, name))
    ordered[name] = found[name]


def tags(specs: Iterable[ImageSpec]) -> dict[str, str]:
    """Tag of each image; `specs` in build order."""
    result: dict[str, str] = {}
    for spec in specs:
        result[spec.name] = spec.digest(result[parent] for parent in spec.parents)
    return result


def references(registry: str | None = None, *, folder: Path | None = None) -> dict[str, str]:
    """Full reference of each image by name, computed from its content; nothing is built.

    With `registry` (a host, or a host and a path) the name that the image has after `push` there.
    """
    specs = images(folder)
    prefix = (registry or REGISTRY).rstrip("/")
    return {name: f"{prefix}/{name}:{tag}" for name, tag in tags(specs).items()}


def chosen(names: Iterable[str] | None, folder: Path | None = None) -> tuple[ImageSpec, ...]:
    """The images with these names, in build order; without names all that a pod can run."""
    specs = images(folder)
    if names is None:
        return tuple(spec for spec in specs if not spec.intermediate)
    wanted = set(names)
    if unknown := sorted(wanted - {spec.name for spec in specs}):
        raise NotFoundError(f"there is no image {', '.join(unknown)}", f"images: {', '.join(spec.name for spec in specs)}")
    return tuple(spec for spec in specs if spec.name in wanted)


def pinned(spec: ImageSpec, tag_of: Mapping[str, str]) -> str:
    """The Dockerfile with the tag added to each of our images that it names."""

    def with_tag(match: re.Match[str]) -> str:
        return f"{match[0]}:{tag_of[match[1]]}"

    return _PARENT.sub(with_tag, spec.dockerfile)

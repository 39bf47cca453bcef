"""Writes container image archives from programs, with no builder.

Format: `docker save`'s (manifest.json, a config for each image, layers as plain tars), which `ctr images import` reads. Several
images of one archive may share a layer: containerd then stores and unpacks it once, and the kernel caches its pages once, which is
why the multi-call Kubernetes binary costs its size only once for all of the control plane.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Layer:
    """Files of the host under their names in the image, and symbolic links (name -> target)."""

    files: Mapping[str, Path]
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Image:
    """An image: its full reference, its layers from the lowest, and what it starts."""

    reference: str
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...]


class _Digesting:
    """A writable stream that hashes what passes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return self._stream.write(data)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def write_archive(path: Path, images: Sequence[Image]) -> None:
    """Write `images` as one archive, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with tarfile.open(partial, "w") as archive:
            names: dict[int, str] = {}
            for image in images:
                for layer in image.layers:
                    if id(layer) not in names:
                        names[id(layer)] = _add_layer(archive, layer, path.parent)
            manifest = [_add_config(archive, image, [names[id(layer)] for layer in image.layers]) for image in images]
            _add_bytes(archive, "manifest.json", json.dumps(manifest).encode())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _add_layer(archive: tarfile.TarFile, layer: Layer, folder: Path) -> str:
    """Add the layer; its digest, which also names it in the archive."""
    with tempfile.TemporaryFile(dir=folder) as stream:
        digesting = _Digesting(stream)
        with tarfile.open(fileobj=cast("IO[bytes]", digesting), mode="w|", format=tarfile.GNU_FORMAT) as tar:
            for name in _folders([*layer.files, *layer.links]):
                tar.addfile(_entry(name, tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755))
            for name, target in sorted(layer.links.items()):
                entry = _entry(name, tarfile.SYMTYPE, 0o777)
                entry.linkname = target
                tar.addfile(entry)
            for name, source in sorted(layer.files.items()):
                with source.open("rb") as content:
                    entry = _entry(name, tarfile.REGTYPE, 0o755 if os.access(source, os.X_OK) else 0o644)
                    entry.size = os.fstat(content.fileno()).st_size
                    tar.addfile(entry, content)
        digest = digesting.hexdigest()
        entry = tarfile.TarInfo(f"{digest}.tar")
        entry.size = stream.tell()
        stream.seek(0)
        archive.addfile(entry, stream)
    return digest


def _add_config(archive: tarfile.TarFile, image: Image, digests: list[str]) -> dict[str, object]:
    """Add the image's config; its entry in the manifest."""
    config = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {"Entrypoint": list(image.entrypoint), "Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "bdc"} for _ in digests],
    }
    content = json.dumps(config, sort_keys=True).encode()
    name = f"{hashlib.sha256(content).hexdigest()}.json"
    _add_bytes(archive, name, content)
    return {"Config": name, "RepoTags": [image.reference], "Layers": [f"{digest}.tar" for digest in digests]}


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    if name not in archive.getnames():
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    """An entry owned by root with a fixed time, so that the same files give the same digest."""
    entry = tarfile.TarInfo(name.lstrip("/"))
    entry.type, entry.mode = kind, mode
    return entry


def _folders(names: Sequence[str]) -> list[str]:
    """Every folder that `names` lie in, parents first, and /tmp, which a program on an empty base may want."""
    found = {str(parent) for name in names for parent in Path(name.lstrip("/")).parents} | {"tmp"}
    return sorted(found - {"."})

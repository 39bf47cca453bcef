"""The built images on disk: one OCI image layout whose blobs are shared between images.

The layout (https://github.com/opencontainers/image-spec/blob/main/image-layout.md) is `index.json` naming a manifest for each image,
and `blobs/sha256/` with manifests, configurations and layers. It is what is loaded into containerd and pushed to registries; the
build tool's own store keeps only the images that others are built on.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from bdc.config.paths import cache_dir
from bdc.errors import NotFoundError

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"

_MARKER = json.dumps({"imageLayoutVersion": "1.0.0"}).encode()
_CHUNK_BYTES = 1 << 20
_INDEX, _INDEX_BEFORE = "index.json", ".index-before.json"

Descriptor = dict[str, Any]


class Layout:
    """An OCI image layout in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def descriptors(self) -> dict[str, Descriptor]:
        """The manifest's descriptor of each image by reference. Of an index cut short by a kill, the one before it counts."""
        for name in (_INDEX, _INDEX_BEFORE):
            try:
                index = json.loads((self.folder / name).read_text())
            except (FileNotFoundError, json.JSONDecodeError):
                continue
            return {entry["annotations"][REF_NAME]: entry for entry in index["manifests"] if REF_NAME in entry.get("annotations", {})}
        return {}

    @contextmanager
    def written_by_others(self) -> Iterator[None]:
        """While a build tool adds an image: it writes the index in place, so a kill may leave half of one."""
        self._write_index(self.descriptors())
        kept = self.folder / _INDEX_BEFORE
        part = kept.with_suffix(".part")
        shutil.copyfile(self.folder / _INDEX, part)
        part.replace(kept)
        yield
        kept.unlink()

    def descriptor(self, reference: str) -> Descriptor:
        """Descriptor of one image's manifest; `NotFoundError` where it isn't built."""
        if found := self.descriptors().get(reference):
            return found
        raise NotFoundError(f"image {reference} isn't built", "build it: bdc images build")

    def blob(self, digest: str) -> Path:
        """The file of a blob named `sha256:...`."""
        algorithm, _, digits = digest.partition(":")
        return self.folder / "blobs" / algorithm / digits

    def manifest(self, reference: str) -> dict[str, Any]:
        """An image's manifest."""
        found: dict[str, Any] = json.loads(self.blob(self.descriptor(reference)["digest"]).read_text())
        return found

    def size_bytes(self, reference: str) -> int:
        """Size of an image's layers as they are kept here (compressed), shared ones included."""
        return sum(int(layer["size"]) for layer in self.manifest(reference)["layers"])

    def add_blob(self, data: IO[bytes], media_type: str) -> Descriptor:
        """Stores what `data` gives; the file appears under its name only when it is complete."""
        blobs = self.folder / "blobs" / "sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        part = blobs / f".part-{os.getpid()}"
        sha, size = hashlib.sha256(), 0
        try:
            with part.open("wb") as out:
                while chunk := data.read(_CHUNK_BYTES):
                    sha.update(chunk)
                    size += len(chunk)
                    out.write(chunk)
            part.replace(blobs / sha.hexdigest())
        finally:
            part.unlink(missing_ok=True)
        return {"mediaType": media_type, "digest": f"sha256:{sha.hexdigest()}", "size": size}

    def add_image(self, reference: str, config: dict[str, Any], layers: list[Descriptor]) -> None:
        """Adds an image whose layers are stored already."""
        config_descriptor = self.add_blob(BytesIO(json.dumps(config).encode()), CONFIG_TYPE)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config_descriptor, "layers": layers}
        descriptor = self.add_blob(BytesIO(json.dumps(manifest).encode()), MANIFEST_TYPE)
        self._write_index(self.descriptors() | {reference: descriptor | {"annotations": {REF_NAME: reference}}})

    def prune(self, keep: Iterable[str]) -> int:
        """Drops every image but `keep`, and the blobs that only those had. Returns the bytes freed."""
        wanted = set(keep)
        kept = {reference: entry for reference, entry in self.descriptors().items() if reference in wanted}
        self._write_index(kept)
        (self.folder / _INDEX_BEFORE).unlink(missing_ok=True)  # it names what goes now
        needed = {path.name for reference in kept for path in self.blobs(reference)}
        freed = 0
        for path in (self.folder / "blobs" / "sha256").glob("*"):
            if path.name not in needed:
                freed += path.stat().st_size
                path.unlink()
        return freed

    def blobs(self, reference: str) -> list[Path]:
        """Files of an image: manifest, configuration, layers."""
        manifest = self.manifest(reference)
        digests = [self.descriptor(reference)["digest"], manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]
        return [self.blob(digest) for digest in dict.fromkeys(digests)]

    def layers(self, reference: str) -> list[Path]:
        """Files of an image's layers."""
        return [self.blob(layer["digest"]) for layer in self.manifest(reference)["layers"]]

    def chain(self, reference: str) -> tuple[str, ...]:
        """Chain IDs of an image's layers, the lowest first: what each and all below it unpack to."""
        config = json.loads(self.blob(self.manifest(reference)["config"]["digest"]).read_text())
        found: list[str] = []
        for diff in config["rootfs"]["diff_ids"]:
            found.append(f"sha256:{hashlib.sha256(f'{found[-1]} {diff}'.encode()).hexdigest()}" if found else diff)
        return tuple(found)

    def write_tar(self, names: Mapping[str, str], out: IO[bytes], *, without: Collection[Path] = ()) -> None:
        """Streams a tar of a layout that has only these images: `names` gives the name on the node by reference here.

        `without`: files of blobs that it lacks.
        """
        entries = []
        blobs: dict[str, Path] = {}
        for reference, name in names.items():
            entries.append(self.descriptor(reference) | {"annotations": name_annotations(name)})
            blobs |= {path.name: path for path in self.blobs(reference) if path not in without}
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.GNU_FORMAT, bufsize=_CHUNK_BYTES) as archive:
            write_head(archive, entries)
            for digits, path in blobs.items():
                entry = tarfile.TarInfo(f"blobs/sha256/{digits}")
                entry.size = path.stat().st_size
                with path.open("rb") as data:
                    archive.addfile(entry, data)

    def _write_index(self, entries: Mapping[str, Descriptor]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "oci-layout").write_bytes(_MARKER)
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": list(entries.values())}
        part = self.folder / ".index.json"
        part.write_text(json.dumps(index))
        part.replace(self.folder / _INDEX)


def layout() -> Layout:
    """The layout that built images are in."""
    return Layout(cache_dir() / "images" / "layout")


def name_annotations(name: str) -> dict[str, str]:
    """What containerd reads an image's name from on import."""
    return {CONTAINERD_NAME: name, REF_NAME: name}


def write_head(archive: tarfile.TarFile, entries: list[Descriptor]) -> None:
    """Writes `oci-layout` and `index.json`, which come first so that a reader can stream the rest."""
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
    for name, data in (("oci-layout", _MARKER), ("index.json", json.dumps(index).encode())):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, BytesIO(data))

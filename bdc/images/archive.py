"""Images from finished files, without a build tool: programs on nothing (`scratch`) or on one of our images.

The control plane's images are made this way: `registry.k8s.io/kube-apiserver:v1.36.3` is one program and an entry point.
Also reads what `docker save` and `nerdctl save` write.
"""

from __future__ import annotations

import hashlib
import json
import platform
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from bdc.images.oci_layout import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, Descriptor, Layout, layout, name_annotations, write_head

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_archive(
    path: Path,
    reference: str,
    files: Mapping[str, Path],
    *,
    entrypoint: Sequence[str],
    base: str | None = None,
    user: str = "",
) -> Path:
    """Writes the image `reference` to `path` as a tar of an OCI layout, which `ctr images import` and `docker load` (25 or newer) read.

    `files`: file on this host by path in the image; modes are kept, owners become root. `base`: reference of a built
    image of ours that the files are added to; nothing unless told. `user`: `uid:gid` at run time.
    """
    config: dict[str, Any] = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    below: list[Descriptor] = []
    built = layout()
    if base:
        manifest = built.manifest(base)
        below = manifest["layers"]
        config = json.loads(built.blob(manifest["config"]["digest"]).read_text())
        config.pop("history", None)
    with tempfile.TemporaryFile(dir=path.parent) as layer:
        own = _write_layer(layer, files)
        config["rootfs"]["diff_ids"].append(own["digest"])
        config["config"] = config.get("config", {}) | {"Entrypoint": list(entrypoint), "Cmd": []} | ({"User": user} if user else {})
        config_blob = json.dumps(config).encode()
        manifest_blob = json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": _descriptor(config_blob, CONFIG_TYPE), "layers": [*below, own]}
        ).encode()
        part = path.with_name(f"{path.name}.part")
        with tarfile.open(part, "w", format=tarfile.GNU_FORMAT) as archive:
            write_head(archive, [_descriptor(manifest_blob, MANIFEST_TYPE) | {"annotations": name_annotations(reference)}])
            for blob in (manifest_blob, config_blob):
                _add(archive, _descriptor(blob, "")["digest"], BytesIO(blob), len(blob))
            for descriptor in below:
                with built.blob(descriptor["digest"]).open("rb") as data:
                    _add(archive, descriptor["digest"], data, descriptor["size"])
            layer.seek(0)
            _add(archive, own["digest"], layer, own["size"])
        part.replace(path)
    return path


def add_saved(target: Layout, archive: Path, reference: str) -> None:
    """Adds to `target` the image in a `docker save` archive (any version: its `manifest.json` is read)."""
    with tarfile.open(archive) as tar:
        entry = json.load(_member(tar, "manifest.json"))[0]
        config = json.load(_member(tar, entry["Config"]))
        layers = [target.add_blob(_member(tar, name), LAYER_TYPE) for name in entry["Layers"]]
    target.add_image(reference, config, layers)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    data = tar.extractfile(name)
    if data is None:
        raise KeyError(name)
    return data


def _write_layer(out: IO[bytes], files: Mapping[str, Path]) -> Descriptor:
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as layer:
        folders = {parent.as_posix() for name in files for parent in Path(name.lstrip("/")).parents} - {"."}
        for folder in sorted(folders):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            layer.addfile(entry)
        for name, source in sorted(files.items()):
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size, entry.mode = source.stat().st_size, source.stat().st_mode & 0o777
            with source.open("rb") as data:
                layer.addfile(entry, data)
    size = out.tell()
    out.seek(0)
    return {"mediaType": LAYER_TYPE, "digest": f"sha256:{hashlib.file_digest(out, 'sha256').hexdigest()}", "size": size}  # type: ignore[arg-type]


def _descriptor(blob: bytes, media_type: str) -> Descriptor:
    return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(blob).hexdigest()}", "size": len(blob)}


def _add(archive: tarfile.TarFile, digest: str, data: IO[bytes], size: int) -> None:
    entry = tarfile.TarInfo(f"blobs/{digest.replace(':', '/')}")
    entry.size = size
    archive.addfile(entry, data)

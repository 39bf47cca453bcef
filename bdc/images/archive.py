"""Reads what `docker save` and `nerdctl save` write."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import IO

from bdc.images.oci_layout import LAYER_TYPE, Layout


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

"""Images written and read as files."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from bdc.images import layout
from bdc.images.archive import add_saved
from bdc.images.oci_layout import LAYER_TYPE, Layout


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BDC_CACHE", str(tmp_path / "cache"))


def add_image(target: Layout, reference: str, *contents: bytes) -> None:
    layers = [target.add_blob(io.BytesIO(content), LAYER_TYPE) for content in contents]
    config = {"os": "linux", "config": {"Env": ["A=1"]}, "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}}
    target.add_image(reference, config, layers)


def read(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def image_in(found: dict[str, bytes]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Name, manifest and configuration of the one image; every blob must be what its name says."""
    for name, data in found.items():
        if name.startswith("blobs/sha256/"):
            assert name.removeprefix("blobs/sha256/") == hashlib.sha256(data).hexdigest()
    [entry] = json.loads(found["index.json"])["manifests"]
    manifest = json.loads(found[f"blobs/{entry['digest'].replace(':', '/')}"])
    return (
        entry["annotations"]["io.containerd.image.name"],
        manifest,
        json.loads(found[f"blobs/{manifest['config']['digest'].replace(':', '/')}"]),
    )


def test_a_tar_has_only_the_images_asked_for_under_their_names(tmp_path: Path) -> None:
    add_image(layout(), "bdc.local/a:1", b"shared", b"own of a")
    add_image(layout(), "bdc.local/b:1", b"shared", b"own of b")
    with (tmp_path / "out.tar").open("wb") as out:
        layout().write_tar({"bdc.local/a:1": "registry.test/a:1"}, out)
    found = read(tmp_path / "out.tar")
    name, manifest, _ = image_in(found)
    assert name == "registry.test/a:1"
    assert b"own of a" in found.values()
    assert b"own of b" not in found.values()
    assert len(manifest["layers"]) == 2


def test_pruning_keeps_what_kept_images_share() -> None:
    add_image(layout(), "bdc.local/a:1", b"shared", b"own of a" * 1000)
    add_image(layout(), "bdc.local/b:1", b"shared", b"own of b")
    assert layout().prune(["bdc.local/b:1"]) > 8000
    assert list(layout().descriptors()) == ["bdc.local/b:1"]
    assert all(path.is_file() for path in layout().blobs("bdc.local/b:1"))


def test_of_an_index_that_a_killed_tool_cut_short_the_one_before_counts() -> None:
    add_image(layout(), "bdc.local/a:1", b"one")
    index = layout().folder / "index.json"
    tool = layout().written_by_others()
    tool.__enter__()  # and never left
    index.write_text(index.read_text()[:40])
    assert list(layout().descriptors()) == ["bdc.local/a:1"]
    with layout().written_by_others():
        assert json.loads(index.read_text())["manifests"], "the tool finds a whole one"
        add_image(layout(), "bdc.local/b:1", b"two")
    assert list(layout().descriptors()) == ["bdc.local/a:1", "bdc.local/b:1"]
    assert [path.name for path in layout().folder.iterdir() if path.name.startswith(".")] == []


def test_an_index_cut_short_counts_as_empty() -> None:
    add_image(layout(), "bdc.local/a:1", b"x")
    index = layout().folder / "index.json"
    index.write_text(index.read_text()[:40])
    assert layout().descriptors() == {}
    add_image(layout(), "bdc.local/a:1", b"x")
    assert list(layout().descriptors()) == ["bdc.local/a:1"]


def test_a_docker_save_archive_is_read(tmp_path: Path) -> None:
    config = {"os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(b"layer").hexdigest()]}}
    parts = {
        "abc/layer.tar": b"layer",
        "cfg.json": json.dumps(config).encode(),
        "manifest.json": json.dumps([{"Config": "cfg.json", "RepoTags": ["bdc.local/a:1"], "Layers": ["abc/layer.tar"]}]).encode(),
    }
    with tarfile.open(tmp_path / "saved.tar", "w") as tar:
        for name, data in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    add_saved(layout(), tmp_path / "saved.tar", "bdc.local/a:1")
    assert layout().manifest("bdc.local/a:1")["layers"][0]["digest"] == config["rootfs"]["diff_ids"][0]  # type: ignore[index]
    assert layout().size_bytes("bdc.local/a:1") == 5

"""Loading into a node, with a stand-in for ctr that keeps what it is given."""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
from pathlib import Path

import pytest

from bdc.errors import BdcError
from bdc.images import layout, load, references
from bdc.images.oci_layout import LAYER_TYPE

CTR = """#!{python}
import pathlib, sys
here = pathlib.Path({here!r})
arguments = sys.argv[1:]
assert arguments[0] == "--address" and arguments[1] in ("/run/c.sock", "/run/bdc/c.sock") and arguments[2:4] == ["--namespace", "k8s.io"]
with (here / "calls").open("a") as calls:
    calls.write(" ".join(arguments[4:]) + "\\n")
if arguments[5] == "ls":
    print((here / ("pinned" if len(arguments) > 7 else "present")).read_text())
if arguments[5] == "ingest":
    (here / "ingested").write_bytes(sys.stdin.buffer.read())
    sys.exit(int((here / "refuses").exists()))
if arguments[5] == "import":
    if (here / "broken").exists():
        sys.exit("ctr: write: no space left on device")
    given = sys.stdin.buffer.read()
    (here / "imported.tar").write_bytes(given)
    if (here / "forgot").exists():
        (here / "forgot").unlink()
        sys.exit("ctr: content digest sha256:0: not found")
"""
PINNED = 'labels."io.cri-containerd.pinned"==pinned'


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "ctr").write_text(CTR.format(python=sys.executable, here=str(tmp_path)))
    (tmp_path / "ctr").chmod(0o755)
    (tmp_path / "present").write_text("")
    (tmp_path / "pinned").write_text("")
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "Dockerfile").write_text(f"FROM scratch\n# {name}\n")
    monkeypatch.setattr("bdc.images.spec.resources", lambda _kind: tmp_path / "images")
    monkeypatch.setenv("BDC_CACHE", str(tmp_path / "cache"))
    for name, reference in references().items():
        layer = layout().add_blob(io.BytesIO(name.encode()), LAYER_TYPE)
        layout().add_image(reference, {"rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}, [layer])
    return tmp_path


def test_only_absent_images_are_sent_and_then_pinned(node: Path) -> None:
    (node / "present").write_text(references()["a"])
    (node / "pinned").write_text(references()["a"])
    load(None, ctr=node / "ctr", address=Path("/run/c.sock"))
    with tarfile.open(node / "imported.tar") as tar:
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
    assert [entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]] == [references()["b"]]
    lines = (node / "calls").read_text().splitlines()
    assert lines[-1] == f"images label {references()['b']} io.cri-containerd.pinned=pinned"


def test_nothing_is_sent_where_all_are_there(node: Path) -> None:
    for name in ("present", "pinned"):
        (node / name).write_text("\n".join(references().values()))
    load(None, ctr=node / "ctr", address=Path("/run/c.sock"))
    assert (node / "calls").read_text().splitlines() == ["images ls -q", f"images ls -q {PINNED}"]


def test_what_a_killed_run_imported_is_pinned(node: Path) -> None:
    (node / "present").write_text("\n".join(references().values()))
    (node / "pinned").write_text(references()["b"])
    load(None, ctr=node / "ctr", address=Path("/run/c.sock"))
    assert (node / "calls").read_text().splitlines()[2:] == [f"images label {references()['a']} io.cri-containerd.pinned=pinned"]


def test_a_full_disk_of_the_node_is_told(node: Path) -> None:
    (node / "broken").touch()
    with pytest.raises(BdcError, match="loading images into containerd failed: the disk is full, the filesystem at /"):
        load(["a"], ctr=node / "ctr", address=Path("/run/c.sock"))


def layer_files(node: Path) -> set[str]:
    """Names of the layers in the tar that was imported last."""
    layers = {path.name for reference in references().values() for path in layout().layers(reference)}
    with tarfile.open(node / "imported.tar") as tar:
        return layers & {name.rpartition("/")[2] for name in tar.getnames()}


@pytest.fixture
def own(node: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store of the embedded node's containerd."""
    monkeypatch.setattr("bdc.images.containerd.NODE_DIR", node / "node-dir")
    (node / "node-dir" / "node" / "containerd").mkdir(parents=True)
    return node / "node-dir" / "node" / "containerd" / "io.containerd.content.v1.content" / "blobs" / "sha256"


def load_here(node: Path) -> None:
    load(None, ctr=node / "ctr", address=Path("/run/bdc/c.sock"))


def test_layers_are_handed_over_as_files_of_containerds_store(node: Path, own: Path) -> None:
    load_here(node)
    assert {path.name: path.read_text() for path in own.iterdir()} == {
        layer.name: name for name, reference in references().items() for layer in layout().layers(reference)
    }
    ingested = [line for line in (node / "calls").read_text().splitlines() if line.startswith("content ingest")]
    assert sorted(ingested) == sorted(
        f"content ingest --expected-digest sha256:{path.name} --expected-size {path.stat().st_size} {path.name}" for path in own.iterdir()
    )
    assert (node / "ingested").read_text() in {"a", "b"}, "where containerd dropped the file, the content itself is there to be written"
    assert layer_files(node) == set()


def test_layers_are_copied_where_a_link_cant_be(node: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", no_link)
    load_here(node)
    assert {path.read_text() for path in own.iterdir()} == {"a", "b"}
    assert [path for path in (own.parents[2]).iterdir() if path.is_file()] == [], "no part of a copy stays"


@pytest.mark.parametrize(("mode", "links"), [(0o644, 2), (0o664, 1), (0o646, 1)])
def test_what_others_may_write_is_copied(mode: int, links: int, node: Path, own: Path) -> None:
    for reference in references().values():
        for layer in layout().layers(reference):
            layer.chmod(mode)
    load_here(node)
    assert {path.stat().st_nlink for path in own.iterdir()} == {1 if os.geteuid() else links}, "a link is made by root alone"


def test_a_layer_that_cant_be_placed_or_isnt_taken_is_streamed(node: Path, own: Path) -> None:
    (node / "refuses").touch()
    load_here(node)
    assert layer_files(node) == {path.name for path in own.iterdir()}
    own.parents[1].rename(own.parents[2] / "moved")
    own.parents[1].write_text("not a folder")
    (node / "refuses").unlink()
    load_here(node)
    assert len(layer_files(node)) == 2


def test_what_containerd_dropped_before_the_import_is_streamed(node: Path, own: Path) -> None:
    (node / "forgot").touch()
    load_here(node)
    assert layer_files(node) == {path.name for path in own.iterdir()}

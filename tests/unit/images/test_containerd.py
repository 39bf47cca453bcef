"""Loading into a node, with a stand-in for ctr that keeps what it is given."""

from __future__ import annotations

import io
import json
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
assert arguments[:4] == ["--address", "/run/c.sock", "--namespace", "k8s.io"], arguments
with (here / "calls").open("a") as calls:
    calls.write(" ".join(arguments[4:]) + "\\n")
if arguments[5] == "ls":
    print((here / ("pinned" if len(arguments) > 7 else "present")).read_text())
if arguments[5] == "import":
    if (here / "broken").exists():
        sys.exit("ctr: write: no space left on device")
    (here / "imported.tar").write_bytes(sys.stdin.buffer.read())
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

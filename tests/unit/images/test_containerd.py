"""Loading into a node, with a stand-in for ctr that keeps what it is given."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from bdc.errors import BdcError
from bdc.images import containerd, layout, load, references
from bdc.images.oci_layout import LAYER_TYPE

CTR = """#!{python} -IS
import json, pathlib, shutil, sys
here = pathlib.Path({here!r})
arguments = sys.argv[1:]
assert arguments[0] == "--address" and arguments[1] in ("/run/c.sock", "/run/bdc/c.sock") and arguments[2:4] == ["--namespace", "k8s.io"]
with (here / "calls").open("a") as calls:
    calls.write(" ".join(arguments[4:]) + "\\n")
def snapshot(name):
    return json.loads((here / "snapshots" / name).read_text())
def mount(known):
    lower = [str(here / snapshot(name)["folder"]) for name in known["below"]]
    if lower or known["active"]:
        own = "upperdir=" + known["folder"] if known["active"] else "lowerdir=" + ":".join([known["folder"], *lower])
        return [{{"Type": "overlay", "Source": "overlay", "Target": "", "Options": ["index=off", own]}}]
    return [{{"Type": "bind", "Source": known["folder"], "Target": "", "Options": ["ro", "rbind"]}}]
if arguments[4] == "snapshots":
    named = here / "snapshots"
    if arguments[5] == "ls":
        print("KEY PARENT KIND")
        for path in sorted(named.glob("sha256:*")):
            print(path.name)
    elif arguments[5] == "rm":
        if not (named / arguments[6]).exists():
            sys.exit("ctr: not found")
        (named / arguments[6]).unlink()
    elif arguments[5] in ("prepare", "view"):
        key, parent = arguments[7], arguments[8] if len(arguments) > 8 else ""
        folder = here / "node-dir/node/containerd/snapshots" / str(len(list(named.iterdir()))) / "fs"
        known = dict(folder=str(folder), below=[parent, *snapshot(parent)["below"]] if parent else [], active=True)
        if arguments[5] == "view":
            known = dict(snapshot(parent), active=False)
        else:
            folder.mkdir(parents=True)
        (named / key).write_text(json.dumps(known))
        print(json.dumps(mount(known)))
    elif arguments[5] == "commit":
        (named / arguments[6]).write_text(json.dumps(dict(snapshot(arguments[7]), active=False)))
        (named / arguments[7]).unlink()
    elif arguments[5] == "label":
        assert arguments[7] == "containerd.io/gc.root="
    sys.exit()
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
    (tmp_path / "snapshots").mkdir()
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
    monkeypatch.setattr("bdc.images.ctr.NODE_DIR", node / "node-dir")
    monkeypatch.setattr("bdc.images.unpacked._ROOT", os.geteuid())
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


def unpack(node: Path, images: dict[str, str]) -> None:
    """What an import would have done: a snapshot of each layer, with a file of this content."""
    for name, content in images.items():
        below: list[str] = []
        for number, layer in enumerate(layout().chain(references()[name])):
            folder = node / "node-dir/node/containerd/snapshots" / f"{name}{number}" / "fs"
            (folder / "etc").mkdir(parents=True)
            (folder / "etc" / "motd").write_text(content)
            (folder / "etc" / "motd").chmod(0o640)
            (folder / "link").symlink_to("etc/motd")
            (node / "snapshots" / layer).write_text(json.dumps({"folder": str(folder), "below": below, "active": False}))
            below = [layer, *below]


def forget(node: Path) -> None:
    """A node made anew, with the cache of the one before."""
    shutil.rmtree(node / "node-dir")
    (node / "node-dir" / "node" / "containerd").mkdir(parents=True)
    shutil.rmtree(node / "snapshots")
    (node / "snapshots").mkdir()
    (node / "calls").unlink()


@pytest.fixture
def kept(node: Path, own: Path) -> Path:
    """The cache after a node that unpacked both images; the node is gone. Returns the folder of kept layers."""
    unpack(node, {"a": "of a", "b": "of b"})
    load_here(node)
    forget(node)
    return node / "cache" / "images" / "unpacked"


def given(node: Path) -> dict[str, Path]:
    """Folders of the snapshots that containerd has, by layer."""
    return {path.name: Path(json.loads(path.read_text())["folder"]) for path in (node / "snapshots").iterdir()}


def test_a_node_made_anew_gets_the_layers_that_the_one_before_unpacked(node: Path, own: Path, kept: Path) -> None:
    load_here(node)
    found = {layer: (folder / "link").read_text() for layer, folder in given(node).items()}
    assert found == {layout().chain(references()[name])[0]: f"of {name}" for name in ("a", "b")}
    assert all((folder / "etc" / "motd").stat().st_mode & 0o777 == 0o640 for folder in given(node).values())
    assert layer_files(node) == set()
    assert not own.exists(), "not handed over to be unpacked"
    labelled = [line for line in (node / "calls").read_text().splitlines() if line.startswith("snapshots label")]
    assert sorted(labelled) == sorted(f"snapshots label {layer} containerd.io/gc.root=" for layer in found)


@pytest.mark.parametrize("link", [True, False])
def test_files_are_links_where_cache_and_node_share_a_filesystem(
    node: Path, own: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, *, link: bool
) -> None:
    if not link:
        monkeypatch.setattr("bdc.images.unpacked._linkable", lambda *_: False)
    load_here(node)
    assert {(folder / "etc" / "motd").stat().st_nlink for folder in given(node).values()} == {2 if link else 1}
    assert not [*kept.rglob(".link-*"), *(node / "node-dir").rglob(".link-*")]


@pytest.mark.parametrize("harm", ["gone", "longer", "newer", "another mode", "an attribute", "more", "no listing", "everybody's"])
def test_a_kept_layer_that_isnt_as_it_was_is_unpacked(node: Path, own: Path, kept: Path, harm: str) -> None:
    chain = layout().chain(references()["a"])[0]
    layer = kept / chain.removeprefix("sha256:")
    file = layer / "files" / "etc" / "motd"
    match harm:
        case "gone":
            file.unlink()
        case "longer":
            file.write_text("of a and more")
        case "newer":
            os.utime(file, (1, 1))
        case "another mode":
            file.chmod(0o644)
        case "an attribute":
            os.setxattr(file, "user.bdc", b"1")
        case "more":
            (file.parent / "new").touch()
        case "no listing":
            (layer / "listing").unlink()
        case "everybody's":
            kept.chmod(0o755)
    load_here(node)
    assert chain not in given(node)
    layers = {path.name for path in layout().layers(references()["a"])}
    assert layers <= {path.name for path in own.iterdir()}, "handed over to be unpacked"
    assert [path.name for path in kept.iterdir() if path.name == layer.name] == ([layer.name] if harm == "everybody's" else [])


def test_what_had_to_be_unpacked_again_is_kept_again(node: Path, own: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for listing in kept.rglob("listing"):
        listing.write_text("by an older bdc")
    feed = containerd._stream

    def unpacking(*arguments: Any, **more: Any) -> tuple[int, str]:
        unpack(node, {"a": "of a", "b": "of b"})
        return feed(*arguments, **more)

    monkeypatch.setattr(containerd, "_stream", unpacking)
    load_here(node)
    monkeypatch.undo()
    assert len([listing for listing in kept.rglob("listing") if listing.read_text() != "by an older bdc"]) == 2


def test_what_no_image_has_any_more_is_dropped_and_so_is_what_a_killed_run_left(node: Path, own: Path, kept: Path) -> None:
    (kept / "0123").mkdir()
    (kept / "4567.part" / "files").mkdir(parents=True)
    unpack(node, {"a": "of a"})
    load_here(node)
    assert {path.name for path in kept.iterdir()} == {
        "lock",
        *(layer.removeprefix("sha256:") for name in ("a", "b") for layer in layout().chain(references()[name])),
    }


def test_layers_are_not_kept_on_a_disk_with_little_space(node: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdc.images.unpacked._linkable", lambda *_: False)
    monkeypatch.setattr("bdc.images.unpacked._SPARE_BYTES", 1 << 60)
    unpack(node, {"a": "of a", "b": "of b"})
    load_here(node)
    assert [path.name for path in (node / "cache" / "images" / "unpacked").iterdir()] == ["lock"]


@pytest.mark.parametrize("harm", ["an image that another bdc drops", "another build tool's index", "a cache that can't be written"])
def test_what_keeps_layers_from_being_kept_fails_no_load(node: Path, own: Path, harm: str) -> None:
    unpack(node, {"a": "of a", "b": "of b"})
    match harm:
        case "an image that another bdc drops":
            layout().add_image("x:1", {"rootfs": {"type": "layers", "diff_ids": []}}, [])
            layout().blob(layout().descriptor("x:1")["digest"]).unlink()
        case "another build tool's index":
            layout().add_image("x:1", {"rootfs": {"type": "layers", "diff_ids": []}}, [])
            layout().blob(layout().descriptor("x:1")["digest"]).write_text('{"manifests": []}')
        case "a cache that can't be written":
            (node / "cache" / "images" / "unpacked").touch()
    load_here(node)
    assert layer_files(node) == set()
    assert (node / "calls").read_text().splitlines()[-1].startswith("images label")


def test_only_root_keeps_layers(node: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdc.images.unpacked._ROOT", os.geteuid() + 1)
    unpack(node, {"a": "of a", "b": "of b"})
    load_here(node)
    assert not (node / "cache" / "images" / "unpacked").exists()


def test_nothing_is_kept_in_another_users_cache(node: Path, own: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, cache = Path.stat, (node / "cache").resolve()

    def theirs(path: Path, **options: bool) -> os.stat_result:
        found = real(path, **options)
        return os.stat_result([*found[:4], 12345, *found[5:]]) if path == cache else found

    monkeypatch.setattr(Path, "stat", theirs)  # only root can give a folder away
    load_here(node)
    assert given(node) == {}


def test_a_layers_name_depends_on_what_is_below_it(node: Path) -> None:
    """The example of the image specification's formula: the chain of two layers is the digest of both names."""
    layout().add_image("x:1", {"rootfs": {"type": "layers", "diff_ids": ["sha256:a", "sha256:b"]}}, [])
    assert layout().chain("x:1") == ("sha256:a", f"sha256:{hashlib.sha256(b'sha256:a sha256:b').hexdigest()}")

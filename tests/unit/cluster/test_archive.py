import json
import tarfile
from pathlib import Path

import pytest

from bdc.cluster.embedded.archive import Image, Layer, write_archive
from bdc.cluster.embedded.host_files import parse_libraries
from bdc.cluster.embedded.images import kubernetes_layer


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {member.name: stream.read() for member in archive if (stream := archive.extractfile(member))}


def test_images_share_a_layer_that_is_stored_once(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    layer = Layer({"usr/local/bin/all": program}, {"usr/local/bin/one": "all"})
    path = tmp_path / "cache" / "images.tar"
    write_archive(path, [Image("a.example/one:1", (layer,), ("/usr/local/bin/one",)), Image("a.example/two:1", (layer,), ("/two",))])

    found = members(path)
    manifest = json.loads(found["manifest.json"])
    assert [entry["RepoTags"] for entry in manifest] == [["a.example/one:1"], ["a.example/two:1"]]
    assert manifest[0]["Layers"] == manifest[1]["Layers"]
    assert len([name for name in found if name.endswith(".tar")]) == 1
    config = json.loads(found[manifest[0]["Config"]])
    assert config["config"]["Entrypoint"] == ["/usr/local/bin/one"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{manifest[0]['Layers'][0].removesuffix('.tar')}"]


def test_the_same_files_give_the_same_archive(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"x")
    for name in ("first.tar", "second.tar"):
        write_archive(tmp_path / name, [Image("a:1", (Layer({"x": program}),), ("/x",))])
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()


def test_a_failure_leaves_no_archive(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_archive(tmp_path / "images.tar", [Image("a:1", (Layer({"x": tmp_path / "missing"}),), ("/x",))])
    assert not list(tmp_path.iterdir())


def test_libraries_in_the_output_of_ldd() -> None:
    output = """/bin/sh:
\tlinux-vdso.so.1 (0x00007ffc)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f00)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f01)
"""
    assert parse_libraries(output) == [Path("/lib/x86_64-linux-gnu/libc.so.6"), Path("/lib64/ld-linux-x86-64.so.2")]


def test_one_kubernetes_binary_or_many(tmp_path: Path) -> None:
    (tmp_path / "kubernetes").touch()
    for name in ("kubelet", "kube-proxy"):
        (tmp_path / name).symlink_to("kubernetes")
    one = kubernetes_layer({name: tmp_path / name for name in ("kubelet", "kube-proxy")})
    assert list(one.files) == ["usr/local/bin/kubernetes"]
    assert one.links == {"usr/local/bin/kubelet": "kubernetes", "usr/local/bin/kube-proxy": "kubernetes"}
    (tmp_path / "kubelet").unlink()
    (tmp_path / "kubelet").touch()
    many = kubernetes_layer({name: tmp_path / name for name in ("kubelet", "kube-proxy")})
    assert set(many.files) == {"usr/local/bin/kubelet", "usr/local/bin/kube-proxy"}
    assert not many.links

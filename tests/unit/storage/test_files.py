from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.errors import BdcError, NotFoundError, UsageError
from bdc.storage import Hdfs, paths
from bdc.storage.errors import PathExistsError
from bdc.storage.mode import Mode, symbols
from tests.unit.storage.fake_webhdfs import FakeHdfs, Node


@pytest.fixture
def tree(server: FakeHdfs) -> FakeHdfs:
    for path in ("/data/a1.csv", "/data/a2.csv", "/data/b.txt", "/data/2026/01/x.csv", "/data/2026/02/x.csv", "/data/.hidden"):
        server.create(path, b"12345", "644", 4096, overwrite=False)
    return server


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("/data/a*.csv", ["/data/a1.csv", "/data/a2.csv"]),
        ("/data/a?.csv", ["/data/a1.csv", "/data/a2.csv"]),
        ("/data/a[2-9].csv", ["/data/a2.csv"]),
        ("/data/a[!1].csv", ["/data/a2.csv"]),
        ("/data/{a1,b}.{csv,txt}", ["/data/a1.csv", "/data/b.txt"]),
        ("/data/{2026/01,2026/02}/x.csv", ["/data/2026/01/x.csv", "/data/2026/02/x.csv"]),
        ("/data/*/*/x.csv", ["/data/2026/01/x.csv", "/data/2026/02/x.csv"]),
        ("/d*/2026/0?", ["/data/2026/01", "/data/2026/02"]),
        ("hdfs://bdc/data/b.*", ["/data/b.txt"]),
        ("/data/*i*", ["/data/.hidden"]),
        ("/data/b.txt", ["/data/b.txt"]),
    ],
)
def test_patterns(hdfs: Hdfs, tree: FakeHdfs, pattern: str, found: list[str]) -> None:
    assert [status.path for status in hdfs.glob(pattern)] == found


def test_a_name_that_exists_is_no_pattern(hdfs: Hdfs, tree: FakeHdfs) -> None:
    tree.nodes["/data/a[1].csv"] = Node(b"")
    assert [status.path for status in hdfs.glob("/data/a[1].csv")] == ["/data/a[1].csv"]
    assert [status.path for status in hdfs.glob(r"/data/a\[1\].*")] == ["/data/a[1].csv"]


@pytest.mark.parametrize("pattern", ["/none", "/data/z*", "/data/b.txt/*", "/none/*"])
def test_nothing_matches(hdfs: Hdfs, tree: FakeHdfs, pattern: str) -> None:
    with pytest.raises(NotFoundError):
        hdfs.glob(pattern)


@pytest.mark.parametrize(("pattern", "said"), [("/data/[a", "a [ without ]"), ("/data/{a,b", "a { without }")])
def test_patterns_that_are_wrong(hdfs: Hdfs, tree: FakeHdfs, pattern: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        hdfs.glob(pattern)
    assert said in caught.value.message


def test_listing(hdfs: Hdfs, tree: FakeHdfs) -> None:
    assert [status.name for status in hdfs.ls("/data")] == [".hidden", "2026", "a1.csv", "a2.csv", "b.txt"]
    assert [status.path for status in hdfs.ls("/data/b.txt")] == ["/data/b.txt"]
    assert [status.path for status in hdfs.walk("/data/2026")] == [
        "/data/2026", "/data/2026/01", "/data/2026/01/x.csv", "/data/2026/02", "/data/2026/02/x.csv",
    ]  # fmt: skip
    with pytest.raises(NotFoundError) as caught:
        hdfs.ls("/none/x")
    assert (caught.value.message, caught.value.hint) == ("/none/x: no such file or directory in HDFS", "bdc hdfs ls /none")


def test_mkdir(hdfs: Hdfs, server: FakeHdfs) -> None:
    hdfs.mkdir("/data/x")
    hdfs.mkdir("/data/y/z", parents=True)
    hdfs.mkdir("/data/y/z", parents=True)
    assert {"/data/x", "/data/y/z"} <= set(server.nodes)
    with pytest.raises(PathExistsError):
        hdfs.mkdir("/data/x")
    with pytest.raises(NotFoundError, match="/none"):
        hdfs.mkdir("/none/x")


def test_rm(hdfs: Hdfs, tree: FakeHdfs) -> None:
    hdfs.rm("/data/b.txt")
    with pytest.raises(UsageError, match="is a directory"):
        hdfs.rm("/data/2026")
    with pytest.raises(UsageError, match="the whole file system"):
        hdfs.rm("/data/..", recursive=True)
    hdfs.rm("/data/2026", recursive=True)
    with pytest.raises(NotFoundError):
        hdfs.rm("/data/2026", recursive=True)
    assert sorted(tree.below("/data")) == ["/data/.hidden", "/data/a1.csv", "/data/a2.csv"]


def test_mv(hdfs: Hdfs, tree: FakeHdfs) -> None:
    assert hdfs.mv("/data/b.txt", "/data/c.txt") == "/data/c.txt"
    assert hdfs.mv("/data/c.txt", "/data/2026") == "/data/2026/c.txt"
    with pytest.raises(PathExistsError):
        hdfs.mv("/data/a1.csv", "/data/a2.csv")
    with pytest.raises(UsageError, match="inside itself"):
        hdfs.mv("/data/2026", "/data/2026/01")
    with pytest.raises(NotFoundError, match="/none"):
        hdfs.mv("/data/a1.csv", "/none/x")


def test_du(hdfs: Hdfs, tree: FakeHdfs) -> None:
    usage = hdfs.du("/data")
    assert (usage.length, usage.space, usage.files, usage.directories) == (30, 90, 6, 4)


def test_chmod_and_chown(hdfs: Hdfs, tree: FakeHdfs) -> None:
    hdfs.chmod("/data/2026", "u=rwX,g=rX,o=", recursive=True)
    assert (tree.nodes["/data/2026/01"].permission, tree.nodes["/data/2026/01/x.csv"].permission) == ("750", "640")
    hdfs.chown("/data/2026", "ann", None, recursive=True)
    hdfs.chown("/data/2026", None, "staff")
    owners = [(tree.nodes[path].owner, tree.nodes[path].group) for path in ("/data/2026", "/data/2026/01/x.csv")]
    assert owners == [("ann", "staff"), ("ann", "hdfs")]
    with pytest.raises(UsageError):
        hdfs.chown("/data", None, None)


@pytest.mark.parametrize(
    ("mode", "before", "is_dir", "after"),
    [
        ("750", 0o644, False, 0o750),
        ("1777", 0o755, True, 0o1777),
        ("u+x", 0o644, False, 0o744),
        ("go-r,o+w", 0o644, False, 0o602),
        ("a=rX", 0o600, True, 0o555),
        ("+x", 0o644, False, 0o755),
        ("+t", 0o755, True, 0o1755),
        ("-t", 0o1755, True, 0o755),
    ],
)
def test_modes(mode: str, before: int, is_dir: bool, after: int) -> None:
    assert Mode(mode).apply(before, is_dir=is_dir) == after


@pytest.mark.parametrize("mode", ["", "9", "u", "rwx", "2777", "u+q", "77"])
def test_modes_that_are_wrong(mode: str) -> None:
    with pytest.raises(UsageError, match="is not a mode"):
        Mode(mode)


def test_symbols() -> None:
    assert [symbols(mode, is_dir=is_dir) for mode, is_dir in ((0o755, True), (0o640, False), (0o1777, True), (0o1776, True))] == [
        "drwxr-xr-x", "-rw-r-----", "drwxrwxrwt", "drwxrwxrwT",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["s3a://b/x", "hdfs://other/x", "file:///x", ""])
def test_other_file_systems(text: str) -> None:
    with pytest.raises(BdcError):
        paths.parse(text)


@given(st.text("ab./", max_size=12))
def test_normal_paths_are_normal(text: str) -> None:
    normal = paths.normal(text)
    assert normal.startswith("/")
    assert normal == paths.normal(normal)
    assert not {"", ".", ".."} & set(normal.split("/")[1:]) or normal == "/"


@given(st.text(min_size=1, max_size=300).filter(lambda name: "/" not in name))
def test_temporary_names_fit(name: str) -> None:
    temporary = paths.name(paths.temporary(f"/d/{name}"))
    assert temporary.startswith(".")
    assert temporary.endswith("._COPYING_")
    assert len(temporary.encode(errors="surrogatepass")) <= 255

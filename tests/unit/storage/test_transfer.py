from __future__ import annotations

import io
import os
import stat
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bdc.errors import BdcError, NotFoundError, UnhealthyError, UsageError
from bdc.storage import CopyOptions, Hdfs
from bdc.storage.errors import BrokenTransferError, PathExistsError
from tests.unit.storage.fake_webhdfs import FakeHdfs, Node, RemoteError

DATA = os.urandom(10_000)
FORCE = CopyOptions(overwrite=True)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "f.bin"
    path.write_bytes(DATA)
    return path


def files(server: FakeHdfs) -> dict[str, bytes]:
    return {path: node.data for path, node in server.nodes.items() if node.data is not None}


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 4096, 4097, 10_000])
@pytest.mark.parametrize("composite", [False, True])
def test_there_and_back(hdfs: Hdfs, server: FakeHdfs, tmp_path: Path, size: int, composite: bool) -> None:
    server.composite = composite
    source = tmp_path / "s"
    source.write_bytes(DATA[:size])
    (put,) = hdfs.put(source, "/data/t")
    (got,) = hdfs.get("/data/t", tmp_path / "back")
    assert (put.target, put.length, put.check) == ("/data/t", size, "checksum" if size else "length")
    assert (got.length, got.check) == (size, "checksum" if size else "length")
    assert (tmp_path / "back").read_bytes() == DATA[:size]
    assert server.nodes["/data/t"].permission == "644"


def test_into_a_directory_and_to_a_name(hdfs: Hdfs, server: FakeHdfs, local: Path) -> None:
    targets = [hdfs.put(local, target, FORCE)[0].target for target in ("/data", "/data/", "/data/x", "y", "hdfs://bdc/data/../data//z")]
    assert targets == ["/data/f.bin", "/data/f.bin", "/data/x", "/user/bdc/y", "/data/z"]
    assert set(files(server)) == set(targets)


def test_nothing_is_replaced_unasked(hdfs: Hdfs, server: FakeHdfs, local: Path, tmp_path: Path) -> None:
    server.nodes["/data/f.bin"] = Node(b"old")
    (tmp_path / "back").write_bytes(b"mine")
    with pytest.raises(PathExistsError, match=r"/data/f\.bin: exists already"):
        hdfs.put(local, "/data")
    with pytest.raises(PathExistsError, match="back: exists already"):
        hdfs.get("/data/f.bin", tmp_path / "back")
    assert files(server) == {"/data/f.bin": b"old"}
    assert (tmp_path / "back").read_bytes() == b"mine"
    hdfs.put(local, "/data", FORCE)
    hdfs.get("/data/f.bin", tmp_path / "back", FORCE)
    assert files(server) == {"/data/f.bin": DATA}
    assert (tmp_path / "back").read_bytes() == DATA


def test_parents_must_exist(hdfs: Hdfs, server: FakeHdfs, local: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        hdfs.put(local, "/no/x")
    assert caught.value.hint == "make it: bdc hdfs mkdir -p /no"
    server.nodes["/data/f"] = Node(b"x")
    with pytest.raises(NotFoundError, match="no such local folder"):
        hdfs.get("/data/f", tmp_path / "no" / "x")


class Interrupted(io.BytesIO):
    """Ctrl-C in the middle."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= 5000:
            raise KeyboardInterrupt
        return super().read(min(1000, size or 0))


def test_an_interrupted_upload_leaves_nothing(hdfs: Hdfs, server: FakeHdfs) -> None:
    server.nodes["/data/old"] = Node(b"old")
    with pytest.raises(KeyboardInterrupt):
        hdfs.write(Interrupted(DATA), "/data/new")
    with pytest.raises(KeyboardInterrupt):
        hdfs.write(Interrupted(DATA), "/data/old", overwrite=True)
    assert files(server) == {"/data/old": b"old"}


def test_a_cut_upload_leaves_nothing_under_the_name(hdfs: Hdfs, server: FakeHdfs, local: Path) -> None:
    server.nodes["/data/f.bin"] = Node(b"old")
    server.cut_uploads_after = 3000
    with pytest.raises(BrokenTransferError, match=r"the connection broke|connection reset"):
        hdfs.put(local, "/data", FORCE)
    assert files(server) == {"/data/f.bin": b"old"}


def test_the_name_appears_at_the_end(hdfs: Hdfs, server: FakeHdfs) -> None:
    during: set[str] = set()

    class Watching(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            during.update(files(server))
            return super().read(size)

    hdfs.write(Watching(DATA), "/data/f")
    assert during == set()
    assert ("CREATE", "/data/.f._COPYING_") in server.seen
    assert ("RENAME", "/data/.f._COPYING_") in server.seen
    assert files(server) == {"/data/f": DATA}


@pytest.mark.parametrize("options", [CopyOptions(), CopyOptions(verify=True)])
def test_a_wrong_bit_on_the_way_in_is_seen(hdfs: Hdfs, server: FakeHdfs, local: Path, options: CopyOptions) -> None:
    server.flip_uploads = True
    with pytest.raises(BdcError, match="HDFS has something else than was sent"):
        hdfs.put(local, "/data", options)
    assert files(server) == {}


def test_verify_reads_back(hdfs: Hdfs, server: FakeHdfs, local: Path) -> None:
    assert hdfs.put(local, "/data", CopyOptions(verify=True))[0].check == "read back"
    assert ("OPEN", "/data/.f.bin._COPYING_") in server.seen
    assert not any(operation == "GETFILECHECKSUM" for operation, _ in server.seen)


def test_a_wrong_bit_on_the_way_out_is_seen(hdfs: Hdfs, server: FakeHdfs, tmp_path: Path) -> None:
    server.nodes["/data/f"] = Node(DATA)
    server.flip_downloads = True
    with pytest.raises(BdcError, match="checksums differ"):
        hdfs.get("/data/f", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []
    assert hdfs.get("/data/f", tmp_path / "f", CopyOptions(check=False))[0].check == "length"


def test_a_file_that_was_written_without_checksums_is_compared_by_its_length(hdfs: Hdfs, server: FakeHdfs, tmp_path: Path) -> None:
    """As Spark writes a Delta table's log."""
    server.nodes["/data/f"] = Node(DATA)
    server.without_checksums = True
    assert hdfs.get("/data/f", tmp_path / "f")[0].check == "length"
    assert (tmp_path / "f").read_bytes() == DATA


def test_a_cut_download_goes_on_where_it_broke(hdfs: Hdfs, server: FakeHdfs, tmp_path: Path) -> None:
    server.nodes["/data/f"] = Node(DATA)
    server.cut_downloads_after = 3000
    hdfs.get("/data/f", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert sum(operation == "OPEN" for operation, _ in server.seen) == 4


def test_a_download_that_gets_nowhere_ends(hdfs: Hdfs, server: FakeHdfs, tmp_path: Path) -> None:
    server.nodes["/data/f"] = Node(DATA)
    server.cut_downloads_after = 0
    with pytest.raises(BrokenTransferError, match="the connection broke while reading"):
        hdfs.get("/data/f", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []
    assert sum(operation == "OPEN" for operation, _ in server.seen) == 4


def test_without_server_defaults(hdfs: Hdfs, server: FakeHdfs, local: Path) -> None:
    server.no_defaults = True
    assert hdfs.put(local, "/data")[0].check == "checksum"
    assert server.nodes["/data/f.bin"].block == 128 << 20


def test_folders(hdfs: Hdfs, server: FakeHdfs, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "a" / "empty").mkdir(parents=True)
    (tree / "a" / "x").write_bytes(b"1")
    (tree / "y").write_bytes(b"")
    (tree / "link").symlink_to(tree / "a" / "x")
    done: list[str] = []
    transfers = hdfs.put(tree, "/data", done=lambda transfer: done.append(transfer.target))
    assert files(server) == {"/data/tree/a/x": b"1", "/data/tree/y": b"", "/data/tree/link": b"1"}
    assert "/data/tree/a/empty" in server.nodes
    assert done == [transfer.target for transfer in transfers]
    hdfs.get("/data/tree", tmp_path / "back")
    found = {str(path.relative_to(tmp_path / "back")): path.read_bytes() for path in (tmp_path / "back").rglob("*") if path.is_file()}
    assert found == {"a/x": b"1", "y": b"", "link": b"1"}
    assert (tmp_path / "back" / "a" / "empty").is_dir()


def test_what_can_not_be_a_file_in_hdfs(hdfs: Hdfs, server: FakeHdfs, tmp_path: Path) -> None:
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop" / "up").symlink_to(tmp_path / "loop")
    with pytest.raises(UsageError, match="is a link to a folder that it is in"):
        hdfs.put(tmp_path / "loop", "/data")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is neither a file nor a folder"):
        hdfs.put(tmp_path / "broken", "/data")
    with pytest.raises(NotFoundError, match="no such local file"):
        hdfs.put(tmp_path / "nowhere", "/data")
    with pytest.raises(UsageError, match="white space at the end"):
        hdfs.write(io.BytesIO(b"x"), "/data/end ")
    assert files(server) == {}


def test_names_that_are_not_utf8(hdfs: Hdfs, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff"
    with open(name, "wb") as file:  # noqa: PTH123 a bytes path
        file.write(b"x")
    with pytest.raises(UsageError, match="the name isn't UTF-8"):
        hdfs.put(Path(os.fsdecode(name)), "/data")


def test_preserve(hdfs: Hdfs, server: FakeHdfs, local: Path, tmp_path: Path) -> None:
    moment = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    os.utime(local, (moment.timestamp(), moment.timestamp()))
    local.chmod(0o640)
    hdfs.put(local, "/data", CopyOptions(preserve=True))
    assert (hdfs.status("/data/f.bin").modified, server.nodes["/data/f.bin"].permission) == (moment, "640")
    hdfs.get("/data/f.bin", tmp_path / "back", CopyOptions(preserve=True))
    back = (tmp_path / "back").stat()
    assert (back.st_mtime, stat.S_IMODE(back.st_mode)) == (moment.timestamp(), 0o640)


def test_progress_counts_to_the_end(hdfs: Hdfs, local: Path, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int | None]] = []
    hdfs.put(local, "/data", progress=lambda *step: heard.append(step))
    hdfs.get("/data/f.bin", tmp_path / "back", progress=lambda *step: heard.append(step))
    assert heard[0] == (str(local), 0, 10_000)
    assert (str(local), 10_000, 10_000) in heard
    assert heard[-1] == ("/data/f.bin", 10_000, 10_000)


def test_memory_stays_constant(hdfs: Hdfs) -> None:
    class Zeros(io.RawIOBase):
        left = 64 << 20

        def read(self, size: int = -1, /) -> bytes:
            self.left -= size
            return bytes(size) if self.left >= 0 else b""

    pieces = hdfs._new_digest()
    tracemalloc.start()
    source = Zeros()
    while piece := source.read(1 << 20):
        pieces.update(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pieces.length == 64 << 20
    assert peak < 30 << 20


@pytest.mark.parametrize(
    ("exception", "message", "kind", "said"),
    [
        (
            "AccessControlException",
            'Permission denied: user=bdc, access=WRITE, inode="/data":hdfs:hdfs:drwxr-xr-x',
            BdcError,
            r"permission denied: bdc may not WRITE /data \(hdfs:hdfs:drwxr-xr-x\)",
        ),
        ("SafeModeException", "Cannot create file. Name node is in safe mode.\nmore", UnhealthyError, "in safe mode and read-only"),
        ("DSQuotaExceededException", "The DiskSpace quota of /data is exceeded: quota = 1 B", BdcError, "quota of space is used up"),
        ("NSQuotaExceededException", "The NameSpace quota of /data is exceeded", BdcError, "quota of names is used up"),
        (
            "RemoteException",
            "File /f could only be written to 0 of the 1 minReplication nodes. There are 0",
            UnhealthyError,
            "no DataNode takes",
        ),
        (
            "ConnectException",
            "Call From httpfs to namenode:8020 failed on connection exception",
            UnhealthyError,
            "does not reach the NameNode",
        ),
        ("IllegalArgumentException", "Pathname /a:b from /a:b is not a valid DFS filename.", UsageError, "doesn't take this name"),
        ("SomethingNew", "first line\nat java.lang.Thread", BdcError, "SomethingNew: first line$"),
    ],
)
def test_what_hdfs_refuses(
    hdfs: Hdfs, server: FakeHdfs, local: Path, exception: str, message: str, kind: type[BdcError], said: str
) -> None:
    server.errors["CREATE"] = RemoteError(exception, message)
    with pytest.raises(kind, match=said) as caught:
        hdfs.put(local, "/data")
    assert caught.value.exit_code == kind.exit_code
    assert files(server) == {}


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (
            'Permission denied: user=ann, access=WRITE, inode="/":bdc:hdfs:drwxr-xr-x',
            "let bdc, its owner, open it: bdc hdfs chmod; yours is /user/ann",
        ),
        (
            'Permission denied: user=ann, access=WRITE, inode="/x":hdfs:hdfs:drwx------',
            "that is HDFS's own, and stays as it is; yours is /user/ann",
        ),
        ("Permission denied. user=ann is not the owner of inode=/data", "let its owner change it: bdc hdfs chmod"),
        (
            "User bdc is not a super user (non-super user cannot change owner).",
            "nobody from outside is HDFS's superuser, who alone gives files away; open them (bdc hdfs chmod), or let the other copy them",
        ),
    ],
)
def test_no_remedy_is_a_user_that_nobody_can_be(hdfs: Hdfs, server: FakeHdfs, message: str, hint: str) -> None:
    server.errors["MKDIRS"] = RemoteError("AccessControlException", message, 403)
    with pytest.raises(BdcError) as caught:
        hdfs.mkdir("/x")
    assert caught.value.hint == hint


def test_a_wrong_password_is_said_and_not_shown(hdfs: Hdfs, server: FakeHdfs, local: Path) -> None:
    server.password = "other"
    with pytest.raises(BdcError, match="does not accept the user name or the password") as caught:
        hdfs.put(local, "/data")
    assert "s3cret" not in f"{caught.value} {caught.value.hint} {hdfs!r} {hdfs._wire!r}"


def test_httpfs_is_not_up(hdfs: Hdfs, server: FakeHdfs) -> None:
    server.status = 503
    with pytest.raises(UnhealthyError, match=r"HttpFS is not up \(HTTP 503\)"):
        hdfs.ls("/")


def test_nobody_there(hdfs: Hdfs) -> None:
    hdfs._wire.url = "http://127.0.0.1:1"
    hdfs._wire._urls[0] = "http://127.0.0.1:1"
    with pytest.raises(BdcError, match="does not answer: connection refused"):
        hdfs.ls("/")


odd = st.text(st.characters(exclude_characters="/\0:", codec="utf-8"), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..") and not name[-1] <= " " and len(name.encode()) < 200
)
NAMES = [
    "a b",
    "100%",
    "%41",
    "#LATEST",
    "h#1",
    "q?x",
    "a+b",
    ".dot",
    "-dash",
    "new\nline",
    "ünï",
    "漢字",
    "a;b=c",
    "x&y",
    "*",
    "[1]",
    "{a,b}",
    "\\",
]


@given(name=st.one_of(st.sampled_from(NAMES), odd))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_odd_names(hdfs: Hdfs, server: FakeHdfs, name: str) -> None:
    path = f"/data/{name}"
    hdfs.write(cast("BinaryIO", io.BytesIO(b"x")), path, overwrite=True)
    assert files(server) == {path: b"x"}
    assert [status.path for status in hdfs.glob(path)] == [path]
    assert b"".join(hdfs.read(path)) == b"x"
    hdfs.mv(path, f"/data/{name}2")
    hdfs.rm(f"/data/{name}2")
    assert files(server) == {}

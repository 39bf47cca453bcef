from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from bdc.cli import hdfs as commands
from bdc.cli import hdfs_space
from bdc.kube.connection import SecretStr
from bdc.storage import Hdfs
from tests.unit.cli.conftest import Bdc
from tests.unit.storage.fake_webhdfs import FakeHdfs, Node, serve


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHdfs]:
    made = FakeHdfs()
    made.mkdirs("/data/dir")
    made.mkdirs("/user/bdc")
    made.create("/data/a b.csv", b"1,2\n", "644", 4096, overwrite=False)
    made.create("/data/new\nline", b"x" * 3000, "600", 4096, overwrite=False)
    with serve(made) as url:

        @contextmanager
        def session(_: typer.Context) -> Iterator[Hdfs]:
            with Hdfs(url, "bdc", SecretStr(made.password)) as hdfs:
                yield hdfs

        for module in (commands, hdfs_space):
            monkeypatch.setattr(module, "connected", session)
        yield made


def test_ls(bdc: Bdc, server: FakeHdfs) -> None:
    shown = bdc("hdfs", "ls", "-h", "/data")
    lines = shown.out.splitlines()
    assert shown.code == 0
    assert lines[0].split() == ["permission", "replication", "owner", "group", "size", "modified", "path"]
    assert [line.split()[0] for line in lines[1:]] == ["-rw-r--r--", "drwxr-xr-x", "-rw-------"]
    assert lines[1].endswith("/data/a b.csv")
    assert "2.9 KiB" in lines[3]
    assert lines[3].endswith("/data/new\\nline")


def test_ls_as_json(bdc: Bdc, server: FakeHdfs) -> None:
    rows = json.loads(bdc("hdfs", "ls", "/data/*line", "-o", "json").out)
    assert [(row["path"], row["type"], row["size"], row["permission"]) for row in rows] == [("/data/new\nline", "file", 3000, "600")]
    assert json.loads(bdc("hdfs", "ls", "-d", "/data", "-o", "json").out)[0]["path"] == "/data"
    assert [row["path"] for row in json.loads(bdc("hdfs", "ls", "-R", "/", "-o", "json").out)][:2] == ["/data", "/data/a b.csv"]
    assert json.loads(bdc("hdfs", "ls", "-o", "json").out) == []


def test_nothing_there_is_exit_3(bdc: Bdc, server: FakeHdfs) -> None:
    shown = bdc("hdfs", "ls", "/none")
    assert (shown.code, shown.out) == (3, "")
    assert shown.err == "error: /none: no such file or directory in HDFS\nhint:  bdc hdfs ls /\n"


def test_put_and_get(bdc: Bdc, server: FakeHdfs, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hello")
    put = bdc("hdfs", "put", str(tmp_path / "f"), "/data/dir")
    assert (put.code, put.out) == (0, "")
    assert put.err == f"{tmp_path}/f -> /data/dir/f  5 B, checked by checksum\n"
    assert bdc("hdfs", "put", str(tmp_path / "f"), "/data/dir").code == 1
    assert bdc("hdfs", "put", "-f", "--verify", str(tmp_path / "f"), "/data/dir").err.endswith("checked by reading back\n")
    assert bdc("--quiet", "hdfs", "get", "/data/dir/f").err == ""
    assert Path("f").read_bytes() == b"hello"
    assert bdc("hdfs", "get", "/data/*", "nowhere").code == 2
    Path("all").mkdir()
    assert bdc("hdfs", "get", "/data/*", "all").code == 0
    assert sorted(path.name for path in Path("all").iterdir()) == ["a b.csv", "dir", "new\nline"]


def test_stdin_and_stdout(bdc: Bdc, server: FakeHdfs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped\xff")))
    assert bdc("hdfs", "put", "-", "/data/piped").err == "- -> /data/piped  6 B, checked by checksum\n"
    assert server.nodes["/data/piped"].data == b"piped\xff"
    assert bdc("hdfs", "cat", "/data/a b.csv", "/data/a*").out == "1,2\n1,2\n"
    assert bdc("hdfs", "get", "/data/a b.csv", "-").out == "1,2\n"


def test_put_to_several_needs_a_directory(bdc: Bdc, server: FakeHdfs, tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).write_bytes(b"")
    assert bdc("hdfs", "put", str(tmp_path / "x"), str(tmp_path / "y"), "/data/a b.csv").code == 2
    assert bdc("hdfs", "put", str(tmp_path / "x"), str(tmp_path / "y"), "/data/dir").code == 0
    assert {"/data/dir/x", "/data/dir/y"} <= set(server.nodes)


def test_rm(bdc: Bdc, server: FakeHdfs) -> None:
    assert bdc("hdfs", "rm", "/data/dir").code == 2
    assert bdc("hdfs", "rm", "/data/none").code == 3
    assert bdc("hdfs", "rm", "-f", "/data/none").code == 0
    assert bdc("hdfs", "rm", "/data/a*").code == 0
    assert bdc("hdfs", "rm", "-r", "/data/dir").code == 0
    assert sorted(server.below("/data")) == ["/data/new\nline"]


def test_the_root_is_not_removed(bdc: Bdc, server: FakeHdfs) -> None:
    before = set(server.nodes)
    shown = bdc("hdfs", "rm", "-r", "--yes", "/")
    assert shown.code == 2
    assert "/ is not removed" in shown.err
    assert set(server.nodes) == before


@pytest.mark.parametrize(("answer", "left"), [("y\n", False), ("n\n", True), ("\n", True)])
def test_rm_asks_on_a_terminal(bdc: Bdc, server: FakeHdfs, monkeypatch: pytest.MonkeyPatch, answer: str, left: bool) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    shown = bdc("hdfs", "rm", "-r", "/data")
    assert "Remove /data with 2 files, 2.9 KiB, for good? [y/N]" in shown.err
    assert ("/data" in server.nodes) is left
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    assert bdc("hdfs", "rm", "-r", "--yes", "/user").err == ""


def test_mkdir_mv_chmod_chown_stat_du(bdc: Bdc, server: FakeHdfs) -> None:
    assert bdc("hdfs", "mkdir", "/none/x").code == 3
    assert bdc("hdfs", "mkdir", "-p", "/new/x").code == 0
    assert bdc("hdfs", "mv", "/data/a b.csv", "/new/x").code == 0
    assert bdc("hdfs", "chmod", "-R", "700", "/new").code == 0
    assert bdc("hdfs", "chown", "ann:staff", "/new/x").code == 0
    assert bdc("hdfs", "chown", ":hdfs", "/new/x").code == 0
    found = json.loads(bdc("hdfs", "stat", "/new/x", "-o", "json").out)[0]
    assert (found["owner"], found["group"], found["permission"], found["type"]) == ("ann", "hdfs", "700", "directory")
    usage = json.loads(bdc("hdfs", "du", "-s", "/new", "-o", "json").out)
    assert usage == [{"size": 4, "disk": 12, "files": 1, "directories": 2, "path": "/new"}]


def test_tail(bdc: Bdc, server: FakeHdfs) -> None:
    server.nodes["/data/log"] = Node("".join(f"line {n}\n" for n in range(30)).encode())
    assert bdc("hdfs", "tail", "/data/log").out.split("\n") == [*(f"line {n}" for n in range(20, 30)), ""]
    assert bdc("hdfs", "tail", "-n", "1", "/data/log").out == "line 29\n"
    assert bdc("hdfs", "tail", "-c", "3", "/data/log").out == "29\n"
    assert bdc("hdfs", "tail", "/data").err == "error: /data: is a directory\n"
    assert bdc("hdfs", "tail", "/none").code == 3


def test_df(bdc: Bdc, server: FakeHdfs) -> None:
    server.nodes["/data/x"] = Node(b"1" * 96)
    used = 3 * sum(len(node.data or b"") for node in server.nodes.values())
    expected = {"filesystem": "hdfs://bdc", "size": 1000, "used": used, "available": 1000 - used, "percent": round(used / 10)}
    assert json.loads(bdc("hdfs", "df", "-o", "json").out) == [expected]
    assert bdc("hdfs", "df", "-h").out.splitlines()[0].split() == ["filesystem", "size", "used", "available", "percent"]


def test_count(bdc: Bdc, server: FakeHdfs) -> None:
    server.nodes |= {"/c": Node(), "/c/d": Node(), "/c/d/x": Node(b"four"), "/c/y": Node(b"123")}
    assert json.loads(bdc("hdfs", "count", "/c", "-o", "json").out) == [{"directories": 2, "files": 2, "size": 7, "path": "/c"}]
    server.quotas["/c"] = 10
    (row,) = json.loads(bdc("hdfs", "count", "-q", "/c", "-o", "json").out)
    assert (row["names_quota"], row["names_left"], row["space_quota"], row["space_left"]) == (10, 6, None, None)
    assert bdc("hdfs", "count", "-q", "-h", "/c").out.splitlines()[1].split() == ["2", "2", "7", "B", "10", "6", "-", "-", "/c"]

"""The program in a session's pod, run for real with a stub of PySpark, under a kubelet that is late: nothing that it prints is lost."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bdc.spark import console
from bdc.spark.sessions import SessionPod
from bdc.sql.spark import Spark
from tests.unit.fake_kube import FakeKube

DELAY_SECONDS = 2.0
STUBS = {
    "pyspark/__init__.py": "",
    "pyspark/shell.py": "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\nprint('Welcome')\n",
    "pyspark/sql/__init__.py": """
class SparkSession:
    def getOrCreate(self):
        print("a library's word")
        return self
    def stop(self): pass
    def currentDatabase(self): return "default"
    def set(self, *_): pass
    catalog = conf = property(lambda self: self)
SparkSession.builder = SparkSession()
""",
    "pyspark/sql/connect/__init__.py": "",
    "pyspark/sql/connect/session.py": "",
}


class Container:
    """A pod's process and its attachment. Like a container runtime it throws away what is printed while nobody is attached."""

    def __init__(self, command: list[str], stubs: Path, *, tty: bool) -> None:
        environment = os.environ | {"PYTHONPATH": str(stubs), "PYTHONUNBUFFERED": "1", "HOME": str(stubs), "TERM": "dumb"}
        ours, theirs = pty.openpty() if tty else (None, None)
        self._process = subprocess.Popen(
            command, stdin=theirs or subprocess.PIPE, stdout=theirs or subprocess.PIPE, stderr=theirs, env=environment
        )
        if ours and theirs:
            os.close(theirs)
            self._in = self._out = ours
        else:
            assert self._process.stdin
            assert self._process.stdout
            self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()

    def attach(self) -> None:
        while select.select([self._out], [], [], DELAY_SECONDS)[0] and os.read(self._out, 4096):
            continue

    def send(self, data: bytes) -> None:
        os.write(self._in, data)

    def resize(self, columns: int, rows: int) -> None:
        termios.tcsetwinsize(self._in, (rows, columns))

    def read(self, timeout_seconds: float | None = 20) -> tuple[int, bytes] | None:
        if not select.select([self._out], [], [], min(timeout_seconds or 20, 20))[0]:
            raise TimeoutError
        try:
            data = os.read(self._out, 4096)
        except OSError:  # how a terminal ends
            return None
        return (1, data) if data else None

    def everything(self) -> bytes:
        return b"".join(data for _, data in iter(self.read, None))

    def close(self) -> int:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        if not self._process.stdin:
            os.close(self._in)
        return self._process.wait(10)


class Node(FakeKube):
    """Runs what a pod says as soon as it is made."""

    containers: list[Container]
    stubs: Path

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        answer = super().request(method, path, body, **options)
        if method == "POST":
            status = {"phase": "Running", "containerStatuses": [{"name": "session", "state": {"running": {}}}]}
            self.objects[f"{path}/{body['metadata']['name']}"]["status"] = status
            [container] = body["spec"]["containers"]
            command = [argument.replace("$$", "$") for argument in container["args"]]
            self.containers.append(Container(command, self.stubs, tty=container["tty"]))
        return answer


@pytest.fixture
def node(kube: FakeKube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    one = Node()
    one.objects, one.containers, one.stubs = kube.objects, [], tmp_path
    for name, text in STUBS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    @contextlib.contextmanager
    def late(*_: object, **__: object) -> Iterator[Container]:
        one.containers[-1].attach()
        yield one.containers[-1]

    monkeypatch.setattr("bdc.kube.attach.attach", late)
    yield one
    for container in one.containers:
        container.close()


def container(opened: SessionPod) -> Container:
    assert isinstance(opened.attachment, Container)
    return opened.attachment


def test_statements_begin_when_somebody_is_there(node: Node) -> None:
    with console(node, "bdc", "sql") as opened, Spark(opened.attachment) as spark:
        assert spark.schema == "default"


def test_a_program_begins_when_somebody_is_there(node: Node) -> None:
    with console(node, "bdc", "script") as opened:
        opened.attachment.send(b"11\nprint('hi')")
        assert container(opened).everything().splitlines() == [b"a library's word", b"hi"]


def test_a_shell_begins_when_its_terminal_has_a_size(node: Node) -> None:
    with console(node, "bdc", "shell") as opened:
        opened.attachment.resize(80, 24)
        opened.attachment.send(b"exit(3)\n")
        said = container(opened).everything()
    assert b"Welcome" in said
    assert b">>>" in said

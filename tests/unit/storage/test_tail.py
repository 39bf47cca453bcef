"""The end of a file, found backwards over the real protocol."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bdc.errors import UsageError
from bdc.storage import Hdfs, tail
from tests.unit.storage.fake_webhdfs import FakeHdfs, Node


def end(hdfs: Hdfs, **how: int) -> bytes:
    return b"".join(tail.tail(hdfs, hdfs.status("/f"), **how))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=40).map(lambda raw: bytes(10 if one < 80 else one for one in raw)), lines=st.integers(0, 6))
def test_last_lines_are_those_of_python(hdfs: Hdfs, server: FakeHdfs, data: bytes, lines: int, step: None) -> None:
    server.nodes["/f"] = Node(data)
    every = data.split(b"\n")
    kept = [line + b"\n" for line in every[:-1]] + ([every[-1]] if every[-1] else [])
    assert end(hdfs, lines=lines) == b"".join(kept[len(kept) - lines :] if lines < len(kept) else kept)


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked through three bytes at a time."""
    monkeypatch.setattr(tail, "_STEP_BYTES", 3)


def test_only_the_end_is_read(hdfs: Hdfs, server: FakeHdfs) -> None:
    server.nodes["/f"] = Node(b"x" * 500_000 + b"\nlast\n")
    asked: list[tuple[int, int | None]] = []
    stream = hdfs._stream

    def watched(path: str, offset: int, length: int | None) -> object:
        asked.append((offset, length))
        return stream(path, offset, length)

    hdfs._stream = watched  # type: ignore[method-assign,assignment]
    assert end(hdfs, lines=1) == b"last\n"
    assert sum(length or 0 for _, length in asked) < 70_000


def test_last_bytes(hdfs: Hdfs, server: FakeHdfs) -> None:
    server.nodes["/f"] = Node(b"0123456789")
    assert (end(hdfs, count=3), end(hdfs, count=0), end(hdfs, count=99)) == (b"789", b"", b"0123456789")
    with pytest.raises(UsageError, match="is a directory"):
        list(tail.tail(hdfs, hdfs.status("/"), lines=1))

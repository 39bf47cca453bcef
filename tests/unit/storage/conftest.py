from __future__ import annotations

from collections.abc import Iterator

import pytest

from bdc.kube.connection import SecretStr
from bdc.storage import Hdfs, transfer
from tests.unit.storage.fake_webhdfs import FakeHdfs, serve


@pytest.fixture
def server() -> FakeHdfs:
    made = FakeHdfs()
    made.mkdirs("/data")
    made.mkdirs("/user/bdc")
    return made


@pytest.fixture
def url(server: FakeHdfs) -> Iterator[str]:
    with serve(server) as where:
        yield where


@pytest.fixture
def hdfs(url: str, server: FakeHdfs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hdfs]:
    monkeypatch.setattr(transfer, "_PAUSE_SECONDS", 0)
    with Hdfs(url, "bdc", SecretStr(server.password), timeout_seconds=5) as made:
        yield made

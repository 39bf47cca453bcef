"""A cluster `bdc` in memory with a Spark pool, and pods and files for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bdc.spark import Staging
from tests.unit.fake_kube import FakeKube

DEFAULTS = """
spark.master                             k8s://https://kubernetes.default.svc
spark.kubernetes.container.image         bdc.local/spark:abc
spark.kubernetes.executor.request.cores  100m
spark.driver.memory                      512m
spark.executor.memory                    512m
spark.executor.memoryOverhead            384m
spark.executor.cores                     1
spark.history.fs.cleaner.maxAge          7d
spark.executorEnv.HADOOP_USER_NAME       bdc
"""


@pytest.fixture
def kube() -> FakeKube:
    fake = FakeKube()
    fake.put("/api/v1/namespaces/bdc/configmaps/spark-conf", {"data": {"spark-defaults.conf": DEFAULTS}})
    return fake


class FakeHdfs:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.folders: set[str] = set()
        self.opened = 0
        self.puts = 0

    def exists(self, path: str) -> bool:
        return path in self.files

    def mkdir(self, path: str, *, parents: bool) -> None:
        self.folders.add(path)

    def put(self, local: Path, target: str) -> None:
        assert target.rpartition("/")[0] in self.folders
        self.puts += 1
        self.files[target] = local.read_bytes()

    @contextmanager
    def connect(self) -> Iterator[FakeHdfs]:
        self.opened += 1
        yield self


@pytest.fixture
def hdfs() -> FakeHdfs:
    return FakeHdfs()


@pytest.fixture
def staging(hdfs: FakeHdfs) -> Iterator[Staging]:
    with Staging(hdfs.connect) as staging:
        yield staging


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "etl.py"
    path.write_text("print('hello')\n")
    return path


def job(name: str = "etl", **more: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": "spark-driver", "bdc.dev/application": name}
    return {
        "metadata": {"name": name, "labels": labels, "annotations": {}, "creationTimestamp": "2026-11-21T10:00:00Z"},
        "spec": {"suspend": False},
        "status": {},
        **more,
    }


def pod(name: str = "etl-abcde", app: str = "etl", state: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": "spark-driver", "bdc.dev/application": app, "batch.kubernetes.io/job-name": app}
    if state is not None:
        status["containerStatuses"] = [{"name": "driver", "image": "bdc.local/spark:abc", "state": state}]
    return {
        "metadata": {"name": name, "labels": labels, "creationTimestamp": "2026-11-21T10:00:01Z"},
        "spec": {"containers": [{"name": "driver", "resources": {"limits": {"memory": "896Mi"}}}]},
        "status": status,
    }

"""Whom a cluster serves: what `bdc down` names before it asks."""

from __future__ import annotations

from typing import Any

import pytest

from bdc.config.model import Config
from bdc.errors import BdcError
from bdc.health import in_use, use
from bdc.health.use import connections
from tests.unit.health.conftest import APPS, CORE, Cluster, pod

TABLES = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10005        0 1 1 0 100 0 0 10 0
   1: 0500F40A:1538 0101F40A:9C40 01 00000000:00000000 00:00000000 00000000 10005        0 2 1 0 20 4 30 10 -1
   2: 0100007F:1538 0100007F:9C42 01 00000000:00000000 00:00000000 00000000 10005        0 3 1 0 20 4 30 10 -1
   3: 0500F40A:1538 0101F40A:9C44 06 00000000:00000000 00:00000000 00000000 10005        0 0 3 0
   4: 0500F40A:9C46 0601F40A:1538 01 00000000:00000000 00:00000000 00000000 10005        0 4 1 0 20 4 30 10 -1
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt
   0: 0000000000000000FFFF00000500F40A:1538 0000000000000000FFFF00000101F40A:D431 01 00000000:00000000 00:00000000 00000000
   1: 00000000000000000000000001000000:1538 00000000000000000000000001000000:D432 01 00000000:00000000 00:00000000 00000000
"""


class Engines:
    """What Trino and programs in pods answer."""

    def __init__(self) -> None:
        self.queries: list[list[Any]] | BdcError = []
        self.sessions: str | BdcError = ""
        self.tables = {"sql-gateway": "", "spark-connect": ""}

    def query(self, *_: object) -> list[list[Any]]:
        if isinstance(self.queries, BdcError):
            raise self.queries
        return self.queries

    def execute(self, _: object, cluster: str, name: str, container: str, command: list[str], **__: object) -> str:
        assert cluster == "bdc"
        if container == "postgres":
            assert (name, command[0]) == ("master-0", "psql")
            if isinstance(self.sessions, BdcError):
                raise self.sessions
            return self.sessions
        assert command == ["cat", "/proc/net/tcp", "/proc/net/tcp6"]
        return self.tables[container]


@pytest.fixture
def engines(kube: Cluster, monkeypatch: pytest.MonkeyPatch) -> Engines:
    kube.objects[f"{CORE}/pods/master-0"]["metadata"]["labels"]["bdc.dev/role"] = "primary"
    made = Engines()
    monkeypatch.setattr(use, "query", made.query)
    monkeypatch.setattr(use, "execute", made.execute)
    return made


def test_a_cluster_that_nobody_uses(kube: Cluster, engines: Engines) -> None:
    found = in_use(kube, Config())
    assert found
    assert found.parts == ("storage pool", "SQL master", "metastore", "federation", "Spark pool")
    assert (found.pods, found.activities) == (len([path for path in kube.objects if path.startswith(f"{CORE}/pods/")]), ())


def test_who_is_connected_and_what_runs(kube: Cluster, engines: Engines) -> None:
    job = {"app.kubernetes.io/managed-by": "bdc", "bdc.dev/application": "etl-7f3a", "app.kubernetes.io/component": "spark-driver"}
    kube.put("/apis/batch/v1/namespaces/bdc/jobs/etl-7f3a", {"metadata": {"labels": job}, "spec": {}, "status": {}})
    done = {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": "2026-11-21T10:10:00Z"}]}
    kube.put("/apis/batch/v1/namespaces/bdc/jobs/over", {"metadata": {"labels": job}, "spec": {}, "status": done})
    kube.put(f"{CORE}/pods/shell-1", pod("shell-1", "spark", "spark-console"))
    engines.queries = [["ann (dbeaver)"], ["bdc (bdc)"], ["bdc (bdc)"]]
    engines.sessions = "ann (psql)\nmetabase\nmetabase\n\n"
    engines.tables["sql-gateway"] = TABLES
    found = in_use(kube, Config())
    assert found
    assert dict(found.activities) == {
        "Spark": "etl-7f3a queued, 1 session",
        "Trino": "3 queries: ann (dbeaver), bdc (bdc) 2 times",
        "SQL master": "ann (psql), metabase 2 times",
        "federation, for PostgreSQL's clients": "2 connections",
    }


def test_connections_are_those_from_elsewhere_that_are_open() -> None:
    assert connections(TABLES, 5432) == 2
    assert connections(TABLES, 8443) == 0


def test_what_does_not_answer_is_not_known(kube: Cluster, engines: Engines) -> None:
    engines.queries = BdcError("Trino answers with HTTP status 503")
    del kube.objects[f"{CORE}/pods/master-0"]["metadata"]["labels"]["bdc.dev/role"]
    found = in_use(kube, Config())
    assert found
    assert dict(found.activities) == {"Trino": "not known: Trino answers with HTTP status 503", "SQL master": "not known: it has no leader"}


def test_nothing_runs(kube: Cluster, engines: Engines) -> None:
    for path in [path for path in kube.objects if path.startswith((APPS, f"{CORE}/pods"))]:
        del kube.objects[path]
    assert in_use(kube, Config()) is None
    del kube.objects["/api/v1/namespaces/bdc"]
    assert in_use(kube, Config()) is None

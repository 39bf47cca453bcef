from __future__ import annotations

import io
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.config.model import Config
from bdc.config.names import labels
from bdc.errors import BdcError, NotFoundError
from bdc.health import PartState, probes, status
from bdc.health.amount import amount
from bdc.health.metastore import METHOD, read, request
from bdc.kube import ApiForbiddenError, UnreachableError
from bdc.kube.configuration import keep
from bdc.trino import client as trino
from bdc.trino.client import Answer
from tests.unit.health.conftest import APPS, CORE, LEADER, Cluster, not_ready, pod


@pytest.fixture(autouse=True)
def _far_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "databases", lambda *_: ["default", "demo"])
    monkeypatch.setattr(probes, "select_one", lambda *_: Answer("476", 0.2))


def parts(kube: Cluster) -> dict[str, Any]:
    return {part.name: part for part in status(kube, Config()).parts}


def test_all_well(kube: Cluster) -> None:
    found = status(kube, Config())
    assert found.ready
    assert [(part.name, part.state, part.replicas) for part in found.parts] == [
        ("storage", "ready", "3/3"), ("master", "ready", "1/1"), ("metastore", "ready", "1/1"), ("federation", "ready", "3/3"),
        ("spark", "ready", "2/2"),
    ]  # fmt: skip
    assert found.nodes == 1
    details = {part.name: part.detail for part in found.parts}
    assert details == {
        "storage": "1 DataNode, 50.0 GiB free of 100.0 GiB · 0 missing, 0 under-replicated blocks",
        "master": "master-0 leader",
        "metastore": "2 databases",
        "federation": "Trino 476, SELECT 1 in 0.2 s",
        "spark": "Spark 4.2.0, 0 running",
    }


def test_a_part_whose_pod_is_not_ready_is_degraded_and_says_why(kube: Cluster) -> None:
    state = {"name": "spark-connect", "image": "bdc.local/spark:9", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    kube.put(f"{CORE}/pods/spark-connect-0", pod("spark-connect-0", "spark", "spark-connect", **not_ready(containerStatuses=[state])))
    spark = parts(kube)["spark"]
    assert (spark.state, spark.replicas) == (PartState.DEGRADED, "1/2")
    assert spark.detail == "pod spark-connect-0 can't get its image bdc.local/spark:9 (ImagePullBackOff)"
    assert spark.hint


def test_a_pools_own_connect_server_counts(kube: Cluster) -> None:
    pool = {"metadata": {"labels": {"app.kubernetes.io/instance": "bdc", "bdc.dev/pool": "etl"}}}
    kube.put("/api/v1/namespaces/bdc-pool-etl", pool)
    conf = {"spark-defaults.conf": "spark.kubernetes.container.image bdc.local/spark:1\n"}
    kube.put("/api/v1/namespaces/bdc-pool-etl/configmaps/spark-conf", {"data": conf})
    assert parts(kube)["spark"].replicas == "2/2"
    kube.put("/apis/apps/v1/namespaces/bdc-pool-etl/deployments/spark-connect", {"spec": {"replicas": 1}})
    spark = parts(kube)["spark"]
    assert (spark.state, spark.replicas) == (PartState.DEGRADED, "2/3")
    assert spark.detail.startswith("Spark Connect of pool etl 0 of 1 ready")
    kube.put("/api/v1/namespaces/bdc-pool-etl/pods/spark-connect-0", pod("spark-connect-0", "spark", "spark-connect"))
    assert parts(kube)["spark"].ready


def test_a_ready_pod_whose_engine_does_not_answer_is_down(kube: Cluster) -> None:
    kube.fail("PROXY", "master-0:8008", UnreachableError("https://fake", "timed out"))
    master = parts(kube)["master"]
    assert (master.state, master.replicas, master.ready) == (PartState.DOWN, "1/1", False)
    assert "doesn't answer" in master.detail


def test_an_engine_that_answers_nonsense_is_down(kube: Cluster) -> None:
    kube.pages["master-0:8008/cluster"] = b"<html>"
    assert parts(kube)["master"].detail.startswith("answers wrongly: JSONDecodeError")


@pytest.mark.parametrize(
    ("bean", "values", "said"),
    [
        ("NameNodeInfo", {"Safemode": "Safe mode is ON"}, "in safe mode"),
        ("NameNodeInfo", {"NumberOfMissingBlocks": 4}, "4 missing"),
        ("FSNamesystemState", {"NumLiveDataNodes": 0}, "0 DataNodes"),
    ],
)
def test_storage_that_cannot_serve(kube: Cluster, bean: str, values: dict[str, Any], said: str) -> None:
    kube.namenode[bean] |= values
    storage = parts(kube)["storage"]
    assert storage.state is PartState.DOWN
    assert said in storage.detail


def test_a_datanode_that_the_namenode_does_not_know_is_missed(kube: Cluster) -> None:
    kube.objects[f"{APPS}/statefulsets/datanode"]["spec"]["replicas"] = 2
    kube.put(f"{CORE}/pods/datanode-1", pod("datanode-1", "storage", "datanode"))
    storage = parts(kube)["storage"]
    assert (storage.state, storage.hint) == (PartState.DEGRADED, "bdc logs datanode")
    assert storage.detail.startswith("1 DataNode, ")


def test_a_master_without_leader_and_lag_of_replicas(kube: Cluster) -> None:
    replica = {"name": "master-1", "role": "replica", "state": "streaming", "lag": 2048}
    kube.pages["master-0:8008/cluster"] = {"members": [LEADER, replica]}
    assert parts(kube)["master"].detail == "master-0 leader · lag 2.0 KiB"
    kube.pages["master-0:8008/cluster"] = {"members": [replica]}
    assert parts(kube)["master"].state is PartState.DOWN
    kube.pages |= {"master-0:8008/cluster": {"members": [LEADER]}, "master-0:8008/patroni": {"state": "starting"}}
    assert parts(kube)["master"].detail == "master-0 leader, its PostgreSQL is starting"


def test_federation_that_starts_or_fails(kube: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "select_one", lambda *_: Answer("476", None))
    assert (parts(kube)["federation"].state, parts(kube)["federation"].detail) == (PartState.DOWN, "Trino 476 is starting")


def test_a_worker_that_the_coordinator_does_not_know_is_missed(kube: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [["a"], ["b"]]
    monkeypatch.setattr(probes, "select_one", lambda *_: Answer("476", 0.2, known))
    meta = {"labels": labels("bdc", "federation", "trino-worker"), "creationTimestamp": "2026-11-21T11:00:00Z"}
    kube.put(f"{APPS}/deployments/trino-worker", {"metadata": meta, "spec": {"replicas": 2}})
    for number in range(2):
        kube.put(f"{CORE}/pods/trino-worker-{number}", pod(f"trino-worker-{number}", "federation", "trino-worker"))
    federation = parts(kube)["federation"]
    assert (federation.state, federation.detail) == (PartState.READY, "Trino 476, SELECT 1 in 0.2 s, 2 workers")
    known.pop()
    federation = parts(kube)["federation"]
    assert (federation.state, federation.hint) == (PartState.DEGRADED, "bdc logs trino-worker")
    assert federation.detail == "Trino 476, SELECT 1 in 0.2 s, 1 of 2 workers"


def test_parts_that_were_not_made(kube: Cluster) -> None:
    del kube.objects[f"{APPS}/deployments/metastore"]
    del kube.objects[f"{APPS}/deployments/httpfs"]
    found = parts(kube)
    assert (found["metastore"].state, found["metastore"].hint) == (PartState.MISSING, "make it: bdc up")
    assert (found["storage"].state, found["storage"].detail) == (PartState.DEGRADED, "HttpFS not made")


@pytest.mark.parametrize(
    ("kept", "part", "title"),
    [
        ({"federation.workers": 2}, "federation", "Trino worker"),
        ({"spark.pools.etl.max_cpu": "4", "spark.pools.etl.priority": 0}, "spark", "bdc's controller"),
    ],
)
def test_an_optional_workload_that_up_made_and_somebody_deleted(kube: Cluster, kept: dict[str, Any], part: str, title: str) -> None:
    keep(kube, "bdc", kept)
    found = parts(kube)[part]
    assert (found.state, found.detail, found.hint) == (PartState.DEGRADED, f"{title} not made", "make it: bdc up")


def test_an_optional_workload_of_which_nothing_is_known_is_not_missed(kube: Cluster) -> None:
    keep(kube, "bdc", {"federation.workers": 0})
    assert status(kube, Config()).ready
    keep(kube, "bdc", {"federation.workers": 2})
    kube.fail("GET", "configmaps/configuration", ApiForbiddenError(403, "Forbidden", "no rights"))
    assert status(kube, Config()).ready
    kube.put(f"{CORE}/configmaps/configuration", {"data": {"bdc.json": "{"}})
    assert status(kube, Config()).ready


def test_kubernetes_is_asked_each_thing_once(kube: Cluster) -> None:
    status(kube, Config())
    asked = [path for method, path in kube.calls if method == "GET"]
    places = ["namespaces", "namespaces/bdc", "nodes", "namespaces/bdc/pods", "namespaces/bdc/configmaps/configuration"]
    assert sorted(asked) == sorted([*(f"/api/v1/{place}" for place in places), f"{APPS}/deployments", f"{APPS}/statefulsets"])


def test_applications_are_counted(kube: Cluster) -> None:
    kube.put(f"{CORE}/pods/a", pod("a", "spark", "spark-driver"))
    kube.put(f"{CORE}/pods/b", pod("b", "spark", "spark-driver", **not_ready(phase="Pending")))
    assert parts(kube)["spark"].detail == "Spark 4.2.0, 1 running, 1 queued"


def test_no_such_cluster(kube: Cluster) -> None:
    with pytest.raises(NotFoundError, match="no cluster other here"):
        status(kube, Config(name="other"))
    kube.put("/api/v1/namespaces/theirs", {"metadata": {"labels": {}}})
    with pytest.raises(NotFoundError, match="no cluster theirs here"):
        status(kube, Config(name="theirs"))


def thrift_reply(names: list[str], kind: int = 2) -> bytes:
    head = struct.pack(">Ii", 0x80010000 | kind, len(METHOD)) + METHOD + struct.pack(">i", 1)
    body = struct.pack(">BhBi", 15, 0, 11, len(names)) + b"".join(struct.pack(">i", len(name.encode())) + name.encode() for name in names)
    return head + body + b"\0"


@given(st.lists(st.text(max_size=20), max_size=10))
def test_the_metastores_reply_is_read(names: list[str]) -> None:
    assert read(io.BytesIO(thrift_reply(names))) == names


@given(st.data())
def test_a_cut_reply_is_an_error(data: st.DataObject) -> None:
    whole = thrift_reply(["default", "demo"])
    cut = data.draw(st.integers(0, len(whole) - 2))
    with pytest.raises(BdcError, match="closed the connection"):
        read(io.BytesIO(whole[:cut]))


def test_a_failure_reply_and_another_protocol() -> None:
    with pytest.raises(BdcError, match="can't list"):
        read(io.BytesIO(thrift_reply([], kind=3)))
    with pytest.raises(ValueError, match="not a Thrift reply"):
        read(io.BytesIO(b"HTTP/1.1 400 Bad Request\r\n"))
    assert request() == b"\x80\x01\x00\x01" + struct.pack(">i", len(METHOD)) + METHOD + b"\0\0\0\1\0"


class FakeTrino(BaseHTTPRequestHandler):
    starting = False
    error: dict[str, Any] | None = None
    status = 200
    seen: list[tuple[str, str, str | None]] = []  # noqa: RUF012  shared on purpose

    def _answer(self) -> None:
        self.seen.append((self.command, self.path, self.headers.get("Authorization")))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer: dict[str, Any] = {"stats": {"state": "RUNNING"}}
        if self.path == "/v1/info":
            answer = {"nodeVersion": {"version": "476"}, "starting": self.starting}
        elif self.path == "/v1/statement":
            assert body in (b"SELECT 1", b"SELECT more")
            answer["nextUri"] = "https://elsewhere:1/v1/statement/executing/1"
        elif self.error:
            answer["error"] = self.error
        else:
            answer["data"] = [[1]]
        data = json.dumps(answer).encode()
        self.send_response(200 if self.path == "/v1/info" else self.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer  # noqa: N815  http.server's names

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FakeTrino]]:
    from http.client import HTTPConnection

    from bdc.kube.connection import Credentials, EndpointConnection, SecretStr

    class Handler(FakeTrino):
        protocol_version = "HTTP/1.1"
        seen: list[tuple[str, str, str | None]] = []  # noqa: RUF012

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        port = int(server.server_address[1])

        @contextmanager
        def reach(*_: object, **__: object) -> Iterator[EndpointConnection]:
            yield EndpointConnection("127.0.0.1", port, "localhost", Path("/none"))

        monkeypatch.setattr(trino, "reach", reach)
        monkeypatch.setattr(trino, "credentials", lambda *_: Credentials("bdc", SecretStr("pw"), SecretStr("t"), "ca"))
        monkeypatch.setattr(trino, "_Connection", lambda reached, seconds: HTTPConnection(reached.host, reached.port, timeout=seconds))
        yield Handler
        server.shutdown()
        thread.join()


def test_select_one_follows_trinos_protocol(endpoint: type[FakeTrino], kube: Cluster) -> None:
    answer = trino.select_one(kube, Config(), 5)
    assert answer.version == "476"
    assert answer.seconds is not None
    assert [entry[:2] for entry in endpoint.seen] == [
        ("GET", "/v1/info"), ("POST", "/v1/statement"), ("GET", "/v1/statement/executing/1"),
    ]  # fmt: skip
    assert endpoint.seen[1][2] == "Basic YmRjOnB3"
    assert answer.rows == ()


def test_select_one_and_another_query(endpoint: type[FakeTrino], kube: Cluster) -> None:
    assert trino.select_one(kube, Config(), 5, "SELECT more").rows == [[1]]
    assert [entry[1] for entry in endpoint.seen].count("/v1/statement") == 2


def test_select_one_that_fails(endpoint: type[FakeTrino], kube: Cluster) -> None:
    endpoint.error = {"message": "no nodes available"}
    with pytest.raises(BdcError, match="SELECT 1 failed: no nodes available"):
        trino.select_one(kube, Config(), 5)
    endpoint.status = 401
    with pytest.raises(BdcError, match="doesn't accept the cluster's password"):
        trino.select_one(kube, Config(), 5)
    endpoint.starting = True
    assert trino.select_one(kube, Config(), 5) == Answer("476", None)


def test_who_trino_lets_in(endpoint: type[FakeTrino], kube: Cluster) -> None:
    assert trino.refusal(kube, Config(), "ann", "pw", 5) == ""
    endpoint.status = 401
    assert trino.refusal(kube, Config(), "ann", "pw", 5) == "HTTP status 401"
    assert [entry[:2] for entry in endpoint.seen] == [("GET", "/v1/query")] * 2


@pytest.mark.parametrize(
    ("text", "value"), [("1Gi", 2**30), ("128974848", 128974848), ("129e6", 129e6), ("100m", 0.1), ("1.5k", 1500), ("2", 2), ("4Ei", 2**62)]
)
def test_amounts(text: str, value: float) -> None:
    assert amount(text) == pytest.approx(value)


def test_bad_amounts() -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        amount("lots")

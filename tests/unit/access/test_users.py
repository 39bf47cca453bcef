"""Ordinary users on a cluster in memory: the pods' own part (HDFS, PostgreSQL, the doors) is simulated here, and e2e has the real one."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml

from bdc.access import master, users
from bdc.config.model import Config
from bdc.errors import BdcError, DeadlineError, NotFoundError, UnhealthyError, UsageError
from bdc.kube import ApiConflictError
from bdc.kube.credentials import PlainCredentials
from bdc.kube.kubeconfig import Access
from bdc.kube.user_context import EXTENSION, UserContext
from bdc_stacks import identity
from tests.unit.fake_kube import FakeKube, Json

CONFIG = Config()
SECRET = "/api/v1/namespaces/bdc/secrets/users"
ACCOUNTS = "/api/v1/namespaces/bdc/serviceaccounts"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/bdc-pool-{}/rolebindings"


class Cluster(FakeKube):
    """A cluster with two pools; what is run in pods is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.access = Access("https://10.0.0.1:6443", PlainCredentials(), ca_pem="API CA")
        self.ran: list[tuple[str, list[str], str]] = []
        for pool in ("etl", "bi"):
            labels = {"app.kubernetes.io/instance": "bdc", "bdc.dev/pool": pool}
            self.put(f"/api/v1/namespaces/bdc-pool-{pool}", {"metadata": {"labels": labels}})
        self.put("/api/v1/nodes/a", {"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}})
        self.put("/api/v1/namespaces/bdc/secrets/ca", {"data": {"ca.crt": encoded("CA")}})
        self.put(SECRET, {"data": {"trino.db": "", "door.map": ""}})
        labels = {"app.kubernetes.io/instance": "bdc", "app.kubernetes.io/component": "master", "bdc.dev/role": "primary"}
        self.put("/api/v1/namespaces/bdc/pods/master-0", {"metadata": {"labels": labels}})
        for workload in ("httpfs", "namenode"):
            labels = {"app.kubernetes.io/instance": "bdc", "app.kubernetes.io/component": workload}
            self.put(f"/api/v1/namespaces/bdc/pods/{workload}-0", {"metadata": {"labels": labels}})

    def request(self, method: str, path: str, body: Any = None, **more: Any) -> Json:
        if path.endswith("/token"):
            return {"status": {"token": f"token-{body['spec']['expirationSeconds']}", "expirationTimestamp": "2027-02-19T20:00:00Z"}}
        return super().request(method, path, body, **more)

    def execute(self, _kube: object, _namespace: str, pod: str, _container: str, command: list[str], *, stdin: str = "") -> str:
        self.ran.append((pod, command, stdin))
        return ""

    def known(self, key: str) -> list[str]:
        return base64.b64decode(self.objects[SECRET]["data"][key]).decode().splitlines()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(users, "execute", made.execute)
    monkeypatch.setattr(master, "execute", made.execute)
    monkeypatch.setattr(users, "_await", lambda *_: None)
    return made


def person(text: str) -> UserContext:
    return UserContext.parse(yaml.safe_load(text)["contexts"][0]["context"]["extensions"][0]["extension"])


def test_a_user_is_made(cluster: Cluster) -> None:
    text, until = users.grant(cluster, CONFIG, "ann", ["etl"], days=30)
    document = yaml.safe_load(text)
    found = person(text)
    assert until.isoformat() == "2027-02-19T20:00:00+00:00"
    assert document["users"][0]["user"] == {"token": f"token-{30 * 86400}"}
    assert document["contexts"][0]["context"]["extensions"][0]["name"] == EXTENSION
    assert base64.b64decode(document["clusters"][0]["cluster"]["certificate-authority-data"]) == b"API CA"
    assert (found.name, found.cluster, found.pools, found.ca, found.addresses["trino"]) == ("ann", "bdc", ("etl",), "CA", ("10.0.0.1",))
    assert list(cluster.objects[f"{BINDINGS.format('etl')}/user-ann"]["subjects"]) == [
        {"kind": "ServiceAccount", "name": "user-ann", "namespace": "bdc"}
    ]
    assert f"{BINDINGS.format('bi')}/user-ann" not in cluster.objects
    assert cluster.known("trino.db") == [identity.trino_password_file("ann", found.password).strip()]
    assert cluster.known("door.map") == [identity.proxy_map("ann", found.password).strip()]
    assert [pod for pod, _, _ in cluster.ran] == ["master-0", "namenode-0"]
    assert found.password not in json.dumps([cluster.ran, cluster.bodies, cluster.objects])
    assert "bdc.dev/users" in cluster.objects["/api/v1/namespaces/bdc/pods/httpfs-0"]["metadata"]["annotations"]


def test_without_pools_there_are_hdfs_and_sql(cluster: Cluster) -> None:
    for pool in ("etl", "bi"):
        del cluster.objects[f"/api/v1/namespaces/bdc-pool-{pool}"]
    said: list[str] = []
    text, _ = users.grant(cluster, CONFIG, "ann", [], days=1, say=said.append)
    found = person(text)
    assert (found.pools, found.tokens) == ((), {})
    assert yaml.safe_load(text)["contexts"][0]["context"]["namespace"] == "bdc"
    assert cluster.known("trino.db") == [identity.trino_password_file("ann", found.password).strip()]
    assert said[0].startswith("there are no Spark pools: ann gets HDFS and SQL")
    assert [(one.name, one.pools) for one in users.users(cluster, "bdc")] == [("ann", ())]
    with pytest.raises(UsageError, match="there is no pool etl") as refused:
        users.grant(cluster, CONFIG, "ann", ["etl"], days=1)
    assert refused.value.hint == "add it to bdc.yaml: spark.pools.NAME"


def test_another_export_ends_the_first(cluster: Cluster) -> None:
    first, _ = users.grant(cluster, CONFIG, "ann", ["etl"], days=1)
    before = cluster.objects[f"{ACCOUNTS}/user-ann"]["metadata"]["uid"]
    users.grant(cluster, CONFIG, "anna", [], days=1)
    second, _ = users.grant(cluster, CONFIG, "ann", ["bi"], days=1)
    assert cluster.objects[f"{ACCOUNTS}/user-ann"]["metadata"]["uid"] != before, "tokens of the old account are dead"
    assert person(first).password != person(second).password
    assert [line.partition(":")[0] for line in cluster.known("trino.db")] == ["anna", "ann"]
    assert [line.rpartition(" ")[2] for line in cluster.known("door.map")] == ["anna", "ann"]
    assert [(one.name, one.pools) for one in users.users(cluster, "bdc")] == [("ann", ("bi",)), ("anna", ("bi", "etl"))]


def test_revoke(cluster: Cluster) -> None:
    users.grant(cluster, CONFIG, "ann", [], days=1)
    users.revoke(cluster, CONFIG, "ann")
    assert users.users(cluster, "bdc") == []
    assert cluster.known("trino.db") == cluster.known("door.map") == []
    assert 'ALTER ROLE "ann" NOLOGIN PASSWORD NULL;' in cluster.ran[-1][2]
    with pytest.raises(NotFoundError, match="there is no user ann"):
        users.revoke(cluster, CONFIG, "ann")


def test_two_exports_at_once_lose_nobody(cluster: Cluster) -> None:
    """The Secret changed meanwhile: it is read again."""
    stale = cluster.objects[SECRET]["metadata"]["resourceVersion"]
    line = identity.proxy_map("beth", "x")
    cluster.objects[SECRET]["data"]["door.map"] = encoded(line)
    cluster.fail("PATCH", SECRET, ApiConflictError(409, "Conflict", "changed"))
    users.grant(cluster, CONFIG, "ann", [], days=1)
    assert [one.rpartition(" ")[2] for one in cluster.known("door.map")] == ["beth", "ann"]
    assert stale


def test_a_secret_that_somebody_keeps_writing_is_not_waited_for_without_end(cluster: Cluster) -> None:
    cluster.fail("PATCH", SECRET, ApiConflictError(409, "Conflict", "changed"), times=1000)
    with pytest.raises(BdcError, match="changed by somebody else each of the 10 times") as raised:
        users.grant(cluster, CONFIG, "ann", [], days=1)
    assert "--show-managed-fields" in str(raised.value.hint)


@pytest.mark.parametrize(
    "name", ["", "Ann", "1a", "a_b", "ann-", "a" * 31, 'a"; DROP', "bdc", "postgres", "hdfs", "spark", "spark-etl", "bdc-pool-etl"]
)
def test_names_that_can_not_be(cluster: Cluster, name: str) -> None:
    with pytest.raises(UsageError):
        users.grant(cluster, CONFIG, name, [], days=1)
    assert not [call for call in cluster.calls if call[0] != "GET"]


def test_what_stands_in_the_way(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match="there is no pool x"):
        users.grant(cluster, CONFIG, "ann", ["x"], days=1)
    with pytest.raises(UsageError, match="aren't exposed"):
        users.grant(cluster, Config.model_validate({"network": {"expose": "none"}}), "ann", [], days=1)
    del cluster.objects["/api/v1/namespaces/bdc/pods/master-0"]
    with pytest.raises(UnhealthyError, match="no leader"):
        users.grant(cluster, CONFIG, "ann", [], days=1)
    del cluster.objects[SECRET]
    with pytest.raises(NotFoundError, match="has no Secret users"):
        users.grant(cluster, CONFIG, "ann", [], days=1)


def test_an_address_that_is_somebody_else_elsewhere() -> None:
    assert all(users.local(f"https://{host}:6443") for host in ("127.0.0.1", "localhost", "[::1]"))
    assert not any(users.local(f"https://{host}:6443") for host in ("10.0.0.1", "api.example"))


def test_an_endpoint_that_never_learns_the_password_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "_ANSWER_SECONDS", 0.0)
    monkeypatch.setattr(users, "_httpfs_takes", lambda *_: True)
    monkeypatch.setattr(users, "_trino_takes", lambda *_: False)
    ann = UserContext("bdc", "ann", "password", "CA", {}, True, ())
    with pytest.raises(DeadlineError, match="trino doesn't know the new password after 0 s"):
        users._await(Cluster(), CONFIG, ann)

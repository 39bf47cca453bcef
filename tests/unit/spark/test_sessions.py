"""Pods of sessions with Spark Connect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bdc.errors import DeadlineError, NotFoundError, UnhealthyError, UsageError
from bdc.kube.user_context import UserContext
from bdc.spark import console, sessions
from bdc.spark.scheduling.pools import Pool
from bdc.spark.sessions import Mode, SessionPod, manifest
from tests.unit.fake_kube import FakeKube

PODS = "/api/v1/namespaces/bdc/pods"
CLUSTER = Pool(None, "bdc")
DEFAULTS = {"spark.kubernetes.container.image": "image"}


class Silent:
    """A session that hears everything and says nothing."""

    def send(self, data: bytes) -> None:
        pass


class Starting(FakeKube):
    """A new pod gets `status` at once."""

    status: dict[str, Any]

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        answer = super().request(method, path, body, **options)
        if method == "POST":
            self.objects[f"{path}/{body['metadata']['name']}"]["status"] = self.status
        return answer


@pytest.fixture
def starting(kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> Starting:
    fake = Starting()
    fake.objects = kube.objects
    fake.status = {"phase": "Running", "containerStatuses": [{"name": "session", "state": {"running": {}}}]}

    @contextmanager
    def attached(*_: object, **__: object) -> Iterator[Silent]:
        yield Silent()

    monkeypatch.setattr("bdc.kube.attach.attach", attached)
    return fake


def pods(kube: FakeKube) -> list[str]:
    return [path for path in kube.objects if path.startswith(f"{PODS}/")]


def test_the_pod_goes_with_its_session_and_with_the_cluster(starting: Starting) -> None:
    with console(starting, "bdc", "sql"):
        [path] = pods(starting)
        made = starting.objects[path]
        owner = starting.objects["/api/v1/namespaces/bdc/configmaps/spark-conf"]["metadata"]["uid"]
        assert [one["uid"] for one in made["metadata"]["ownerReferences"]] == [owner]
        assert made["spec"]["containers"][0]["image"] == "bdc.local/spark:abc"
    assert pods(starting) == []


def test_the_token_is_a_reference_and_the_script_is_whole() -> None:
    pod = manifest("bdc", CLUSTER, "x", "sql", DEFAULTS | {"spark.kubernetes.container.image.pullSecrets": "registry"}, "uid", "1Gi")
    [container] = pod["spec"]["containers"]
    assert container["env"][0] == {"name": "BDC_TOKEN", "valueFrom": {"secretKeyRef": {"name": "credentials", "key": "token"}}}
    remote = next(one["value"] for one in container["env"] if one["name"] == "SPARK_REMOTE")
    assert remote == "sc://connect.bdc.svc:15002/;use_ssl=true;token=$(BDC_TOKEN)"
    assert [item["key"] for item in pod["spec"]["volumes"][0]["secret"]["items"]] == ["ca.crt"], "never the CA's key"
    program = container["args"][2].replace("$$", "$")
    compile(program, "session.py", "exec")
    assert container["args"][3] == "sql"
    assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert (container["stdin"], container["stdinOnce"], container["tty"]) == (True, True, False)


def test_a_session_in_a_pool_waits_for_room_and_has_the_pools_token() -> None:
    pod = manifest("bdc", Pool("etl", "bdc-pool-etl"), "x", "sql", DEFAULTS | {"spark.bdc.maxCpu": "4"}, "uid", "1Gi")
    assert pod["spec"]["schedulingGates"] == [{"name": "bdc.dev/pool"}]
    assert pod["metadata"]["namespace"] == "bdc-pool-etl"
    assert pod["metadata"]["labels"]["bdc.dev/application"] == "x", "or the controller wouldn't see it"
    environment = pod["spec"]["containers"][0]["env"]
    assert environment[0]["valueFrom"] == {"secretKeyRef": {"name": "connect-etl", "key": "token"}}
    assert "sc://connect.bdc.svc:15002/;use_ssl=true;token=$(BDC_TOKEN)" in [one.get("value") for one in environment], "the door leads on"
    assert pod["spec"]["volumes"][0]["secret"]["secretName"] == "connect-etl"
    unbounded = manifest("bdc", Pool("etl", "bdc-pool-etl"), "x", "sql", DEFAULTS, "uid", "1Gi")
    assert "schedulingGates" not in unbounded["spec"]


def test_whose_spark_connect(starting: Starting) -> None:
    for pool in ("etl", "bi", "ml"):
        labels = {"app.kubernetes.io/instance": "bdc", "bdc.dev/pool": pool}
        starting.put(f"/api/v1/namespaces/bdc-pool-{pool}", {"metadata": {"labels": labels}})
        conf = starting.objects["/api/v1/namespaces/bdc/configmaps/spark-conf"]
        starting.put(f"/api/v1/namespaces/bdc-pool-{pool}/configmaps/spark-conf", {"data": conf["data"]})
    starting.put("/api/v1/namespaces/bdc-pool-etl/services/connect", {})
    with console(starting, "bdc", "sql", pool="etl") as opened:
        assert opened.namespace == "bdc-pool-etl"
    with pytest.raises(UsageError, match="no Spark Connect in the pool bi"), console(starting, "bdc", "sql", pool="bi"):
        pass
    starting.known_person = UserContext("bdc", "ann", "p", "CA", {}, True, ("etl", "bi"))
    with console(starting, "bdc", "sql") as opened:
        assert opened.namespace == "bdc-pool-etl", "the only one that is open to her"
    starting.put("/api/v1/namespaces/bdc-pool-bi/services/connect", {})
    with pytest.raises(UsageError, match="several pools with Spark Connect"), console(starting, "bdc", "sql"):
        pass
    with pytest.raises(NotFoundError, match="there is no pool ml"), console(starting, "bdc", "sql", pool="ml"):
        pass


MODES: tuple[Mode, ...] = ("shell", "script", "sql")


def test_only_the_shell_has_a_terminal() -> None:
    made = [manifest("bdc", CLUSTER, "x", mode, DEFAULTS, "u", "1Gi") for mode in MODES]
    assert [pod["spec"]["containers"][0]["tty"] for pod in made] == [True, False, False]


def test_a_pod_that_cant_run_says_why_and_goes(starting: Starting) -> None:
    waiting = {"reason": "ErrImagePull", "message": "no such image"}
    starting.status = {"phase": "Pending", "containerStatuses": [{"name": "session", "image": "i", "state": {"waiting": waiting}}]}
    with pytest.raises(UnhealthyError, match="can't get its image i"), console(starting, "bdc", "sql"):
        pass
    assert pods(starting) == []


def test_sessions_that_have_ended_are_swept(starting: Starting) -> None:
    for name, phase in (("old", "Succeeded"), ("failed", "Failed"), ("other", "Running")):
        labels = {"app.kubernetes.io/component": "spark-console"}
        starting.put(f"{PODS}/{name}", {"metadata": {"labels": labels}, "status": {"phase": phase}})
    with console(starting, "bdc", "sql"):
        pass
    assert pods(starting) == [f"{PODS}/other"]


def test_no_cluster() -> None:
    with pytest.raises(NotFoundError, match="no cluster bdc"), console(FakeKube(), "bdc", "sql"):
        pass


@pytest.mark.parametrize(("ended", "code"), [({"exitCode": 0}, 0), ({"exitCode": 3, "reason": "Error"}, 3)])
def test_the_exit_code(starting: Starting, ended: dict[str, Any], code: int) -> None:
    starting.put(f"{PODS}/x", {"status": {"containerStatuses": [{"state": {"terminated": ended}}]}})
    assert SessionPod(starting, "bdc", "x", object()).exit_code() == code  # type: ignore[arg-type]


def test_out_of_memory_says_what_to_do(starting: Starting) -> None:
    ended = {"exitCode": 137, "reason": "OOMKilled"}
    starting.put(f"{PODS}/x", {"status": {"containerStatuses": [{"state": {"terminated": ended}}]}})
    with pytest.raises(UnhealthyError) as raised:
        SessionPod(starting, "bdc", "x", object()).exit_code()  # type: ignore[arg-type]
    assert "--memory" in str(raised.value.hint)


def test_a_pod_that_does_not_start_or_end_in_time_is_named(starting: Starting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_START_SECONDS", 0.0)
    monkeypatch.setattr(sessions, "_END_SECONDS", 0.0)
    starting.put(f"{PODS}/x", {"status": {"containerStatuses": [{"state": {"running": {}}}]}})
    with pytest.raises(UnhealthyError, match="pod x has closed its streams and goes on"):
        SessionPod(starting, "bdc", "x", object()).exit_code()  # type: ignore[arg-type]
    starting.status = {"phase": "Pending"}
    with pytest.raises(DeadlineError, match="did not start in 0 s"), console(starting, "bdc", "sql"):
        pass
    assert pods(starting) == [f"{PODS}/x"]

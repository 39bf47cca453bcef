"""Pools: where applications run, who waits, and what the controller does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bdc.errors import NotFoundError, UnreachableError, UsageError
from bdc.images.spec import images
from bdc.kube.user_context import UserContext
from bdc.services.admission_loop import run
from bdc.settings import Settings
from bdc.spark import Application, Client, Executors, Schedule, State
from bdc.spark.scheduling import queueing
from bdc.spark.scheduling.pools import chosen, holding, places
from tests.unit.fake_kube import FakeKube
from tests.unit.spark.conftest import DEFAULTS, FakeHdfs, pod

ETL = "bdc-pool-etl"
JOBS = f"/apis/batch/v1/namespaces/{ETL}/jobs"
CONF = f"/api/v1/namespaces/{ETL}/configmaps/spark-conf"
PODS = f"/api/v1/namespaces/{ETL}/pods"


def look(kube: FakeKube) -> tuple[list[str], list[str]]:
    done = queueing.look(kube, ETL)
    return list(done.begun), list(done.late)


def add_pool(kube: FakeKube, name: str, *settings: str, cpu: str | None = None, memory: str | None = None) -> None:
    namespace = f"bdc-pool-{name}"
    labels = {"app.kubernetes.io/instance": "bdc", "bdc.dev/pool": name}
    kube.put(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": labels}})
    bounds = [f"spark.bdc.max{key} {value}" for key, value in (("Cpu", cpu), ("Memory", memory)) if value is not None]
    text = "\n".join([DEFAULTS, "spark.dynamicAllocation.enabled true", f"spark.bdc.pool {name}", *bounds, *settings])
    kube.put(f"/api/v1/namespaces/{namespace}/configmaps/spark-conf", {"data": {"spark-defaults.conf": text}})


@pytest.fixture
def client(kube: FakeKube, hdfs: FakeHdfs, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(Settings, "kube", lambda _: kube)
    monkeypatch.setattr(Client, "_hdfs", lambda _: hdfs.connect())
    return Client()


def finish(kube: FakeKube, name: str) -> None:
    kube.objects[f"{JOBS}/{name}"]["status"] = {
        "conditions": [{"type": "Complete", "status": "True"}],
        "completionTime": "2026-11-21T10:09:00Z",
    }


def test_an_application_runs_in_its_pools_namespace(client: Client, kube: FakeKube, script: Path) -> None:
    add_pool(kube, "etl", "spark.bdc.priorityClass bdc-pool-etl")
    done = client.submit(Application(str(script), name="a"))
    assert done.pool == "etl", "the only pool is the one that is meant"
    made = kube.objects[f"{JOBS}/a"]
    assert made["spec"]["suspend"] is False
    assert made["metadata"]["labels"]["bdc.dev/pool"] == "etl"
    assert made["metadata"]["labels"]["bdc.dev/admission"] == "admitted", "a pool without bounds has no queue"
    assert made["spec"]["template"]["spec"]["priorityClassName"] == "bdc-pool-etl"
    properties = kube.objects[f"/api/v1/namespaces/{ETL}/configmaps/a-driver"]["data"]["spark.properties"]
    assert f"spark.kubernetes.namespace={ETL}\n" in properties
    assert "spark.kubernetes.executor.label.bdc.dev/pool=etl\n" in properties
    assert client.status("a").pool == "etl"
    assert [one.name for one in client.applications()] == ["a"]


def test_which_pool_is_said_where_it_is_not_clear(client: Client, kube: FakeKube, script: Path) -> None:
    add_pool(kube, "etl")
    add_pool(kube, "bi")
    with pytest.raises(UsageError, match="there are several pools") as unclear:
        client.submit(Application(str(script)))
    assert "bi, etl" in (unclear.value.hint or "")
    with pytest.raises(NotFoundError, match="there is no pool nix"):
        client.submit(Application(str(script), pool="nix"))
    for pool in ("bi", "etl"):
        assert client.submit(Application(str(script), name="a", pool=pool)).pool == pool
    with pytest.raises(UsageError, match="there are several a") as twice:
        client.status("a")
    assert "--pool: bi, etl" in (twice.value.hint or "")
    assert client.status("a", pool="bi").pool == "bi"
    assert [one.pool for one in client.applications(pool="bi")] == ["bi"]
    add_pool(kube, "default")
    assert client.submit(Application(str(script))).pool == "default"


def test_one_that_finds_no_room_waits_until_the_controller_sees_some(client: Client, kube: FakeKube, script: Path) -> None:
    add_pool(kube, "etl", cpu="300m")
    client.submit(Application(str(script), name="a"))
    assert kube.objects[f"{JOBS}/a"]["spec"]["suspend"] is False, "with room a submit waits for nobody"
    client.submit(Application(str(script), name="b"))
    waiting = client.status("b")
    assert waiting.state is State.QUEUED
    assert waiting.reason == "waits for room in the pool etl: it asks for 0.2 cores and 1.8 GiB"
    [pool] = client.pools()
    assert (pool.running, pool.waiting, pool.cpu, pool.cpu_limit, pool.memory_limit) == (1, ("b",), 0.2, 0.3, None)
    assert look(kube) == ([], [])
    finish(kube, "a")
    assert look(kube) == (["b"], [])
    assert kube.objects[f"{JOBS}/b"]["spec"]["suspend"] is False
    assert kube.objects[f"{JOBS}/a"]["metadata"]["labels"]["bdc.dev/admission"] == "ended"
    assert look(kube) == ([], [])


def test_one_that_never_fits_is_refused_and_one_that_may_grow_is_held_to_the_bounds(client: Client, kube: FakeKube, script: Path) -> None:
    add_pool(kube, "etl", cpu="500m", memory="4Gi")
    with pytest.raises(
        UsageError, match=r"asks for 0\.6 cores and 5\.2 GiB to begin with, and the pool etl has 0\.5 cores and 4\.0 GiB at most"
    ):
        client.submit(Application(str(script), executors=Executors(5, 5)))
    client.submit(Application(str(script), name="a", executors=Executors(1, 20)))
    properties = kube.objects[f"/api/v1/namespaces/{ETL}/configmaps/a-driver"]["data"]["spark.properties"]
    assert "spark.dynamicAllocation.maxExecutors=3\n" in properties  # (4 GiB - 896 MiB) / 896 MiB
    add_pool(kube, "etl", cpu="0")
    own = {"spark.kubernetes.executor.podTemplateFile": "/tmp/mine.yaml"}
    with pytest.raises(UsageError, match=r"podTemplateFile can't be set in the pool etl, which has bounds"):
        client.submit(Application(str(script), conf=own))
    with pytest.raises(UsageError, match="the pool etl has 0 cores at most"):
        client.submit(Application(str(script)))


def test_a_submit_that_somebody_overtakes_is_not_admitted_twice(client: Client, kube: FakeKube, script: Path) -> None:
    add_pool(kube, "etl", cpu="200m")
    client.submit(Application(str(script), name="a"))
    client.submit(Application(str(script), name="b"))
    finish(kube, "a")
    client.kill("b")
    assert look(kube) == ([], [])
    killed = kube.objects[f"{JOBS}/b"]
    assert (killed["spec"]["parallelism"], killed["spec"]["suspend"]) == (0, False), "Kubernetes ends it, and its driver never runs"
    assert client.status("b").state is State.KILLED


def test_waiting_counts_for_the_timeout(client: Client, kube: FakeKube, script: Path) -> None:
    add_pool(kube, "etl", cpu="200m")
    client.submit(Application(str(script), name="a"))
    client.submit(Application(str(script), name="b", timeout_seconds=60))  # the API in memory says that it was made long ago
    assert look(kube) == ([], ["b"])
    assert kube.objects[f"{JOBS}/b"]["spec"]["parallelism"] == 0
    failed = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "lastTransitionTime": "2026-11-21T10:02:00Z"}
    kube.objects[f"{JOBS}/b"]["status"] = {"conditions": [failed]}
    found = client.status("b")
    assert (found.state, found.reason) == (State.FAILED, "timed out")
    assert client.why(found).what == "it had not begun after its --timeout of 60 s: the pool etl had no room for it"


def test_runs_of_a_schedule_wait_too(client: Client, kube: FakeKube, script: Path) -> None:
    add_pool(kube, "etl", cpu="200m")
    client.submit(Application(str(script), name="tick"), schedule=Schedule("@daily"))
    schedule = kube.objects[f"/apis/batch/v1/namespaces/{ETL}/cronjobs/tick"]
    assert schedule["spec"]["suspend"] is False
    assert schedule["spec"]["jobTemplate"]["spec"]["suspend"] is True
    first, second = client.run_now("tick"), client.run_now("tick")
    assert kube.objects[f"{JOBS}/{first}"]["spec"]["suspend"] is False
    assert client.status(second).state is State.QUEUED
    finish(kube, first)
    assert look(kube) == ([second], [])


def test_bounds_that_are_taken_away_hold_nobody_up(client: Client, kube: FakeKube, script: Path) -> None:
    add_pool(kube, "etl", cpu="200m")
    client.submit(Application(str(script), name="a"))
    client.submit(Application(str(script), name="b"))
    add_pool(kube, "etl")
    assert look(kube) == (["b"], [])


def executor(app: str, number: int) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app.kubernetes.io/component": "spark-executor", "bdc.dev/application": app}},
        "spec": {
            "schedulingGates": [{"name": "bdc.dev/pool"}],
            "containers": [{"resources": {"requests": {"cpu": "100m", "memory": "896Mi"}}}],
        },
        "status": {"phase": "Pending"},
    }


def test_kueue_says_when_an_application_of_its_queue_begins(client: Client, kube: FakeKube, script: Path) -> None:
    """Kueue is simulated: it releases the Job."""
    add_pool(kube, "etl", "spark.bdc.queue team-a")
    client.submit(Application(str(script), name="a"))
    client.submit(Application(str(script), name="b"))
    made = kube.objects[f"{JOBS}/a"]
    assert (made["spec"]["suspend"], made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"]) == (True, "team-a")
    properties = kube.objects[f"/api/v1/namespaces/{ETL}/configmaps/a-driver"]["data"]["spark.properties"]
    assert "spark.kubernetes.executor.label.kueue.x-k8s.io/queue-name=team-a\n" in properties
    waiting = client.status("a")
    assert (waiting.state, waiting.reason) == (State.QUEUED, "waits for its turn in Kueue's queue team-a")
    assert look(kube) == ([], []), "the controller leaves them alone"
    made["spec"]["suspend"] = False
    assert client.status("a").reason == "no driver pod yet"
    client.kill("b")
    assert "kueue.x-k8s.io/queue-name" not in kube.objects[f"{JOBS}/b"]["metadata"]["labels"], "Kueue must not suspend it again"
    client.submit(Application(str(script), name="nightly"), schedule=Schedule("@daily"))
    run_of = kube.objects[f"/apis/batch/v1/namespaces/{ETL}/cronjobs/nightly"]["spec"]["jobTemplate"]
    assert (run_of["spec"]["suspend"], run_of["metadata"]["labels"]["kueue.x-k8s.io/queue-name"]) == (True, "team-a")


def test_an_ordinary_users_application_is_released_by_the_controller(client: Client, kube: FakeKube, script: Path) -> None:
    add_pool(kube, "etl", cpu="4")
    kube.known_person = UserContext("bdc", "ann", "p", "CA", {}, True, ("etl",))
    client.submit(Application(str(script), name="a"))
    made = kube.objects[f"{JOBS}/a"]
    assert made["spec"]["suspend"] is True, "though there is room"
    environment = {one["name"]: one.get("value") for one in made["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert environment["HADOOP_USER_NAME"] == "ann"
    assert "/user/ann/.spark/staging/" in " ".join(made["spec"]["template"]["spec"]["containers"][0]["args"])
    kube.known_person = None
    assert look(kube) == (["a"], [])


def test_what_a_job_says_that_it_asks_for_is_no_less_than_its_driver(client: Client, kube: FakeKube, script: Path) -> None:
    add_pool(kube, "etl", cpu="1")
    kube.known_person = UserContext("bdc", "ann", "p", "CA", {}, True, ("etl",))
    client.submit(Application(str(script), name="a"))
    made = kube.objects[f"{JOBS}/a"]
    made["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "64"
    made["metadata"]["annotations"]["bdc.dev/asks"] = "0.1 1"
    assert look(kube) == ([], [])


def test_executors_start_behind_a_gate_that_opens_when_there_is_room(client: Client, kube: FakeKube, script: Path) -> None:
    add_pool(kube, "etl", cpu="500m")
    for name in ("a", "b"):
        client.submit(Application(str(script), name=name, executors=Executors(1, 3)))
        driver = pod(app=name) | {"status": {"phase": "Running"}}
        driver["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100m", "memory": "896Mi"}}
        kube.put(f"{PODS}/{name}-xyz", driver)
        for number in (1, 2, 3):
            kube.put(f"{PODS}/{name}-xyz-exec-{number}", executor(name, number))
    assert queueing.look(kube, ETL).executors == ("a-xyz-exec-1", "b-xyz-exec-1", "a-xyz-exec-2")
    assert "schedulingGates" not in kube.objects[f"{PODS}/a-xyz-exec-1"]["spec"]
    assert queueing.look(kube, ETL).executors == ()
    del kube.objects[f"{PODS}/a-xyz-exec-2"]
    client.submit(Application(str(script), name="c"))
    assert client.status("c").state is State.QUEUED
    assert queueing.look(kube, ETL).executors == (), "who waits to begin comes before those that would grow"
    client.kill("c")
    assert queueing.look(kube, ETL).executors == ("a-xyz-exec-3",)


def test_the_controller_goes_on_when_the_api_is_away(kube: FakeKube, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kube.fail("GET", "/jobs", UnreachableError("https://fake", "connection refused"), times=2)
    rounds: Iterator[bool] = iter([False, False, True])
    run(kube, [ETL], lambda _: next(rounds), tmp_path / "beat")
    assert (tmp_path / "beat").exists()
    assert capsys.readouterr().err.count("connection refused") == 1


@pytest.mark.parametrize("module", ["bdc.services.admission", "bdc.services.reconciler"])
def test_the_controllers_are_whole_in_their_image(tmp_path: Path, module: str) -> None:
    """The image has the files that are listed, and the libraries of its requirements.txt; the pools' controller starts without those."""
    [spec] = [spec for spec in images() if spec.name == "bdc"]
    for name, path in spec.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(path.read_bytes())
    absent = ["jinja2", "typer", "rich", "kubernetes", "pulumi", "httpx", "aiohttp", "hdfs", "sqlglot", "cryptography"]
    if module == "bdc.services.admission":
        absent += ["pydantic", "requests", "psycopg", "trino"]
    code = f"""
import sys
for name in {absent}:
    sys.modules[name] = None
from {module} import main
main(["--help"])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "namespace" in done.stdout.lower()


def test_an_ordinary_user_without_pools_is_told(kube: FakeKube) -> None:
    kube.known_person = UserContext("bdc", "ann", "p", "CA", {}, True, ())
    assert places(kube, "bdc") == []
    with pytest.raises(UsageError, match="no Spark pool of the cluster bdc is open to ann"):
        chosen(kube, "bdc", None)
    with pytest.raises(UsageError, match="no Spark pool of the cluster bdc is open to ann"):
        holding(kube, "bdc", "etl")

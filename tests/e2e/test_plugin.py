"""The engine, the real pulumi and the offline plugin on a real API server."""

from __future__ import annotations

import base64
import contextlib
import gc
import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bdc.engine import ClusterStore, EngineError, Event, PulumiEngine, choose_plugin
from bdc.engine.stack import Stack
from bdc.errors import BdcError
from bdc.kube import ApiNotFoundError, Kube, connect
from bdc.kube.lease import HeldError
from tests.e2e.support.apiserver import ApiServer, api_server
from tests.e2e.support.plugin_programs import PASSWORD, World
from tests.e2e.support.podlife import pods_are

# After a program that failed, Pulumi's SDK leaves its event loop open (automation/_server.py closes it last, after what may raise).
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:Exception ignored in. <{what}:pytest.PytestUnraisableExceptionWarning")
    for what in ("socket.socket", "function BaseEventLoop.__del__")
]
PROGRAM = Path(__file__).parent / "support" / "plugin_programs.py"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture
def kube(server: ApiServer) -> Iterator[Kube]:
    connected = connect(server.kubeconfig)
    yield connected
    connected.close()
    gc.collect()  # what is left open is said in this test, not in another


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return str(request.node.name).removeprefix("test_").replace("_", "-")[:30].strip("-")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BDC_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def engine(kube: Kube, world: World, events: list[Event] | None = None) -> PulumiEngine:
    on_event = events.append if events is not None else None
    return PulumiEngine(world.namespace, world.stacks(), ClusterStore(kube, world.namespace), kube=kube, on_event=on_event)


def changes(kube: Kube, world: World) -> set[tuple[str, str, str]]:
    return {(change.op, change.kind, change.name) for change in engine(kube, world).plan()}


def get(kube: Kube, world: World, plural: str, name: str) -> dict[str, object]:
    return kube.request("GET", f"/api/v1/namespaces/{world.namespace}/{plural}/{name}")


def patch(kube: Kube, world: World, plural: str, name: str, body: object) -> None:
    path = f"/api/v1/namespaces/{world.namespace}/{plural}/{name}"
    kube.request("PATCH", path, body, content_type="application/merge-patch+json")


def test_life(kube: Kube, name: str, state: Path) -> None:
    world = World(name)
    planned = engine(kube, world).plan()
    assert len(planned) == 7
    assert {change.part for change in planned} == {"base", "storage"}
    with pytest.raises(ApiNotFoundError):  # planning for a new cluster leaves no trace
        kube.request("GET", "/api/v1/namespaces/bdc-system")
    assert not state.exists()

    events: list[Event] = []
    engine(kube, world, events).up()
    assert engine(kube, world).outputs("data") == {"namespace": name}
    outputs = engine(kube, world).outputs("platform")
    assert str(outputs["settings"]).startswith("settings-")
    assert ("done", "Service", "web", "storage") in {(e.state, e.kind, e.name, e.part) for e in events}

    before = get(kube, world, "configmaps", "map-0")["metadata"]
    assert engine(kube, world).plan() == []
    engine(kube, world).up()
    assert engine(kube, world).outputs("platform") == outputs
    assert get(kube, world, "configmaps", "map-0")["metadata"] == before

    changed = World(name, maps=2, settings={"a": "2"}, port=8080)
    plan = {change.name: change for change in engine(kube, changed).plan()}
    assert {(n, c.op) for n, c in plan.items()} == {("settings", "replace"), ("web", "update"), ("map-2", "delete")}
    assert plan["settings"].paths == ("data.a",)
    assert plan["web"].paths == ("spec.ports[0].port",)
    engine(kube, changed).up()
    assert engine(kube, changed).outputs("platform")["settings"] != outputs["settings"]
    assert engine(kube, changed).plan() == []
    assert engine(kube, changed).outputs("data") == {"namespace": name}

    engine(kube, changed).down(delete_data=False)
    with pytest.raises(ApiNotFoundError):
        get(kube, world, "services", "web")
    assert base64.b64decode(get(kube, world, "secrets", "password")["data"]["password"]).decode() == PASSWORD  # type: ignore[index]

    engine(kube, changed).down(delete_data=True)
    for namespace in (name, "bdc-system"):
        until_gone(kube, f"/api/v1/namespaces/{namespace}")
    engine(kube, changed).down(delete_data=True)  # nothing to do is no error


def test_an_official_plugin_on_path_is_used(kube: Kube, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The official one is on no package registry; its stand-in is ours, started by a script that notes it."""
    started, script = tmp_path / "started", tmp_path / "path" / "pulumi-resource-kubernetes"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$@" >>{started}\nexec {sys.executable} -m bdc.plugin "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(PROGRAM.parents[3]))
    world = World(name)
    PulumiEngine(name, world.stacks(), ClusterStore(kube, name), kube=kube, plugin=choose_plugin("builtin")).up()
    assert not started.exists()
    assert engine(kube, world).plan() == []  # it goes on from the same state
    times = started.read_text()
    assert times
    PulumiEngine(name, world.stacks(), ClusterStore(kube, name), kube=kube, plugin=choose_plugin("builtin")).up()
    assert started.read_text() == times


def until_gone(kube: Kube, path: str) -> None:
    end = time.monotonic() + 60
    with contextlib.suppress(ApiNotFoundError):
        while time.monotonic() < end:
            kube.request("GET", path)
            time.sleep(0.2)
        raise AssertionError(f"{path} is still there")


def test_drift_is_named_and_mended(kube: Kube, name: str) -> None:
    world = World(name)
    engine(kube, world).up()
    kube.request("DELETE", f"/api/v1/namespaces/{name}/configmaps/map-0")
    patch(kube, world, "configmaps", "map-1", {"data": {"added": "by hand"}})
    ports = [{"name": "http", "port": 81}, {"name": "more", "port": 99}]
    patch(kube, world, "services", "web", {"spec": {"ports": ports}, "metadata": {"labels": {"theirs": "stays"}}})
    assert changes(kube, world) == {("create", "ConfigMap", "map-0"), ("replace", "ConfigMap", "map-1"), ("update", "Service", "web")}
    engine(kube, world).up()
    assert get(kube, world, "configmaps", "map-0")["data"] == {"n": "0"}
    assert get(kube, world, "configmaps", "map-1")["data"] == {"n": "1"}
    service = get(kube, world, "services", "web")
    assert [(port["name"], port["port"]) for port in service["spec"]["ports"]] == [("http", 80)]  # type: ignore[index]
    assert service["metadata"]["labels"] == {"theirs": "stays"}  # type: ignore[index]
    assert changes(kube, world) == set()


def test_pulumi_is_run_only_for_a_stack_that_is_not_settled(kube: Kube, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record is made from a real state, and compared with what a real server has."""
    world, runs = World(name), list[str]()

    def noted(method: Callable[..., object]) -> Callable[..., object]:
        def run(stack: Stack, *arguments: object) -> object:
            runs.append(stack.name)
            return method(stack, *arguments)

        return run

    for method in ("plan", "up"):
        monkeypatch.setattr(Stack, method, noted(getattr(Stack, method)))

    def whole() -> PulumiEngine:
        stacks = [replace(stack, inputs=world.to_json) for stack in world.stacks()]
        return PulumiEngine(name, stacks, ClusterStore(kube, name), kube=kube)

    def runs_of(operation: Callable[[], object]) -> list[str]:
        runs.clear()
        operation()
        return list(runs)

    both = [f"{name}-data", name]
    assert runs_of(whole().up) == both
    assert runs_of(whole().up) == runs_of(whole().plan) == []
    patch(kube, world, "configmaps", "map-1", {"data": {"n": "by hand"}})
    assert runs_of(whole().plan) == runs_of(whole().up) == [name]
    patch(kube, world, "secrets", "password", {"data": {"password": ""}})
    assert runs_of(whole().plan) == runs_of(whole().up) == [f"{name}-data"]
    patch(kube, world, "secrets", "password", {"metadata": {"labels": {"theirs": "stays"}}})  # Pulumi changes nothing, but sees its version
    assert runs_of(whole().up) == [f"{name}-data"]
    assert runs_of(whole().up) == []
    kube.request("DELETE", f"/api/v1/namespaces/{name}/services/web")
    assert runs_of(whole().up) == [name]
    world = World(name, maps=2)
    assert runs_of(whole().up) == both
    assert runs_of(whole().up) == runs_of(whole().plan) == []
    whole().down(delete_data=False)
    assert runs_of(whole().up) == [name]
    whole().down(delete_data=True)


def test_refused_kind_is_named(kube: Kube, name: str) -> None:
    with pytest.raises(EngineError, match="ResourceQuota") as raised:
        engine(kube, World(name, quota=True)).up()
    assert "does not support v1/ResourceQuota" in raised.value.message


def test_secrets_stay_secret(kube: Kube, name: str, state: Path) -> None:
    events: list[Event] = []
    engine(kube, World(name), events).up()
    clear = [PASSWORD.encode(), base64.b64encode(PASSWORD.encode())]
    stored = kube.request("GET", f"/api/v1/namespaces/bdc-system/secrets/bdc-{name}-state-data")["data"]["state"]
    texts = [gzip.decompress(base64.b64decode(stored)), repr(events).encode()]
    texts += [path.read_bytes() for path in state.rglob("*") if path.is_file()]
    passphrase = kube.request("GET", f"/api/v1/namespaces/bdc-system/secrets/bdc-{name}-passphrase")["data"]["passphrase"]
    assert b'"kind":"Secret"' in texts[0]
    for text in texts:
        assert not any(value in text for value in (*clear, base64.b64decode(passphrase)))


def test_another_machine_goes_on(kube: Kube, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine(kube, World(name)).up()
    monkeypatch.setenv("BDC_STATE", str(tmp_path / "elsewhere"))
    assert engine(kube, World(name)).plan() == []
    engine(kube, World(name, maps=4)).up()
    monkeypatch.setenv("BDC_STATE", str(tmp_path / "state"))
    assert engine(kube, World(name, maps=4)).plan() == []


def test_newer_state_is_refused(kube: Kube, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine(kube, World(name)).up()
    head = {"stringData": {"format": "2"}}
    path = f"/api/v1/namespaces/bdc-system/secrets/bdc-{name}-state-data"
    kube.request("PATCH", path, head, content_type="application/merge-patch+json")
    with pytest.raises(BdcError, match="newer bdc"):
        engine(kube, World(name)).up()


def test_two_at_once(kube: Kube, name: str) -> None:
    world = World(name, replicas=1)
    with running(kube, world) as process:
        with pytest.raises(HeldError, match=f"pid {process.pid} since") as raised:
            engine(kube, world).up()
        assert name in raised.value.message
        command_lines = "".join(path.read_text() for path in Path("/proc").glob("[0-9]*/cmdline") if readable(path))
        stored = kube.request("GET", f"/api/v1/namespaces/bdc-system/secrets/bdc-{name}-passphrase")["data"]["passphrase"]
        assert base64.b64decode(stored).decode() not in command_lines
        with pods_are(kube, name, "ready"):
            assert process.wait(180) == 0
    assert engine(kube, world).plan() == []


def test_interrupted_then_goes_on(kube: Kube, name: str) -> None:
    world = World(name, replicas=1)
    with running(kube, world) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
    with pods_are(kube, name, "ready"):
        engine(kube, world).up()
    assert engine(kube, world).plan() == []


def test_killed_then_goes_on(kube: Kube, name: str) -> None:
    world = World(name, maps=40, replicas=1)
    with running(kube, world) as process:
        for pid in tree(process.pid):
            os.kill(pid, signal.SIGKILL)
        assert process.wait(120) == -signal.SIGKILL
    with pods_are(kube, name, "ready"):
        engine(kube, world).up()
    assert engine(kube, world).plan() == []


def test_only_bdc_killed_then_goes_on(kube: Kube, name: str) -> None:
    world = World(name, replicas=1)
    with running(kube, world) as process:
        process.kill()
        process.wait(30)
    with pods_are(kube, name, "ready"):
        engine(kube, world).up()
    assert engine(kube, world).plan() == []


def test_files_cut_short_by_a_power_cut(kube: Kube, name: str, state: Path) -> None:
    world = World(name)
    engine(kube, world).up()
    for pattern in ("work/*/Pulumi.*.yaml", "stacks/*/*.json.attrs", f"stacks/*/{name}.json", "meta.yaml"):
        [cut, *_] = sorted(state.rglob(pattern))
        cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
        assert engine(kube, world).plan() == [], cut


def test_down_takes_what_no_state_knows(kube: Kube, name: str) -> None:
    world = World(name)
    engine(kube, world).up()
    labels = {"app.kubernetes.io/managed-by": "bdc", "app.kubernetes.io/instance": name}
    for manager, service in (("pulumi-kubernetes-0123abcd", "left"), ("kubectl", "theirs")):
        metadata = {"name": service, "namespace": name, "labels": labels}
        spec = {"clusterIP": "None", "ports": [{"port": 80}]}
        kube.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}, manager=manager)
    engine(kube, world).down(delete_data=False)
    left = kube.request("GET", f"/api/v1/namespaces/{name}/services")["items"]
    assert [service["metadata"]["name"] for service in left] == ["theirs"]


def test_crashing_pod_ends_the_wait(kube: Kube, name: str) -> None:
    world = World(name, replicas=1)
    events: list[Event] = []
    started = time.monotonic()
    with pods_are(kube, name, "crashing"), pytest.raises(EngineError) as raised:
        engine(kube, world, events).up()
    assert time.monotonic() - started < 30
    assert raised.value.exit_code == 5
    assert "pod web-" in raised.value.message
    assert "container main exited with status 3, 2 times" in raised.value.message
    assert "no such table" in raised.value.message
    assert raised.value.hint
    assert [(f.part, f.kind, f.name) for f in raised.value.failures] == [("storage", "Deployment", "web")]
    assert any(event.state == "waiting" and "0 of 1 available" in event.message for event in events)

    (change,) = engine(kube, world).plan()  # the next run does not take it for ready
    assert (change.op, change.name, change.paths) == ("update", "web", ("status",))
    with pods_are(kube, name, "crashing"), pytest.raises(EngineError, match="can't become ready"):
        engine(kube, world).up()
    with pods_are(kube, name, "ready"):
        engine(kube, world).up()


@contextlib.contextmanager
def running(kube: Kube, world: World) -> Iterator[subprocess.Popen[bytes]]:
    """An `up` in a process of its own, just waiting for the Deployment's pods."""
    (kubeconfig,) = kube.access.files
    command = [sys.executable, str(PROGRAM), world.namespace, str(kubeconfig), world.to_json()]
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": root}) as process:
        try:
            end = time.monotonic() + 60
            pods = f"/api/v1/namespaces/{world.namespace}/pods"
            while not kube.request("GET", pods)["items"] and time.monotonic() < end and process.poll() is None:
                time.sleep(0.1)
            assert process.poll() is None
            yield process
        finally:
            process.kill()


def tree(pid: int) -> list[int]:
    children = [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
    return [pid, *(below for child in children for below in tree(child))]


def readable(path: Path) -> bool:
    try:
        path.read_text()
    except OSError:
        return False
    return True


def test_no_thread_is_left(kube: Kube, name: str) -> None:
    engine(kube, World(name, maps=0)).up()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("lease-")]


def test_a_backend_of_the_users_own(kube: Kube, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, backend = World(name), f"file://{tmp_path}/backend"
    (tmp_path / "backend").mkdir()
    store = ClusterStore(kube, name, backend)
    PulumiEngine(name, world.stacks(), store, kube=kube).up()
    assert {path.stem for path in (tmp_path / "backend").glob(".pulumi/stacks/**/*.json")} == {name, f"{name}-data"}
    assert PASSWORD not in "".join(path.read_text() for path in (tmp_path / "backend").rglob("*.json"))
    copies = kube.request("GET", "/api/v1/namespaces/bdc-system/secrets")["items"]
    assert [one["metadata"]["name"] for one in copies if name in one["metadata"]["name"] and "state" in one["metadata"]["name"]] == []
    monkeypatch.setenv("BDC_STATE", str(tmp_path / "another-machine"))
    assert PulumiEngine(name, world.stacks(), store, kube=kube).plan() == []

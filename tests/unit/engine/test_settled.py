"""Pulumi is run for a stack unless that is exactly what its last finished `up` left."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bdc.config.secret_data import encoded
from bdc.engine import Change, ClusterStore, PulumiEngine, StackProgram
from bdc.engine import run as run_module
from bdc.engine.errors import EngineError
from bdc.engine.events import Event
from bdc.engine.live_objects import counted
from bdc.engine.plugin_selection import Plugin
from bdc.engine.settled import Settlement
from bdc.errors import BdcError
from bdc.kube import ApiForbiddenError
from bdc.plugin.codec import SECRET, SIGNATURE
from tests.unit.fake_kube import FakeKube

HEAD = "/api/v1/namespaces/bdc-system/secrets/bdc-one-state-"
PASSPHRASE = "/api/v1/namespaces/bdc-system/secrets/bdc-one-passphrase"
CONFIG_MAP = "/api/v1/namespaces/one/configmaps/settings"
ANOTHER_MAP = "/api/v1/namespaces/one/configmaps/other"
DEPLOYMENT = "/apis/apps/v1/namespaces/one/deployments/web"
POD = "/api/v1/namespaces/one/pods/web-1"
SECRET_OBJECT = "/api/v1/namespaces/one/secrets/login"
CLAIM = "/api/v1/namespaces/one/persistentvolumeclaims/data"
LOGIN = "hunter2-and-more"
READY = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}

Json = dict[str, Any]
told: list[str] = []


def obj(api_version: str, kind: str, name: str, **more: Any) -> Json:
    metadata = {"name": name, "labels": {"of": "one"}} | ({} if kind == "Namespace" else {"namespace": "one"})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


DECLARED = {
    "data": {
        "/api/v1/namespaces/one": obj("v1", "Namespace", "one"),
        SECRET_OBJECT: obj("v1", "Secret", "login", type="Opaque", data=encoded({"password": LOGIN})),
        CLAIM: obj("v1", "PersistentVolumeClaim", "data", spec={"accessModes": ["ReadWriteOnce"]}),
    },
    "platform": {
        CONFIG_MAP: obj("v1", "ConfigMap", "settings", data={"a": "1"}),
        ANOTHER_MAP: obj("v1", "ConfigMap", "other", data={"b": "2"}),
        DEPLOYMENT: obj(
            "apps/v1",
            "Deployment",
            "web",
            spec={
                "replicas": 1,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"spec": {"containers": [{"name": "web", "args": ["-v"]}]}},
            },
        ),
    },
}


class FakeStack:
    """A stack whose `up` makes its objects what DECLARED says, as Pulumi with the plugin does."""

    kube: FakeKube
    meanwhile: Callable[[], object] | None = None
    extra: Json

    def __init__(self, known: StackProgram, *_: object, **__: object) -> None:
        self.known = known

    def plan(self, on_event: object) -> list[Change]:
        told.append(f"plan {self.known.name}")
        return []

    def up(self, on_event: object) -> None:
        told.append(f"up {self.known.name}")
        for path, declared in DECLARED[self.known.name].items():
            live = self.kube.objects.get(path)
            if live is None or not declared.items() <= {**live, "metadata": {**declared["metadata"]}}.items():
                self.kube.put(path, {**deepcopy(declared), "metadata": {**declared["metadata"], "generation": 1}})
            self.kube.objects[path]["metadata"]["labels"] = {"of": "one"}
        if self.known.name == "platform":
            self.kube.objects[DEPLOYMENT]["status"] = dict(READY)
            ready = {"conditions": [{"type": "Ready", "status": "True"}]}
            self.kube.put(POD, {"metadata": {"labels": {"app": "web"}}, "status": ready})
        else:
            self.kube.objects[CLAIM]["status"] = {"phase": "Bound"}
        self.resources = list(map(self._resource, DECLARED[self.known.name].items()))
        if FakeStack.meanwhile:
            FakeStack.meanwhile()

    def _resource(self, at: tuple[str, Json]) -> Json:
        path, declared = at
        inputs, outputs = deepcopy(declared), deepcopy(self.kube.objects[path])
        if inputs["kind"] == "Secret":
            inputs["data"] = outputs["data"] = {SIGNATURE: SECRET, "ciphertext": "v1:x"}
        group = "core/v1" if inputs["apiVersion"] == "v1" else inputs["apiVersion"]
        kind = f"kubernetes:{group}:{inputs['kind']}"
        return {"urn": path, "custom": True, "type": kind, "inputs": inputs, "outputs": outputs, **FakeStack.extra}

    def destroy(self, on_event: object) -> None:
        self.resources = []
        told.append(f"destroy {self.known.name}")

    def recover(self, *, exclusive: bool) -> None:
        pass

    def load(self, deployment: Json) -> None:
        pass

    def forget_history(self) -> None:
        pass

    def export(self) -> Json:
        others = [{"type": "pulumi:pulumi:Stack"}, {"type": "pulumi:providers:kubernetes", "custom": True}]
        return {"version": 3, "deployment": {"resources": [*others, *getattr(self, "resources", [])]}}


class FakePulumi:
    def __init__(self, _: Path) -> None:
        pass

    def end_left_over(self) -> None:
        pass

    def interrupt(self) -> None:
        pass


class Cluster:
    """A cluster of two stacks, and what its programs are made from."""

    def __init__(self) -> None:
        self.kube = FakeKube()
        self.inputs: dict[str, object] = {"data": {"code": "a"}, "platform": {"code": "a", "login": LOGIN}}
        self.plugin = Plugin("4.34.2")
        self.events: list[Event] = []
        self.deadline = 600.0

    def engine(self, *, backend: str | None = None) -> PulumiEngine:
        def stack(name: str, *needs: str) -> StackProgram:
            return StackProgram(name, f"one-{name}", lambda: None, needs, kept=name == "data", inputs=lambda: self.inputs[name])

        stacks = (stack("data"), stack("platform", "data"))
        store = ClusterStore(self.kube, "one", backend)
        return PulumiEngine(
            "one", stacks, store, kube=self.kube, plugin=self.plugin, on_event=self.events.append, deadline_seconds=self.deadline
        )

    def up(self) -> list[str]:
        told.clear()
        self.engine().up()
        return list(told)

    def plan(self) -> list[str]:
        told.clear()
        self.engine().plan()
        return sorted(told)

    def planned(self) -> list[Change]:
        return self.engine().plan()

    def container(self) -> Json:
        return self.kube.objects[DEPLOYMENT]["spec"]["template"]["spec"]["containers"][0]  # type: ignore[no-any-return]

    def change(self, path: str, **fields: Any) -> None:
        self.kube.objects[path] |= fields
        self.kube.objects[path]["metadata"]["resourceVersion"] = "changed"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """One that was brought up once."""
    monkeypatch.setenv("BDC_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("BDC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(run_module, "Stack", FakeStack)
    monkeypatch.setattr(run_module, "Pulumi", FakePulumi)
    monkeypatch.setattr("bdc.engine.stack.load_kinds", lambda: None)
    made = Cluster()
    monkeypatch.setattr(FakeStack, "kube", made.kube, raising=False)
    monkeypatch.setattr(FakeStack, "meanwhile", None)
    monkeypatch.setattr(FakeStack, "extra", {}, raising=False)
    assert made.up() == ["up data", "up platform"]
    return made


def test_pulumi_is_not_run_for_settled_stacks(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PulumiEngine, "_run", lambda *_, **__: pytest.fail("it is run"))
    assert cluster.plan() == []
    assert cluster.up() == []
    assert cluster.up() == []


def test_another_machine_may_know_it(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BDC_STATE", str(tmp_path / "elsewhere"))
    assert cluster.up() == []
    assert not (tmp_path / "elsewhere").exists()


def lost_pod(cluster: Cluster) -> None:
    cluster.kube.objects[POD]["status"]["conditions"][0]["status"] = "False"


def other_passphrase(cluster: Cluster) -> None:
    cluster.kube.objects[PASSPHRASE]["data"] |= encoded({"passphrase": "another"})


def other_uid(cluster: Cluster) -> None:
    cluster.kube.objects[CONFIG_MAP]["metadata"]["uid"] = "another"


def label_gone(cluster: Cluster) -> None:
    del cluster.kube.objects[ANOTHER_MAP]["metadata"]["labels"]["of"]


def annotated(cluster: Cluster) -> None:
    cluster.kube.objects[DEPLOYMENT]["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2", "somebody": "was here"}


def restarted(cluster: Cluster) -> None:
    template = cluster.kube.objects[DEPLOYMENT]["spec"]["template"]
    template["metadata"] = {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}


def going(cluster: Cluster) -> None:
    cluster.kube.objects[CONFIG_MAP]["metadata"]["deletionTimestamp"] = "2026-11-30T10:00:00Z"


PLATFORM: dict[str, Callable[[Cluster], object]] = {
    "its inputs": lambda cluster: cluster.inputs.update(platform={"code": "a", "login": "another"}),
    "its code": lambda cluster: cluster.inputs.update(platform={"code": "b", "login": LOGIN}),
    "nobody knows its inputs": lambda cluster: cluster.inputs.update(platform=None),
    "a field": lambda cluster: cluster.change(CONFIG_MAP, data={"a": "2"}),
    "another key": lambda cluster: cluster.change(CONFIG_MAP, data={"a": "1", "b": "2"}),
    "an element of a list": lambda cluster: cluster.container()["args"].append("x"),
    "a field that the program doesn't name": lambda cluster: cluster.kube.objects[DEPLOYMENT]["spec"].update(paused=True),
    "restarted by hand": restarted,
    "a label is gone": label_gone,
    "an annotation": annotated,
    "it is gone": lambda cluster: cluster.kube.objects.pop(CONFIG_MAP),
    "it is going": going,
    "made anew": other_uid,
    "it was restored": lambda cluster: cluster.kube.objects[f"{HEAD}platform"]["data"].update(encoded({"serial": "7"})),
    "the copy of the state is gone": lambda cluster: cluster.kube.objects.pop(f"{HEAD}platform"),
    "a record of another format": lambda cluster: rewritten(cluster, format=2),
    "no right to look": lambda cluster: cluster.kube.fail("GET", "/deployments", ApiForbiddenError(403, "Forbidden", "no")),
}


def rewritten(cluster: Cluster, **changed: object) -> None:
    data = cluster.kube.objects[f"{HEAD}platform"]["data"]
    data |= encoded({"settled": json.dumps({**json.loads(base64.b64decode(data["settled"])), **changed})})


@pytest.mark.parametrize("what", PLATFORM)
def test_only_the_stack_that_is_not_settled_is_run(cluster: Cluster, what: str) -> None:
    PLATFORM[what](cluster)
    if what != "no right to look":
        assert cluster.plan() == ["plan platform"]
    assert cluster.up() == ["up platform"]


DATA: dict[str, Callable[[Cluster], object]] = {
    "a Secret": lambda cluster: cluster.change(SECRET_OBJECT, data=encoded({"password": "another"})),
    "the namespace's label": lambda cluster: cluster.kube.objects["/api/v1/namespaces/one"]["metadata"]["labels"].update(more="x"),
}


@pytest.mark.parametrize("what", DATA)
def test_the_stack_before_it_is_run_alone(cluster: Cluster, what: str) -> None:
    DATA[what](cluster)
    assert cluster.plan() == ["plan data"]
    assert cluster.up() == ["up data"]


def test_another_passphrase_and_another_plugin_concern_all(cluster: Cluster) -> None:
    other_passphrase(cluster)
    assert cluster.plan() == ["plan data", "plan platform"]
    assert cluster.up() == ["up data", "up platform"]
    cluster.plugin = Plugin("4.34.2", Path("/usr/bin/official"))
    assert cluster.up() == ["up data", "up platform"]
    assert cluster.up() == []


def later(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], object]) -> None:
    """Each time that an object is asked for on its own, the next step happens."""
    left, request = list(steps), cluster.kube.request

    def happening(method: str, path: str, body: Any = None, **options: Any) -> Json:
        if method == "GET" and path in (DEPLOYMENT, CLAIM) and len(cluster.events) and left:
            left.pop(0)()
        return request(method, path, body, **options)

    monkeypatch.setattr(cluster.kube, "request", happening)


def lost_power(cluster: Cluster) -> None:
    cluster.change(DEPLOYMENT, status={**READY, "availableReplicas": 0})
    lost_pod(cluster)


def works_again(cluster: Cluster) -> None:
    cluster.change(DEPLOYMENT, status=dict(READY))
    cluster.kube.objects[POD]["status"]["conditions"][0]["status"] = "True"


def test_what_is_not_ready_is_waited_for_without_pulumi(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    lost_power(cluster)
    assert cluster.planned() == [Change("update", "Deployment", "web", None, ("status",))]
    later(cluster, monkeypatch, lambda: None, lambda: works_again(cluster))
    assert cluster.up() == []
    assert [(one.state, one.op, one.kind, one.name) for one in cluster.events] == [
        (state, "wait", "Deployment", "web") for state in ("started", "waiting", "done")
    ]
    assert cluster.events[1].message == "pods, 0 of 1 available"
    assert cluster.planned() == []
    assert cluster.up() == []


def test_a_pod_that_the_workloads_status_does_not_know_yet_is_waited_for(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    lost_pod(cluster)
    assert [change.paths for change in cluster.planned()] == [("status",)]
    later(cluster, monkeypatch, lambda: None, lambda: works_again(cluster))
    assert cluster.up() == []
    assert cluster.kube.objects[POD]["status"]["conditions"][0]["status"] == "True"


def test_they_are_waited_for_in_the_order_in_which_they_were_made(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    lost_power(cluster)
    cluster.change(CLAIM, status={"phase": "Pending"})
    later(cluster, monkeypatch, lambda: cluster.change(CLAIM, status={"phase": "Bound"}), lambda: None, lambda: works_again(cluster))
    assert cluster.up() == []
    assert [one.kind for one in cluster.events if one.state == "done"] == ["PersistentVolumeClaim", "Deployment"]


def test_what_is_late_ends_the_run_and_the_next_one_waits_again(cluster: Cluster) -> None:
    lost_power(cluster)
    cluster.deadline = 0.3
    for _ in range(2):
        with pytest.raises(EngineError, match=r"^Deployment one/web was not ready in time \(0 s\), waiting for web-1 \(") as failed:
            cluster.up()
        assert (failed.value.exit_code, cluster.events[-1].state) == (4, "failed")
        assert told == []


def test_pods_that_never_are_what_the_status_says_are_late(cluster: Cluster) -> None:
    lost_pod(cluster)
    cluster.deadline = 0.1
    with pytest.raises(EngineError, match=r"^Deployment one/web was not ready in time \(0 s\): its status counts pods that") as failed:
        cluster.up()
    assert (failed.value.exit_code, cluster.events[-1].state) == (4, "failed")


def lose_the_lock(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What loses it; as bdc.kube.lease does, from which an error inside comes out as LostError."""
    told_of: list[Callable[[], None]] = []

    @contextmanager
    def locked(_: ClusterStore, on_lost: Callable[[], None]) -> Iterator[None]:
        told_of.append(on_lost)
        yield

    monkeypatch.setattr(ClusterStore, "locked", locked)
    return lambda: told_of[-1]()


def test_no_pulumi_begins_once_the_lock_is_lost(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    lose = lose_the_lock(cluster, monkeypatch)
    cluster.inputs["platform"] = {"code": "b"}
    monkeypatch.setattr(Settlement, "unready", lambda *_: lose())
    with pytest.raises(BdcError, match="interrupted"):
        cluster.up()
    assert told == []


def test_nor_does_the_next_stack(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.inputs |= {"data": {"code": "b"}, "platform": {"code": "b"}}
    FakeStack.meanwhile = lose_the_lock(cluster, monkeypatch)
    with pytest.raises(BdcError, match="interrupted"):
        cluster.up()
    assert told == ["up data"]


def test_the_wait_for_pods_ends_with_the_lock(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    lost_pod(cluster)
    later(cluster, monkeypatch, lambda: None, lose_the_lock(cluster, monkeypatch))
    with pytest.raises(EngineError, match="the wait was interrupted"):
        cluster.up()


def test_what_never_will_be_ready_is_pulumis(cluster: Cluster) -> None:
    late = {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}
    cluster.change(DEPLOYMENT, status={**READY, **late})
    assert cluster.plan() == ["plan platform"]


def test_a_change_and_something_to_wait_for(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.change(CLAIM, status={"phase": "Pending"})
    cluster.change(CONFIG_MAP, data={"a": "2"})
    assert cluster.plan() == ["plan platform"]
    later(cluster, monkeypatch, lambda: cluster.change(CLAIM, status={"phase": "Bound"}))
    assert cluster.up() == ["up platform"]


def test_what_controllers_write_is_no_change(cluster: Cluster) -> None:
    cluster.kube.objects[DEPLOYMENT]["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2"}
    cluster.kube.objects[CLAIM]["metadata"]["annotations"] = {"pv.kubernetes.io/bind-completed": "yes"}
    cluster.kube.objects[CLAIM]["spec"]["volumeName"] = "pvc-1"
    cluster.change(DEPLOYMENT, status={**READY, "readyReplicas": 1})
    assert cluster.up() == []


def test_what_was_changed_by_hand_is_run_once(cluster: Cluster) -> None:
    cluster.change(CONFIG_MAP, data={"a": "2"})
    assert cluster.up() == ["up platform"]
    assert cluster.up() == []


@pytest.mark.parametrize("error", [BdcError("it failed"), KeyboardInterrupt()])
def test_a_run_that_failed_or_was_killed_leaves_no_record(cluster: Cluster, error: BaseException) -> None:
    def fail() -> None:
        head = cluster.kube.objects[f"{HEAD}platform"]["data"]
        assert "settled" not in head, "it is removed before anything begins"
        raise error

    cluster.change(CONFIG_MAP, data={"a": "2"})
    FakeStack.meanwhile = fail
    with pytest.raises(type(error)):
        cluster.up()
    FakeStack.meanwhile = None
    assert cluster.up() == ["up platform"]
    assert cluster.up() == []


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda cluster: cluster.change(CONFIG_MAP, data={"a": "3"}),
        lambda cluster: cluster.kube.objects.pop(ANOTHER_MAP),
        lambda cluster: cluster.inputs.update(platform="changed"),
        lambda cluster: cluster.kube.fail("PATCH", "state-platform", ApiForbiddenError(403, "Forbidden", "no"), times=9),
    ],
    ids=["an object", "an object that is gone", "the inputs", "the right to write"],
)
def test_what_changes_while_up_is_at_work_leaves_no_record(cluster: Cluster, meanwhile: Callable[[Cluster], object]) -> None:
    cluster.inputs["platform"] = "first"
    FakeStack.meanwhile = lambda: meanwhile(cluster)
    try:
        cluster.up()
    except ApiForbiddenError:  # of the copy of the state
        cluster.kube._failures.clear()
    FakeStack.meanwhile = None
    assert cluster.up() == ["up platform"]
    assert cluster.up() == []


def test_inputs_that_were_others_while_up_was_at_work_leave_no_record(cluster: Cluster) -> None:
    cluster.inputs["platform"] = "first"
    FakeStack.meanwhile = lambda: cluster.inputs.update(platform="for a moment")
    cluster.up()
    FakeStack.meanwhile = None
    cluster.inputs["platform"] = "first"
    assert cluster.up() == ["up platform"]


def test_a_secret_that_changes_while_up_is_at_work_leaves_no_record(cluster: Cluster) -> None:
    cluster.inputs["data"] = "changed"
    FakeStack.meanwhile = lambda: cluster.change(SECRET_OBJECT, data=encoded({"password": "another"}))
    assert cluster.up() == ["up data"]
    FakeStack.meanwhile = None
    assert cluster.up() == ["up data"]


LEFT_TO_DO: list[Json] = [{"initErrors": ["not ready"]}, {"delete": True}, {"outputs": {}}, {"type": "random:index/randomId:RandomId"}]


@pytest.mark.parametrize("more", LEFT_TO_DO, ids=str)
def test_a_state_with_something_left_to_do_gives_no_record(cluster: Cluster, more: Json) -> None:
    cluster.inputs["platform"] = "changed"
    FakeStack.extra = more
    assert cluster.up() == ["up platform"]
    FakeStack.extra = {}
    assert cluster.up() == ["up platform"]


def test_down_and_up_again(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdc.engine.engine.sweep", lambda *_: None)
    cluster.engine().down(delete_data=False)
    assert cluster.up() == ["up platform"]
    assert cluster.up() == []


def test_another_backend_has_no_records(cluster: Cluster) -> None:
    for _ in range(2):
        told.clear()
        cluster.engine(backend="s3://bucket/bdc").up()
        assert told == ["up data", "up platform"]


def test_the_record_tells_no_secret_and_nothing_to_guess_it_by(cluster: Cluster) -> None:
    record = base64.b64decode(cluster.kube.objects[f"{HEAD}data"]["data"]["settled"]).decode()
    platform = base64.b64decode(cluster.kube.objects[f"{HEAD}platform"]["data"]["settled"]).decode()
    for text in (record, platform):
        assert LOGIN not in text
        assert base64.b64encode(LOGIN.encode()).decode() not in text
    before = json.loads(record)
    other_passphrase(cluster)
    cluster.up()
    after = json.loads(base64.b64decode(cluster.kube.objects[f"{HEAD}data"]["data"]["settled"]))
    assert before["inputs"] != after["inputs"]
    for one, other in zip(before["groups"], after["groups"], strict=True):
        assert one["path"] == other["path"]
        assert not {seen for _, seen in one["objects"].values()} & {seen for _, seen in other["objects"].values()}


def test_a_kind_is_asked_for_once(cluster: Cluster) -> None:
    cluster.kube.calls.clear()
    assert cluster.up() == []
    asked = [path for method, path in cluster.kube.calls if method == "GET" and "/one" in path]
    assert sorted(asked) == sorted({
        "/api/v1/namespaces/one", SECRET_OBJECT, CLAIM, "/api/v1/namespaces/one/configmaps", DEPLOYMENT, "/api/v1/namespaces/one/pods",
    })  # fmt: skip


def test_neither_pulumi_nor_its_sdk_is_loaded() -> None:
    code = """if True:
        import sys
        from bdc.engine import ClusterStore, PulumiEngine, StackProgram
        from bdc.engine.plugin_selection import Plugin
        from bdc.engine.settled import Settlement
        from tests.unit.fake_kube import FakeKube

        kube, plugin = FakeKube(), Plugin("4.34.2")
        store = ClusterStore(kube, "one")
        stack = StackProgram("data", "one-data", lambda: None, inputs=lambda: "all")
        settlement = Settlement(kube, store, store.made_passphrase(), plugin)
        store.copy("data").save({"version": 3, "deployment": {}}, 1)
        settlement.keep(stack, settlement.inputs(stack), lambda: {"deployment": {}})
        engine = PulumiEngine("one", [stack], store, kube=kube, plugin=plugin)
        assert engine.plan() == []
        engine.up()
        print([name for name in ("pulumi", "grpc", "google.protobuf", "pulumi_kubernetes", "bdc.engine.run") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_what_counts_of_an_object() -> None:
    metadata = {"name": "x", "uid": "u", "resourceVersion": "7", "generation": 3, "managedFields": [], "labels": {"a": "b"}}
    assert counted({"kind": "ConfigMap", "metadata": metadata, "data": {}, "status": {}}) == {
        "kind": "ConfigMap",
        "metadata": {"labels": {"a": "b"}, "annotations": {}},
        "data": {},
    }

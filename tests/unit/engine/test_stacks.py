"""An engine runs any list of stacks, also where there is no cluster: a made-up third one, which makes the Kubernetes itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bdc.engine import BackendStore, Change, ClusterStore, PulumiEngine, StackProgram
from bdc.engine import engine as module
from bdc.engine import run as run_module
from bdc.engine.stacks import in_order
from bdc.errors import BdcError, UsageError
from tests.unit.fake_kube import FakeKube

PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": "of the user's own"}


class FakeStack:
    """A stack without a pulumi: what is done to it is told, and its program is run."""

    def __init__(self, known: StackProgram, cluster: str, place: Any, pulumi: object, *, deadline_seconds: float) -> None:
        self.known, self.backend, self.env = known, place.backend, place.env
        told.append(f"open {known.stack}")

    def plan(self, on_event: object) -> list[Change]:
        return [Change("create", "Thing", self.known.name, None, ())]

    def up(self, on_event: object) -> None:
        told.append(f"up {self.known.stack}")
        self.known.program()

    def destroy(self, on_event: object) -> None:
        told.append(f"destroy {self.known.stack}")

    def outputs(self) -> dict[str, object]:
        return {"kubeconfig": "..."}

    def recover(self, *, exclusive: bool) -> None:
        told.append(f"recover {exclusive}")

    def export(self) -> dict[str, Any]:
        return {"version": 3, "deployment": {"of": self.known.stack}}

    def forget_history(self) -> None:
        pass


class Plugin:
    def home(self, folder: Path) -> Path:
        return folder


class FakePulumi:
    def __init__(self, _: Path) -> None:
        pass

    def end_left_over(self) -> None:
        pass


told: list[str] = []


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BDC_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(run_module, "Stack", FakeStack)
    monkeypatch.setattr(run_module, "Pulumi", FakePulumi)
    monkeypatch.setattr("bdc.engine.stack.load_kinds", lambda: None)
    monkeypatch.setattr(module, "sweep", lambda _, cluster: told.append(f"sweep {cluster}"))
    monkeypatch.setattr(module, "remove_namespace", lambda _, cluster: told.append(f"remove namespace {cluster}"))
    told.clear()


def stack(name: str, *needs: str, kept: bool = False, program: Callable[[], None] = lambda: None) -> StackProgram:
    return StackProgram(name, f"one-{name}", program, needs, kept)


def done() -> list[str]:
    return [line for line in told if not line.startswith(("open", "recover"))]


def engine(store: Any, *stacks: StackProgram, kube: Any = None) -> PulumiEngine:
    plugin: Any = Plugin()
    return PulumiEngine("one", stacks, store, kube=kube, plugin=plugin)


def test_a_stack_that_makes_the_cluster_needs_none() -> None:
    made: list[str] = []
    cloud = engine(BackendStore("one", "s3://bucket/bdc", PASSPHRASE), stack("cloud", program=lambda: made.append("cluster")))
    assert [change.name for change in cloud.plan()] == ["cloud"]
    cloud.up()
    assert made == ["cluster"]
    assert cloud.outputs("cloud") == {"kubeconfig": "..."}
    cloud.down(delete_data=True)
    assert done() == ["up one-cloud", "destroy one-cloud"]
    assert {line for line in told if line.startswith("recover")} == {"recover False"}, "another machine's lock isn't taken away"


def test_a_third_stack_beside_the_two(tmp_path: Path) -> None:
    kube = FakeKube()
    stacks = (stack("platform", "data"), stack("data", "lake", kept=True), stack("lake", kept=True))
    whole = engine(ClusterStore(kube, "one"), *stacks, kube=kube)
    assert {change.name for change in whole.plan()} == {"lake", "data", "platform"}
    assert not any("passphrase" in path for path in kube.objects), "a plan changes nothing"
    whole.up()
    whole.down(delete_data=False)
    whole.down(delete_data=True)
    assert done() == [
        *(f"up one-{name}" for name in ("lake", "data", "platform")),
        *("destroy one-platform", "sweep one"),
        *(f"destroy one-{name}" for name in ("platform", "data", "lake")),
        *("sweep one", "remove namespace one"),
    ]
    assert not [path for path in kube.objects if "/secrets/" in path], "copies and passphrase are gone"


def test_the_state_is_copied_to_the_cluster_unless_a_backend_has_it() -> None:
    for backend, expected in ((None, 1), ("s3://bucket/bdc", 0)):
        kube = FakeKube()
        engine(ClusterStore(kube, "one", backend), stack("lake"), kube=kube).up()
        assert len([path for path in kube.objects if path.endswith("bdc-one-state-lake")]) == expected
        assert [path for path in kube.objects if path.endswith("bdc-one-passphrase")]


def test_pulumi_gets_the_backend_and_its_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[FakeStack] = []
    monkeypatch.setattr(FakeStack, "up", lambda self, _: seen.append(self))
    engine(BackendStore("one", "s3://bucket/bdc", PASSPHRASE), stack("cloud")).up()
    assert seen[0].backend == "s3://bucket/bdc"
    assert seen[0].env["PULUMI_CONFIG_PASSPHRASE"] == PASSPHRASE["PULUMI_CONFIG_PASSPHRASE"]
    assert "KUBECONFIG" not in seen[0].env


def test_the_passphrase_of_a_backend_is_the_users(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the passphrase of the state in s3://b isn't known"):
        BackendStore("one", "s3://b", {}).passphrase()
    (tmp_path / "secret").write_text("from a file\n")
    found = BackendStore("one", "s3://b", {"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "secret")}).passphrase()
    assert found
    assert found.value == "from a file"
    other = BackendStore("one", "s3://c", PASSPHRASE).passphrase()
    assert other
    assert other.lineage != found.lineage, "each backend has a local folder of its own"


def test_a_backend_is_used_by_one_run_of_a_machine_at_a_time() -> None:
    store = BackendStore("one", "s3://b", PASSPHRASE)
    with store.locked(), pytest.raises(BdcError, match="cluster one is being changed by another run on this machine"):
        engine(store, stack("cloud")).up()
    store.check_free()


def test_needs_that_nobody_meets_are_refused() -> None:
    with pytest.raises(BdcError, match="the stack data needs lake; there are: data"):
        in_order([stack("data", "lake")])
    with pytest.raises(BdcError, match="stacks need each other"):
        in_order([stack("data", "lake"), stack("lake", "data")])


def test_an_unknown_stack_is_named() -> None:
    cloud = engine(BackendStore("one", "s3://b", PASSPHRASE), stack("cloud"))
    with pytest.raises(BdcError, match="there is no stack 'data'; there are: cloud"):
        cloud.outputs("data")

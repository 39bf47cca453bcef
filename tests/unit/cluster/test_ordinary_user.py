"""What somebody who isn't root is told of the node on this host."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc.cluster.embedded import EmbeddedNode, host, seen
from bdc.cluster.embedded.layout import Layout
from bdc.cluster.embedded.records import Begun, Installed, Settings, write_record
from bdc.errors import NotFoundError, UsageError

SERVICES = {"bdc-containerd": 4711, "kubelet": 4712}


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A node that was installed, seen by an ordinary user."""
    made = Layout(tmp_path / "node", tmp_path / "run", tmp_path / "volumes")
    write_record(made.begun, Begun(Settings("192.0.2.7", "here", cgroup_root="/none")))
    write_record(made.installed, Installed("1.36.3", {}, "", ""))
    monkeypatch.setattr(host, "is_root", lambda: False)
    return made


def process(proc: Path, number: int, *command: str) -> None:
    (proc / str(number)).mkdir(parents=True)
    (proc / str(number) / "cmdline").write_bytes(b"".join(part.encode() + b"\0" for part in command))


@pytest.mark.parametrize(
    ("services", "ready", "state"),
    [
        (SERVICES, True, "running"),
        (SERVICES, False, "starting"),
        ({}, False, "stopped"),
        (None, True, "running"),
        (None, False, "unknown"),
    ],
)
def test_the_state_of_a_node(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, services: dict[str, int] | None, ready: bool, state: str
) -> None:
    monkeypatch.setattr(seen, "services", lambda _: services)
    monkeypatch.setattr(seen, "api_ready", lambda address: ready and address == "192.0.2.7")
    found = EmbeddedNode(layout).status()
    assert (found.state, found.running, found.version) == (state, services or {}, "1.36.3")


def test_no_node_is_absent(layout: Layout) -> None:
    layout.begun.unlink()
    assert EmbeddedNode(layout).status().state == "absent"


def test_services_are_told_by_their_command_lines(tmp_path: Path) -> None:
    folder, proc = Path("/var/lib/bdc/node/bin"), tmp_path / "proc"
    process(proc, 1, "/sbin/init")
    process(proc, 20, f"{folder}/kubelet", "--config=/var/lib/kubelet/config.yaml")
    process(proc, 3, f"{folder}/containerd", "--config", "x")
    process(proc, 21, f"{folder}/containerd")
    process(proc, 30, "/usr/bin/containerd")
    process(proc, 31, f"{folder}/containerd-shim-runc-v2")
    process(proc, 32)
    (proc / "self").mkdir()
    assert seen.services(folder, proc) == {"bdc-containerd": 3, "kubelet": 20}


def test_hidden_processes_are_not_taken_for_none(tmp_path: Path) -> None:
    process(tmp_path, 7, "/usr/bin/bash")
    assert seen.services(Path("/var/lib/bdc/node/bin"), tmp_path) is None


@pytest.mark.parametrize("command", ["start", "stop", "reset"])
def test_commands_that_need_root_name_themselves(layout: Layout, command: str) -> None:
    with pytest.raises(UsageError, match=f"^bdc node {command} changes this host, so it needs root$") as refused:
        getattr(EmbeddedNode(layout), command)()
    assert refused.value.hint == f"run it as root: sudo bdc node {command}"


def test_where_there_is_no_node_that_comes_first(layout: Layout) -> None:
    layout.begun.unlink()
    with pytest.raises(NotFoundError):
        EmbeddedNode(layout).stop()


def test_a_node_that_runs_is_not_to_be_started(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "services", lambda _: SERVICES)
    assert EmbeddedNode(layout).remedy("https://192.0.2.7:6443") == "this host's node is starting or unhealthy; see: bdc node status"


def test_a_record_that_only_root_may_read(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(UsageError, match=r"^only root may read") as refused:
        EmbeddedNode(layout).status()
    assert refused.value.hint == "run it as root, with sudo"

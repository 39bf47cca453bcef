"""Images are loaded beside the making of the node: what that means for who waits, and for who gives up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from unittest.mock import MagicMock

import pytest

from bdc.cluster.embedded import EmbeddedNode, node
from bdc.cluster.embedded.layout import Layout

Making = Callable[[Callable[[Path, Path], None]], list[str]]


@pytest.fixture
def making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Making:
    """Makes a node whose every step succeeds at once."""
    for name in ("preflight", "install", "host", "sysctls", "ensure_programs", "install_packages", "install_programs", "write_record"):
        monkeypatch.setattr(node, name, MagicMock())
    for name in ("_services", "_wait_for_containerd", "_record_installed"):
        monkeypatch.setattr(EmbeddedNode, name, MagicMock())
    monkeypatch.setattr(node, "Settings", MagicMock())

    def make(load: Callable[[Path, Path], None]) -> list[str]:
        said: list[str] = []
        EmbeddedNode(Layout(tmp_path / "node", tmp_path / "run", tmp_path / "volumes"))._install(None, said.append, load)
        return said

    return make


def test_a_node_has_its_images_when_it_is_made(making: Making, tmp_path: Path) -> None:
    loaded = []
    making(lambda *where: loaded.append(where))
    assert loaded == [(tmp_path / "node" / "bin" / "ctr", Layout(tmp_path / "node", tmp_path / "run").containerd_socket)]


def test_a_node_that_is_there_says_that_it_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("preflight", "read_installed", "read_begun", "locked"):
        monkeypatch.setattr(node, name, MagicMock())
    monkeypatch.setattr(EmbeddedNode, "_start", MagicMock())
    monkeypatch.setattr(EmbeddedNode, "access", MagicMock())
    said: list[str] = []
    EmbeddedNode().ensure(on_progress=said.append, load=lambda *_: said.append("loaded"))
    assert said == ["loading what images containerd lacks", "loaded"]


def test_what_went_wrong_with_the_images_is_told(making: Making) -> None:
    def load(*_: Path) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        making(load)


def test_who_is_interrupted_does_not_wait_for_the_images(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    going_on, ended = Event(), Event()

    def load(*_: Path) -> None:
        going_on.wait(30)
        ended.set()

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bdc.cluster.embedded.node.install.kubeadm_init", interrupted)
    with pytest.raises(KeyboardInterrupt):
        making(load)
    assert not ended.is_set()
    going_on.set()


def test_the_program_ends_while_images_are_loaded() -> None:
    code = "import time\nfrom bdc.cluster.embedded import node\nnode._beside(lambda: time.sleep(60))\nraise KeyboardInterrupt"
    assert subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL, timeout=20, check=False).returncode != 0

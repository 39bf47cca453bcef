"""What a user is told whose host is a node that doesn't answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc.cluster.embedded import EmbeddedNode
from bdc.cluster.embedded.layout import Layout
from bdc.cluster.embedded.records import Begun, Installed, Settings, write_record

SERVER = "https://192.0.2.7:6443"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "node", tmp_path / "run", tmp_path / "volumes")


def begin(layout: Layout) -> None:
    write_record(layout.begun, Begun(Settings("192.0.2.7", "here", cgroup_root="/none")))


def test_no_node_here(layout: Layout) -> None:
    assert EmbeddedNode(layout).remedy(SERVER) is None


def test_an_interrupted_installation(layout: Layout) -> None:
    begin(layout)
    assert EmbeddedNode(layout).remedy(SERVER) == "bdc was interrupted while it made this host a node; go on: bdc up"


def test_a_stopped_node(layout: Layout) -> None:
    begin(layout)
    write_record(layout.installed, Installed("1", {}, "", ""))
    assert EmbeddedNode(layout).remedy(SERVER) == "the node of this host may be stopped; start it as root: bdc node start"


def test_another_cluster_is_not_this_host(layout: Layout) -> None:
    begin(layout)
    assert EmbeddedNode(layout).remedy("https://192.0.2.8:6443") is None

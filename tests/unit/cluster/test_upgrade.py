"""Which nodes are upgraded, which are left as they are, and which can't be."""

from __future__ import annotations

import pytest

from bdc.cluster.embedded.upgrade import NAMES, due, wanted_versions
from bdc.errors import UsageError

THIS = {"kubernetes": "1.36.3", "containerd": "2.4.2", "etcd": "3.6.16"}


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ({}, False),
        ({"kubernetes": "1.36.1"}, True),
        ({"kubernetes": "1.35.9"}, True),
        ({"containerd": "2.4.1"}, True),
        ({"kubernetes": "1.36.10"}, False),
        ({"kubernetes": "1.36.1", "containerd": "2.5.0"}, False),
    ],
)
def test_a_node_is_brought_up_never_down(installed: dict[str, str], *, expected: bool) -> None:
    assert due({**THIS, **installed}, THIS) is expected


def test_a_program_that_the_node_has_not_yet_is_a_reason() -> None:
    assert due({"kubernetes": "1.36.3", "containerd": "2.4.2"}, THIS)


def test_a_program_that_bdc_has_no_more_is_none() -> None:
    assert not due({**THIS, "flannel": "9.0.0"}, THIS)


@pytest.mark.parametrize(
    ("installed", "message", "hint"),
    [
        ("1.37.0", "this host's node runs Kubernetes 1.37.0, and this bdc has 1.36.3: Kubernetes can't go back", "update bdc"),
        ("1.34.7", "Kubernetes goes up one minor version at a time", "first run bdc up of a release that has Kubernetes 1.35, "),
    ],
)
def test_where_there_is_no_way_it_is_said(installed: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        due({**THIS, "kubernetes": installed}, THIS)
    assert (raised.value.hint or "").startswith(hint)


def test_the_wanted_versions_are_known_without_the_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("BDC_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert set(wanted_versions()) == set(NAMES)
    assert wanted_versions()["kubernetes"].count(".") == 2

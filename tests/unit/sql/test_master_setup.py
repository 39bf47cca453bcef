"""The Job that sets the SQL master up (manifests/master/setup.py), with a driver that only notes what it is asked for."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from bdc.config.paths import resources


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Its functions, and as `asked` the parameters of each connection."""
    asked: list[dict[str, Any]] = []

    class Connection:
        autocommit = False

        def __init__(self, **parameters: Any) -> None:
            asked.append(parameters)

    driver = ModuleType("psycopg2")
    driver.__dict__["connect"] = Connection
    monkeypatch.setitem(sys.modules, "psycopg2", driver)
    monkeypatch.setenv("LEADER", "master.one.svc")
    functions, found, _ = (resources("manifests") / "master" / "setup.py").read_text().partition("\nwait()\n")
    assert found
    module: dict[str, Any] = {"asked": asked}
    exec(functions, module)
    return module


def test_a_database_has_one_connection_which_takes_each_statement_by_itself(setup: dict[str, Any]) -> None:
    assert setup["session"]("bdc") is setup["session"]("bdc")
    assert setup["session"]("bdc").autocommit
    assert [one["dbname"] for one in setup["asked"]] == ["bdc"]


def test_a_leader_whose_machine_is_gone_is_noticed_within_a_minute(setup: dict[str, Any]) -> None:
    setup["session"]("bdc")
    [asked] = setup["asked"]
    assert asked["keepalives_idle"] + asked["keepalives_interval"] * asked["keepalives_count"] <= 60
    assert asked["tcp_user_timeout"] <= 60_000

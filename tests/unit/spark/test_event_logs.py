"""Which event logs go (manifests/spark/event_logs.py), on a WebHDFS in memory."""

from __future__ import annotations

import runpy
from typing import Any

import pytest

from bdc.config.paths import resources

SCRIPT = str(resources("manifests") / "spark" / "event_logs.py")
LOGS = {  # name: (size, modified, what tells its state)
    "eventlog_v2_old": (40, 1, "appstatus_old"),
    "eventlog_v2_running": (40, 2, "appstatus_running.inprogress"),
    "plain": (40, 3, None),
    "plain.inprogress": (40, 0, None),
    "eventlog_v2_new": (40, 9, "appstatus_new"),
}


@pytest.mark.parametrize(
    ("limit", "gone"),
    [
        (200, []),
        (199, ["/spark-events/eventlog_v2_old"]),
        (130, ["/spark-events/eventlog_v2_old", "/spark-events/plain"]),
        (0, ["/spark-events/eventlog_v2_old", "/spark-events/plain", "/spark-events/eventlog_v2_new"]),
    ],
)
def test_the_oldest_that_have_ended_go(limit: int, gone: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("NAMENODE", "nn:9870"), ("USER", "bdc"), ("LIMIT", str(limit))):
        monkeypatch.setenv(name, value)
    removed: list[str] = []

    def call(method: str, path: str, op: str, **_: str) -> dict[str, Any]:
        name = path.rpartition("/")[2]
        if op == "DELETE":
            assert method == "DELETE"
            removed.append(path)
            return {}
        if op == "GETCONTENTSUMMARY":
            return {"ContentSummary": {"length": LOGS[name][0]}}
        if path == "/spark-events":
            found = [
                {"pathSuffix": one, "modificationTime": modified, "type": "DIRECTORY" if state else "FILE"}
                for one, (_size, modified, state) in LOGS.items()
            ]
        else:
            found = [{"pathSuffix": str(LOGS[name][2])}, {"pathSuffix": "events_1_x"}]
        return {"FileStatuses": {"FileStatus": found}}

    module = runpy.run_path(SCRIPT)
    module["main"].__globals__["call"] = call
    module["main"]()
    assert removed == gone

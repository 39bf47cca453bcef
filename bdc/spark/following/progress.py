"""How far the running stage is, from the driver's REST API (port 4040), asked through the API server's pod proxy.

https://spark.apache.org/docs/latest/monitoring.html#rest-api. There is no answer before the SparkContext is up, and none after it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from bdc.errors import UnreachableError
from bdc.kube import ApiError, Kube
from bdc.spark.following.events import StageProgress
from bdc.spark.settings import UI_PORT

_SECONDS = 1
"""A driver that has just ended would be waited for."""

_FOLDERS = re.compile(r"(?<= at )/\S*/")
"""The folders in "sum at /tmp/spark-3abe/etl.py:4": where the driver put the file says nothing to its user."""


def progress(kube: Kube, namespace: str, pod: str) -> StageProgress | None:
    """The active stage with the lowest number, or None when nothing runs or nobody answers."""
    base = f"/api/v1/applications/{pod}"  # spark.app.id is the pod's name
    try:
        stages = json.loads(kube.proxy(namespace, pod, UI_PORT, f"{base}/stages", query={"status": "active"}, timeout=_SECONDS))
        if not stages:
            return None
        executors = json.loads(kube.proxy(namespace, pod, UI_PORT, f"{base}/executors", timeout=_SECONDS))
    except (ApiError, UnreachableError, ValueError):
        return None
    return read(stages, sum(1 for executor in executors if executor.get("id") != "driver"))


def read(stages: list[dict[str, Any]], executors: int) -> StageProgress | None:
    """The progress in a non-empty answer of /stages; None for an answer of another shape."""
    try:
        stage = min(stages, key=lambda entry: int(entry["stageId"]))
        return StageProgress(
            stage=stage["stageId"],
            name=_FOLDERS.sub("", stage["name"]),
            done=stage["numCompleteTasks"],
            total=stage["numTasks"],
            failed=stage["numFailedTasks"],
            executors=executors,
            shuffled_bytes=stage["shuffleReadBytes"] + stage["shuffleWriteBytes"],
        )
    except (KeyError, TypeError, ValueError):
        return None

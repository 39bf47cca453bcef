"""What ran, from the history server: it reads the event logs on HDFS, so it also knows applications that were deleted.

Asked through the API server's pod proxy. https://spark.apache.org/docs/latest/monitoring.html#rest-api
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bdc.config.names import selector
from bdc.errors import NotFoundError, UnhealthyError, UsageError
from bdc.kube import ApiError, Kube
from bdc.kube.selector import label_selector
from bdc.spark.queries import list_all, pods_path

PORT = 18080
_COMPONENT = "spark-history"


@dataclass(frozen=True)
class HistoryEntry:
    """One run of an application. `id` is the name of its driver's pod; `completed` is False while it runs or when it was killed."""

    id: str
    name: str
    started: datetime
    ended: datetime | None
    duration_seconds: float
    completed: bool
    spark_version: str


def history(kube: Kube, cluster: str, name: str | None = None, *, limit: int = 50) -> list[HistoryEntry]:
    """Runs, the newest first; of one application when `name` is given (its name, or a run's id).

    Raises UsageError for an ordinary user, UnhealthyError when the server doesn't answer, NotFoundError when it knows no such application.
    """
    if kube.person:
        raise UsageError(
            "the history server shows everybody's applications, so it is the administrator's", "yours: bdc spark list, bdc spark logs"
        )
    query: dict[str, str | int | bool] = {} if name else {"limit": limit}
    pods = [pod for pod in list_all(kube, pods_path(cluster), label_selector(selector(cluster, _COMPONENT))) if _ready(pod)]
    if not pods:
        raise UnhealthyError("the history server isn't ready", "bdc status says why")
    try:
        found = json.loads(kube.proxy(cluster, pods[0]["metadata"]["name"], PORT, "/api/v1/applications", query=query))
    except (ApiError, ValueError) as error:
        raise UnhealthyError(f"the history server doesn't answer: {error}", "bdc status; bdc logs spark-history") from error
    entries = [read(application) for application in found]
    if name:
        entries = [entry for entry in entries if name in (entry.id, entry.id.rpartition("-")[0], entry.name)]
        if not entries:
            raise NotFoundError(
                f"the history has no run of {name}", "it shows a run some seconds after its start; bdc spark history lists all"
            )
    return entries


def read(application: dict[str, Any]) -> HistoryEntry:
    """One entry of /api/v1/applications."""
    attempt = application["attempts"][0]
    done = bool(attempt["completed"])
    return HistoryEntry(
        id=application["id"],
        name=application["name"],
        started=_time(attempt["startTimeEpoch"]),
        ended=_time(attempt["endTimeEpoch"]) if done else None,
        duration_seconds=attempt["duration"] / 1000,
        completed=done,
        spark_version=attempt.get("appSparkVersion", ""),
    )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _ready(pod: dict[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod.get("status", {}).get("conditions") or [])

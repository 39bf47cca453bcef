"""Spark applications on a running cluster: submit them, follow them, find out why they failed, stop them.

    from bdc.spark import Application, Client

    spark = Client()
    done = spark.submit(Application("etl.py", arguments=("--day", "2013-07-04")))
    print(spark.wait(done.name).exit_code)

`Client` is for programs; the functions below it (`submit`, `follow`, ...) take a Kubernetes API and a way to HDFS of the caller's own.
There is no JVM on this side: the driver is a Job made through the Kubernetes API (`bdc.spark.manifests`), its files lie on HDFS
under the digest of their content (`bdc.spark.staging`), and executors are made by Spark itself.
"""

from typing import TYPE_CHECKING, Any

from bdc.spark.history import HistoryEntry, history
from bdc.spark.pools import PoolStatus
from bdc.spark.queries import get, listing, read_log
from bdc.spark.settings import parse as parse_settings
from bdc.spark.state import State, Status

if TYPE_CHECKING:
    from bdc.spark.actions import delete, kill
    from bdc.spark.application import Application, Concurrency, Executors, Schedule, SecretVariable, unique_name
    from bdc.spark.client import Client
    from bdc.spark.environments import Environment
    from bdc.spark.events import Ended, Event, LogLine, StageProgress, StateChanged
    from bdc.spark.failure import Cause
    from bdc.spark.following import LostError, follow, why
    from bdc.spark.schedules import ScheduleStatus
    from bdc.spark.sessions import SessionPod, console
    from bdc.spark.staging import Files, Staging
    from bdc.spark.submission import Submitted, submit
    from bdc.spark.ui import forwarded_ui, run_of

__all__ = [
    "Application",
    "Cause",
    "Client",
    "Concurrency",
    "Ended",
    "Environment",
    "Event",
    "Executors",
    "Files",
    "HistoryEntry",
    "LogLine",
    "LostError",
    "PoolStatus",
    "Schedule",
    "ScheduleStatus",
    "SecretVariable",
    "SessionPod",
    "StageProgress",
    "Staging",
    "State",
    "StateChanged",
    "Status",
    "Submitted",
    "console",
    "delete",
    "follow",
    "forwarded_ui",
    "get",
    "history",
    "kill",
    "listing",
    "parse_settings",
    "read_log",
    "run_of",
    "submit",
    "unique_name",
    "why",
]

_LATER = {
    "Application": "application",
    "Cause": "failure",
    "Client": "client",
    "Concurrency": "application",
    "Ended": "events",
    "Environment": "environments",
    "Event": "events",
    "Executors": "application",
    "Files": "staging",
    "LogLine": "events",
    "LostError": "following",
    "Schedule": "application",
    "ScheduleStatus": "schedules",
    "SecretVariable": "application",
    "SessionPod": "sessions",
    "StageProgress": "events",
    "Staging": "staging",
    "StateChanged": "events",
    "Submitted": "submission",
    "console": "sessions",
    "delete": "actions",
    "follow": "following",
    "forwarded_ui": "ui",
    "kill": "actions",
    "run_of": "ui",
    "submit": "submission",
    "unique_name": "application",
    "why": "following",
}
"""What those who only look needn't wait for."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)

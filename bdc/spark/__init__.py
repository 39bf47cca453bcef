"""Spark applications on a running cluster: submit them, follow them, find out why they failed, stop them.

    from bdc.spark import Application, Client

    spark = Client()
    done = spark.submit(Application("etl.py", arguments=("--day", "2013-07-04")))
    print(spark.wait(done.name).exit_code)

`Client` is for programs; the functions below it (`submit`, `follow`, ...) take a Kubernetes API and a way to HDFS of the caller's own.
There is no JVM on this side: the driver is a Job made through the Kubernetes API (`bdc.spark.submission.manifests`), its files lie on HDFS
under the digest of their content (`bdc.spark.submission.staging`), and executors are made by Spark itself.
"""

from typing import TYPE_CHECKING, Any

from bdc.spark.history import HistoryEntry, history
from bdc.spark.queries import get, listing, read_log
from bdc.spark.scheduling.pools import PoolStatus
from bdc.spark.state import State, Status

if TYPE_CHECKING:
    from bdc.spark.actions import delete, kill
    from bdc.spark.application import Application, Concurrency, Executors, Schedule, SecretVariable, unique_name
    from bdc.spark.client import Client
    from bdc.spark.environments import Environment
    from bdc.spark.following.events import Ended, Event, LogLine, StageProgress, StateChanged
    from bdc.spark.following.failure import Cause
    from bdc.spark.following.follow import LostError, follow, why
    from bdc.spark.schedules import ScheduleStatus
    from bdc.spark.sessions import SessionPod, console
    from bdc.spark.settings import parse as parse_settings
    from bdc.spark.submission.staging import Files, Staging
    from bdc.spark.submission.submit import Submitted, submit
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
    "Cause": "following.failure",
    "Client": "client",
    "Concurrency": "application",
    "Ended": "following.events",
    "Environment": "environments",
    "Event": "following.events",
    "Executors": "application",
    "Files": "submission.staging",
    "LogLine": "following.events",
    "LostError": "following.follow",
    "Schedule": "application",
    "ScheduleStatus": "schedules",
    "SecretVariable": "application",
    "SessionPod": "sessions",
    "StageProgress": "following.events",
    "Staging": "submission.staging",
    "StateChanged": "following.events",
    "Submitted": "submission.submit",
    "console": "sessions",
    "delete": "actions",
    "follow": "following.follow",
    "forwarded_ui": "ui",
    "kill": "actions",
    "parse_settings": "settings:parse",
    "run_of": "ui",
    "submit": "submission.submit",
    "unique_name": "application",
    "why": "following.follow",
}
"""What those who only look needn't wait for: the module, and the name there where it is another."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, _, attribute = _LATER[name].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), attribute or name)

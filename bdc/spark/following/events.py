"""What `follow` tells, one value at a time."""

from __future__ import annotations

from dataclasses import dataclass

from bdc.spark.following.failure import Cause
from bdc.spark.state import Status


@dataclass(frozen=True)
class StateChanged:
    """The application's state, or the reason for it, is another than before."""

    status: Status


@dataclass(frozen=True)
class LogLine:
    """One line that the driver printed, without its line end."""

    text: str


@dataclass(frozen=True)
class StageProgress:
    """The stage that runs now. Counts are tasks; `shuffled_bytes` is what it has read and written in shuffles."""

    stage: int
    name: str
    done: int
    total: int
    failed: int
    executors: int
    shuffled_bytes: int


@dataclass(frozen=True)
class Ended:
    """The application has ended; `exit_code` is its own, `cause` says why it failed."""

    status: Status
    exit_code: int
    cause: Cause | None = None


Event = StateChanged | LogLine | StageProgress | Ended

"""What `bdc doctor` is made of: checks, and what they find.

A check is a small function over a `CheckContext`; it returns one `Finding`. It changes nothing; one makes a pod for some seconds. One that
may not look (403) or can't (an engine that isn't there) is a warning that says so: one broken thing must not hide the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bdc.health.snapshot import Snapshot, observe
from bdc.kube import Kube

if TYPE_CHECKING:
    from bdc.config.model import Config


class Level(StrEnum):
    """How bad: fail is what keeps the cluster from working, warn what may, ok is well."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What a check found, in one line, and what to do about it."""

    level: Level
    message: str
    remedy: str | None = None


@dataclass(frozen=True)
class Check:
    """One check: a name for scripts, a title for people, and what to run."""

    id: str
    title: str
    run: Callable[[CheckContext], Finding]


@dataclass(frozen=True)
class Result:
    """A check with what it found."""

    check: Check
    finding: Finding


class CheckContext:
    """What checks look at: the Kubernetes API and the configuration; the cluster's snapshot is taken once."""

    def __init__(self, kube: Kube, config: Config, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.kube, self.config, self.now = kube, config, now

    @property
    def cluster(self) -> str:
        """The cluster's name, which is its namespace."""
        return self.config.name

    @cached_property
    def snapshot(self) -> Snapshot:
        """The cluster at the time of the first check that wants it. Raises NotFoundError."""
        return observe(self.kube, self.cluster)

    def items(self, path: str, **query: str | int | bool) -> list[dict[str, Any]]:
        """The objects of a collection."""
        return list(self.kube.request("GET", path, query=query, timeout=10).get("items") or [])

    def namespaced(self, group: str, plural: str, **query: str | int | bool) -> list[dict[str, Any]]:
        """The objects of one kind in the cluster's namespace; `group` is "api/v1" or "apis/GROUP/VERSION"."""
        return self.items(f"/{group}/namespaces/{self.cluster}/{plural}", **query)


def ok(message: str) -> Finding:
    """All well."""
    return Finding(Level.OK, message)


def warn(message: str, remedy: str | None = None) -> Finding:
    """It works, and may not for long."""
    return Finding(Level.WARN, message, remedy)


def fail(message: str, remedy: str | None = None) -> Finding:
    """Something doesn't work."""
    return Finding(Level.FAIL, message, remedy)


def named(names: list[str], most: int = 4) -> str:
    """Names in one line, cut after some."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")

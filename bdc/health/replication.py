"""Whether the SQL master is replicated: what Patroni knows of its members, and what of it is not as it should be.

A pod that is ready isn't proof: a replica that is cut off (it has WAL of a timeline that its leader's history doesn't have) runs, answers
reads with what it had then, and is nobody who could take over. Patroni calls the state of a replica that follows `streaming`, and any
other one by what PostgreSQL does (Patroni 4.1, utils.cluster_as_json).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bdc.config.names import MASTER_LAG_BYTES
from bdc.config.quantity import human
from bdc.kube import Kube

_LEADERS = ("leader", "standby_leader")
_WAITED_FOR = ("sync_standby", "quorum_standby")


@dataclass(frozen=True)
class Member:
    """One server; `lag_bytes` is WAL that it hasn't replayed, None where nobody knows."""

    name: str
    role: str
    state: str
    timeline: int | None
    lag_bytes: int | None

    @property
    def lag(self) -> str:
        """Its lag as people read it."""
        return "unknown" if self.lag_bytes is None else human(self.lag_bytes)


@dataclass(frozen=True)
class Replication:
    """The members of the master, as one of them knows it.

    `synchronous`: commits wait until a replica has them; `strict`: also while there is none.
    """

    leader: Member | None
    replicas: tuple[Member, ...]
    synchronous: bool
    strict: bool

    def astray(self) -> list[Member]:
        """Replicas that don't follow: none of their data is newer than when they stopped, and they can't take over."""
        timeline = self.leader.timeline if self.leader else None
        return [one for one in self.replicas if one.state != "streaming" or (timeline and one.timeline not in (None, timeline))]

    def behind(self) -> list[Member]:
        """Replicas that follow and have more to replay than the read-only endpoint may lag."""
        astray = self.astray()
        return [one for one in self.replicas if one not in astray and (one.lag_bytes is None or one.lag_bytes > MASTER_LAG_BYTES)]

    def faults(self, servers: int) -> list[str]:
        """What isn't as it should be where `servers` are wanted, in words; empty when all is well."""
        faults = [f"{one.name} doesn't follow the leader ({self._why(one)})" for one in self.astray()]
        faults += [f"{one.name}'s lag is {one.lag}" for one in self.behind()]
        if (missing := servers - 1 - len(self.replicas)) > 0:
            faults.append(f"{missing} of {servers - 1} replicas {'is' if missing == 1 else 'are'} not there")
        if self.synchronous and not any(one.role in _WAITED_FOR for one in self.replicas):
            faults.append("commits wait, as no replica can have them" if self.strict else "commits are on the leader alone")
        return faults

    def remedy(self) -> str:
        """What to do about faults."""
        ill = [one.name for one in (*self.astray(), *self.behind())]
        looked_at = ill[0] if len(ill) == 1 else "master"
        return f"Patroni rewinds a server or copies it anew by itself; if this stays for minutes: bdc logs {looked_at}"

    def _why(self, member: Member) -> str:
        if self.leader and self.leader.timeline and member.timeline not in (None, self.leader.timeline):
            return f"{member.state}, on timeline {member.timeline} instead of {self.leader.timeline}"
        return member.state


def replication(kube: Kube, namespace: str, pod: str, seconds: float) -> Replication:
    """Ask the Patroni of one pod, twice. Raises BdcError when it doesn't answer within `seconds`."""
    said, settings = (json.loads(kube.proxy(namespace, pod, 8008, path, timeout=seconds)) for path in ("/cluster", "/config"))
    members = [_member(one) for one in said["members"]]
    return Replication(
        next((one for one in members if one.role in _LEADERS), None),
        tuple(one for one in members if one.role not in _LEADERS),
        synchronous=bool(settings.get("synchronous_mode")),
        strict=bool(settings.get("synchronous_mode_strict")),
    )


def _member(said: dict[str, Any]) -> Member:
    timeline, lag = said.get("timeline"), said.get("lag")
    return Member(
        said["name"], said["role"], said.get("state") or "unknown",
        timeline if isinstance(timeline, int) else None, lag if isinstance(lag, int) else None,
    )  # fmt: skip

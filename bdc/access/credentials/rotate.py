"""`bdc credentials rotate`, and what `bdc up` does about a rotation that was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bdc.access.credentials import journal
from bdc.config import workloads
from bdc.config.names import CREDENTIALS, selector
from bdc.engine import PulumiEngine
from bdc.errors import BdcError, DeadlineError, UnhealthyError
from bdc.kube import Kube
from bdc.kube.endpoints import credentials
from bdc.kube.refresh import refresh
from bdc.kube.wait import until
from bdc.trino.client import refusal

if TYPE_CHECKING:
    from bdc.config.model import Config

_TRINO_SECONDS, _POLL_SECONDS = 150.0, 1.0


def restarts(config: Config, kinds: Sequence[journal.Kind]) -> list[str]:
    """The workloads of this cluster that a rotation starts again. Trino reads a new password without that."""
    return [one.name for one in workloads.WORKLOADS if one.replicas(config) and one.restarts_on.intersection(kinds)]


@dataclass(frozen=True)
class Rotated:
    """What was rotated, and the workloads that started again."""

    kinds: tuple[journal.Kind, ...]
    restarted: tuple[str, ...]


@dataclass(frozen=True)
class Endpoints:
    """The certificate of the endpoints: its Secret, and the names and addresses that it is for."""

    tls: str
    hosts: Sequence[str]


def begin(kube: Kube, config: Config, engine: PulumiEngine, kinds: Sequence[journal.Kind], where: Endpoints, password: str | None) -> None:
    """Refuse what can't be done now, then write the journal. A begun rotation is gone on with."""
    credentials(kube, config.name)
    if journal.read(kube, config.name) is None and (changes := engine.plan()):
        raise BdcError(
            f"the cluster isn't what bdc.yaml says ({len(changes)} changes), and rotating would make it so",
            "look with bdc plan, bring it up with bdc up, then rotate",
        )
    with engine.locked():
        journal.stage(kube, config.name, kinds, tls=where.tls, hosts=where.hosts, password=password)


def carry_out(kube: Kube, config: Config, engine: PulumiEngine, say: Callable[[str], None]) -> tuple[journal.Kind, ...]:
    """Bring the stacks up, and a begun rotation to its end; what was rotated."""
    begun = journal.read(kube, config.name)
    if begun is None:
        engine.up()
        return ()
    say(f"rotating {', '.join(begun.kinds)}")
    try:
        _settle(kube, config, engine, begun)
    except UnhealthyError:  # the master isn't there yet
        engine.up()
        _settle(kube, config, engine, begun)
    engine.up()
    if password := begun.values.get((CREDENTIALS, "password")):
        say("waiting for Trino to read the password")
        _until_trino_knows(kube, config, password)
    journal.finish(kube, config.name, begun)
    return begun.kinds


def _settle(kube: Kube, config: Config, engine: PulumiEngine, begun: journal.Journal) -> None:
    with engine.locked():
        journal.settle(kube, config, begun)


def _until_trino_knows(kube: Kube, config: Config, password: str) -> None:
    """Until Trino takes the password. It reads its file every 10 s; the kubelet, which writes it, is told to look now."""
    pods = selector(config.name, "trino-coordinator")
    refresh(kube, config.name, pods, "bdc.dev/rotated", datetime.now(UTC).isoformat(timespec="seconds"))
    user, reason = credentials(kube, config.name).username, ""

    def taken() -> bool:
        nonlocal reason
        reason = refusal(kube, config, user, password, 10)
        return not reason

    def late() -> DeadlineError:
        return DeadlineError(f"Trino doesn't take the new password: {reason}", "bdc up goes on from here; bdc logs federation shows why")

    until(taken, late, seconds=_TRINO_SECONDS, pause_seconds=_POLL_SECONDS)

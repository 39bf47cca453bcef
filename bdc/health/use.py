"""What a cluster does at one moment and for whom: what `bdc down` would end.

* Spark: the applications that haven't ended, and the sessions of `bdc spark shell` and `bdc spark sql`, as Kubernetes knows them.
* Trino: the queries that run, from `system.runtime.queries`, where the administrator sees everybody's.
* SQL master: `pg_stat_activity`, without the cluster's own roles.
* SQL gateway and Spark Connect, which keep no list of their clients: the TCP connections of their pods, from /proc/net/tcp
  (https://docs.kernel.org/networking/proc_net_tcp.html). The probes of Kubernetes close theirs at once.

An engine that doesn't answer is part of the answer: nobody can say then who uses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bdc.config import workloads
from bdc.config.names import COMPONENT
from bdc.errors import BdcError, NotFoundError
from bdc.health.snapshot import Snapshot, is_ready, observe
from bdc.kube import Kube
from bdc.kube.endpoints import ROLE
from bdc.kube.exec import execute
from bdc.kube.selector import label_selector
from bdc.spark.queries import list_all, listing, pods_path
from bdc.spark.sessions import CONSOLE
from bdc.trino.client import query

if TYPE_CHECKING:
    from bdc.config.model import Config

_SECONDS = 10.0
_SESSIONS = """SELECT usename || CASE WHEN application_name <> '' THEN ' (' || application_name || ')' ELSE '' END
FROM pg_stat_activity WHERE backend_type = 'client backend'
AND usename !~ '^(postgres|replicator|metastore|trino|gateway|spark(-.*)?)$' ORDER BY 1"""
"""Without the roles by which the cluster's own parts and Spark's applications are connected."""
_QUERIES = """SELECT "user" || coalesce(' (' || source || ')', '') FROM system.runtime.queries
WHERE state NOT IN ('FINISHED', 'FAILED') AND coalesce(source, '') <> 'bdc status' ORDER BY 1"""
_ENDED = ("Succeeded", "Failed")
_ESTABLISHED = "01"
_LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
_DOORS = ("sql", "connect")


@dataclass(frozen=True)
class Use:
    """What runs: titles of the parts that are there, the number of their pods, and by place what is done there and for whom."""

    parts: tuple[str, ...]
    pods: int
    activities: tuple[tuple[str, str], ...]


def in_use(kube: Kube, config: Config) -> Use | None:
    """Look at a cluster; None where nothing of it runs. Raises UnreachableError when there is no Kubernetes."""
    try:
        snapshot = observe(kube, config.name)
    except NotFoundError:
        return None
    pods = sum(pod.get("status", {}).get("phase") not in _ENDED for pod in snapshot.pods)
    parts = tuple(part.title for part in workloads.PARTS if any(one.obj for one in snapshot.of(part.name)))
    if not parts and not pods:
        return None
    looks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("Spark", lambda: _applications(kube, snapshot)),
        ("Trino", lambda: _queries(kube, config)),
        ("SQL master", lambda: _sessions(kube, snapshot)),
        *(
            (one.title, lambda one=one: _connections(kube, snapshot, one.workload, one.target))
            for one in workloads.ENDPOINTS
            if one.name in _DOORS
        ),
    )
    return Use(parts, pods, tuple((place, said) for place, look in looks if (said := _said(look))))


def _said(look: Callable[[], str]) -> str:
    try:
        return look()
    except (BdcError, OSError, ValueError, KeyError, IndexError, TypeError) as error:
        reason = getattr(error, "message", str(error)).strip().splitlines() or [type(error).__name__]
        return f"not known: {reason[0][:200]}"


def _applications(kube: Kube, snapshot: Snapshot) -> str:
    spaces = [snapshot.cluster, *(pool.namespace for pool in snapshot.pools)]
    found = [f"{one.name} {one.state.lower()}" for space in spaces for one in listing(kube, space) if not one.state.final]
    consoles = sum(len(list_all(kube, pods_path(space), label_selector({COMPONENT: CONSOLE}))) for space in spaces)
    return ", ".join([*found, *([_count(consoles, "session")] if consoles else [])])


def _queries(kube: Kube, config: Config) -> str:
    rows = query(kube, config, _QUERIES, _SECONDS)
    return f"{_count(len(rows), 'query', 'queries')}: {_tally(str(row[0]) for row in rows)}" if rows else ""


def _sessions(kube: Kube, snapshot: Snapshot) -> str:
    leader = next((pod for pod in snapshot.workload("master").pods if pod["metadata"]["labels"].get(ROLE) == "primary"), None)
    if leader is None:
        raise BdcError("it has no leader")
    psql = ["psql", "-X", "-A", "-t", "-q", "-U", "postgres", "-d", "postgres", "-c", _SESSIONS]
    said = execute(kube, snapshot.cluster, leader["metadata"]["name"], "postgres", psql, timeout_seconds=_SECONDS)
    return _tally(line for line in said.splitlines() if line)


def _connections(kube: Kube, snapshot: Snapshot, workload: str, port: int) -> str:
    tables = ["cat", "/proc/net/tcp", "/proc/net/tcp6"]
    places = [(pod["metadata"]["name"], pod["spec"]["containers"][0]["name"]) for pod in snapshot.workload(workload).pods if is_ready(pod)]
    said = [execute(kube, snapshot.cluster, pod, container, tables, timeout_seconds=_SECONDS) for pod, container in places]
    number = sum(connections(text, port) for text in said)
    return _count(number, "connection") if number else ""


def connections(tables: str, port: int) -> int:
    """How many TCP connections to a local port, from elsewhere, the text of /proc/net/tcp and tcp6 has."""
    rows = [line.split() for line in tables.splitlines()]
    return sum(
        row[1].endswith(f":{port:04X}") and row[2].partition(":")[0] not in _LOOPBACK
        for row in rows
        if len(row) > 3 and row[3] == _ESTABLISHED
    )


def _tally(names: Iterable[str]) -> str:
    return ", ".join(name if times == 1 else f"{name} {times} times" for name, times in Counter(names).items())


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"

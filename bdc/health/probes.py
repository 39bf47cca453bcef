"""One question to each engine that only a working engine can answer; within seconds, through the Kubernetes API or the endpoint.

* storage: the NameNode's JMX: safe mode, DataNodes that report, missing blocks.
* master: Patroni's REST API: who leads, who follows and how far behind, whom commits wait for, and the leader's own PostgreSQL.
* metastore: `get_all_databases` over Thrift, which reads its tables in the master.
* federation: `SELECT 1` through the endpoint, with TLS and password as every user.
* spark: the history server's version (Spark Connect is asked by its own readiness probe).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bdc.config.names import COMPONENT
from bdc.config.quantity import human
from bdc.errors import BdcError
from bdc.health.metastore import databases
from bdc.health.part import Probe
from bdc.health.replication import replication
from bdc.health.snapshot import Snapshot, is_ready, ready_pod
from bdc.kube import Kube
from bdc.kube.namenode import bean
from bdc.spark.scheduling.pools import pool_status
from bdc.trino.client import select_one

if TYPE_CHECKING:
    from bdc.config.model import Config

SECONDS = 4.0
"""How long an engine may take to answer."""

_WORKERS = "SELECT node_id FROM system.runtime.nodes WHERE NOT coordinator AND state = 'active'"
_NAMENODE_BEANS = ("NameNodeInfo", "FSNamesystemState")


def storage(kube: Kube, config: Config, snapshot: Snapshot) -> Probe:
    """HDFS can be read and written whole."""
    info = namenode(kube, config.name, _pod(snapshot, "namenode"))
    live, wanted, missing = info["NumLiveDataNodes"], snapshot.workload("datanode").wanted, info["NumberOfMissingBlocks"]
    detail = (
        f"{live} DataNode{'s' if live != 1 else ''}, {human(info['CapacityRemaining'])} free of {human(info['CapacityTotal'])}"
        f" · {missing} missing, {info['UnderReplicatedBlocks']} under-replicated blocks"
    )
    if info["Safemode"]:
        return Probe(False, f"the NameNode is in safe mode · {detail}")
    short = live < wanted  # a pod is ready when its port is open, which doesn't say that the NameNode knows it
    return Probe(live >= min(wanted, 1) and not missing, detail, whole=not short, hint="bdc logs datanode" if short else None)


def namenode(kube: Kube, namespace: str, pod: str) -> dict[str, Any]:
    """What a NameNode says of itself, as one mapping of its JMX beans' attributes."""
    found: dict[str, Any] = {}
    for name in _NAMENODE_BEANS:
        found |= bean(kube, namespace, pod, name)
    return found


def master(kube: Kube, config: Config, snapshot: Snapshot) -> Probe:
    """There is a leader whose PostgreSQL runs, all replicas follow it, and commits go where they should."""
    found = replication(kube, config.name, _pod(snapshot, "master"), SECONDS)
    if found.leader is None:
        return Probe(False, "no leader: the servers are electing one")
    state = json.loads(kube.proxy(config.name, found.leader.name, 8008, "/patroni", timeout=SECONDS))
    detail = f"{found.leader.name} leader" + (f" · lag {', '.join(one.lag for one in found.replicas)}" if found.replicas else "")
    if state.get("state") != "running":
        return Probe(False, f"{detail}, its PostgreSQL is {state.get('state')}")
    faults = found.faults(snapshot.workload("master").wanted)
    return Probe(True, " · ".join([detail, *faults]), whole=not faults, hint=found.remedy() if faults else None)


def metastore(kube: Kube, config: Config, snapshot: Snapshot) -> Probe:
    """The metastore reads its tables."""
    names = databases(kube, config.name, _pod(snapshot, "metastore"), SECONDS)
    return Probe(True, f"{len(names)} database{'s' if len(names) != 1 else ''}")


def federation(kube: Kube, config: Config, snapshot: Snapshot) -> Probe:
    """Trino runs a query, and its coordinator knows all workers."""
    _pod(snapshot, "trino-coordinator")
    wanted = snapshot.workload("trino-worker").wanted
    answer = select_one(kube, config, SECONDS, _WORKERS if wanted else None)
    if answer.seconds is None:
        return Probe(False, f"Trino {answer.version} is starting")
    detail = f"Trino {answer.version}, SELECT 1 in {answer.seconds:.1f} s"
    if not wanted:
        return Probe(True, detail)
    known = len(answer.rows)
    short = known < wanted  # a pod is ready when its own server has started, which doesn't say that work goes there
    detail += f", {known}{f' of {wanted}' if short else ''} worker{'s' if wanted != 1 else ''}"
    return Probe(True, detail, whole=not short, hint="bdc logs trino-worker" if short else None)


def spark(kube: Kube, config: Config, snapshot: Snapshot) -> Probe:
    """The history server answers, so event logs on HDFS can be read; how many applications there are."""
    version = json.loads(kube.proxy(config.name, _pod(snapshot, "spark-history"), 18080, "/api/v1/version", timeout=SECONDS))["spark"]
    drivers = [pod for pod in snapshot.pods if pod["metadata"]["labels"].get(COMPONENT) == "spark-driver"]
    running = sum(1 for pod in drivers if is_ready(pod))
    queued = sum(1 for pod in drivers if pod.get("status", {}).get("phase") == "Pending")
    for pool in snapshot.pools:
        now = pool_status(kube, pool)
        running, queued = running + now.running, queued + len(now.waiting)
    return Probe(True, f"Spark {version}, {running} running" + (f", {queued} queued" if queued else ""))


PROBES: dict[str, Callable[[Kube, Config, Snapshot], Probe]] = {
    "storage": storage,
    "master": master,
    "metastore": metastore,
    "federation": federation,
    "spark": spark,
}


def running(_: Kube, __: Config, ___: Snapshot) -> Probe:
    """A part without an engine to ask: what Kubernetes says of its pods counts."""
    return Probe(True, "its pods run")


def ask(part: str, kube: Kube, config: Config, snapshot: Snapshot) -> Probe:
    """Ask a part; an engine that doesn't answer, or not in the way it should, is a Probe that isn't ok."""
    try:
        return PROBES.get(part, running)(kube, config, snapshot)
    except BdcError as error:
        return Probe(False, f"doesn't answer: {error.message.strip().splitlines()[0][:200]}")
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        return Probe(False, f"answers wrongly: {type(error).__name__}: {error}")


def _pod(snapshot: Snapshot, workload: str) -> str:
    if name := ready_pod(snapshot.workload(workload)):
        return name
    raise BdcError(f"no {snapshot.workload(workload).workload.title} is ready")

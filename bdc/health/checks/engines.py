"""Checks of the engines: HDFS has all its blocks, the master a leader whose replicas keep up, the others answer."""

from __future__ import annotations

import json
from typing import Any

from bdc.config.quantity import human
from bdc.errors import BdcError
from bdc.health.finding import Check, CheckContext, Finding, fail, named, ok, warn
from bdc.health.probes import SECONDS, ask, namenode
from bdc.health.replication import Replication, replication
from bdc.health.snapshot import ready_pod
from bdc.trino.client import query

HDFS_FREE_SHARE = 0.10
_EXTERNAL = """SELECT 'source', name, error FROM master.sys.external_data_sources
UNION ALL SELECT 'table', schema_name || '.' || name, error FROM master.sys.external_tables ORDER BY 1, 2"""


def safe_mode(ground: CheckContext) -> Finding:
    """HDFS can be written."""
    info = _namenode(ground)
    if info["Safemode"]:
        return fail(
            f"the NameNode is in safe mode: {str(info['Safemode']).strip()[:200]}", "it ends when DataNodes have reported: bdc logs storage"
        )
    return ok("off")


def blocks(ground: CheckContext) -> Finding:
    """No block is lost or has too few copies."""
    info = _namenode(ground)
    if missing := info["NumberOfMissingBlocks"]:
        corrupt = named([str(path) for path in json.loads(info.get("CorruptFiles") or "[]")])
        return fail(
            f"{missing} blocks are missing{f', in {corrupt}' if corrupt else ''}", "bring back the DataNode that had them: bdc status"
        )
    if few := info["UnderReplicatedBlocks"]:
        return warn(f"{few} blocks have fewer copies than they should", "HDFS copies them by itself when enough DataNodes are up")
    return ok(f"{info['BlocksTotal']} blocks, none missing")


def datanodes(ground: CheckContext) -> Finding:
    """All DataNodes report, and have room."""
    info = _namenode(ground)
    live, wanted = info["NumLiveDataNodes"], ground.snapshot.workload("datanode").wanted
    if live < wanted:
        return fail(f"{live} of {wanted} DataNodes report", "bdc logs datanode")
    if info["VolumeFailuresTotal"]:
        return fail(f"{info['VolumeFailuresTotal']} volumes of DataNodes have failed", "look at their disks: bdc logs datanode")
    free, total = info["CapacityRemaining"], info["CapacityTotal"]
    said = f"{live} report, {human(free)} of {human(total)} free"
    if free < total * HDFS_FREE_SHARE:
        return warn(said, "remove files (bdc hdfs rm), or add DataNodes: bdc config set storage.datanodes=N")
    return ok(said)


def leader(ground: CheckContext) -> Finding:
    """The master has a leader."""
    found = _replication(ground)
    if found.leader is None:
        return fail("PostgreSQL has no leader", "a new one is elected within 20 s; if not: bdc logs master")
    return ok(found.leader.name)


def replicas(ground: CheckContext) -> Finding:
    """All of the master's replicas follow its leader and keep up, and commits wait for whom they should."""
    found = _replication(ground)
    if faults := found.faults(ground.snapshot.workload("master").wanted):
        return fail(named(faults), found.remedy())
    waits = ", commits wait for one of them" if found.synchronous else ""
    return ok(f"{len(found.replicas)} streaming{waits}" if found.replicas else "none wanted: one server")


def metastore(ground: CheckContext) -> Finding:
    """The metastore lists its databases."""
    return _answers(ground, "metastore")


def federation(ground: CheckContext) -> Finding:
    """Trino runs a query."""
    return _answers(ground, "federation")


def external(ground: CheckContext) -> Finding:
    """The federation has all external data sources and tables that are defined."""
    rows = query(ground.kube, ground.config, _EXTERNAL, SECONDS)
    if broken := [(kind, name, error) for kind, name, error in rows if error]:
        kind, name, error = broken[0]
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        return warn(f"the {kind} {name} can't be read: {error}{more}", "bdc sql source list; bdc sql table list")
    tables = sum(kind == "table" for kind, *_ in rows)
    sources = len(rows) - tables
    return ok(f"{tables} table{'' if tables == 1 else 's'}, {sources} source{'' if sources == 1 else 's'}" if rows else "none")


def history(ground: CheckContext) -> Finding:
    """The history server reads the event logs."""
    return _answers(ground, "spark")


def _answers(ground: CheckContext, part: str) -> Finding:
    probe = ask(part, ground.kube, ground.config, ground.snapshot)
    return ok(probe.detail) if probe.ok else fail(probe.detail, f"bdc logs {part}")


def _namenode(ground: CheckContext) -> dict[str, Any]:
    return namenode(ground.kube, ground.cluster, _pod(ground, "namenode"))


def _replication(ground: CheckContext) -> Replication:
    return replication(ground.kube, ground.cluster, _pod(ground, "master"), SECONDS)


def _pod(ground: CheckContext, workload: str) -> str:
    observed = ground.snapshot.workload(workload)
    if name := ready_pod(observed):
        return name
    raise BdcError(f"no {observed.workload.title} is ready to be asked", f"bdc status; bdc logs {workload}")


CHECKS = (
    Check("hdfs-safe-mode", "HDFS safe mode", safe_mode),
    Check("hdfs-blocks", "HDFS blocks", blocks),
    Check("hdfs-datanodes", "HDFS DataNodes", datanodes),
    Check("master-leader", "master's leader", leader),
    Check("master-replicas", "master's replicas", replicas),
    Check("metastore", "metastore answers", metastore),
    Check("federation", "Trino answers", federation),
    Check("external", "external tables", external),
    Check("history", "history server answers", history),
)

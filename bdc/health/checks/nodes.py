"""Checks of the nodes: they are ready, not short of anything, and have room for what is asked; names resolve in the cluster."""

from __future__ import annotations

import shutil
import socket
import struct
from pathlib import Path

from bdc.config.paths import NODE_DIR
from bdc.config.quantity import human
from bdc.errors import BdcError
from bdc.health.amount import amount
from bdc.health.finding import Check, CheckContext, Finding, fail, named, ok, warn
from bdc.health.snapshot import Json
from bdc.kube.portforward import forward
from bdc.kube.selector import label_selector

_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
DISK_FREE_BYTES = 5 * 2**30
DISK_FREE_SHARE = 0.10
MEMORY_LEFT_BYTES = 512 * 2**20
"""Less than this on every node, and not even one default driver or executor starts."""
DNS_NAME = "kubernetes.default.svc.cluster.local"


def ready(ground: CheckContext) -> Finding:
    """All nodes are ready."""
    nodes = _nodes(ground)
    broken = [f"{_name(node)} ({_condition(node, 'Ready').get('message') or 'not ready'})" for node in nodes if not _is(node, "Ready")]
    if broken:
        return fail(f"not ready: {named(broken)}", "look at its kubelet: bdc node status there, or journalctl -u kubelet")
    closed = [_name(node) for node in nodes if node["spec"].get("unschedulable")]
    if closed:
        return warn(f"closed for new pods: {named(closed)}", "kubectl uncordon NODE opens it")
    return ok(f"{len(nodes)} ready")


def pressure(ground: CheckContext) -> Finding:
    """No node is short of memory, disk or processes."""
    short = [f"{_name(node)}: {kind}" for node in _nodes(ground) for kind in _PRESSURES if _is(node, kind)]
    if short:
        return fail(f"short: {named(short)}", "pods are being evicted there: free some, or add a node")
    return ok("none is short of memory, disk or processes")


def memory(ground: CheckContext) -> Finding:
    """A node has memory left to ask for."""
    asked: dict[str, float] = {}
    for pod in ground.items("/api/v1/pods"):
        if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed") and (node := pod["spec"].get("nodeName")):
            asked[node] = asked.get(node, 0) + _request(pod, "memory")
    left = {_name(node): amount(node["status"]["allocatable"]["memory"]) - asked.get(_name(node), 0) for node in _nodes(ground)}
    if not left:
        return fail("there are no nodes", "add one")
    name, most = max(left.items(), key=lambda entry: entry[1])
    said = f"{human(most)} not asked for yet on {name}"
    if most < MEMORY_LEFT_BYTES:
        return warn(f"only {said}: no Spark driver fits", "end applications (bdc spark list), ask for less in bdc.yaml, or add a node")
    return ok(said)


def disk(_: CheckContext, folder: Path = NODE_DIR) -> Finding:
    """This host's disk, where the embedded node keeps its volumes, has room."""
    if not folder.is_dir():
        return ok("this host is not a node of bdc")
    usage = shutil.disk_usage(folder)
    said = f"{human(usage.free)} of {human(usage.total)} free at {folder}"
    if usage.free < DISK_FREE_BYTES:
        return fail(said, "free some: bdc hdfs rm, bdc spark delete, or delete the cache (~/.cache/bdc)")
    if usage.free < usage.total * DISK_FREE_SHARE:
        return warn(said, "the kubelet evicts pods when less than a tenth is free: free some")
    return ok(said)


def dns(ground: CheckContext) -> Finding:
    """A cluster DNS server resolves a name that every cluster has, asked over TCP through the Kubernetes API."""
    labels = {"k8s-app": "kube-dns"}
    if not ground.items("/api/v1/namespaces/kube-system/pods", labelSelector=label_selector(labels)):
        return warn("no DNS pods in kube-system, so it can't be asked")
    try:
        with forward(ground.kube, "kube-system", labels, 53) as (host, port), socket.create_connection((host, port), 4) as connection:
            connection.settimeout(4)
            answers = ask(connection, DNS_NAME)
    except (OSError, BdcError) as error:
        return fail(f"the cluster's DNS doesn't answer: {error}", "look at it: kubectl -n kube-system logs -l k8s-app=kube-dns")
    if not answers:
        return fail(f"the cluster's DNS doesn't know {DNS_NAME}", "look at its ConfigMap: kubectl -n kube-system get cm coredns -o yaml")
    return ok(f"{DNS_NAME} resolves")


def ask(connection: socket.socket, name: str) -> int:
    """Ask for a name's IPv4 addresses over TCP; how many there are. https://www.rfc-editor.org/rfc/rfc1035 section 4."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)
    message = struct.pack(">HHHHHH", 0xBDC, 0x0100, 1, 0, 0, 0) + question
    connection.sendall(struct.pack(">H", len(message)) + message)
    with connection.makefile("rb") as answer:
        header = answer.read(14)
    if len(header) != 14:
        msg = "it closed the connection"
        raise ConnectionError(msg)
    _, ident, flags, _, count, _, _ = struct.unpack(">HHHHHHH", header)
    return int(count) if ident == 0xBDC and flags & 0x000F == 0 else 0


def _nodes(ground: CheckContext) -> list[Json]:
    return list(ground.items("/api/v1/nodes"))


def _name(node: Json) -> str:
    return str(node["metadata"]["name"])


def _condition(node: Json, kind: str) -> Json:
    return next((one for one in node["status"].get("conditions") or [] if one["type"] == kind), {})


def _is(node: Json, kind: str) -> bool:
    return _condition(node, kind).get("status") == "True"


def _request(pod: Json, resource: str) -> float:
    def of(kind: str) -> list[float]:
        return [amount(one.get("resources", {}).get("requests", {}).get(resource, "0")) for one in pod["spec"].get(kind) or []]

    return max(sum(of("containers")), *of("initContainers"), 0)


CHECKS = (
    Check("nodes", "nodes", ready),
    Check("node-pressure", "node pressure", pressure),
    Check("memory", "memory left", memory),
    Check("disk", "disk of this host", disk),
    Check("dns", "DNS in the cluster", dns),
)

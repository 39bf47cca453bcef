"""A healthy cluster `bdc` in memory; tests break one thing of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bdc.config import workloads
from bdc.config.model import Config
from bdc.config.names import labels
from bdc.health import CheckContext
from tests.unit.fake_kube import FakeKube

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CORE = "/api/v1/namespaces/bdc"
APPS = "/apis/apps/v1/namespaces/bdc"
NODE = "/api/v1/nodes/vm"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/vm"
NAMENODE_INFO = {
    "Safemode": "",
    "NumberOfMissingBlocks": 0,
    "CorruptFiles": "[]",
}
NAMESYSTEM = {
    "NumLiveDataNodes": 1,
    "UnderReplicatedBlocks": 0,
    "BlocksTotal": 34,
    "VolumeFailuresTotal": 0,
    "CapacityTotal": 100 * 2**30,
    "CapacityRemaining": 50 * 2**30,
}
LEADER = {"name": "master-0", "role": "leader", "state": "running"}


def pod(name: str, part: str, component: str, **more: Any) -> dict[str, Any]:
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": []}
    return {
        "metadata": {"name": name, "namespace": "bdc", "labels": labels("bdc", part, component)},
        "spec": {"containers": [{"name": component, "image": f"bdc.local/{component}:1"}], "nodeName": "vm"},
        "status": status | more,
    }


def not_ready(**more: Any) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": "False"}], **more}


class Cluster(FakeKube):
    """FakeKube whose NameNode's beans can be set."""

    def __init__(self) -> None:
        super().__init__()
        self.namenode: dict[str, Any] = {"NameNodeInfo": dict(NAMENODE_INFO), "FSNamesystemState": dict(NAMESYSTEM)}

    def proxy(self, namespace: str, pod: str, port: int, path: str, **options: Any) -> bytes:
        if path == "/jmx":
            name = str(options["query"]["qry"]).rpartition("=")[2]
            self.pages[f"{pod}:{port}{path}"] = {"beans": [self.namenode[name]]}
        return super().proxy(namespace, pod, port, path, **options)

    def change(self, path: str, **changes: Any) -> None:
        """Set keys of an object's status."""
        self.objects[path]["status"] |= changes

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        if path.endswith("selfsubjectaccessreviews"):
            verb, resource = body["spec"]["resourceAttributes"]["verb"], body["spec"]["resourceAttributes"]["resource"]
            return {"status": {"allowed": (verb, resource) not in self.forbidden}}
        return super().request(method, path, body, **options)

    forbidden: tuple[tuple[str, str], ...] = ()


@pytest.fixture
def kube() -> Cluster:
    fake = Cluster()
    fake.objects["/version"] = {"major": "1", "minor": "36", "gitVersion": "v1.36.3"}
    fake.put("/api/v1/namespaces/bdc", {"metadata": {"labels": {"app.kubernetes.io/managed-by": "bdc"}}})
    for one in workloads.WORKLOADS:
        if one.optional:
            continue
        meta = {"labels": labels("bdc", one.part, one.name)}
        fake.put(f"{APPS}/{one.kind.lower()}s/{one.name}", {"metadata": meta, "spec": {"replicas": 1}})
        fake.put(f"{CORE}/pods/{one.name}-0", pod(f"{one.name}-0", one.part, one.name))
    conditions = [{"type": "Ready", "status": "True"}, {"type": "MemoryPressure", "status": "False"}]
    fake.put(NODE, {"spec": {}, "status": {"conditions": conditions, "allocatable": {"memory": "8Gi"}}})
    fake.put(LEASE, {"spec": {"renewTime": "2026-11-21T11:59:55.000000Z"}})
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    fake.put("/apis/storage.k8s.io/v1/storageclasses/bdc-local", {"metadata": {"annotations": annotations}})
    fake.put(f"{CORE}/persistentvolumeclaims/data-master-0", {"status": {"phase": "Bound"}})
    fake.pages |= {
        "master-0:8008/cluster": {"members": [LEADER]},
        "master-0:8008/config": {"synchronous_mode": False},
        "master-0:8008/patroni": {"state": "running"},
        "spark-history-0:18080/api/v1/version": {"spark": "4.2.0"},
    }
    return fake


@pytest.fixture
def config() -> Config:
    return Config()


@pytest.fixture
def ground(kube: Cluster, config: Config) -> CheckContext:
    return CheckContext(kube, config, now=lambda: NOW)

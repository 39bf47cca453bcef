"""Every check is seen well and seen failing."""

from __future__ import annotations

import base64
import shutil
import socket
import struct
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from bdc.cluster.embedded.layout import ADMIN_KUBECONFIG
from bdc.config.model import Config, Network
from bdc.config.names import labels
from bdc.errors import BdcError
from bdc.health import CHECKS, Check, CheckContext, Level, Probe, examine
from bdc.health.checks import access, engines, nodes
from bdc.health.doctor import run
from bdc.health.finding import Finding
from bdc.kube import ApiForbiddenError, UnreachableError
from bdc.kube.credentials import PlainCredentials
from bdc.kube.kubeconfig import Access
from bdc.kube.tls import Probed
from tests.unit.health.conftest import CORE, LEADER, LEASE, NODE, NOW, Cluster, not_ready, pod

BY_ID = {check.id: check for check in CHECKS}


def look(ground: CheckContext, check: str) -> Finding:
    return run(BY_ID[check], ground)


def failed(finding: Finding, said: str, level: Level = Level.FAIL) -> None:
    assert finding.level is level
    assert said in finding.message
    assert finding.remedy


WELL = [
    "api", "version", "rights", "clock", "storage-class", "nodes", "node-pressure", "memory", "workloads", "pods", "images", "restarts",
    "jobs", "volumes", "budgets", "terminating", "events", "lock", "hdfs-safe-mode", "hdfs-blocks", "hdfs-datanodes", "master-leader",
    "master-replicas", "history", "ports", "rotation",
]  # fmt: skip


@pytest.mark.parametrize("check", WELL)
def test_a_healthy_cluster_is_well(ground: CheckContext, check: str) -> None:
    finding = look(ground, check)
    assert (finding.level, finding.remedy) == (Level.OK, None), finding.message


def test_ids_are_unique_and_every_check_is_tested() -> None:
    assert len(BY_ID) == len(CHECKS) >= 15
    elsewhere = {"kubernetes-certificates", "disk", "dns", "metastore", "federation", "endpoints", "certificates", "authority"}
    elsewhere |= {"network-policies", "external"}
    assert set(BY_ID) == {*WELL, *elsewhere}


def lost_leader(kube: Cluster) -> None:
    kube.pages["master-0:8008/cluster"] = {"members": [{"name": "master-0", "role": "replica", "state": "running"}]}


def late_replica(kube: Cluster) -> None:
    members = [LEADER, {"name": "master-1", "role": "replica", "state": "streaming", "lag": 2**30}]
    kube.pages["master-0:8008/cluster"] = {"members": members}


def broken_replica(kube: Cluster) -> None:
    members = [LEADER, {"name": "master-1", "role": "replica", "state": "start failed", "lag": "unknown"}]
    kube.pages["master-0:8008/cluster"] = {"members": members}


def crashing(kube: Cluster) -> None:
    ended = {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-21T11:58:00Z", "startedAt": "2026-11-21T11:57:00Z"}
    state = {"name": "metastore", "ready": False, "restartCount": 5, "image": "x", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    kube.put(f"{CORE}/pods/metastore-0", pod("metastore-0", "metastore", "metastore",
             **not_ready(containerStatuses=[state | {"lastState": {"terminated": ended}}])))  # fmt: skip


def no_image(kube: Cluster) -> None:
    state = {"name": "httpfs", "image": "bdc.local/httpfs:9", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    kube.put(f"{CORE}/pods/httpfs-0", pod("httpfs-0", "storage", "httpfs", **not_ready(containerStatuses=[state])))


def oom(kube: Cluster) -> None:
    ended = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-21T11:30:00Z"}
    kube.change(f"{CORE}/pods/namenode-0", containerStatuses=[{"name": "namenode", "lastState": {"terminated": ended}}])


def budget(healthy: int, allowed: int) -> Callable[[Cluster], Any]:
    status = {"currentHealthy": healthy, "desiredHealthy": 2, "expectedPods": 3, "disruptionsAllowed": allowed}
    return lambda kube: kube.put("/apis/policy/v1/namespaces/bdc/poddisruptionbudgets/master", {"status": status})


def event(age_minutes: int, about: str, reason: str = "FailedScheduling") -> Callable[[Cluster], Any]:
    body = {
        "lastTimestamp": (NOW - timedelta(minutes=age_minutes)).isoformat(),
        "involvedObject": {"kind": about.partition("/")[0], "name": about.partition("/")[2]},
        "reason": reason,
        "message": "0/1 nodes",
    }
    return lambda kube: kube.put(f"{CORE}/events/e", body)


def lease(age_seconds: int) -> Callable[[Cluster], Any]:
    spec = {"holderIdentity": "anna@host7 pid 7", "renewTime": (NOW - timedelta(seconds=age_seconds)).isoformat()}
    return lambda kube: kube.put("/apis/coordination.k8s.io/v1/namespaces/bdc-system/leases/bdc-bdc", {"spec": spec})


def condition(kind: str, status: str) -> Callable[[Cluster], Any]:
    return lambda kube: kube.change(NODE, conditions=[{"type": kind, "status": status, "message": "kubelet stopped"}])


def bean(name: str, **values: Any) -> Callable[[Cluster], Any]:
    return lambda kube: kube.namenode[name].update(values)


def drop(path: str) -> Callable[[Cluster], Any]:
    return lambda kube: kube.objects.pop(path)


def default_twice(kube: Cluster) -> None:
    kube.put("/apis/storage.k8s.io/v1/storageclasses/other", kube.objects["/apis/storage.k8s.io/v1/storageclasses/bdc-local"] | {})
    kube.objects["/apis/storage.k8s.io/v1/storageclasses/other"]["metadata"]["name"] = "other"


def job(name: str, component: str, minutes: int) -> Callable[[Cluster], Any]:
    ended = {"type": "Failed", "status": "True", "lastTransitionTime": (NOW - timedelta(minutes=minutes)).isoformat()}
    body = {"metadata": {"labels": labels("bdc", "spark", component)}, "status": {"conditions": [ended]}}
    return lambda kube: kube.put(f"/apis/batch/v1/namespaces/bdc/jobs/{name}", body)


def taken_port(kube: Cluster) -> None:
    kube.put("/api/v1/services/web", {"metadata": {"namespace": "shop"}, "spec": {"ports": [{"nodePort": 31880}, {"port": 80}]}})


BROKEN: list[tuple[str, Callable[[Cluster], Any], Level, str]] = [
    ("api", lambda kube: kube.fail("GET", "/version", UnreachableError("https://fake", "refused")), Level.FAIL, "does not answer"),
    ("version", lambda kube: kube.objects["/version"].update(minor="24+", gitVersion="v1.24.1"), Level.FAIL, "v1.24.1 is older than 1.29"),
    ("rights", lambda kube: setattr(kube, "forbidden", (("create", "jobs"),)), Level.FAIL, "no right in namespace bdc to create jobs"),
    ("clock", lambda kube: kube.put(LEASE, {"spec": {"renewTime": "2026-11-21T12:05:00Z"}}), Level.FAIL, "300 s behind"),
    ("clock", lambda kube: kube.put(LEASE, {"spec": {"renewTime": "2026-11-21T11:50:00Z"}}), Level.WARN, "600 s old"),
    ("storage-class", drop("/apis/storage.k8s.io/v1/storageclasses/bdc-local"), Level.FAIL, "no StorageClass is the default"),
    ("storage-class", default_twice, Level.WARN, "2 StorageClasses say they are the default"),
    ("nodes", condition("Ready", "False"), Level.FAIL, "not ready: vm (kubelet stopped)"),
    ("nodes", lambda kube: kube.objects[NODE]["spec"].update(unschedulable=True), Level.WARN, "closed for new pods: vm"),
    ("node-pressure", condition("DiskPressure", "True"), Level.FAIL, "vm: DiskPressure"),
    ("memory", lambda kube: kube.change(NODE, allocatable={"memory": "100Mi"}), Level.WARN, "only 100.0 MiB not asked for"),
    ("workloads", drop("/apis/apps/v1/namespaces/bdc/deployments/httpfs"), Level.FAIL, "not made: HttpFS"),
    ("workloads", crashing, Level.FAIL, "not ready: Hive Metastore 0 of 1"),
    (
        "workloads",
        lambda kube: kube.objects["/apis/apps/v1/namespaces/bdc/deployments/httpfs"]["spec"].update(replicas=0),
        Level.FAIL,
        "scaled to nothing: HttpFS",
    ),
    ("jobs", job("hdfs-folders", "hdfs-folders", 500), Level.FAIL, "failed: hdfs-folders"),
    ("jobs", job("etl", "spark-driver", 5), Level.WARN, "applications that failed in the last hour: etl"),
    ("ports", taken_port, Level.FAIL, "31880 (trino) by Service shop/web"),
    ("workloads", drop("/api/v1/namespaces/bdc"), Level.FAIL, "there is no cluster bdc here"),
    ("pods", crashing, Level.FAIL, "pod metastore-0 can't run: container metastore exited with status 1, 6 times"),
    ("images", no_image, Level.FAIL, "can't be pulled: bdc.local/httpfs:9"),
    ("restarts", oom, Level.WARN, "namenode-0 (OOMKilled, exit 137)"),
    ("volumes", lambda kube: kube.change(f"{CORE}/persistentvolumeclaims/data-master-0", phase="Lost"), Level.FAIL, "data-master-0 (Lost)"),
    ("budgets", budget(1, 0), Level.FAIL, "fewer pods than their budgets want: master"),
    ("budgets", budget(2, 0), Level.WARN, "allow no pod to be moved: master"),
    (
        "terminating",
        lambda kube: kube.objects[f"{CORE}/pods/master-0"]["metadata"].update(deletionTimestamp="2026-11-21T11:50:00Z"),
        Level.WARN,
        "don't end: master-0",
    ),
    ("events", event(5, "Job/etl"), Level.WARN, "1 in the last 15 minutes, the newest of etl: FailedScheduling: 0/1 nodes"),
    ("lock", lease(5), Level.WARN, "anna@host7 pid 7 is changing the cluster now"),
    ("lock", lease(7200), Level.WARN, "anna@host7 pid 7 was interrupted 2 hours ago"),
    ("hdfs-safe-mode", bean("NameNodeInfo", Safemode="Safe mode is ON."), Level.FAIL, "safe mode: Safe mode is ON."),
    ("hdfs-blocks", bean("NameNodeInfo", NumberOfMissingBlocks=2, CorruptFiles='["/a"]'), Level.FAIL, "2 blocks are missing, in /a"),
    ("hdfs-blocks", bean("FSNamesystemState", UnderReplicatedBlocks=3), Level.WARN, "3 blocks have fewer copies"),
    ("hdfs-datanodes", bean("FSNamesystemState", NumLiveDataNodes=0), Level.FAIL, "0 of 1 DataNodes report"),
    ("hdfs-datanodes", bean("FSNamesystemState", VolumeFailuresTotal=1), Level.FAIL, "1 volumes of DataNodes have failed"),
    ("hdfs-datanodes", bean("FSNamesystemState", CapacityRemaining=2**30), Level.WARN, "1.0 GiB of 100.0 GiB free"),
    ("hdfs-blocks", lambda kube: kube.change(f"{CORE}/pods/namenode-0", **not_ready()), Level.FAIL, "no NameNode is ready to be asked"),
    ("master-leader", lost_leader, Level.FAIL, "no leader"),
    ("master-replicas", late_replica, Level.FAIL, "master-1's lag is 1.0 GiB"),
    ("master-replicas", broken_replica, Level.FAIL, "master-1 doesn't follow the leader (start failed)"),
    ("history", lambda kube: kube.pages.pop("spark-history-0:18080/api/v1/version"), Level.FAIL, "doesn't answer"),
]


@pytest.mark.parametrize(("check", "breaks", "level", "said"), BROKEN, ids=[f"{entry[0]}-{at}" for at, entry in enumerate(BROKEN)])
def test_what_is_broken_is_found(
    kube: Cluster, ground: CheckContext, check: str, breaks: Callable[[Cluster], Any], level: Level, said: str
) -> None:
    breaks(kube)
    failed(look(ground, check), said, level)


@pytest.mark.parametrize(
    "breaks", [event(20, "Job/etl"), event(5, "Pod/gone"), event(5, "Pod/master-0"), event(5, "Job/etl", "DeadlineExceeded"), lease(0)]
)
def test_what_is_past_is_not_reported(kube: Cluster, ground: CheckContext, breaks: Callable[[Cluster], Any]) -> None:
    breaks(kube)
    assert look(ground, "events").level is Level.OK


def test_a_failed_application_is_no_fault_of_the_cluster(kube: Cluster, ground: CheckContext) -> None:
    ended = {"exitCode": 3, "reason": "Error", "finishedAt": "2026-11-21T09:58:00Z", "startedAt": "2026-11-21T09:57:00Z"}
    state = {"name": "driver", "ready": False, "restartCount": 0, "image": "x", "state": {"terminated": ended}}
    failed_pod = pod("etl-x", "spark", "spark-driver", **not_ready(phase="Failed", containerStatuses=[state]))
    failed_pod["spec"]["restartPolicy"] = "Never"
    kube.put(f"{CORE}/pods/etl-x", failed_pod)
    job("etl", "spark-driver", 120)(kube)
    assert [look(ground, check).level for check in ("pods", "jobs")] == [Level.OK, Level.OK]


def test_a_stuck_pod_sends_to_its_log(kube: Cluster, ground: CheckContext) -> None:
    crashing(kube)
    kube.logs[f"{CORE}/pods/metastore-0/log"] = "no database"
    assert look(ground, "pods").remedy == "its log says more: bdc logs metastore-0"


def test_node_ports_do_not_matter_where_none_is_used(kube: Cluster) -> None:
    taken_port(kube)
    config = Config(network=Network(expose="none"))
    assert look(CheckContext(kube, config, now=lambda: NOW), "ports").level is Level.OK


def test_no_right_to_look_is_said(kube: Cluster, ground: CheckContext) -> None:
    kube.fail("GET", "/storageclasses", ApiForbiddenError(403, "Forbidden", "may not list storageclasses", "ask for it"))
    failed(look(ground, "storage-class"), "not checked: may not list", Level.WARN)


def test_a_check_that_breaks_does_not_hide_the_others(ground: CheckContext) -> None:
    def bug(_: CheckContext) -> Finding:
        return {}["x"]  # type: ignore[index]

    results = list(examine(ground, [BY_ID["api"], Check("bug", "bug", bug), BY_ID["nodes"]]))
    assert [result.finding.level for result in results] == [Level.OK, Level.WARN, Level.OK]


def test_without_kubernetes_nothing_else_is_asked(kube: Cluster, ground: CheckContext) -> None:
    kube.fail("GET", "/version", UnreachableError("https://fake", "refused"))
    results = list(examine(ground))
    assert [result.check.id for result in results] == ["api"]
    assert len(kube.calls) == 1


def test_a_slow_api_is_said(kube: Cluster, ground: CheckContext, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 2.5])
    monkeypatch.setattr("bdc.health.checks.kubernetes.time.monotonic", lambda: next(times))
    failed(look(ground, "api"), "took 2.5 s", Level.WARN)


Usage = namedtuple("Usage", "total used free")  # noqa: PYI024  what shutil.disk_usage gives


@pytest.mark.parametrize(("free_gib", "level"), [(50, Level.OK), (8, Level.WARN), (2, Level.FAIL)])
def test_disk(ground: CheckContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_gib: int, level: Level) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * 2**30, 0, free_gib * 2**30))
    assert nodes.disk(ground, tmp_path).level is level
    assert nodes.disk(ground, tmp_path / "none").level is Level.OK


@contextmanager
def dns_server(flags: int, answers: int) -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                asked = connection.recv(512)
                header = asked[2:4] + struct.pack(">HHHHH", flags, 1, answers, 0, 0)
                connection.sendall(struct.pack(">H", len(header)) + header)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        thread.join(5)


@pytest.mark.parametrize(("flags", "answers", "level"), [(0x8180, 1, Level.OK), (0x8183, 0, Level.FAIL)])
def test_dns(kube: Cluster, ground: CheckContext, monkeypatch: pytest.MonkeyPatch, flags: int, answers: int, level: Level) -> None:
    kube.put("/api/v1/namespaces/kube-system/pods/coredns", {"metadata": {"labels": {"k8s-app": "kube-dns"}}})
    with dns_server(flags, answers) as address:
        monkeypatch.setattr(nodes, "forward", lambda *_: contextmanager(lambda: iter([address]))())
        assert look(ground, "dns").level is level


def test_dns_that_does_not_answer(kube: Cluster, ground: CheckContext, monkeypatch: pytest.MonkeyPatch) -> None:
    failed_forward = BdcError("no pod is ready")

    def forward(*_: object) -> Any:
        raise failed_forward

    kube.put("/api/v1/namespaces/kube-system/pods/coredns", {"metadata": {"labels": {"k8s-app": "kube-dns"}}})
    monkeypatch.setattr(nodes, "forward", forward)
    failed(look(ground, "dns"), "no pod is ready")


@pytest.mark.parametrize("check", ["metastore", "federation"])
def test_engines_that_answer_and_do_not(ground: CheckContext, monkeypatch: pytest.MonkeyPatch, check: str) -> None:
    monkeypatch.setattr(engines, "ask", lambda part, *_: Probe(True, f"{part} is there"))
    assert look(ground, check).message == f"{check} is there"
    monkeypatch.setattr(engines, "ask", lambda *_: Probe(False, "doesn't answer: refused"))
    failed(look(ground, check), "doesn't answer")


def test_external_tables(ground: CheckContext, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[list[str | None]] = []
    monkeypatch.setattr(engines, "query", lambda *_: rows)
    assert look(ground, "external").message == "none"
    rows += [["source", "Sales", None], ["table", "dbo.orders", None], ["table", "dbo.staff", None]]
    assert look(ground, "external").message == "2 tables, 1 source"
    rows[1][2] = rows[2][2] = "the source Sales doesn't answer"
    finding = look(ground, "external")
    assert (finding.level, finding.message) == (
        Level.WARN,
        "the table dbo.orders can't be read: the source Sales doesn't answer, and 1 more",
    )


def certificate(name: str, days: int, issuer: tuple[Any, Any] | None = None) -> tuple[x509.Certificate, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer[0].subject if issuer else subject)
    builder = builder.public_key(key.public_key()).serial_number(1).not_valid_before(NOW - timedelta(days=400))
    signed = builder.not_valid_after(NOW + timedelta(days=days)).sign(issuer[1] if issuer else key, hashes.SHA256())
    return signed, key


def secret(kube: Cluster, name: str, **data: x509.Certificate) -> None:
    kube.put(
        f"{CORE}/secrets/{name}",
        {"data": {key.replace("_", "."): base64.b64encode(value.public_bytes(Encoding.PEM)).decode() for key, value in data.items()}},
    )


@pytest.mark.parametrize(("days", "level"), [(300, Level.OK), (10, Level.WARN), (-1, Level.FAIL)])
def test_certificates_that_end(kube: Cluster, ground: CheckContext, days: int, level: Level) -> None:
    ca = certificate("ca", 3000)
    secret(kube, "ca", ca_crt=ca[0])
    secret(kube, "tls-1234", tls_crt=certificate("bdc", days, ca)[0])
    finding = look(ground, "certificates")
    assert finding.level is level
    assert "tls-1234" in finding.message
    assert finding.remedy == (None if level is Level.OK else "make a new one: bdc credentials rotate --certificates")


def test_an_authority_that_ends(kube: Cluster, ground: CheckContext) -> None:
    ca = certificate("ca", 20)
    secret(kube, "ca", ca_crt=ca[0])
    secret(kube, "tls-1234", tls_crt=certificate("bdc", 300, ca)[0])
    failed(look(ground, "certificates"), "certificate authority ends in 20 days", Level.WARN)
    assert look(ground, "certificates").remedy == "make a new one: bdc credentials rotate --ca"


def test_a_rotation_that_was_interrupted(kube: Cluster, ground: CheckContext) -> None:
    kube.put(f"{CORE}/secrets/rotation", {"data": {}})
    failed(look(ground, "rotation"), "begun and is not finished", Level.WARN)


@pytest.mark.parametrize(("days", "level"), [(300, Level.OK), (10, Level.WARN), (-1, Level.FAIL)])
@pytest.mark.parametrize("ending", ["API server", "kubeconfig"])
def test_certificates_of_kubernetes_that_end(
    kube: Cluster, ground: CheckContext, monkeypatch: pytest.MonkeyPatch, ending: str, days: int, level: Level
) -> None:
    def pem(name: str) -> str:
        return certificate(name, days if name == ending else 3000)[0].public_bytes(Encoding.PEM).decode()

    kube.access = Access("https://fake:6443", PlainCredentials(pair=(pem("kubeconfig"), "")), files=(ADMIN_KUBECONFIG,))
    monkeypatch.setattr("ssl.get_server_certificate", lambda *_, **__: pem("API server"))
    finding = look(ground, "kubernetes-certificates")
    assert (finding.level, ending in finding.message) == (level, True)
    assert finding.remedy == (None if level is Level.OK else "bdc node start renews it")


def test_a_kubernetes_without_certificates_to_look_at(kube: Cluster, ground: CheckContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise ConnectionRefusedError

    kube.access = Access("https://fake:6443", PlainCredentials("Bearer abc"))
    monkeypatch.setattr("ssl.get_server_certificate", refuse)
    assert look(ground, "kubernetes-certificates").message == "none is used"


def test_a_certificate_of_another_authority(kube: Cluster, ground: CheckContext) -> None:
    ca = certificate("ca", 3000)
    secret(kube, "ca", ca_crt=ca[0])
    secret(kube, "tls-1234", tls_crt=certificate("bdc", 300, ca)[0])
    assert look(ground, "authority").level is Level.OK
    secret(kube, "tls-1234", tls_crt=certificate("bdc", 300, certificate("ca", 3000))[0])
    failed(look(ground, "authority"), "not signed by the Secret ca: tls-1234")


def test_endpoints_that_are_closed(kube: Cluster, ground: CheckContext, monkeypatch: pytest.MonkeyPatch) -> None:
    secret(kube, "ca", ca_crt=certificate("ca", 3000)[0])
    kube.change(NODE, addresses=[{"type": "InternalIP", "address": "192.0.2.2"}])
    monkeypatch.setattr(access, "probe", lambda _, port, *__: Probed(port != 31880, "connection refused"))
    failed(look(ground, "endpoints"), "not reached from here: trino at 192.0.2.2:31880 (connection refused)")
    monkeypatch.setattr(access, "probe", lambda *_: Probed(True, ""))
    assert look(ground, "endpoints").level is Level.OK

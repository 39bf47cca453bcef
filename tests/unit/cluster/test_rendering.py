import json
import tomllib
from pathlib import Path

import pytest
import yaml

from bdc.cluster.embedded import host, install
from bdc.cluster.embedded.api import unready
from bdc.cluster.embedded.images import references
from bdc.cluster.embedded.layout import Layout
from bdc.cluster.embedded.manifests import render
from bdc.cluster.embedded.records import (
    Begun,
    Installed,
    Settings,
    pod_subnet_of_node,
    read_begun,
    read_installed,
    write_record,
)
from bdc.cluster.embedded.services import node_services
from bdc.errors import UsageError

VERSIONS = {
    "kubernetes": "1.36.3",
    "etcd": "3.6.16",
    "coredns": "1.15.0",
    "pause": "3.10.2",
    "local-path-provisioner": "0.0.30",
    "metrics-server": "0.9.0",
    "containerd": "2.4.2",
}


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(install, "cni_bin_dir", lambda: Path("/usr/lib/cni"))
    monkeypatch.setattr(host, "may_lower_oom_score", lambda: False)
    return Layout(home=tmp_path / "home", run=tmp_path / "run", volumes=tmp_path / "volumes")


def test_settings_of_all_programs(layout: Layout) -> None:
    settings = Settings("192.0.2.2", "host7", pod_subnet="10.5.0.0/16", cgroup_root="/test")
    assert install.write_settings(layout, settings, VERSIONS)
    assert not install.write_settings(layout, settings, VERSIONS)

    containerd = tomllib.loads((layout.settings / "containerd.toml").read_text())
    runtime = containerd["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True
    assert containerd["plugins"]["io.containerd.transfer.v1.local"]["max_concurrent_unpacks"] >= 2
    assert runtime["cni"] == {"bin_dirs": ["/usr/lib/cni"], "conf_dir": str(layout.cni_conf_dir)}

    network = json.loads((layout.cni_conf_dir / "10-bdc.conflist").read_text())
    assert network["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.5.0.0/24"}]]

    init, cluster, kubelet, proxy = yaml.safe_load_all((layout.settings / "kubeadm.yaml").read_text())
    assert init["nodeRegistration"]["name"] == "host7"
    assert init["nodeRegistration"]["taints"] == []
    assert cluster["networking"]["podSubnet"] == "10.5.0.0/16"
    assert cluster["etcd"]["local"]["imageTag"] == "3.6.16-0"
    assert kubelet["cgroupRoot"] == "/test"
    assert proxy["conntrack"] == {"maxPerCore": 0, "min": 0}
    assert {path.name for path in layout.patches.iterdir()} >= {"etcd+strategic.yaml", "corednsdeployment+strategic.yaml"}


def test_no_cgroup_root_without_one(layout: Layout) -> None:
    install.write_settings(layout, Settings("192.0.2.2", "host7"), VERSIONS)
    assert "cgroupRoot" not in (layout.settings / "kubeadm.yaml").read_text()


def test_addons_use_the_images_that_were_imported(layout: Layout) -> None:
    objects = [each for each in yaml.safe_load_all(install.addons(layout, VERSIONS)) if each]
    images = {c["image"] for each in objects if each["kind"] == "Deployment" for c in each["spec"]["template"]["spec"]["containers"]}
    assert images <= set(references(VERSIONS).values())
    storage = next(each for each in objects if each["kind"] == "StorageClass")
    assert storage["metadata"]["name"] == "bdc-local"
    assert storage["volumeBindingMode"] == "WaitForFirstConsumer"


def test_supervisor_and_systemd_run_the_same_services(layout: Layout) -> None:
    services = node_services(layout)
    text = render("supervisord.conf", layout=layout, services=services, path="/bin", open_files=1024)
    for service in services:
        assert f"[program:{service.name}]\ncommand={service.command}\n" in text
        assert f"ExecStart={service.command}\n" in render("service.unit", service=service, path="/bin")


def test_records_survive_a_round_trip(layout: Layout) -> None:
    assert read_begun(layout.begun) is None
    begun = Begun(Settings("192.0.2.2", "host7"), {"net/ipv4/ip_forward": "0"})
    write_record(layout.begun, begun)
    installed = Installed("1.36.3", VERSIONS, "abc", "2026-01-01T00:00:00+00:00")
    write_record(layout.installed, installed)
    assert (read_begun(layout.begun), read_installed(layout.installed)) == (begun, installed)


@pytest.mark.parametrize("subnet", ["10.0.0.0/25", "10.0.0.1/16", "nonsense"])
def test_a_pod_subnet_that_can_not_be(subnet: str) -> None:
    with pytest.raises(UsageError, match="BDC_POD_SUBNET"):
        pod_subnet_of_node(subnet)


def test_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BDC_POD_SUBNET", "10.5.0.0/16")
    monkeypatch.setenv("BDC_NODE_CGROUP_ROOT", "/test/")
    settings = Settings.from_environment("192.0.2.2", "host7")
    assert (settings.pod_subnet, settings.cgroup_root) == ("10.5.0.0/16", "/test")


def deployment(ready: int, namespace: str = "kube-system", *, updated: int = 1) -> dict[str, object]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "coredns", "namespace": namespace, "generation": 1},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "readyReplicas": ready, "updatedReplicas": updated},
    }


def test_what_is_not_ready() -> None:
    assert unready(deployment(1)) is None
    assert unready(deployment(0)) == "coredns (0/1)"
    assert unready(deployment(0, "users")) is None
    assert unready(deployment(1, updated=0)) == "coredns (0/1)"
    node = {
        "kind": "Node",
        "metadata": {"name": "host7"},
        "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "NoCNI"}]},
    }
    assert unready(node) == "node host7 (NoCNI)"


def test_a_job_that_is_done_is_not_waited_for() -> None:
    owner = {"ownerReferences": [{"kind": "Job"}]}
    pod = {"kind": "Pod", "metadata": {"name": "upgrade-health-check-1", "namespace": "kube-system", **owner}, "status": {}}
    assert unready(pod) == "pod upgrade-health-check-1"
    assert unready({**pod, "status": {"phase": "Succeeded", "containerStatuses": [{"ready": False, "state": {}}]}}) is None


def test_what_was_ready_before_a_crash_is_not_ready() -> None:
    from datetime import UTC, datetime

    pod = {
        "kind": "Pod",
        "metadata": {"name": "coredns-1", "namespace": "kube-system", "ownerReferences": [{"kind": "ReplicaSet"}]},
        "status": {"containerStatuses": [{"ready": True, "state": {"running": {"startedAt": "2026-01-01T00:00:10Z"}}}]},
    }
    assert unready(pod, datetime(2026, 1, 1, 0, 0, 10, 500000, UTC)) is None
    assert unready(pod, datetime(2026, 1, 1, 0, 0, 11, 0, UTC)) == "pod coredns-1"
    pod["metadata"]["ownerReferences"] = [{"kind": "Node"}]  # type: ignore[index]
    assert unready(pod, datetime(2026, 1, 1, 0, 0, 11, 0, UTC)) is None

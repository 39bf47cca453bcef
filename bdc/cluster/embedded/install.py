"""Makes the host a node, with kubeadm, and writes what its services read."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from bdc.cluster.embedded import host
from bdc.cluster.embedded.api import NodeApi
from bdc.cluster.embedded.command import run
from bdc.cluster.embedded.images import PAUSE_IMAGE, TOOLS_IMAGE, node_archive, references
from bdc.cluster.embedded.layout import BRIDGE, STORAGE_CLASS, Layout
from bdc.cluster.embedded.manifests import render, write_if_changed
from bdc.cluster.embedded.packages import cni_bin_dir
from bdc.cluster.embedded.programs import NodePrograms
from bdc.cluster.embedded.records import Settings, pod_subnet_of_node
from bdc.cluster.embedded.services import log_of, service_path, systemd_is_first, write_start_kubelet
from bdc.config.paths import resources

_INIT_SECONDS = 300


def write_settings(layout: Layout, settings: Settings, versions: Mapping[str, str]) -> bool:
    """Write the configuration of containerd, the network, the kubelet and kubeadm; whether containerd's is different now."""
    for folder in (layout.home, layout.run):
        folder.mkdir(parents=True, exist_ok=True)
    layout.volumes.mkdir(parents=True, exist_ok=True)
    layout.volumes.chmod(0o711)  # volumes are open to any user of a pod, so their folder mustn't be to the host's users
    systemd = systemd_is_first()
    containerd = render(
        "containerd.toml",
        layout=layout,
        pause_image=PAUSE_IMAGE,
        restrict_oom_score=not host.may_lower_oom_score(),
        cni_bin_dir=cni_bin_dir(),
        systemd=systemd,
        unpacks=max(2, len(os.sched_getaffinity(0))),
    )
    changed = write_if_changed(layout.settings / "containerd.toml", containerd)
    network = render("cni.conflist", bridge=BRIDGE, node_subnet=pod_subnet_of_node(settings.pod_subnet))
    write_if_changed(layout.cni_conf_dir / "10-bdc.conflist", network)
    kubeadm = render(
        "kubeadm.yaml",
        layout=layout,
        address=settings.address,
        node_name=settings.node_name,
        pod_subnet=settings.pod_subnet,
        service_subnet=settings.service_subnet,
        cgroup_root=settings.cgroup_root,
        resolv_conf=host.resolver_file(),
        systemd=systemd,
        versions=image_tags(versions),
    )
    write_if_changed(layout.settings / "kubeadm.yaml", kubeadm)
    shutil.copytree(resources("manifests") / "node" / "patches", layout.patches, dirs_exist_ok=True)
    write_start_kubelet(layout)
    return changed


def image_tags(versions: Mapping[str, str]) -> dict[str, str]:
    """The tags that kubeadm has to ask for, by program."""
    names = references(versions)
    tags = {name: names[name].rpartition(":")[2] for name in ("etcd", "coredns")}
    return {**tags, "kubernetes": names["kube-apiserver"].rpartition(":")[2]}


def import_images(layout: Layout, programs: NodePrograms) -> None:
    """Put the images of the node into its containerd."""
    archive = node_archive(programs.in_images, programs.versions)
    argv: list[str | Path] = [
        layout.bin / "ctr",
        "--address",
        layout.containerd_socket,
        "--namespace",
        "k8s.io",
        "images",
        "import",
        "--local",
        archive,
    ]
    run(argv, what="importing the node's images", deadline_seconds=300)


def kubeadm_init(layout: Layout) -> None:
    """Make the control plane."""
    argv: list[str | Path] = [layout.bin / "kubeadm", "init", "--config", layout.settings / "kubeadm.yaml"]
    env = {"PATH": service_path(layout), "HOME": "/root"}
    run(argv, what="making the control plane", deadline_seconds=_INIT_SECONDS, env=env, hint=f"see {log_of(layout, 'kubelet')}")


def addons(layout: Layout, versions: Mapping[str, str]) -> str:
    """Manifest of the volume provisioner and the metrics server."""
    names = references(versions)
    provisioner = render(
        "local-path.yaml",
        layout=layout,
        tools_image=TOOLS_IMAGE,
        provisioner_image=names["local-path-provisioner"],
        storage_class=STORAGE_CLASS,
    )
    return f"{provisioner}---\n{render('metrics-server.yaml', metrics_image=names['metrics-server'])}"


def digest(manifest: str) -> str:
    """Short digest of a manifest, to see whether it was applied."""
    return hashlib.sha256(manifest.encode()).hexdigest()[:16]


def apply_addons(layout: Layout, manifest: str, on_progress: Callable[[str], None]) -> None:
    """Apply the add-ons and wait until the node's parts are ready."""
    api = NodeApi(layout)
    api.apply(manifest)
    api.wait_ready(_INIT_SECONDS, on_progress)

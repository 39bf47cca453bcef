"""Brings a node that an older bdc made to the programs of this one, in place: pods go on running, volumes and objects stay.

The way is kubeadm's: control plane, kubelet's configuration, add-ons, then the kubelet itself. A marker lies there from the first change
to the control plane until the end. After a kill in between, kubeadm may have taken a component's manifest away and not put the new one:
all of them are written anew, and the upgrade is done again from its beginning, which changes nothing that was done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from bdc.cluster.embedded import install
from bdc.cluster.embedded.api import NodeApi
from bdc.cluster.embedded.command import run
from bdc.cluster.embedded.images import PROGRAMS
from bdc.cluster.embedded.layout import Layout
from bdc.cluster.embedded.programs import NodePrograms, install_programs
from bdc.cluster.embedded.records import Settings
from bdc.cluster.embedded.services import Supervisor, service_path
from bdc.errors import UsageError

_APPLY_SECONDS = 900
# As in manifests/node/kubeadm.yaml.j2; and the checks of CoreDNS, which kubeadm doesn't upgrade here.
_IGNORED = "SystemVerification,FileExisting-crictl,Service-kubelet,Hostname,NumCPU,Swap,CoreDNSUnsupportedPlugins,CoreDNSMigration"
_CONFIGURATION = frozenset({"ConfigMap", "Service"})
NAMES = ("kubernetes", "containerd", *PROGRAMS)


def wanted_versions() -> dict[str, str]:
    """The version of each of the node's programs that this bdc would install; nothing is downloaded or built to know it."""
    from bdc.toolchain import find
    from bdc.toolchain.manifest import spec

    return {name: (find(name) or spec(name)).version.removeprefix("v") for name in NAMES}


def due(installed: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether a node with the programs `installed` is to be brought to `wanted`.

    A node with something newer, from the same minor version of Kubernetes, is left as it is. Raises UsageError where there is no way.
    """
    from bdc.toolchain.versions import parsed

    here, there = parsed(installed["kubernetes"]), parsed(wanted["kubernetes"])
    both = f"this host's node runs Kubernetes {installed['kubernetes']}, and this bdc has {wanted['kubernetes']}"
    if here[:2] > there[:2]:
        raise UsageError(
            f"{both}: Kubernetes can't go back",
            "update bdc on this host, or make the node anew, without its objects: bdc node reset, then bdc up",
        )
    if here[0] != there[0] or there[1] - here[1] > 1:
        raise UsageError(
            f"{both}: Kubernetes goes up one minor version at a time",
            f"first run bdc up of a release that has Kubernetes {here[0]}.{here[1] + 1}, or make the node anew, without its objects: "
            "bdc node reset, then bdc up",
        )
    if any(name in wanted and parsed(version) > parsed(wanted[name]) for name, version in installed.items()):
        return False
    return any(name not in installed or parsed(version) > parsed(installed[name]) for name, version in wanted.items())


def repair(layout: Layout, settings: Settings, programs: NodePrograms) -> None:
    """After a kill in the middle of an upgrade: write the control plane's manifests, so that it starts."""
    install.write_settings(layout, settings, programs.versions)
    for phase in (("etcd", "local"), ("control-plane", "all")):
        _kubeadm(layout, programs, "init", "phase", *phase, "--config", layout.settings / "kubeadm.yaml")


def upgrade(layout: Layout, settings: Settings, programs: NodePrograms, services: Supervisor, on_progress: Callable[[str], None]) -> None:
    """Bring a node whose API server is ready to `programs`; its add-ons and the record of it are the caller's to update."""
    on_progress("importing the control plane's new images")
    install.import_images(layout, programs)
    layout.upgrading.touch()
    install.write_settings(layout, settings, programs.versions)
    version = f"v{programs.versions['kubernetes']}"
    on_progress(f"kubeadm upgrade apply {version}")
    _kubeadm(layout, programs, "init", "phase", "upload-config", "all", "--config", layout.settings / "kubeadm.yaml")
    options: list[str | Path] = ["--yes", "--patches", layout.patches, "--ignore-preflight-errors", _IGNORED]
    _kubeadm(layout, programs, "upgrade", "apply", version, *options, "--skip-phases", "addon/coredns")
    NodeApi(layout).apply(_coredns(layout, programs))
    install_programs(programs, layout.bin)
    on_progress("restarting containerd and the kubelet")
    services.restart("bdc-containerd")  # containers go on running: each has its own shim
    services.restart("kubelet")


def _coredns(layout: Layout, programs: NodePrograms) -> str:
    """Manifest of the CoreDNS that kubeadm would install anew, without its configuration, which may be the user's by now.

    To upgrade CoreDNS kubeadm wants to know the way from the present version; bdc pins newer ones than kubeadm knows.
    """
    said = _kubeadm(layout, programs, "init", "phase", "addon", "coredns", "--print-manifest", "--config", layout.settings / "kubeadm.yaml")
    objects = [yaml.safe_load(document) for document in re.split(r"^---", said, flags=re.MULTILINE)[1:]]
    return yaml.safe_dump_all(one for one in objects if one["kind"] not in _CONFIGURATION)


def _kubeadm(layout: Layout, programs: NodePrograms, *arguments: str | Path) -> str:
    """Output of the new kubeadm; the node's own bin folder still has the old one."""
    kubeadm = programs.by_name["kubernetes"].link("kubeadm")
    env = {"PATH": service_path(layout), "HOME": "/root"}
    hint = f"see {layout.logs}/kubelet.log; bdc node start goes on with the upgrade"
    return run([kubeadm, *arguments], what="upgrading the control plane", deadline_seconds=_APPLY_SECONDS, env=env, hint=hint)

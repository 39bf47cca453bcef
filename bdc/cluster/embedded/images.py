"""The images that the control plane and the node's add-ons run, made from the toolchain's programs under their official names.

kubeadm finds them on the node and pulls nothing. The archive is cached by the programs' versions and sizes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from bdc.cluster.embedded.archive import Image, Layer, write_archive
from bdc.cluster.embedded.host_files import tools_layer
from bdc.config.paths import cache_dir

PROGRAMS = ("etcd", "coredns", "pause", "local-path-provisioner", "metrics-server")
PAUSE_IMAGE = "registry.k8s.io/pause:3.10.2"
TOOLS_IMAGE = "localhost/bdc-node-tools:1"
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
_FORMAT = "1"


def references(versions: Mapping[str, str]) -> dict[str, str]:
    """Reference of each image by the name of what it runs; `versions` as in the toolchain, with or without a leading v."""
    plain = {name: version.removeprefix("v") for name, version in versions.items()}
    return {
        **{name: f"registry.k8s.io/{name}:v{plain['kubernetes']}" for name in COMPONENTS},
        "etcd": f"registry.k8s.io/etcd:{plain['etcd']}-0",
        "coredns": f"registry.k8s.io/coredns/coredns:v{plain['coredns']}",
        "pause": PAUSE_IMAGE,
        "local-path-provisioner": f"docker.io/rancher/local-path-provisioner:v{plain['local-path-provisioner']}",
        "metrics-server": f"registry.k8s.io/metrics-server/metrics-server:v{plain['metrics-server']}",
        "tools": TOOLS_IMAGE,
    }


def node_images(programs: Mapping[str, Path], versions: Mapping[str, str]) -> list[Image]:
    """All images of the node. `programs`: the path of each of COMPONENTS and of PROGRAMS."""
    names = references(versions)
    kubernetes = kubernetes_layer({name: programs[name] for name in COMPONENTS})
    tools = tools_layer()
    images = [
        Image(names[name], (kubernetes, tools) if name == "kube-proxy" else (kubernetes,), (f"/usr/local/bin/{name}",))
        for name in COMPONENTS
    ]
    images += [Image(names[name], (Layer({f"usr/local/bin/{name}": programs[name]}),), (f"/usr/local/bin/{name}",)) for name in PROGRAMS]
    return [*images, Image(names["tools"], (tools,), ("/bin/sh",))]


def kubernetes_layer(components: Mapping[str, Path]) -> Layer:
    """The control plane's programs: one multi-call binary with links to it, or, as Kubernetes releases them, a binary each."""
    real = {name: path.resolve() for name, path in components.items()}
    if len(set(real.values())) > 1:
        return Layer({f"usr/local/bin/{name}": path for name, path in real.items()})
    binary = next(iter(real.values()))
    return Layer({"usr/local/bin/kubernetes": binary}, {f"usr/local/bin/{name}": "kubernetes" for name in components})


def node_archive(programs: Mapping[str, Path], versions: Mapping[str, str]) -> Path:
    """The archive of the node's images, written where the cache doesn't have it yet."""
    sizes = [f"{name} {programs[name].stat().st_size}" for name in (*COMPONENTS, *PROGRAMS)]
    key = [_FORMAT, *(f"{name} {version}" for name, version in sorted(versions.items())), *sizes, *_host_key()]
    path = cache_dir() / "images" / "node" / f"{hashlib.sha256('|'.join(key).encode()).hexdigest()[:16]}.tar"
    if not path.is_file():
        write_archive(path, node_images(programs, versions))
        for old in set(path.parent.glob("*.tar")) - {path}:  # of other versions; 0.4 GB each
            old.unlink(missing_ok=True)
    return path


def _host_key() -> list[str]:
    """What the layer of host programs depends on."""
    return [f"{name} {source} {source.stat().st_size}" for name, source in sorted(tools_layer().files.items())]

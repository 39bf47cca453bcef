"""Where the embedded node keeps what it has on the host.

Nearly all is below two folders of our own, so that a Docker or a containerd that the host already has is neither used nor touched.
`/etc/kubernetes` and `/var/lib/kubelet` are fixed by kubeadm; a node is made only where they don't belong to somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bdc.config.paths import NODE_DIR

BRIDGE = "bdc0"
STORAGE_CLASS = "bdc-local"
API_PORT = 6443
KUBERNETES_DIR = Path("/etc/kubernetes")
KUBELET_DIR = Path("/var/lib/kubelet")
ADMIN_KUBECONFIG = KUBERNETES_DIR / "admin.conf"


@dataclass(frozen=True)
class Layout:
    """Paths of one node. `home` survives a reboot, `run` needn't."""

    home: Path = NODE_DIR / "node"
    run: Path = Path("/run/bdc/node")
    volumes: Path = NODE_DIR / "volumes"

    @property
    def bin(self) -> Path:
        """Programs of the node, independent of the cache they came from."""
        return self.home / "bin"

    @property
    def logs(self) -> Path:
        """Logs of the node's services, rotated."""
        return self.home / "log"

    @property
    def settings(self) -> Path:
        """Rendered configuration files."""
        return self.home / "etc"

    @property
    def patches(self) -> Path:
        """kubeadm's patches of the static pods."""
        return self.settings / "patches"

    @property
    def cni_conf_dir(self) -> Path:
        """Networks for containerd; not /etc/cni/net.d, where podman and buildah keep theirs."""
        return self.settings / "cni"

    @property
    def etcd(self) -> Path:
        """The API server's data."""
        return self.home / "etcd"

    @property
    def containerd_root(self) -> Path:
        """containerd's images and snapshots."""
        return self.home / "containerd"

    @property
    def containerd_state(self) -> Path:
        """containerd's running state, with the mounts of running pods."""
        return self.run / "containerd"

    @property
    def containerd_socket(self) -> Path:
        """Address of containerd."""
        return self.run / "containerd.sock"

    @property
    def supervisor_socket(self) -> Path:
        """Address of our supervisor."""
        return self.run / "supervisor.sock"

    @property
    def supervisor_pid(self) -> Path:
        """Process id of our supervisor."""
        return self.run / "supervisord.pid"

    @property
    def begun(self) -> Path:
        """Record written before the first change to the host: what follows is ours."""
        return self.home / "begun.json"

    @property
    def installed(self) -> Path:
        """Record written after the last step: the node is complete."""
        return self.home / "installed.json"

    @property
    def upgrading(self) -> Path:
        """Marker of an upgrade under way: the control plane may be between two versions."""
        return self.home / "upgrading"

    @property
    def lock(self) -> Path:
        """Held while a bdc changes the node; beside `home`, as it outlives a reset."""
        return self.run.parent / "node.lock"

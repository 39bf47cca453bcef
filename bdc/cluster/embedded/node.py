"""This host as a Kubernetes node: brings it up, mends it, tells how it is, takes it off.

`ensure` may be interrupted at any point and called again. It knows three states from the node's records: nothing of ours (install),
begun but not complete (take off what there is, install), complete (start what doesn't run, wait until it is ready).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from bdc.cluster.embedded import certificates, host, install, preflight, seen, sysctls, upgrade
from bdc.cluster.embedded.api import NodeApi, SystemState
from bdc.cluster.embedded.cleanup import delete_volumes as delete_volume_folders
from bdc.cluster.embedded.cleanup import take_off
from bdc.cluster.embedded.layout import ADMIN_KUBECONFIG, STORAGE_CLASS, Layout
from bdc.cluster.embedded.lock import locked
from bdc.cluster.embedded.packages import install_packages
from bdc.cluster.embedded.processes import end, end_gently, node_processes, pod_processes, started_seconds_ago
from bdc.cluster.embedded.programs import ensure_programs, install_programs
from bdc.cluster.embedded.records import Begun, Installed, Settings, read_begun, read_installed, write_record
from bdc.cluster.embedded.services import Supervisor, log_of, systemd_is_first
from bdc.cluster.embedded.supervisord import SupervisordServices
from bdc.cluster.embedded.systemd import SystemdServices
from bdc.cluster.substrate import Access, Load
from bdc.errors import DeadlineError, NotFoundError
from bdc.kube.wait import until

_READY_SECONDS = 300
_CONTROL_PLANE = frozenset({"etcd", "kube-apiserver", "kube-controller", "kube-scheduler"})
"""Names of the processes that read the node's certificates at their start, cut to 15 letters as the kernel does."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class NodeStatus:
    """How the node is. `state`: absent, incomplete, stopped, starting or ready; `waiting`: what is not ready.

    Who isn't root sees less: the state is "running" where the services run and the API server is ready, "unknown" where the host hides
    processes.
    """

    state: str
    installed: bool
    running: dict[str, int]
    api_ready: bool
    version: str | None
    address: str | None
    node_name: str | None
    uptime_seconds: float | None
    waiting: tuple[str, ...]
    kubeconfig: Path | None
    volumes: Path


class EmbeddedNode:
    """The node of this host."""

    name = "embedded"
    storage_class: str | None = STORAGE_CLASS

    def __init__(self, layout: Layout | None = None) -> None:
        self._layout = layout or Layout()
        self._api = NodeApi(self._layout)

    def is_ours(self) -> bool:
        """Whether bdc has made this host a node, or began to."""
        return read_begun(self._layout.begun) is not None

    def check(self) -> None:
        """Refuse where this host can't be a node; changes nothing."""
        preflight.check_host()
        begun = read_begun(self._layout.begun)
        if begun is None:
            preflight.check_before_install(self._layout)
        elif installed := read_installed(self._layout.installed):
            preflight.check_same_address(begun.settings.address)
            upgrade.due(installed.versions, upgrade.wanted_versions())

    def ensure(self, *, on_progress: Progress | None = None, load: Load | None = None) -> Access:
        """Bring the node up, or back up; returns when all of its own parts are ready.

        `load` is called once containerd has the control plane's images, beside the rest: while kubeadm waits there is time to unpack.
        """
        report = on_progress or _silent
        preflight.check_host()
        with locked(self._layout.lock, report):
            installed = read_installed(self._layout.installed)
            begun = read_begun(self._layout.begun)
            if installed and begun:
                self._start(begun, installed, report)
                if load:
                    report("loading what images containerd lacks")
                    load(*self._containerd)
            else:
                self._install(begun, report, load)
        access = self.access()
        if access is None:
            raise NotFoundError(f"{ADMIN_KUBECONFIG} is gone", "make the node anew: bdc node reset, then bdc up")
        return access

    def access(self) -> Access | None:
        """How to reach the node's cluster, if there is one; it may be stopped."""
        begun = read_begun(self._layout.begun)
        if begun is None or not self._layout.installed.exists() or not ADMIN_KUBECONFIG.exists():
            return None
        return Access(ADMIN_KUBECONFIG, None, begun.settings.address)

    def listener(self, port: int) -> str | None:
        """Who listens on a port of the host's addresses. kube-proxy doesn't listen on NodePorts: it takes their packets before."""
        return host.listener(port, loopback=False)

    def start(self, *, on_progress: Progress | None = None) -> None:
        """Start a node that was installed; refuses where none was."""
        if read_installed(self._layout.installed) is None:
            raise NotFoundError("this host is no Kubernetes node of bdc's", "bdc up makes it one")
        preflight.check_host("bdc node start")
        self.ensure(on_progress=on_progress)

    def stop(self, *, on_progress: Progress | None = None) -> None:
        """Stop the services and all pods; `start` brings them back with their data."""
        report = on_progress or _silent
        begun = read_begun(self._layout.begun)
        if begun is None:
            raise NotFoundError("this host is no Kubernetes node of bdc's", "there is nothing to stop")
        preflight.check_host("bdc node stop")
        with locked(self._layout.lock, report):
            report("stopping the kubelet, pods and containerd")
            services = self._services(begun.settings)
            services.stop("kubelet")
            self._end_pods_gently(begun.settings)
            services.stop()
            if remaining := end(node_processes(self._layout, begun.settings.cgroup_root)):
                raise DeadlineError(f"processes of the node don't end: {', '.join(map(str, sorted(remaining)))}")

    def check_reset(self) -> None:
        """Refuse who may not take the node off this host, before anything is asked."""
        preflight.check_host("bdc node reset")

    def reset(self, *, delete_volumes: bool = False, on_progress: Progress | None = None) -> None:
        """Take the node off the host and leave the host as it was before; volumes only where asked for."""
        report = on_progress or _silent
        self.check_reset()
        begun = read_begun(self._layout.begun)
        with locked(self._layout.lock, report):
            if begun is not None:
                report("removing processes, mounts, links, firewall rules, cgroups and files of the node")
                take_off(self._layout, self._services(begun.settings), begun.settings.cgroup_root)
                if refused := sysctls.restore(begun.sysctls_before):
                    report(f"could not put back {', '.join(refused)}")
            if delete_volumes:
                delete_volume_folders(self._layout)
        self._layout.lock.unlink(missing_ok=True)

    def status(self) -> NodeStatus:
        """How the node is now."""
        begun, installed = read_begun(self._layout.begun), read_installed(self._layout.installed)
        running = self._running(begun)
        if host.is_root():
            api_ready = bool(running) and self._api.ready()
            system = self._api.system_state() if api_ready else SystemState(("the API server",))
            state = _state(begun, installed, running, "starting" if system.needed else "ready")
        else:
            api_ready = begun is not None and seen.api_ready(begun.settings.address)
            system = SystemState(() if api_ready else ("the API server",))
            state = _state(begun, installed, running, "running" if api_ready else "starting")
        running = running or {}
        return NodeStatus(
            state=state,
            installed=installed is not None,
            running=running,
            api_ready=api_ready,
            version=installed.version if installed else None,
            address=begun.settings.address if begun else None,
            node_name=begun.settings.node_name if begun else None,
            uptime_seconds=started_seconds_ago(running["kubelet"]) if "kubelet" in running else None,
            waiting=system.waiting if running else (),
            kubeconfig=ADMIN_KUBECONFIG if installed and ADMIN_KUBECONFIG.exists() else None,
            volumes=self._layout.volumes,
        )

    def remedy(self, server: str) -> str | None:
        """What brings back the API at `server` that doesn't answer; None where that isn't this host's."""
        begun = read_begun(self._layout.begun)
        if begun is None or urlsplit(server).hostname != begun.settings.address:
            return None
        if read_installed(self._layout.installed) is None:
            return "bdc was interrupted while it made this host a node; go on: bdc up"
        if self._running(begun):
            return "this host's node is starting or unhealthy; see: bdc node status"
        return "the node of this host may be stopped; start it as root: bdc node start"

    def _install(self, begun: Begun | None, report: Progress, load: Load | None) -> None:
        if begun is None:
            preflight.check_before_install(self._layout)
        programs = ensure_programs(report)
        install_packages(report)
        if begun is not None:
            report("an installation was interrupted: removing what it left")
            services = self._services(begun.settings)
            take_off(self._layout, services, begun.settings.cgroup_root, keep_programs=True)
            preflight.check_before_install(self._layout)
        settings = Settings.from_environment(host.primary_address(), host.node_name())
        write_record(self._layout.begun, Begun(settings, begun.sysctls_before if begun else sysctls.current()))
        for change in sysctls.apply():
            report(f"kernel setting {change}")
        install_programs(programs, self._layout.bin)
        install.write_settings(self._layout, settings, programs.versions)
        self._services(settings).start()
        self._wait_for_containerd()
        report("importing the control plane's images")
        install.import_images(self._layout, programs)
        loading = _beside(lambda: load(*self._containerd)) if load else None
        report(f"kubeadm init: Kubernetes {programs.versions['kubernetes']} on {settings.address}")
        install.kubeadm_init(self._layout)
        manifest = install.addons(self._layout, programs.versions)
        install.apply_addons(self._layout, manifest, report)
        self._record_installed(programs.versions, manifest)
        if loading:
            if not loading.done():
                report("loading images into containerd")
            loading.result()

    def _start(self, begun: Begun, installed: Installed, report: Progress) -> None:
        preflight.check_same_address(begun.settings.address)
        services = self._services(begun.settings)
        self._renew_certificates(begun.settings, services, report)
        since = None
        upgrading = upgrade.due(installed.versions, upgrade.wanted_versions())
        if not (len(services.running()) == _SERVICES and self._api.ready()):
            report("starting the node")
            since = datetime.now(UTC) if not services.running() else None
            for change in sysctls.apply():
                report(f"kernel setting {change}")
            install.write_settings(self._layout, begun.settings, installed.versions)
            services.start()
        if self._layout.upgrading.exists():
            report("an upgrade was interrupted: mending the control plane")
            upgrade.repair(self._layout, begun.settings, ensure_programs(report))
        self._api.wait_ready(_READY_SECONDS, report, since)
        if upgrading:
            self._upgrade(begun.settings, installed, services, report)
        else:
            self._update_addons(installed, installed.versions, report)
        self._layout.upgrading.unlink(missing_ok=True)

    def _upgrade(self, settings: Settings, installed: Installed, services: Supervisor, report: Progress) -> None:
        programs = ensure_programs(report)
        report(f"upgrading the node from Kubernetes {installed.version} to {programs.versions['kubernetes']}")
        upgrade.upgrade(self._layout, settings, programs, services, report)
        self._api.wait_ready(_READY_SECONDS, report)
        self._update_addons(installed, programs.versions, report)

    def _update_addons(self, installed: Installed, versions: dict[str, str], report: Progress) -> None:
        """Apply the add-ons where they, or the versions of the node, are others than recorded; and record them."""
        manifest = install.addons(self._layout, versions)
        if install.digest(manifest) != installed.addons:
            report("updating the node's add-ons")
            self._api.apply(manifest)
            self._api.wait_ready(_READY_SECONDS, report)
        if (install.digest(manifest), versions) != (installed.addons, installed.versions):
            self._record_installed(versions, manifest)

    def _renew_certificates(self, settings: Settings, services: Supervisor, report: Progress) -> None:
        """Renew certificates that end soon; what uses them is stopped then, and starts with the services."""
        if certificates.renew(self._layout, report):
            services.stop("kubelet")
            end_gently(pod_processes(settings.cgroup_root, _CONTROL_PLANE), wait_seconds=20)

    def _record_installed(self, versions: dict[str, str], manifest: str) -> None:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        write_record(self._layout.installed, Installed(versions["kubernetes"], versions, install.digest(manifest), created))

    @property
    def _containerd(self) -> tuple[Path, Path]:
        """containerd's client, and its socket."""
        return self._layout.bin / "ctr", self._layout.containerd_socket

    def _wait_for_containerd(self) -> None:
        late = DeadlineError("containerd did not start in 30 s", f"see {log_of(self._layout, 'bdc-containerd')}")
        until(self._layout.containerd_socket.exists, lambda: late, seconds=30, pause_seconds=0.05)

    def _end_pods_gently(self, settings: Settings) -> None:
        """Give the pods' processes time to write their data: databases run in them."""
        end_gently(pod_processes(settings.cgroup_root), wait_seconds=20)

    def _running(self, begun: Begun | None) -> dict[str, int] | None:
        """The services that run, by name; None where we may not see whether they do."""
        if begun is None:
            return {}
        return self._services(begun.settings).running() if host.is_root() else seen.services(self._layout.bin)

    def _services(self, settings: Settings) -> Supervisor:
        return SystemdServices(self._layout) if systemd_is_first() else SupervisordServices(self._layout, settings.cgroup_root)


_SERVICES = 2


def _state(begun: Begun | None, installed: Installed | None, running: dict[str, int] | None, up: str) -> str:
    """`up`: how it is where it isn't stopped."""
    if begun is None:
        return "absent"
    if installed is None:
        return "incomplete"
    if running is None:
        return "running" if up == "running" else "unknown"
    return up if running else "stopped"


def _beside(work: Callable[[], None]) -> Future[None]:
    """Begins work in a thread that ends with the program: who is interrupted, or fails meanwhile, doesn't wait for it."""
    outcome: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  - whoever asks for the outcome gets it
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    Thread(target=run, name="beside", daemon=True).start()
    return outcome


def _silent(_: str) -> None:
    pass

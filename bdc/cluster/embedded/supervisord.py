"""Keeps the node's services running with our own instance of supervisor, where systemd isn't PID 1.

It is started in a session and a cgroup of its own, so that it outlives the command, the terminal and the container-like limits that
started it. After a reboot nothing starts it: `bdc up` or `bdc node start` does.
"""

from __future__ import annotations

import http.client
import os
import resource
import signal
import socket
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from bdc.cluster.embedded.command import last_lines, run
from bdc.cluster.embedded.layout import Layout
from bdc.cluster.embedded.manifests import render, write_if_changed
from bdc.cluster.embedded.services import node_services, service_path
from bdc.errors import BdcError, DeadlineError
from bdc.kube.wait import until

_OPEN_FILES = 65536
_WAIT_SECONDS = 30
# In a cgroup of our own (cgroup v1: in each controller): arguments are the leaf's path and the command.
_LAUNCH = r"""
leaf=$1; shift
for top in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ -w "$top/cgroup.procs" ] || continue
  mkdir -p "$top$leaf" 2>/dev/null || continue
  for file in cpuset.cpus cpuset.mems; do
    [ -e "$top$leaf/$file" ] && [ -z "$(cat "$top$leaf/$file")" ] && cat "$top${leaf%/*}/$file" > "$top$leaf/$file" 2>/dev/null
  done
  echo $$ > "$top$leaf/cgroup.procs" 2>/dev/null
done
exec "$@"
"""


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_WAIT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.close()
            raise


class _Transport(xmlrpc.client.Transport):
    """XML-RPC to supervisor's socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:  # noqa: ARG002 - the base class's name
        return _Connection(str(self._path))


class SupervisordServices:
    """The services under supervisor."""

    def __init__(self, layout: Layout, cgroup_root: str = "") -> None:
        self._layout = layout
        self._leaf = f"{cgroup_root.rstrip('/')}/bdc-node"

    def start(self) -> None:
        """Start supervisor, or the services that it doesn't run."""
        layout = self._layout
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        text = render(
            "supervisord.conf",
            layout=layout,
            services=node_services(layout),
            path=service_path(layout),
            open_files=_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES),
        )
        settings = layout.settings / "supervisord.conf"
        changed = write_if_changed(settings, text)
        if self._alive():
            if not changed:
                self._start_stopped()
                return
            self.stop()
        layout.logs.mkdir(parents=True, exist_ok=True)
        layout.run.mkdir(parents=True, exist_ok=True)
        layout.supervisor_socket.unlink(missing_ok=True)
        run(
            ["setsid", "sh", "-c", _LAUNCH, "bdc-node", self._leaf, sys.executable, "-m", "supervisor.supervisord", "-c", settings],
            what="starting the node's supervisor",
            deadline_seconds=_WAIT_SECONDS,
            env={"PATH": service_path(layout), "HOME": "/root", "LANG": "C.UTF-8", "PYTHONWARNINGS": "ignore"},
        )
        self._wait(lambda: len(self.running()) == len(node_services(layout)), "the node's services")

    def restart(self, name: str) -> None:
        """Restart one service."""
        self._call("supervisor.stopProcess", name)
        self._call("supervisor.startProcess", name)

    def stop(self, name: str | None = None) -> None:
        """End one service, or all of them and supervisor."""
        if not self._alive():
            return
        if name is not None:
            if name in self.running():
                self._call("supervisor.stopProcess", name)
            return
        pid = int(self._call("supervisor.getPID"))
        self._call("supervisor.shutdown")
        deadline = time.monotonic() + _WAIT_SECONDS
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGKILL)

    def running(self) -> dict[str, int]:
        """Process ids of the running services by name."""
        if not self._alive():
            return {}
        states = cast("list[dict[str, Any]]", self._call("supervisor.getAllProcessInfo"))
        return {str(state["name"]): int(state["pid"]) for state in states if state["statename"] in {"RUNNING", "STARTING"}}

    def remove(self) -> None:
        """Stop all; the files lie in folders that a reset removes."""
        self.stop()

    def _start_stopped(self) -> None:
        running = self.running()
        for service in node_services(self._layout):
            if service.name not in running:
                self._call("supervisor.startProcess", service.name)

    def _alive(self) -> bool:
        try:
            with self._proxy() as proxy:
                return bool(proxy.supervisor.getPID())
        except (OSError, xmlrpc.client.Error, http.client.HTTPException):
            return False

    def _call(self, method: str, *arguments: object) -> Any:
        try:
            with self._proxy() as proxy:
                return getattr(proxy, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" in fault.faultString or "NOT_RUNNING" in fault.faultString:
                return None
            log = self._layout.logs / f"{arguments[0] if arguments else 'supervisord'}.log"
            tail = last_lines(log.read_text(errors="replace")[-4000:]) if log.is_file() else ""
            raise BdcError(f"the node's supervisor: {fault.faultString}{tail}", f"see {log}") from fault
        except (OSError, http.client.HTTPException) as error:
            raise BdcError(f"the node's supervisor doesn't answer: {error}", f"see {self._layout.logs}/supervisord.log") from error

    def _proxy(self) -> xmlrpc.client.ServerProxy:
        return xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(self._layout.supervisor_socket))

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        late = DeadlineError(f"{what} did not start in {_WAIT_SECONDS} s", f"see {self._layout.logs}")
        until(done, lambda: late, seconds=_WAIT_SECONDS, pause_seconds=0.05)

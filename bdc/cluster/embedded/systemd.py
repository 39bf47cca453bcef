"""Keeps the node's services running as systemd units."""

from __future__ import annotations

from pathlib import Path

from bdc.cluster.embedded.command import run
from bdc.cluster.embedded.layout import Layout
from bdc.cluster.embedded.manifests import render, write_if_changed
from bdc.cluster.embedded.services import node_services, service_path

_UNITS = Path("/etc/systemd/system")


def _systemctl(*arguments: str) -> str:
    return run(["systemctl", *arguments], what=f"systemctl {arguments[0]}", deadline_seconds=90)


class SystemdServices:
    """The services as units; enabled, so they come back after a reboot."""

    def __init__(self, layout: Layout, units: Path = _UNITS) -> None:
        self._layout = layout
        self._units = units

    def start(self) -> None:
        """Write the units and start what doesn't run."""
        services = node_services(self._layout)
        changed = [
            write_if_changed(
                self._units / f"{service.name}.service", render("service.unit", service=service, path=service_path(self._layout))
            )
            for service in services
        ]
        if any(changed):
            _systemctl("daemon-reload")
        if any(changed) or len(self.running()) < len(services):
            _systemctl("enable", "--now", *(f"{service.name}.service" for service in services))

    def restart(self, name: str) -> None:
        """Restart one unit."""
        _systemctl("restart", f"{name}.service")

    def stop(self, name: str | None = None) -> None:
        """End one unit, or all."""
        names = [name] if name else [service.name for service in reversed(node_services(self._layout))]
        known = [f"{each}.service" for each in names if (self._units / f"{each}.service").exists()]
        if known:
            _systemctl("stop", *known)

    def running(self) -> dict[str, int]:
        """Process ids of the running units by service name."""
        found = {}
        for service in node_services(self._layout):
            if (self._units / f"{service.name}.service").exists():
                pid = int(_systemctl("show", "--value", "-p", "MainPID", f"{service.name}.service").strip() or 0)
                if pid:
                    found[service.name] = pid
        return found

    def remove(self) -> None:
        """Stop, disable and delete the units."""
        self.stop()
        for service in node_services(self._layout):
            unit = self._units / f"{service.name}.service"
            if unit.exists():
                _systemctl("disable", unit.name)
                unit.unlink()
        _systemctl("daemon-reload")

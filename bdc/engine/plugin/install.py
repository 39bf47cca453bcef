"""Puts the launcher where Pulumi looks for the Kubernetes plugin.

Never on PATH, where it would shadow an official plugin; and an official plugin that is there already stays.
"""

from __future__ import annotations

import shlex
import sys
from importlib.metadata import version
from pathlib import Path

_MARK = "# bdc's offline Kubernetes plugin"


def install(pulumi_home: Path) -> Path:
    """Write the launcher below $PULUMI_HOME for the installed SDK's version; returns its path."""
    folder = pulumi_home / "plugins" / f"resource-kubernetes-v{version('pulumi_kubernetes')}"
    launcher = folder / "pulumi-resource-kubernetes"
    if launcher.exists() and not _ours(launcher):
        return launcher
    root = Path(__file__).resolve().parents[3]
    script = (
        f"#!/bin/sh\n{_MARK}; an official one in its place is used instead.\n"
        f'PYTHONPATH={shlex.quote(str(root))}"${{PYTHONPATH:+:$PYTHONPATH}}" exec {shlex.quote(sys.executable)} -m bdc.engine.plugin "$@"\n'
    )
    if not launcher.exists() or launcher.read_text() != script:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = launcher.with_suffix(".new")
        fresh.write_text(script)
        fresh.chmod(0o755)
        fresh.replace(launcher)
    return launcher


def _ours(launcher: Path) -> bool:
    with launcher.open("rb") as file:
        return _MARK.encode() in file.read(4096)

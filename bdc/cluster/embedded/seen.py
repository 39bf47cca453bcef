"""What every user of this host sees of the node: its processes, and whether its API server is ready.

The supervisor's socket, /proc/PID/exe and the administrator's kubeconfig are root's; command lines are everybody's (proc(5)), and /readyz
answers without credentials (https://kubernetes.io/docs/reference/using-api/health-checks/, ClusterRole system:public-info-viewer).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from bdc.cluster.embedded.layout import API_PORT, KUBERNETES_DIR
from bdc.kube.connection import bracketed
from bdc.kube.tls import session

_NAMES = {"containerd": "bdc-containerd", "kubelet": "kubelet"}
_SECONDS = 3


def services(folder: Path, proc: Path = Path("/proc")) -> dict[str, int] | None:
    """Process ids of the services whose programs lie in `folder`; None where this host shows nobody the processes of others (hidepid)."""
    if not _command(proc / "1"):
        return None
    found: dict[str, int] = {}
    for number in sorted(int(entry.name) for entry in proc.iterdir() if entry.name.isdecimal()):
        program = Path(_command(proc / str(number)))
        if program.parent == folder and program.name in _NAMES:
            found.setdefault(_NAMES[program.name], number)
    return found


def api_ready(address: str) -> bool:
    """Whether the API server at this address of the host says that it is ready."""
    import requests

    with session(str(KUBERNETES_DIR / "pki/ca.crt")) as http, suppress(requests.RequestException, OSError):
        return http.get(f"https://{bracketed(address)}:{API_PORT}/readyz", timeout=_SECONDS).text == "ok"
    return False


def _command(process: Path) -> str:
    with suppress(OSError):
        return os.fsdecode((process / "cmdline").read_bytes().partition(b"\0")[0])
    return ""

"""What ended in a test host's cluster: a test that fails as a server went away has its words in its report."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.support.commands import KUBECTL_BDC
from tests.e2e.support.host import TestHost

_LINES = 25


def deaths(host: TestHost) -> str:
    """Each container that was started again or waits to be: its pod, how and when it ended, and its last lines; empty where none was."""
    found = host.run([*KUBECTL_BDC, "get", "pods", "-o", "json"])
    if found.returncode:
        return ""
    told = []
    for pod in json.loads(found.stdout)["items"]:
        name = pod["metadata"]["name"]
        for status in pod["status"].get("containerStatuses", []):
            ended = status.get("lastState", {}).get("terminated")
            if ended:
                log = host.run([*KUBECTL_BDC, "logs", name, "-c", status["name"], "--previous", f"--tail={_LINES}"])
                told.append(f"{_how(name, status, ended)}\n{log.stdout or log.stderr}")
    events = host.run([*KUBECTL_BDC, "get", "events", "--field-selector", "type=Warning", "--sort-by=.lastTimestamp"])
    return "\n".join([*told, "\n".join(events.stdout.splitlines()[-_LINES:])]) if told else ""


def _how(pod: str, status: dict[str, Any], ended: dict[str, Any]) -> str:
    how = f"{ended.get('exitCode')} {ended.get('reason', '')}".strip()
    return f"{pod}/{status['name']}: restart {status['restartCount']}, after it ended at {ended.get('finishedAt')} with {how}"

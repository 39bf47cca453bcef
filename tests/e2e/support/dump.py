"""What a test host's cluster was like when a test failed, as files: status, objects, events and the logs of all containers."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tests.e2e.support.commands import KUBECTL
from tests.e2e.support.host import CHECKOUT, TestHost

DUMPS = CHECKOUT / "build" / "e2e"
_SECONDS = 60
_QUESTIONS = {
    "status.json": ("bdc", "status", "-o", "json"),
    "doctor.txt": ("bdc", "doctor"),
    "objects.txt": (*KUBECTL, "get", "nodes,pods,statefulsets,deployments,jobs,services,persistentvolumeclaims", "-A", "-o", "wide"),
    "pods.txt": (*KUBECTL, "describe", "pods", "-A"),
    "events.txt": (*KUBECTL, "get", "events", "-A", "--sort-by=.lastTimestamp"),
    "node.log": ("sh", "-c", "tail -n 500 /var/log/bdc/*.log /var/log/*.log 2>/dev/null"),
}
"""File -> the command whose output it has. Objects are listed and pods described, which shows no Secret's values."""

_RUNS: tuple[tuple[str, list[str]], ...] = (("log", []), ("previous.log", ["--previous"]))
"""Ending of a log's file, and the options that tell the container's run."""


def dump(host: TestHost, test: str) -> Path:
    """Write the files into a folder named for the test, in place of those of an earlier failure; gives the folder."""
    folder = DUMPS / re.sub(r"[^\w.-]+", "-", test)[-120:]
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "logs").mkdir(parents=True)
    for name, command in _QUESTIONS.items():
        done = host.run(list(command), timeout_seconds=_SECONDS)
        (folder / name).write_text(done.stdout + done.stderr)
    pods = host.run([*KUBECTL, "get", "pods", "-A", "-o", "json"], timeout_seconds=_SECONDS)
    for pod in json.loads(pods.stdout)["items"] if pods.returncode == 0 else []:
        where, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        for status in pod["status"].get("containerStatuses", []) + pod["status"].get("initContainerStatuses", []):
            for ending, options in _RUNS[: 1 + bool(status["restartCount"])]:
                log = [*KUBECTL, "logs", "-n", where, name, "-c", status["name"], "--timestamps", *options]
                said = host.run(log, timeout_seconds=_SECONDS)
                (folder / "logs" / f"{where}.{name}.{status['name']}.{ending}").write_text(said.stdout + said.stderr)
    return folder

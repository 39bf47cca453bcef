"""Kills of the SQL master's leader, and what is asked afterwards: are the rows there, does each server follow?

Processes of a pod are found by their cgroup, which carries the pod's uid; a test host's are the machine's own, so they can be sent signals.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.e2e.support.commands import KUBECTL_BDC
from tests.e2e.support.host import TestHost

FOLLOWS_SECONDS = 60.0
"""How long a server may take until it follows again; at a load of fifty to seventy on two cores it took up to 54 s."""

_SERVERS = "app.kubernetes.io/component=master"


class Writer:
    """acknowledged.py on the outside host. `stop` gives what it counted."""

    def __init__(self, host: TestHost, password: str) -> None:
        self._heard = host.folder / "heard"
        target = (
            f"host={host.address} port=31433 user=bdc dbname=bdc sslmode=verify-full sslrootcert={host.folder}/ca.crt connect_timeout=3"
        )
        command: list[str | Path] = ["python", Path(__file__).parents[1] / "clients" / "acknowledged.py", target, self._heard]
        self._process = host.popen(command, env={"PW": password}, outside=True)

    def last(self) -> int:
        """The last acknowledged number."""
        with suppress(OSError, ValueError):
            return int(self._heard.read_text())
        return 0

    def until_more(self, seconds: float = 90) -> float:
        """Until ten more rows are acknowledged than now; how long that took."""
        begun, before = time.monotonic(), self.last()
        while self.last() < before + 10:
            assert self._process.poll() is None, self._process.communicate()
            assert time.monotonic() < begun + seconds, f"no row was acknowledged in {seconds:.0f} s"
            time.sleep(0.05)
        return time.monotonic() - begun

    def stop(self) -> dict[str, Any]:
        self._process.send_signal(signal.SIGTERM)
        out, _ = self._process.communicate(timeout=30)
        return dict(json.loads(out))


def servers(host: TestHost) -> dict[str, dict[str, Any]]:
    """The master's pods by name."""
    return {pod["metadata"]["name"]: pod for pod in json.loads(_kubectl(host, "get", "pods", "-l", _SERVERS, "-o", "json"))["items"]}


def leader(host: TestHost) -> str:
    """Who leads, as Patroni's lease says; nobody while there is none."""
    return str(json.loads(_kubectl(host, "get", "configmap", "master-leader", "-o", "json"))["metadata"]["annotations"].get("leader", ""))


def processes(host: TestHost, pod: str, *, named: str = "") -> list[int]:
    """Processes of a pod, or those with `named` in their title; its pause container's are left out."""
    uid = str(servers(host)[pod]["metadata"]["uid"])
    found = []
    for pid in host.processes():
        with suppress(OSError):
            if uid.replace("-", "_") in (groups := Path(f"/proc/{pid}/cgroup").read_text()) or uid in groups:
                title = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
                if not title.startswith("/pause") and named in title:
                    found.append(pid)
    return found


def send(pids: list[int], what: signal.Signals) -> None:
    assert pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)


@contextmanager
def frozen(host: TestHost, pod: str, *, named: str = "") -> Iterator[None]:
    """While inside, these processes of a pod don't run, and hold all that they have."""
    pids = processes(host, pod, named=named)
    send(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        send(pids, signal.SIGCONT)


def ask(host: TestHost, pod: str, statement: str) -> str:
    """What one server answers its superuser; an empty text where it doesn't."""
    psql = ("psql", "-X", "-A", "-t", "-U", "postgres", "-d", "bdc", "-c", statement)
    try:
        done = host.run([*KUBECTL_BDC, "exec", pod, "-c", "postgres", "--", *psql], timeout_seconds=20)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def until_all_follow(host: TestHost, count: int, row: int) -> float:
    """Until `count` servers have this row, all but one of them by streaming from it, and bdc calls the master ready; how long that took."""
    begun = time.monotonic()
    statement = (
        f"SELECT (SELECT count(*) FROM acknowledged WHERE n = {row}), CASE WHEN pg_is_in_recovery() "
        "THEN (SELECT status FROM pg_stat_wal_receiver) ELSE 'streaming' END, pg_is_in_recovery()"
    )
    while True:
        state = {name: ask(host, name, statement) for name in servers(host)}
        rows = [one.split("|") for one in state.values()]
        follows = len(rows) == count and all(one[:2] == ["1", "streaming"] for one in rows)
        if follows and sorted(one[2] for one in rows) == ["f", *["t"] * (count - 1)]:
            said = json.loads(host.run(["bdc", "status", "-o", "json"]).stdout)
            if [part["ready"] for part in said["parts"] if part["name"] == "master"] == [True]:
                return time.monotonic() - begun
        assert time.monotonic() < begun + FOLLOWS_SECONDS, f"in {FOLLOWS_SECONDS:.0f} s: {state}\n{_members(host)}"
        time.sleep(0.3)


def until(reached: Callable[[], bool], seconds: float = 60) -> None:
    """Until something is so."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"not in {seconds:.0f} s"
        time.sleep(0.3)


def commits_wait(host: TestHost, wait: bool) -> None:
    """Let commits wait for a replica or not, by Patroni's own settings."""
    mode = ("synchronous_mode=quorum", "synchronous_mode_strict=true") if wait else ("synchronous_mode=off", "synchronous_mode_strict=off")
    settings = [part for one in mode for part in ("-s", one)]
    command = ["patronictl", "-c", "/run/bdc/patroni.yml", "edit-config", "master", "--force", "--quiet", *settings]
    _kubectl(host, "exec", leader(host), "-c", "postgres", "--", *command)
    until(lambda: (ask(host, leader(host), "SHOW synchronous_standby_names") != "") is wait)


def _kubectl(host: TestHost, *arguments: str) -> str:
    done = host.run([*KUBECTL_BDC, *arguments])
    assert done.returncode == 0, done.stderr
    return done.stdout


def _members(host: TestHost) -> str:
    """What Patroni says, for a failure's text."""
    said = [
        host.run([*KUBECTL_BDC, "exec", leader(host), "-c", "postgres", "--", "patronictl", "-c", "/run/bdc/patroni.yml", "list"]).stdout
    ]
    said += [host.run([*KUBECTL_BDC, "logs", pod, "--tail=15"]).stdout for pod in servers(host)]
    return "\n".join(said)

"""What tests run on a test host: bdc, kubectl and a client of the master's."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

from tests.e2e.support.host import TestHost

KUBECTL = ("/var/lib/bdc/node/bin/kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf")
KUBECTL_BDC = (*KUBECTL, "-n", "bdc")


def bdc(host: TestHost, *arguments: str, code: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run bdc in the host and check its exit code. Faster than `process`, which is for tests of processes."""
    if {"user", "outside"} & set(more):
        return process(host, *arguments, code=code, **more)
    return _checked(arguments, code, host.bdc(*arguments, **more))


def process(host: TestHost, *arguments: str, code: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run bdc in the host as a process of its own, and check its exit code."""
    return _checked(arguments, code, host.run(["bdc", *arguments], **more))


def _checked(arguments: tuple[str, ...], code: int, done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    said = f"bdc {' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    assert done.returncode == code, said
    assert "spark" in arguments or "Traceback (most recent call last)" not in done.stderr, said  # applications have their own
    return done


def document(host: TestHost, *arguments: str, code: int = 0) -> Any:
    """What a command of bdc says with `-o json`."""
    return json.loads(bdc(host, *arguments, "-o", "json", code=code).stdout)


def kubectl(host: TestHost, *arguments: str, stdin: str | None = None) -> str:
    """What kubectl says, in the namespace bdc unless the arguments name another."""
    done = host.run([*KUBECTL_BDC, *arguments], stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def psql(host: TestHost, statement: str, password: str, *, port: int = 31433, tls: str = "verify-full") -> subprocess.CompletedProcess[str]:
    """A plain libpq client on the neighbour that sees only the node's address."""
    script = "import os, sys, psycopg\nprint(psycopg.connect(sys.argv[1], password=os.environ['PW']).execute(sys.argv[2]).fetchall())"
    target = f"host={host.address} port={port} user=bdc dbname=bdc sslmode={tls} sslrootcert={host.folder}/ca.crt connect_timeout=5"
    return host.run(["python", "-c", script, target, statement], env={"PW": password}, outside=True)


def password(host: TestHost) -> str:
    """The administrator's."""
    return bdc(host, "credentials", "show", "--password").stdout.strip()


def all_ready(host: TestHost, seconds: float = 180) -> dict[str, Any]:
    """The status, once every part is ready."""
    deadline = time.monotonic() + seconds
    while True:
        done = host.run(["bdc", "status", "-o", "json"])
        if done.returncode == 0 or time.monotonic() > deadline:
            assert done.returncode == 0, done.stdout + done.stderr
            return dict(json.loads(done.stdout))
        time.sleep(2)

"""The embedded node alone, as tests of it bring it up and ask it."""

from __future__ import annotations

import time

import pytest

from tests.e2e.support.commands import KUBECTL
from tests.e2e.support.host import TestHost

KUBEADM = "/var/lib/bdc/node/bin/kubeadm"
ENSURE = """
import sys, time
from bdc.cluster import substrate
from bdc.errors import BdcError
started = time.monotonic()
try:
    substrate("auto", kubeconfig=None, context=None, name="e2e").ensure(on_progress=lambda message: print(message, flush=True))
except BdcError as error:
    sys.exit(f"{error.message} ({error.hint})")
print(f"took {time.monotonic() - started:.2f}")
"""
NODE = "import sys; from bdc.cluster.embedded import EmbeddedNode; EmbeddedNode()."
POD = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: keeper}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {runAsUser: 1234, runAsGroup: 1234, fsGroup: 1234}
  containers:
    - name: keeper
      image: localhost/bdc-node-tools:1
      command: [/bin/sh, -c, "[ -e /data/first ] || echo written once > /data/first; cat /data/first; exec cat"]
      stdin: true
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""


def ensure(host: TestHost, env: dict[str, str] | None = None) -> float:
    """Bring the node up; seconds it took."""
    done = host.run(["python", "-c", ENSURE], env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return float(done.stdout.split()[-1])


def kubectl(host: TestHost, *arguments: str, stdin: str | None = None) -> str:
    """What kubectl says, in the namespace `default` unless the arguments name another."""
    done = host.run([*KUBECTL, *arguments], stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(host: TestHost, *arguments: str, wanted: str, seconds: float = 60) -> None:
    """Wait for kubectl's output, also while the API server knows only what was before a crash."""
    deadline = time.monotonic() + seconds
    out = ""
    while time.monotonic() < deadline:
        out = host.run([*KUBECTL, *arguments]).stdout
        if wanted in out:
            return
        time.sleep(0.5)
    pytest.fail(f"kubectl {' '.join(arguments)}: no {wanted!r} in {seconds} s: {out!r}")

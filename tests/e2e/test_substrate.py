"""The contract of substrates (contract.py), kept by the embedded node and by a cluster that exists: and how each refuses.

The third, kind, needs a Docker engine: tests/kind, `make kind`.
"""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.e2e.support.host import TestHost

pytestmark = pytest.mark.full

ADMIN = "/etc/kubernetes/admin.conf"


def contract(host: TestHost, *arguments: str, code: int = 0, user: int | None = None) -> dict[str, Any]:
    done = host.run(["python", "-m", "tests.e2e.contract", *arguments], user=user)
    assert done.returncode == code, done.stdout + done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_the_embedded_node(host: TestHost) -> None:
    assert contract(host, "embedded") == {"kind": "embedded", "address": host.address, "nodes": 1, "containerds": 1}


def test_a_cluster_that_exists_needs_no_root(host: TestHost) -> None:
    kubeconfig = host.folder / "home-1000" / "kubeconfig"
    shutil.copy(host.folder / "disk" / "etc_kubernetes" / "admin.conf", kubeconfig)
    shutil.chown(kubeconfig, 1000, 1000)
    found = contract(host, "existing", str(kubeconfig), user=1000)
    assert found == {"kind": "existing", "address": host.address, "nodes": 1, "containerds": 0}


def refused(host: TestHost, *arguments: str, code: int, user: int | None = None) -> str:
    """The message of a refusal, which has a remedy."""
    said = contract(host, *arguments, code=code, user=user)
    assert said["hint"], said
    return str(said["message"])


def test_refusals_say_what_to_do(host: TestHost) -> None:
    assert "needs root" in refused(host, "embedded", code=2, user=1000)
    assert "there is no kubeconfig" in refused(host, "existing", "/nowhere", code=3)
    assert "no context 'other'" in refused(host, "existing", ADMIN, "other", code=3)
    assert "needs docker, which is not on PATH" in refused(host, "kind", code=2)
    assert "the cluster's kind is kind" in refused(host, "kind", "/nowhere", code=2)


def test_a_cluster_that_does_not_answer(host: TestHost) -> None:
    """`check` refuses it, `access` finds none: `bdc down` has nothing to do there."""
    admin = (host.folder / "disk" / "etc_kubernetes" / "admin.conf").read_text()
    gone = host.folder / "home" / "gone"
    gone.write_text(admin.replace(":6443", ":6444"))
    assert "does not answer" in refused(host, "existing", str(gone), code=1)
    script = "import sys, pathlib; from bdc.cluster import substrate; "
    script += "print(substrate('existing', kubeconfig=pathlib.Path(sys.argv[1]), context=None, name='x').access())"
    assert host.run(["python", "-c", script, str(gone)]).stdout.strip() == "None"

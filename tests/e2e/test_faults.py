"""What `bdc up` says and does when something is in its way: each fault is a real one, on a test host of its own.

The tests build on each other: those before there is a node, those with a node and no cluster, then a part that can't run, and its mending.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.host import TestHost

KUBECTL = ("/var/lib/bdc/node/bin/kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf")
LISTEN = "import socket, time; s = socket.socket(); s.bind(('0.0.0.0', {port})); s.listen(); print('bound', flush=True); time.sleep(600)"


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("faults", 73) as made:
        yield made


def bdc(host: TestHost, *arguments: str, code: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run bdc in the host and check its exit code, and that nobody sees a traceback."""
    done = host.run(["bdc", *arguments], **more)
    said = f"bdc {' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    assert done.returncode == code, said
    assert "Traceback" not in done.stderr, said
    return done


def untouched(host: TestHost) -> bool:
    """Whether nothing was made on the host."""
    return host.run(["test", "-e", "/var/lib/bdc/node/begun.json"]).returncode == 1


@pytest.mark.parametrize(("port", "who"), [(6443, "the Kubernetes API"), (31880, "federation (Trino)")])
def test_a_port_in_use_is_named_with_its_program_and_nothing_is_made(host: TestHost, port: int, who: str) -> None:
    with host.popen(["python", "-c", LISTEN.format(port=port)]) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        refused = bdc(host, "up", code=2 if port == 6443 else 5).stderr
        holder.kill()
    assert f"port {port}" in refused
    assert who in refused
    assert "python" in refused
    assert "hint: " in refused
    assert untouched(host)


def test_too_little_memory_is_refused_with_its_sums(host: TestHost) -> None:
    refused = bdc(host, "--set", "federation.coordinator.memory=500Gi", "--set", "federation.coordinator.memory_limit=500Gi", "up", code=5)
    assert "first without a place: Trino coordinator" in refused.stderr
    assert "bdc config set" in refused.stderr
    assert untouched(host)


def test_a_small_disk_is_refused_with_its_numbers(host: TestHost) -> None:
    """A tmpfs of 3 GiB over the node's folder: a filesystem of that size, as any other."""
    assert host.run(["mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", "/var/lib/bdc"]).returncode == 0
    try:
        refused = bdc(host, "up", code=5).stderr
        assert "the filesystem at /var/lib/bdc (3.0 GiB of 3.0 GiB free) is too small: 6.5 GiB are needed" in refused
        assert "free 3.5 GiB there" in refused
        assert untouched(host)
    finally:
        assert host.run(["umount", "/var/lib/bdc"]).returncode == 0

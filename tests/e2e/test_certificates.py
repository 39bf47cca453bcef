"""A node whose certificates end: renewed in time, and late, after it was off."""

from __future__ import annotations

import pytest

from tests.e2e.support.host import TestHost
from tests.e2e.support.node import KUBEADM, NODE, ensure, kubectl, until

pytestmark = pytest.mark.full


def renewed_for(host: TestHost, period: str) -> None:
    """Let the real kubeadm give the node certificates that end this soon."""
    config, other = "/var/lib/bdc/node/etc/kubeadm.yaml", host.folder / "short.yaml"
    edit = f"sed 's/^certificateValidityPeriod: .*/certificateValidityPeriod: {period}/' {config} > {other}"
    done = host.run(["sh", "-ec", f"{edit}; grep -q 'Period: {period}' {other}; {KUBEADM} certs renew all --config {other}"])
    assert done.returncode == 0, done.stdout + done.stderr


def years_left(host: TestHost, *, shown: bool = False) -> float:
    """Of the API server's certificate, on disk or as it shows it."""
    source = f"ssl.get_server_certificate(('{host.address}', 6443))" if shown else "open('/etc/kubernetes/pki/apiserver.crt').read()"
    script = "import ssl, sys, datetime as d; from cryptography.x509 import load_pem_x509_certificate as load\n"
    script += f"print((load({source}.encode()).not_valid_after_utc - d.datetime.now(d.UTC)).days / 365)"
    done = host.run(["python", "-c", script])
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_certificates_that_end_soon_are_renewed(host: TestHost) -> None:
    ensure(host)
    kubectl(host, "create", "configmap", "kept", "--from-literal=key=value")
    renewed_for(host, "2h")
    assert years_left(host) < 0.01
    ensure(host)
    assert years_left(host, shown=True) > 9
    assert kubectl(host, "get", "configmap", "kept", "-o", "jsonpath={.data.key}") == "value"
    kubectl(host, "wait", "node", "--all", "--for=condition=Ready", "--timeout=60s")


def test_a_node_that_was_off_until_its_certificates_ended_comes_back(host: TestHost) -> None:
    assert host.run(["python", "-c", NODE + "stop()"]).returncode == 0
    renewed_for(host, "1s")
    current = "/var/lib/kubelet/pki/kubelet-client-current.pem"
    ended = "openssl x509 -in {0} -noout -checkend 0"
    client = f"cp /etc/kubernetes/pki/apiserver-kubelet-client.crt {current}.new; mv {current}.new {current}"
    done = host.run(["sh", "-ec", f"sleep 2; {client}; ! {ended.format(current)}; ! {ended.format('/etc/kubernetes/pki/apiserver.crt')}"])
    assert done.returncode == 0, done.stdout + done.stderr
    ensure(host)
    assert years_left(host, shown=True) > 9
    until(host, "get", "node", "-o", "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}", wanted="True")
    assert kubectl(host, "get", "configmap", "kept", "-o", "jsonpath={.data.key}") == "value"

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bdc.config import workloads
from bdc.config.model import Config
from bdc.errors import NotFoundError
from bdc.kube.endpoints import addresses, credentials, endpoint, pods_of, reach, server_name
from bdc.kube.tls import Probed, probe
from bdc_stacks import identity
from tests.unit.fake_kube import FakeKube


def config(expose: str = "nodeport", address: str | None = None, replicas: int = 1) -> Config:
    return Config.model_validate({"network": {"expose": expose, "address": address}, "master": {"replicas": replicas}})


def secret(values: dict[str, str]) -> dict[str, Any]:
    return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}}


def node(*found: tuple[str, str]) -> dict[str, Any]:
    return {"status": {"addresses": [{"type": kind, "address": address} for kind, address in found]}}


@pytest.fixture(scope="module")
def authority() -> dict[str, str]:
    return identity.authority("test")


@pytest.fixture
def kube(authority: dict[str, str]) -> FakeKube:
    made = FakeKube()
    made.put("/api/v1/namespaces/bdc/secrets/credentials", secret({"username": "bdc", "password": "pä55", "token": "t0ken"}))
    made.put("/api/v1/namespaces/bdc/secrets/ca", secret(authority))
    return made


def test_credentials_are_read_and_not_shown(kube: FakeKube, authority: dict[str, str]) -> None:
    found = credentials(kube, "bdc")
    assert found.token
    assert (found.username, found.password.get_secret_value(), found.token.get_secret_value()) == ("bdc", "pä55", "t0ken")
    assert found.ca == authority["ca.crt"]
    assert "pä55" not in repr(found)
    assert "t0ken" not in repr(found)


def test_no_cluster(kube: FakeKube) -> None:
    with pytest.raises(NotFoundError, match="there is no cluster other here"):
        credentials(kube, "other")
    with pytest.raises(NotFoundError, match="there is no endpoint nothing"):
        endpoint("nothing")


def test_addresses(kube: FakeKube) -> None:
    kube.put("/api/v1/nodes/a", node(("InternalIP", "10.0.0.1"), ("Hostname", "a")))
    kube.put("/api/v1/nodes/b", node(("InternalIP", "10.0.0.2")))
    assert addresses(kube, config()) == ["10.0.0.1", "10.0.0.2"]
    kube.put("/api/v1/nodes/b", node(("InternalIP", "10.0.0.2"), ("ExternalIP", "192.0.2.2")))
    assert addresses(kube, config()) == ["192.0.2.2"]
    assert addresses(kube, config(address="bdc.example.org")) == ["bdc.example.org"]
    assert addresses(kube, config("none")) == []


def test_addresses_of_load_balancers(kube: FakeKube) -> None:
    assert addresses(kube, config("loadbalancer"), "trino") == []
    for name, ingress in (("trino", {"hostname": "lb.example.org"}), ("master", {"ip": "192.0.2.9"})):
        kube.put(f"/api/v1/namespaces/bdc/services/{name}-external", {"status": {"loadBalancer": {"ingress": [ingress]}}})
    assert addresses(kube, config("loadbalancer"), "trino") == ["lb.example.org"]
    assert addresses(kube, config("loadbalancer"), "master") == ["192.0.2.9"]
    assert server_name(kube, config("loadbalancer"), "trino", "lb.example.org") == "trino"
    assert server_name(kube, config("loadbalancer", "bdc.example.org"), "trino", "bdc.example.org") == "bdc.example.org"


def test_the_masters_pods_are_chosen_by_role() -> None:
    base = {"app.kubernetes.io/instance": "bdc", "app.kubernetes.io/component": "master"}
    assert pods_of(config(), endpoint("master")) == base | {"bdc.dev/role": "primary"}
    assert pods_of(config(), endpoint("master-ro")) == base
    assert pods_of(config(replicas=3), endpoint("master-ro")) == base | {"bdc.dev/role": "replica"}


@contextmanager
def tls_server(folder: Path, authority: dict[str, str], *, postgresql: bool = False, plain: bool = False) -> Iterator[int]:
    (folder / "tls.pem").write_text(identity.certificate(authority, ["localhost", "127.0.0.1"])["tls.pem"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    if postgresql and connection.recv(8) == b"\0\0\0\x08\x04\xd2\x16\x2f":
                        connection.sendall(b"N" if plain else b"S")
                    if plain:
                        connection.sendall(b"no TLS here")
                        connection.recv(1)
                    else:
                        context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("scheme", ["https", "postgresql", "sc"])
def test_a_probe_speaks_tls(tmp_path: Path, authority: dict[str, str], scheme: str) -> None:
    with tls_server(tmp_path, authority, postgresql=scheme == "postgresql") as port:
        assert probe("127.0.0.1", port, "127.0.0.1", authority["ca.crt"], scheme) == Probed(True, "")


def test_a_probe_says_why_not(tmp_path: Path, authority: dict[str, str]) -> None:
    with tls_server(tmp_path, authority) as port:
        other = probe("127.0.0.1", port, "127.0.0.1", identity.authority("other")["ca.crt"])
        name = probe("127.0.0.1", port, "elsewhere", authority["ca.crt"])
    with tls_server(tmp_path, authority, plain=True) as port:
        plain = probe("127.0.0.1", port, "127.0.0.1", authority["ca.crt"])
    with tls_server(tmp_path, authority, postgresql=True, plain=True) as port:
        refused = probe("127.0.0.1", port, "127.0.0.1", authority["ca.crt"], "postgresql")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = probe("127.0.0.1", mute.getsockname()[1], "127.0.0.1", authority["ca.crt"], timeout_seconds=0.3)
    nobody = probe("127.0.0.1", 1, "127.0.0.1", authority["ca.crt"])
    found = [other, name, plain, refused, silent, nobody]
    assert [one.reachable for one in found] == [False] * 6
    assert other.reason.startswith("its certificate isn't the cluster's: ")
    assert "elsewhere" in name.reason
    assert plain.reason.startswith("no TLS: ")
    assert refused.reason == "no TLS: it doesn't speak PostgreSQL's TLS"
    assert silent.reason == "no answer in 0.3 s"
    assert nobody.reason == "connection refused"


def test_reach_takes_the_address_that_answers(kube: FakeKube, monkeypatch: pytest.MonkeyPatch, authority: dict[str, str]) -> None:
    kube.put("/api/v1/nodes/a", node(("InternalIP", "127.0.0.9"), ("InternalIP", "127.0.0.1")))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        trino = endpoint("trino")
        monkeypatch.setattr(workloads, "ENDPOINTS", (replace(trino, port=port),))
        with reach(kube, config(), "trino") as reached:
            assert (reached.host, reached.port, reached.server_name, reached.forwarded) == ("127.0.0.1", port, "127.0.0.1", False)
            assert reached.ca_file.read_text() == authority["ca.crt"]
        assert not reached.ca_file.exists()


def test_reach_forwards_where_nothing_is_exposed(kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    @contextmanager
    def forwarding(*arguments: object) -> Iterator[tuple[str, int]]:
        asked.append(arguments[1:])
        yield "127.0.0.1", 4242

    monkeypatch.setattr("bdc.kube.portforward.forward", forwarding)
    with reach(kube, config("none"), "httpfs") as reached:
        assert (reached.netloc, reached.server_name, reached.forwarded) == ("127.0.0.1:4242", "localhost", True)
    assert asked == [("bdc", {"app.kubernetes.io/instance": "bdc", "app.kubernetes.io/component": "httpfs"}, 8443)]

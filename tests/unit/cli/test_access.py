from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bdc.cli.access import url
from bdc.config import workloads
from bdc.config.model import Config
from bdc.kube.tls import Probed
from bdc_stacks import identity
from tests.unit.cli.conftest import Bdc
from tests.unit.fake_kube import FakeKube


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> FakeKube:
    made = FakeKube()

    def secret(name: str, values: dict[str, str]) -> None:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        made.put(f"/api/v1/namespaces/bdc/secrets/{name}", {"data": data})

    secret("credentials", {"username": "bdc", "password": "pa55", "token": "t0ken"})
    secret("ca", identity.authority("test"))
    for name, address in (("a", "192.0.2.1"), ("b", "192.0.2.2")):
        made.put(f"/api/v1/nodes/{name}", {"status": {"addresses": [{"type": "InternalIP", "address": address}]}})
    monkeypatch.setattr("bdc.cli.settings.Settings.kube", lambda _: made)
    return made


@pytest.fixture(autouse=True)
def _probes(monkeypatch: pytest.MonkeyPatch) -> None:
    def probe(host: str, port: int, *_: object) -> Probed:
        return Probed(host == "192.0.2.2" and port != 31002, "" if host == "192.0.2.2" and port != 31002 else "connection refused")

    monkeypatch.setattr("bdc.kube.tls.probe", probe)


def test_endpoints_are_looked_at(bdc: Bdc, kube: FakeKube) -> None:
    rows = {row["name"]: row for row in json.loads(bdc("endpoints", "-o", "json").out)}
    assert list(rows) == [endpoint.name for endpoint in workloads.endpoints(Config())]
    assert {name: row["url"] for name, row in rows.items()} == {
        "master": "postgresql://bdc@192.0.2.2:31433/bdc?sslmode=verify-full",
        "master-ro": "postgresql://bdc@192.0.2.2:31436/bdc?sslmode=verify-full",
        "sql": "postgresql://bdc@192.0.2.2:31435/bdc?sslmode=verify-full",
        "trino": "https://192.0.2.2:31880",
        "httpfs": "https://192.0.2.2:31870",
        "connect": "sc://192.0.2.1:31002/;use_ssl=true",
        "history": "https://192.0.2.2:31808",
    }
    assert [name for name, row in rows.items() if not row["reachable"]] == ["connect"]
    assert (rows["connect"]["reason"], rows["trino"]["reason"]) == ("connection refused", "")
    assert sorted(path.rpartition("/")[2] for _, path in kube.calls) == ["ca", "nodes"]


def test_endpoints_hold_no_secret(bdc: Bdc, kube: FakeKube) -> None:
    shown = bdc("endpoints")
    assert shown.out.splitlines()[0].split() == ["name", "what", "it", "is", "address", "reachable", "reason"]
    assert "pa55" not in shown.out + shown.err
    assert "t0ken" not in shown.out + shown.err


def test_one_address(bdc: Bdc, kube: FakeKube) -> None:
    assert bdc("endpoints", "trino", "--uri").out == "https://192.0.2.2:31880\n"
    assert bdc("endpoints", "--uri").code == 2
    assert bdc("endpoints", "nothing").code == 3


def test_nothing_is_exposed(bdc: Bdc, kube: FakeKube) -> None:
    hidden = ("--set", "network.expose=none")
    (row,) = json.loads(bdc(*hidden, "endpoints", "trino", "-o", "json").out)
    assert (row["url"], row["reachable"], row["reason"]) == (None, False, "not exposed: bdc connect trino")
    assert bdc(*hidden, "endpoints", "trino", "--uri").code == 1


def test_an_endpoint_whose_workload_is_off_is_not_listed(bdc: Bdc, kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [replace(one, when="federation.workers") if one.name == "spark-history" else one for one in workloads.WORKLOADS]
    monkeypatch.setattr(workloads, "WORKLOADS", tuple(found))
    assert "history" not in [row["name"] for row in json.loads(bdc("endpoints", "-o", "json").out)]
    assert [bdc(command, "history").code for command in ("endpoints", "connect")] == [3, 3]
    on = ("--set", "federation.workers=1")
    assert "history" in [row["name"] for row in json.loads(bdc(*on, "endpoints", "-o", "json").out)]


def test_credentials(bdc: Bdc, kube: FakeKube, tmp_path: Path) -> None:
    assert json.loads(bdc("credentials", "show", "-o", "json").out) == {"username": "bdc", "password": "pa55", "token": "t0ken"}
    assert bdc("credentials", "show", "--password").out == "pa55\n"
    assert bdc("credentials", "show", "--token").out == "t0ken\n"
    assert bdc("credentials", "show", "--token", "--password").code == 2
    pem = bdc("credentials", "ca").out
    assert pem.startswith("-----BEGIN CERTIFICATE-----")
    assert bdc("credentials", "ca", str(tmp_path / "ca.crt")).out == ""
    assert (tmp_path / "ca.crt").read_text() == pem
    assert bdc("credentials", "ca", str(tmp_path / "no" / "ca.crt")).code == 1


def test_no_cluster(bdc: Bdc, kube: FakeKube) -> None:
    for command in (("endpoints",), ("connect",), ("credentials", "show"), ("credentials", "ca")):
        shown = bdc("--cluster", "other", *command)
        assert (shown.code, shown.err.splitlines()[0][:37]) == (3, "error: there is no cluster other here")


def test_connect_forwards_until_interrupted(bdc: Bdc, kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    asked: list[dict[str, Any]] = []
    ended: list[str] = []

    @contextmanager
    def forwarded(_kube: object, _config: object, name: str, **options: Any) -> Iterator[tuple[str, int]]:
        asked.append({"name": name, "port": options["local_port"], "bind": options["bind"]})
        with socket.create_server((options["bind"], options["local_port"])) as listener:
            yield options["bind"], listener.getsockname()[1]
        ended.append(name)

    monkeypatch.setattr("bdc.cli.access.threading.Event", Interrupted)
    monkeypatch.setattr("bdc.kube.endpoints.forwarded", forwarded)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shown = bdc("connect", f"master:{port}", "history:0", "-o", "json")
    assert shown.code == 0
    rows = json.loads(shown.out)
    assert rows[0] == {"name": "master", "url": f"postgresql://bdc@localhost:{port}/bdc?sslmode=verify-full", "port": port}
    assert rows[1]["url"] == f"https://localhost:{rows[1]['port']}"
    assert sorted(ended) == ["history", "master"]
    assert asked[0] == {"name": "master", "port": port, "bind": "127.0.0.1"}


def test_wrong_ports(bdc: Bdc, kube: FakeKube) -> None:
    assert bdc("connect", "master:x").code == 2
    assert bdc("connect", "nothing").code == 3


@pytest.mark.parametrize(("host", "named", "mode"), [("192.0.2.2", True, "verify-full"), ("lb.example", False, "verify-ca")])
def test_clients_of_postgresql_check_as_much_of_the_certificate_as_there_is(host: str, named: bool, mode: str) -> None:
    endpoint = next(one for one in workloads.ENDPOINTS if one.name == "master")
    assert url(endpoint, host, 31433, named=named) == f"postgresql://bdc@{host}:31433/bdc?sslmode={mode}"

"""Asking a registry, one of our own on loopback: there, not there, behind a token, silent."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bdc.images import UnaskedError, absent, references

LOGIN = base64.b64encode(b"ann:secret").decode()


class Registry(ThreadingHTTPServer):
    """Has the manifests in `there`; with `mode` "token" or "basic" only for those who logged in."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.there: set[str] = set()
        self.mode = "open"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_HEAD(self) -> None:
        allowed = {"token": "Bearer opened", "basic": f"Basic {LOGIN}"}.get(self.server.mode)
        if allowed and self.headers.get("Authorization") != allowed:
            challenge = (
                f'Bearer realm="http://{self.server.address}/token",service="x"' if self.server.mode == "token" else 'Basic realm="x"'
            )
            self._answer(401, {"WWW-Authenticate": challenge})
        else:
            self._answer(200 if self.path in self.server.there else 404)

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == f"Basic {LOGIN}"
        self._answer(200 if known else 401, body=json.dumps({"token": "opened"}).encode())

    def _answer(self, code: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(code)
        for key, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none"))
    with Registry() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def push(registry: Registry, *names: str) -> None:
    for name in names:
        repository, _, tag = references("bdc")[name].rpartition(":")
        registry.there.add(f"/v2/{repository}/manifests/{tag}")


def test_what_is_not_there_is_named(registry: Registry) -> None:
    push(registry, "spark")
    place = f"{registry.address}/bdc"
    assert absent(["spark", "trino"], place) == [references(place)["trino"]]
    push(registry, "trino")
    assert absent(["spark", "trino"], place) == []


@pytest.mark.parametrize("mode", ["token", "basic"])
def test_a_login_that_docker_keeps_is_used(registry: Registry, tmp_path: Path, mode: str) -> None:
    registry.mode = mode
    push(registry, "spark")
    with pytest.raises(UnaskedError, match="does not let this machine look: HTTP 401"):
        absent(["spark"], f"{registry.address}/bdc")
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": LOGIN}}}))
    assert absent(["spark"], f"{registry.address}/bdc") == []


def test_a_registry_that_does_not_answer() -> None:
    with pytest.raises(UnaskedError, match=r"registry 127\.0\.0\.1:1 does not answer here"):
        absent(["spark"], "127.0.0.1:1/bdc")

"""Pushing to a real registry with TLS and a password; and to servers that break, which a real one doesn't on demand."""

from __future__ import annotations

import http.server
import io
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bdc.errors import BdcError, NotFoundError, UsageError
from bdc.images import UnaskedError, absent, layout, login, place, pull_secret, push, references
from bdc.images import registry_client as client
from bdc.images.oci_layout import LAYER_TYPE
from tests.registry import PASSWORD, USER, RegistryServer, free_port

SHARED = b"what both images are built on" * 1000


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Two built images with a layer in common, and nobody's login."""
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BDC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("bdc.images.spec.resources", lambda _kind: tmp_path / "images")
    monkeypatch.setattr(client, "_PAUSE_SECONDS", 0.01)
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "Dockerfile").write_text(f"FROM scratch\n# {name}\n")
    for name, reference in references().items():
        layers = [layout().add_blob(io.BytesIO(data), LAYER_TYPE) for data in (SHARED, name.encode())]
        layout().add_image(reference, {"rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}}, layers)
    return references()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryServer]:
    server = RegistryServer(tmp_path / "registry", "127.0.0.1", free_port())
    server.start(lambda argv: subprocess.Popen([str(part) for part in argv]))
    yield server
    server.stop()


@pytest.fixture
def trusted(registry: RegistryServer, tmp_path: Path) -> RegistryServer:
    """The registry, whose CA and password the user has."""
    certificates = tmp_path / "home" / ".config" / "containers" / "certs.d" / registry.host
    certificates.mkdir(parents=True)
    (certificates / "ca.crt").write_text(registry.ca)
    log_in(tmp_path, registry.logins())
    return registry


def log_in(tmp_path: Path, logins: str) -> None:
    (tmp_path / "home" / ".docker").mkdir(parents=True, exist_ok=True)
    (tmp_path / "home" / ".docker" / "config.json").write_text(logins)


def test_pushed_images_are_there_and_nothing_is_sent_twice(built: dict[str, str], trusted: RegistryServer) -> None:
    where = f"{trusted.host}/team/bdc"
    assert absent(["a", "b"], where) == [reference.replace("bdc.local", where) for reference in built.values()]
    lines: list[str] = []
    push(None, where, on_progress=lines.append)
    assert absent(["a", "b"], where) == []
    assert trusted.blobs_sent() == 5  # two configurations, two layers, and the common one once
    push(None, where, on_progress=lines.append)
    assert [line for line in lines[-2:] if line.endswith("is there")] == lines[-2:]
    assert trusted.blobs_sent() == 5
    assert PASSWORD not in "".join(lines)


def test_an_interrupted_push_goes_on(built: dict[str, str], trusted: RegistryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(client.Registry, "put_manifest", killed)
        with pytest.raises(KeyboardInterrupt):
            push(["a"], trusted.host)
    assert trusted.blobs_sent() == 3
    push(["a"], trusted.host)
    assert trusted.blobs_sent() == 3
    assert absent(["a"], trusted.host) == []


def test_a_wrong_password(built: dict[str, str], trusted: RegistryServer, tmp_path: Path) -> None:
    log_in(tmp_path, trusted.logins("wrong one"))
    with pytest.raises(BdcError, match=f"refuses the user {USER}") as failure:
        push(["a"], trusted.host)
    assert "docker login" in str(failure.value.hint)
    assert "wrong one" not in f"{failure.value.message}{failure.value.hint}"
    with pytest.raises(UnaskedError, match="refuses the user"):
        absent(["a"], trusted.host)


def test_nobodys_login(built: dict[str, str], trusted: RegistryServer, tmp_path: Path) -> None:
    log_in(tmp_path, "{}")
    with pytest.raises(BdcError, match="requires a login") as failure:
        push(["a"], trusted.host)
    assert f"docker login {trusted.host}" in str(failure.value.hint)


def test_a_ca_that_nobody_trusts(built: dict[str, str], registry: RegistryServer) -> None:
    with pytest.raises(NotFoundError, match="doesn't trust") as failure:
        push(["a"], registry.host)
    assert f"certs.d/{registry.host}/ca.crt" in str(failure.value.hint)


def test_nobody_there(built: dict[str, str]) -> None:
    port = free_port()
    with pytest.raises(NotFoundError, match="can't be reached") as failure:
        push(["a"], f"127.0.0.1:{port}")
    assert failure.value.exit_code == 3
    with pytest.raises(UnaskedError, match="can't be reached"):
        absent(["a"], f"127.0.0.1:{port}")
    with pytest.raises(NotFoundError, match="can't be reached"):
        push(["a"], "registry.invalid/bdc")


def test_a_store_elsewhere_does_not_get_the_login(built: dict[str, str], trusted: RegistryServer) -> None:
    with client.Registry(trusted.host) as remote:
        remote.has_manifest("a", "none")
        scope = "repository:a:pull"
        assert remote._authorization(f"https://{trusted.host}/v2/", scope) != {}
        assert remote._authorization("https://store.example.org/upload", scope) == {}


class Broken(http.server.ThreadingHTTPServer):
    """Speaks just enough of the protocol in plain HTTP to fail as `failing` says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.failing = "full"
        self.asked: list[str] = []
        self.forms: list[str] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Broken

    def do_HEAD(self) -> None:
        if self.server.failing == "down":
            return self._say(500)
        if self.server.failing == "elsewhere":
            return self._say(200) if self.path == "/store" else self._say(307, {"Location": "/store"})
        if self.server.failing == "token" and not (self.headers.get("Authorization") or "").startswith("Bearer made"):
            realm = f'Bearer realm="http://127.0.0.1:{self.server.server_port}/token",service="here",scope="s"'
            return self._say(401, {"WWW-Authenticate": realm})
        return self._say(200 if self.server.failing == "token" else 404)

    def do_GET(self) -> None:
        self._say(200, body={"token": "made from a password" if self.headers.get("Authorization") else ""})

    def do_POST(self) -> None:
        if self.path.startswith("/token"):
            self.server.forms.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            return self._say(200, body={"access_token": "made from a token"})
        return self._say(202, {"Location": "/v2/upload"})

    def do_PATCH(self) -> None:
        self.server.asked.append("PATCH")
        if self.server.failing == "cut" and len(self.server.asked) < 3:
            self.close_connection = True
            return None
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.failing == "full":
            return self._say(500, body={"errors": [{"code": "UNKNOWN", "message": "no space left on device"}]})
        return self._say(202, {"Location": "/v2/upload?state=1"})

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._say(201)

    def _say(self, status: int, headers: dict[str, str] | None = None, body: object = None) -> None:
        data = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def broken() -> Iterator[Broken]:
    with Broken() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_full_disk_of_the_registry(built: dict[str, str], broken: Broken) -> None:
    with pytest.raises(BdcError, match="no space left on device") as failure:
        push(["a"], f"127.0.0.1:{broken.server_port}")
    assert "disk may be full" in str(failure.value.hint)


def test_a_registry_that_is_ill_is_not_an_empty_one(built: dict[str, str], broken: Broken) -> None:
    broken.failing = "down"
    with pytest.raises(UnaskedError, match="HTTP 500"):
        absent(["a"], f"127.0.0.1:{broken.server_port}")


def test_what_is_in_a_store_elsewhere_is_there(built: dict[str, str], broken: Broken) -> None:
    broken.failing = "elsewhere"
    assert absent(["a"], f"127.0.0.1:{broken.server_port}") == []


def test_a_connection_that_breaks_is_tried_again(built: dict[str, str], broken: Broken) -> None:
    broken.failing = "cut"
    push(["a"], f"127.0.0.1:{broken.server_port}")
    assert len(broken.asked) == 3 + 2


def test_a_token_for_a_password_and_for_an_identity_token(built: dict[str, str], broken: Broken, tmp_path: Path) -> None:
    broken.failing, host = "token", f"127.0.0.1:{broken.server_port}"
    log_in(tmp_path, json.dumps({"auths": {host: {"username": "u", "password": "p"}}}))
    assert absent(["a"], host) == []
    log_in(tmp_path, json.dumps({"auths": {host: {"auth": "", "identitytoken": "refreshing"}}}))
    assert absent(["a"], host) == []
    assert "refresh_token=refreshing" in broken.forms[0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("registry.example.org/bdc", ("registry.example.org", "bdc")),
        ("10.0.0.1:5000", ("10.0.0.1:5000", "")),
        ("localhost/a/b/", ("localhost", "a/b")),
        ("somebody", ("docker.io", "somebody")),
    ],
)
def test_host_and_path(text: str, wanted: tuple[str, str]) -> None:
    assert place(text) == wanted


@pytest.mark.parametrize("text", ["https://registry.example.org/bdc", "registry.example.org/Upper", "a b.c/x", "registry.example.org/x:1"])
def test_what_is_no_registry(text: str) -> None:
    with pytest.raises(UsageError, match="is no registry"):
        place(text)


def test_a_credential_helper(built: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "bin" / "docker-credential-keys"
    helper.parent.mkdir()
    helper.write_text('#!/bin/sh\nread host\n[ "$host" = r.example.org ] || exit 1\necho \'{"Username":"u","Secret":"s"}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:/usr/bin:/bin")
    log_in(tmp_path, json.dumps({"credsStore": "keys"}))
    found = login("r.example.org")
    assert found is not None
    assert (found.user, found.secret) == ("u", "s")
    assert "'s'" not in repr(found)
    assert json.loads(pull_secret("r.example.org", found)) == {"auths": {"r.example.org": {"auth": "dTpz"}}}
    assert login("other.example.org") is None


def test_logins_that_cant_be_read(built: dict[str, str], tmp_path: Path) -> None:
    log_in(tmp_path, "{no json")
    with pytest.raises(BdcError, match="can't be read"):
        login("r.example.org")

"""The client against a small HTTP server: what it sends, and what it makes of answers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from bdc.kube import ApiError, ApiNotFoundError, Kube, UnknownKindError, UnreachableError, connect


class Server(ThreadingHTTPServer):
    """Answers from `answers` (by method and path, in turn) and keeps what it was asked."""

    answers: dict[str, list[tuple[int, str]]]
    asked: list[tuple[str, dict[str, str], bytes]]


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((f"{self.command} {self.path}", dict(self.headers), body))
        queue = self.server.answers.get(f"{self.command} {self.path.partition('?')[0]}") or [(404, '{"message": "no such thing"}')]
        code, text = queue.pop(0) if len(queue) > 1 else queue[0]
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.answers, running.asked = {}, []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def kube(server: Server, tmp_path: Path) -> Iterator[Kube]:
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(document))
    connected = connect(tmp_path / "config")
    yield connected
    connected.close()


def test_request(kube: Kube, server: Server) -> None:
    server.answers["POST /x"] = [(201, '{"a": 1}')]
    assert kube.request("POST", "/x", {"b": 2}, query={"dryRun": "All", "force": True}) == {"a": 1}
    path, headers, body = server.asked[0]
    assert path == "POST /x?dryRun=All&force=true"
    assert headers["Authorization"] == "Bearer t"
    assert json.loads(body) == {"b": 2}


def test_errors(kube: Kube, server: Server) -> None:
    with pytest.raises(ApiNotFoundError, match="no such thing"):
        kube.request("GET", "/none")
    server.answers["GET /x"] = [(409, '{"reason": "Conflict", "message": "m"}')]
    with pytest.raises(ApiError) as raised:
        kube.request("GET", "/x")
    assert (raised.value.code, raised.value.reason, raised.value.message) == (409, "Conflict", "m")


def test_asked_to_come_back_later(kube: Kube, server: Server) -> None:
    server.answers["POST /x"] = [(429, ""), (200, "{}")]
    assert kube.request("POST", "/x", {}) == {}
    assert len(server.asked) == 2


def test_nobody_answers(kube: Kube, server: Server) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(UnreachableError, match="connection refused"):
        kube.request("POST", "/x", {})


@pytest.mark.parametrize(("method", "times"), [("GET", 3), ("POST", 1)])
def test_tls_that_breaks_is_tried_again_where_that_does_nothing_twice(tmp_path: Path, method: str, times: int) -> None:
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while len(came) < times:
                connection, _ = server.accept()
                with connection:
                    came.append(connection.recv(4096))
                    connection.sendall(bytes.fromhex("15 0303 0002 02 32"))  # an alert, fatal: decode_error (RFC 8446, 6)

        thread = threading.Thread(target=answer)
        thread.start()
        document = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{server.getsockname()[1]}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        }
        (tmp_path / "config").write_text(yaml.safe_dump(document))
        kube = connect(tmp_path / "config")
        with pytest.raises(UnreachableError, match="decode error"):
            kube.request(method, "/x")
        kube.close()
        thread.join(10)
    assert len(came) == times


def test_discovery_is_kept(kube: Kube, server: Server) -> None:
    resources = [
        {"kind": "Deployment", "name": "deployments", "namespaced": True},
        {"kind": "Scale", "name": "deployments/scale", "namespaced": True},
    ]
    server.answers["GET /apis/apps/v1"] = [(200, json.dumps({"resources": resources}))]
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}}
    assert kube.path(obj) == "/apis/apps/v1/namespaces/n/deployments/d"
    assert kube.path(obj, collection=True) == "/apis/apps/v1/namespaces/n/deployments"
    assert len(server.asked) == 1
    with pytest.raises(UnknownKindError, match="no kind Scale"):
        kube.resource("apps/v1", "Scale")
    with pytest.raises(UnknownKindError):
        kube.resource("example.com/v1", "Thing")


def test_apply_and_proxy(kube: Kube, server: Server) -> None:
    server.answers["GET /api/v1"] = [(200, json.dumps({"resources": [{"kind": "ConfigMap", "name": "configmaps", "namespaced": True}]}))]
    server.answers["PATCH /api/v1/namespaces/n/configmaps/c"] = [(200, '{"ok": true}')]
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}}
    assert kube.apply(obj, manager="me", dry_run=True) == {"ok": True}
    path, headers, _ = server.asked[-1]
    assert path.endswith("?fieldManager=me&force=true&dryRun=All")
    assert headers["Content-Type"] == "application/apply-patch+yaml"
    server.answers["GET /api/v1/namespaces/n/pods/https:p:8443/proxy/a%20b"] = [(200, "hello")]
    assert kube.proxy("n", "p", 8443, "/a b", scheme="https") == b"hello"


def test_import_is_light() -> None:
    code = "import sys, bdc.kube, bdc.engine; print({'kubernetes', 'pulumi', 'grpc'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert done.stdout.strip() == "set()"

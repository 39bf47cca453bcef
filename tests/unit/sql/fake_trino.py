"""A Trino that speaks the client protocol over TLS with a password, and answers from a table of statements."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def signature(kind: str, *arguments: Json) -> Json:
    return {"rawType": kind, "arguments": list(arguments)}


def of(inner: Json) -> Json:
    return {"kind": "TYPE", "value": inner}


@dataclass
class Script:
    """What one statement answers: pages of rows, or an error."""

    columns: list[tuple[str, str, Json]] = field(default_factory=list)
    pages: list[list[list[Any]]] = field(default_factory=list)
    error: Json | None = None
    update: str | None = None
    count: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class FakeTrino:
    """`scripts` by statement; `seen` are the statements, `cancelled` the ids that were deleted, `sent` the headers of the last POST."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.scripts: dict[str, Script] = {}
        self.seen: list[str] = []
        self.cancelled: list[str] = []
        self.sent: dict[str, str] = {}
        self.status = 200
        self.port = 0
        self._running: dict[str, tuple[Script, str]] = {}

    def start(self, sql: str) -> Json:
        self.seen.append(sql)
        error = {"message": f"line 1:1: no script for {sql}", "errorName": "SYNTAX_ERROR", "errorCode": 1, "errorType": "USER_ERROR"}
        name = f"q{len(self.seen)}"
        self._running[name] = (self.scripts.get(sql, Script(error=error)), sql)
        return self._answer(name, None, f"/v1/statement/queued/{name}/0")

    def page(self, name: str, at: int) -> Json:
        script, _ = self._running[name]
        if script.error and at >= len(script.pages):
            return self._answer(name, None, None) | {"error": script.error}
        rows = script.pages[at] if at < len(script.pages) else None
        more = at + 1 < len(script.pages) or (script.error is not None)
        answer = self._answer(name, rows, f"/v1/statement/executing/{name}/{at + 1}" if more else None)
        if script.columns:
            answer["columns"] = [{"name": n, "type": t, "typeSignature": s} for n, t, s in script.columns]
        if script.update:
            answer |= {"updateType": script.update} | ({} if script.count is None else {"updateCount": script.count})
        return answer

    def headers(self, name: str) -> dict[str, str]:
        return self._running[name][0].headers

    def _answer(self, name: str, rows: list[list[Any]] | None, following: str | None) -> Json:
        base = f"https://localhost:{self.port}"
        answer: Json = {"id": name, "infoUri": f"{base}/ui", "stats": {"state": "RUNNING"}, "warnings": []}
        if rows:
            answer["data"] = rows
        if following:
            answer["nextUri"] = base + following
        return answer


class Handler(BaseHTTPRequestHandler):
    trino: FakeTrino
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def do_POST(self) -> None:
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.trino.sent = dict(self.headers.items())
        if self._allowed():
            self._send(self.trino.start(sql))

    def do_GET(self) -> None:
        _, name, at = self.path.rsplit("/", 2)
        if self._allowed():
            self._send(self.trino.page(name, int(at)), self.trino.headers(name))

    def do_DELETE(self) -> None:
        self.trino.cancelled.append(self.path.rsplit("/", 2)[1])
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _allowed(self) -> bool:
        wanted = "Basic " + base64.b64encode(f"bdc:{self.trino.password}".encode()).decode()
        status = self.trino.status if self.headers.get("Authorization") == wanted else 401
        if status != 200:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
        return status == 200

    def _send(self, answer: Json, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        for key, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def serve(trino: FakeTrino, pem: Path) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"trino": trino}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    trino.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield trino.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

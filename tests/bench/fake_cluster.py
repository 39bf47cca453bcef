"""A cluster for bench/commands.py: the Kubernetes API over TLS, and Trino and HttpFS at their endpoints' ports here, all of which answer at
once. What is asked of them is counted.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from bdc.config import workloads
from bdc.config.names import CA, CREDENTIALS, labels
from bdc.config.secret_data import encoded
from bdc.errors import BdcError
from bdc.health.metastore import METHOD
from bdc.kube.endpoints import endpoint
from bdc_stacks import identity
from tests.unit.health.conftest import APPS, CORE, LEADER, NODE, Cluster, pod

API_PORT = 36443
_THRIFT = struct.pack(">Ii", 0x80010002, len(METHOD)) + METHOD + struct.pack(">iBhBii", 1, 15, 0, 11, 1, 7) + b"default\0"
"""The metastore's reply: a list of one name."""

_COLUMN = {"name": "_col0", "type": "integer", "typeSignature": {"rawType": "integer", "arguments": []}}
_FOLDER = {"type": "DIRECTORY", "permission": "755", "owner": "o", "group": "g", "length": 0}


@contextmanager
def serve(folder: Path) -> Iterator[Counter[str]]:
    """Serve it, and write `kubeconfig` into the folder; gives requests and TLS handshakes by server."""
    authority = identity.authority("bench")
    made = identity.certificate(authority, ["localhost", "127.0.0.1"])
    (folder / "tls.pem").write_text(made["tls.pem"])
    (folder / "kubeconfig").write_text(json.dumps(_kubeconfig(made)))
    counts: Counter[str] = Counter()
    kube = _healthy(made["ca.crt"])
    servers = {
        "API": (API_PORT, lambda request: _api(kube, request)),
        "Trino": (endpoint("trino").port, _trino),
        "HttpFS": (endpoint("httpfs").port, _httpfs),
    }
    loop, started, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def run() -> None:
        runners = [await _start(name, port, answer, folder / "tls.pem", counts) for name, (port, answer) in servers.items()]
        started.set()
        await ended.wait()
        for runner in runners:
            await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    if not started.wait(10):
        raise SystemExit("the servers don't start: are their ports taken?")
    try:
        yield counts
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


async def _start(
    name: str, port: int, answer: Callable[[web.Request], Awaitable[web.StreamResponse]], pem: Path, counts: Counter[str]
) -> web.AppRunner:
    async def counted(request: web.Request) -> web.StreamResponse:
        counts[f"{name} requests"] += 1
        return await answer(request)

    def greeted(*_: object) -> None:
        counts[f"{name} handshakes"] += 1

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.sni_callback = greeted
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", counted)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    return runner


def _kubeconfig(made: dict[str, str]) -> dict[str, Any]:
    data = {name: base64.b64encode(made[name].encode()).decode() for name in ("ca.crt", "tls.crt", "tls.key")}
    cluster = {"server": f"https://127.0.0.1:{API_PORT}", "certificate-authority-data": data["ca.crt"]}
    user = {"client-certificate-data": data["tls.crt"], "client-key-data": data["tls.key"]}
    return {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": cluster}],
        "users": [{"name": "x", "user": user}],
    }


def _healthy(ca: str) -> Cluster:
    kube = Cluster()
    kube.put("/api/v1/namespaces/bdc", {"metadata": {"labels": {"app.kubernetes.io/managed-by": "bdc"}}})
    kube.put(NODE, {"status": {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}]}})
    kube.put(f"{CORE}/secrets/{CREDENTIALS}", {"data": encoded({"username": "bdc", "password": "p", "token": "t"})})
    kube.put(f"{CORE}/secrets/{CA}", {"data": encoded({"ca.crt": ca})})
    for one in workloads.WORKLOADS:
        if not one.optional or one.name == "trino-worker":
            metadata = {"labels": labels("bdc", one.part, one.name)}
            kube.put(f"{APPS}/{one.kind.lower()}s/{one.name}", {"metadata": metadata, "spec": {"replicas": 1}})
            kube.put(f"{CORE}/pods/{one.name}-0", pod(f"{one.name}-0", one.part, one.name))
    kube.pages |= {
        "master-0:8008/cluster": {"members": [LEADER]},
        "master-0:8008/config": {"synchronous_mode": False},
        "master-0:8008/patroni": {"state": "running"},
        "spark-history-0:18080/api/v1/version": {"spark": "4.2.0"},
    }
    return kube


async def _api(kube: Cluster, request: web.Request) -> web.StreamResponse:
    path, query = request.path, dict(request.query)
    if path.endswith("/portforward"):
        return await _portforward(request)
    try:
        if "/proxy/" in path:
            where, _, page = path.partition("/proxy")
            *_, name, port = where.rpartition("/")[2].split(":")
            return web.Response(body=kube.proxy("bdc", name, int(port), page, query=query))
        return web.json_response(kube.request(request.method, path, query=query))
    except BdcError as error:
        return web.json_response({"message": str(error)}, status=getattr(error, "code", 500))


async def _portforward(request: web.Request) -> web.StreamResponse:
    stream = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
    await stream.prepare(request)
    for channel in (0, 1):
        await stream.send_bytes(bytes([channel, 0, 0]))
    async for _ in stream:
        await stream.send_bytes(b"\0" + _THRIFT)
    return stream


async def _trino(request: web.Request) -> web.StreamResponse:
    if request.path == "/v1/info":
        return web.json_response({"nodeVersion": {"version": "476"}, "starting": False})
    page = 0 if request.method == "POST" else int(request.path.rpartition("/")[2])
    answer: dict[str, Any] = {"id": "q", "infoUri": "https://127.0.0.1/", "stats": {"state": "RUNNING"}}
    if page < 3:
        answer["nextUri"] = f"https://127.0.0.1:{endpoint('trino').port}/v1/statement/executing/q/{page + 1}"
    if page >= 2:
        answer["columns"] = [_COLUMN]
    if page == 2:
        answer["data"] = [[1]]
    return web.json_response(answer)


async def _httpfs(request: web.Request) -> web.StreamResponse:
    if request.query["op"] == "LISTSTATUS":
        return web.json_response({"FileStatuses": {"FileStatus": [_FOLDER | {"pathSuffix": name} for name in ("data", "tmp", "user")]}})
    return web.json_response({"FileStatus": _FOLDER | {"pathSuffix": ""}})

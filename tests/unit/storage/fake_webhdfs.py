"""HttpFS as far as bdc speaks to it: a file system in memory over real HTTP, with a password and with faults to order.

Its answers, redirects, trimmed paths and checksums are those of HttpFS 3.4.2, with which they were compared.
"""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

BLOCK = 4096
Json = dict[str, Any]


class RemoteError(Exception):
    """A Java exception."""

    def __init__(self, exception: str, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.exception, self.status = exception, status


@dataclass
class Node:
    """A file (data) or a directory (None)."""

    data: bytes | None = None
    permission: str = "755"
    owner: str = "bdc"
    group: str = "hdfs"
    modified: int = 1_700_000_000_000
    block: int = BLOCK


@dataclass
class FakeHdfs:
    """`nodes` by path. Faults: `errors` by operation, cuts of uploads and downloads after so many bytes, a wrong bit."""

    password: str = "s3cret"
    nodes: dict[str, Node] = field(default_factory=lambda: {"/": Node()})
    seen: list[tuple[str, str]] = field(default_factory=list)
    errors: dict[str, RemoteError] = field(default_factory=dict)
    cut_uploads_after: int | None = None
    cut_downloads_after: int | None = None
    flip_uploads: bool = False
    flip_downloads: bool = False
    status: int = 200
    composite: bool = False
    without_checksums: bool = False
    no_defaults: bool = False
    quotas: dict[str, int] = field(default_factory=dict)
    """How many names a directory may have, by path."""

    def of(self, path: str) -> Node:
        if path not in self.nodes:
            raise RemoteError("FileNotFoundException", f"File does not exist: {path}", 404)
        return self.nodes[path]

    def below(self, path: str) -> list[str]:
        prefix = path.rstrip("/") + "/"
        return [one for one in self.nodes if one.startswith(prefix) and one != "/"]

    def children(self, path: str) -> list[str]:
        return [one for one in self.below(path) if "/" not in one[len(path.rstrip("/")) + 1 :]]

    def create(self, path: str, data: bytes, permission: str, block: int, *, overwrite: bool) -> None:
        if path in self.nodes and not overwrite:
            raise RemoteError("FileAlreadyExistsException", f"{path} already exists")
        self.mkdirs(posixpath.dirname(path))
        self.nodes[path] = Node(bytes([data[0] ^ 1]) + data[1:] if self.flip_uploads else data, permission, block=block)

    def mkdirs(self, path: str) -> None:
        while path not in self.nodes:
            self.nodes[path] = Node()
            path = posixpath.dirname(path)
        if self.nodes[path].data is not None:
            raise RemoteError("ParentNotDirectoryException", f"{path} (is not a directory)")

    def status_of(self, path: str, *, name: bool) -> Json:
        node = self.of(path)
        return {
            "pathSuffix": posixpath.basename(path) if name else "",
            "type": "DIRECTORY" if node.data is None else "FILE",
            "length": len(node.data or b""),
            "owner": node.owner,
            "group": node.group,
            "permission": node.permission,
            "accessTime": node.modified,
            "modificationTime": node.modified,
            "blockSize": 0 if node.data is None else node.block,
            "replication": 0 if node.data is None else 1,
        }

    def rename(self, old: str, new: str) -> bool:
        if old not in self.nodes or new in self.nodes or posixpath.dirname(new) not in self.nodes:
            return False
        for path in [old, *self.below(old)]:
            self.nodes[new + path[len(old) :]] = self.nodes.pop(path)
        return True

    def delete(self, path: str, *, recursive: bool) -> bool:
        if path not in self.nodes:
            return False
        if self.below(path) and not recursive:
            raise RemoteError("PathIsNotEmptyDirectoryException", f"{path} is non empty")
        for one in [path, *self.below(path)]:
            del self.nodes[one]
        return True

    def checksum(self, path: str) -> Json:
        node = self.of(path)
        data = node.data or b""
        if self.without_checksums:
            said = 'Cannot invoke "org.apache.hadoop.fs.FileChecksum.getAlgorithmName()" because "checksum" is null'
            raise RemoteError("NullPointerException", said, 500)
        if self.composite:
            return {"algorithm": "COMPOSITE-CRC32C", "bytes": crc32c(data).to_bytes(4, "big").hex(), "length": 4}
        blocks = b""
        for start in range(0, len(data), node.block):
            block = data[start : start + node.block]
            crcs = b"".join(crc32c(block[at : at + 512]).to_bytes(4, "big") for at in range(0, len(block), 512))
            blocks += hashlib.md5(crcs).digest()
        size = 32
        while size < len(blocks):
            size *= 2
        md5 = hashlib.md5(blocks.ljust(size, b"\0")).digest()
        value = (512).to_bytes(4, "big") + (0).to_bytes(8, "big") + md5 + bytes(4)
        return {"algorithm": "MD5-of-0MD5-of-512CRC32C", "bytes": value.hex(), "length": 28}


def crc32c(data: bytes) -> int:
    """Bit by bit, as the definition has it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    hdfs: FakeHdfs

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        wanted = "Basic " + base64.b64encode(f"bdc:{self.hdfs.password}".encode()).decode()
        where = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(where.query, keep_blank_values=True).items()}
        path = "/" + unquote(where.path).removeprefix("/webhdfs/v1").strip("/").rstrip("".join(map(chr, range(33))))
        operation = query["op"]
        self.hdfs.seen.append((operation, path))
        if self.headers.get("Authorization") != wanted:
            self._send(401, b"<html>who are you?</html>")
        elif self.hdfs.status != 200:
            self._send(self.hdfs.status, b"<html>no server is available</html>")
        else:
            self._operation(operation, path, query)

    def _operation(self, operation: str, path: str, query: dict[str, str]) -> None:
        try:
            if error := self.hdfs.errors.get(operation):
                raise error
            if operation == "CREATE":
                self._create(path, query)
            elif operation == "OPEN":
                self._open(path, query)
            else:
                self._send(200, json.dumps(getattr(self, f"_{operation.lower()}")(path, query)).encode())
        except RemoteError as error:
            remote = {"exception": error.exception, "javaClassName": f"java.io.{error.exception}", "message": str(error)}
            self._send(error.status, json.dumps({"RemoteException": remote}).encode())

    def _create(self, path: str, query: dict[str, str]) -> None:
        if query.get("data") != "true":
            self._send(307, b"", {"Location": f"http://wrong.invalid{self.path}&data=true"})
            return
        data = bytearray()
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
            if self.hdfs.cut_uploads_after is not None and len(data) > self.hdfs.cut_uploads_after:
                self.hdfs.create(path, bytes(data), query["permission"], int(query["blocksize"]), overwrite=True)
                self.close_connection = True
                self.connection.close()
                return
        self.rfile.readline()
        self.hdfs.create(path, bytes(data), query["permission"], int(query["blocksize"]), overwrite=query["overwrite"] == "True")
        self._send(201, b"")

    def _open(self, path: str, query: dict[str, str]) -> None:
        data = self.hdfs.of(path).data or b""
        start = int(query.get("offset", 0))
        data = data[start : start + int(query.get("length", len(data)))]
        if self.hdfs.flip_downloads:
            data = data[:-1] + bytes([data[-1] ^ 1])
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        cut = self.hdfs.cut_downloads_after
        for at in range(0, len(data), 1000):
            if cut is not None and at >= cut:
                self.close_connection = True
                return
            piece = data[at : at + 1000]
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def _getserverdefaults(self, _path: str, _query: Json) -> Json:
        if self.hdfs.no_defaults:
            raise RemoteError("QueryParamException", "Invalid value for webhdfs parameter op", 400)
        return {"FsServerDefaults": {"blockSize": BLOCK, "bytesPerChecksum": 512, "checksumType": 2}}

    def _getstatus(self, _path: str, _query: Json) -> Json:
        used = 3 * sum(len(node.data or b"") for node in self.hdfs.nodes.values())
        return {"FsStatus": {"used": used, "remaining": 1000 - used, "capacity": 1000}}

    def _gethomedirectory(self, _path: str, _query: Json) -> Json:
        return {"Path": "/user/bdc"}

    def _getfilestatus(self, path: str, _query: Json) -> Json:
        return {"FileStatus": self.hdfs.status_of(path, name=False)}

    def _liststatus(self, path: str, _query: Json) -> Json:
        if self.hdfs.of(path).data is not None:
            return {"FileStatuses": {"FileStatus": [self.hdfs.status_of(path, name=False)]}}
        return {"FileStatuses": {"FileStatus": [self.hdfs.status_of(one, name=True) for one in self.hdfs.children(path)]}}

    def _getcontentsummary(self, path: str, _query: Json) -> Json:
        self.hdfs.of(path)
        all_of_it = [self.hdfs.nodes[one] for one in [path, *self.hdfs.below(path)]]
        length = sum(len(node.data or b"") for node in all_of_it)
        files = sum(node.data is not None for node in all_of_it)
        counts = {"fileCount": files, "directoryCount": len(all_of_it) - files}
        quotas = {"quota": self.hdfs.quotas.get(path, -1), "spaceQuota": -1}
        return {"ContentSummary": {"length": length, "spaceConsumed": length * 3, **counts, **quotas}}

    def _getfilechecksum(self, path: str, _query: Json) -> Json:
        return {"FileChecksum": self.hdfs.checksum(path)}

    def _mkdirs(self, path: str, _query: Json) -> Json:
        self.hdfs.mkdirs(path)
        return {"boolean": True}

    def _rename(self, path: str, query: dict[str, str]) -> Json:
        return {"boolean": self.hdfs.rename(path, query["destination"])}

    def _delete(self, path: str, query: dict[str, str]) -> Json:
        return {"boolean": self.hdfs.delete(path, recursive=query.get("recursive") == "True")}

    def _setpermission(self, path: str, query: dict[str, str]) -> Json:
        self.hdfs.of(path).permission = query["permission"]
        return {}

    def _setowner(self, path: str, query: dict[str, str]) -> Json:
        node = self.hdfs.of(path)
        node.owner, node.group = query.get("owner", node.owner), query.get("group", node.group)
        return {}

    def _settimes(self, path: str, query: dict[str, str]) -> Json:
        self.hdfs.of(path).modified = int(query["modificationtime"])
        return {}

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Cut connections are ordered here; they are nobody's error."""


@contextmanager
def serve(hdfs: FakeHdfs) -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), type("Bound", (Handler,), {"hdfs": hdfs}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

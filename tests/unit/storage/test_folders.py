"""The Job that makes HDFS's folders (manifests/storage/folders.py), against a NameNode that is only starting."""

from __future__ import annotations

import http.server
import json
import runpy
import threading
import time
from collections.abc import Iterator
from typing import ClassVar

import pytest

from bdc.config.paths import resources


class NameNode(http.server.BaseHTTPRequestHandler):
    """WebHDFS, which refuses with these exceptions first."""

    refusals: ClassVar[list[str]] = []
    made: ClassVar[list[str]] = []

    def do_PUT(self) -> None:
        refusal = self.refusals.pop(0) if self.refusals else ""
        self.send_response(403 if refusal else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"RemoteException": {"exception": refusal}} if refusal else {"boolean": True}).encode())
        if not refusal:
            self.made.append(self.path.partition("&user.name")[0])

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NameNode)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("NAMENODE", f"127.0.0.1:{server.server_port}")
    monkeypatch.setenv("FOLDERS", json.dumps({"/data": ["bdc", "755"]}))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    NameNode.made.clear()
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("run")
def test_a_name_node_that_is_only_starting_is_waited_for() -> None:
    NameNode.refusals[:] = ["RetriableException", "RetriableException", "SafeModeException"]
    runpy.run_path(str(resources("manifests") / "storage" / "folders.py"))
    options = ["op=MKDIRS&permission=755", "op=SETPERMISSION&permission=755", "op=SETOWNER&owner=bdc&group=hdfs"]
    assert NameNode.made == [f"/webhdfs/v1/data?{option}" for option in options]


@pytest.mark.usefixtures("run")
def test_what_it_refuses_for_good_ends_the_job() -> None:
    NameNode.refusals[:] = ["AccessControlException"]
    with pytest.raises(SystemExit, match=r"/data: 403 .*AccessControlException"):
        runpy.run_path(str(resources("manifests") / "storage" / "folders.py"))

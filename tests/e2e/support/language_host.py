"""A stand-in for `pulumi-language-python`, the part of an official Pulumi release that starts Python programs.

It is on no package registry, so tests bring this one: it runs a project's `__main__.py` by the SDK's own language server, as the
Automation API does for programs without a project.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
from concurrent import futures
from contextlib import suppress
from typing import Any

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2_grpc


class Host(LanguageServer):
    """Runs the program of the project that the engine names."""

    def __init__(self, engine: str) -> None:
        super().__init__(_run_project)
        self._engine = engine

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        os.chdir(request.info.program_directory or request.pwd)
        sys.path.insert(0, os.curdir)
        request.args[:] = [self._engine]
        return super().Run(request, context)  # type: ignore[no-untyped-call]


def _run_project() -> None:
    runpy.run_path("__main__.py", run_name="__main__")


def main() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(), options=[("grpc.max_receive_message_length", 400 << 20)])
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(sys.argv[-1]), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # noqa: T201
    parent = os.getppid()
    with suppress(KeyboardInterrupt):
        while os.getppid() == parent:
            threading.Event().wait(0.5)
    server.stop(None)


if __name__ == "__main__":
    main()

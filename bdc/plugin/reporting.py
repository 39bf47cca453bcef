"""Says in Pulumi's own progress what a resource waits for."""

from __future__ import annotations

import contextlib
import threading

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineLog:
    """A connection to the engine's log, made at first use. What can't be said is not worth failing for."""

    def __init__(self, address: str | None) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._stub: engine_pb2_grpc.EngineStub | None = None

    def status(self, urn: str, message: str) -> None:
        """Show a passing message at one resource."""
        if not self._address:
            return
        with self._lock:
            if self._stub is None:
                self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(self._address))
        request = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=message, urn=urn, ephemeral=True)
        with contextlib.suppress(grpc.RpcError):
            self._stub.Log(request, timeout=5)

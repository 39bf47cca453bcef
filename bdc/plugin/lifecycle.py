"""What Pulumi's engine asks of the plugin itself: who it is, its settings, and to stop."""

from __future__ import annotations

import os
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from bdc.errors import BdcError
from bdc.kube import Kube, connect
from bdc.plugin.apply import Writer
from bdc.plugin.codec import UNKNOWN, plain, to_python
from bdc.plugin.reporting import EngineLog

Request = Any  # the generated protobuf modules have no usable types


def sdk_version() -> str:
    """The version that the engine asks for: that of the SDK that the programs use."""
    return version("pulumi_kubernetes")


class Lifecycle(provider_pb2_grpc.ResourceProviderServicer):
    """The plugin's connections: to the engine that called it, and to the cluster it was configured for."""

    def __init__(self, engine_address: str | None) -> None:
        self._stopped = threading.Event()
        self._log = EngineLog(engine_address)
        self._kube: Kube | None = None
        self._problem = BdcError("the Kubernetes provider is not configured yet")
        self._namespace: str | None = None
        self._force = self._upsert = False

    def stop(self) -> None:
        """End all waits."""
        self._stopped.set()

    def Handshake(self, request: Request, _context: object) -> Any:  # noqa: N802
        """Agree on features."""
        self._log = EngineLog(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=False)

    def Attach(self, request: Request, _context: object) -> Any:  # noqa: N802
        """Use another engine."""
        self._log = EngineLog(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, _request: Request, _context: object) -> Any:  # noqa: N802
        """Be the SDK's version."""
        return plugin_pb2.PluginInfo(version=sdk_version())

    def Cancel(self, _request: Request, _context: object) -> Any:  # noqa: N802
        """End all waits: the user interrupted, or all is done."""
        self.stop()
        return empty_pb2.Empty()

    def CheckConfig(self, request: Request, _context: object) -> Any:  # noqa: N802
        """Accept any settings; Configure uses what it knows."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Request, _context: object) -> Any:  # noqa: N802
        """Changed settings never replace the provider: which cluster a stack is on is decided by bdc."""
        old, new = plain(to_python(request.olds)), plain(to_python(request.news))
        changed = sorted(key for key in (old.keys() | new.keys()) - {"version"} if old.get(key) != new.get(key))
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=changed)

    def Configure(self, request: Request, _context: object) -> Any:  # noqa: N802
        """Connect. A cluster that can't be reached is an error only once it is needed."""
        settings = plain(to_python(request.args))
        self._namespace = settings.get("namespace")
        self._force = _true(settings.get("enablePatchForce")) or _true(os.environ.get("PULUMI_K8S_ENABLE_PATCH_FORCE"))
        self._upsert = _true(settings.get("upsertExistingObjects"))
        try:
            self._kube = connect(_path(settings.get("kubeconfig")), settings.get("context"))
            self._kube.resource("v1", "Namespace")
        except BdcError as error:
            self._kube, self._problem = None, error
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=False)

    def _connected(self) -> Kube:
        if self._kube is None:
            raise self._problem
        return self._kube

    def _writer(self) -> Writer:
        return Writer(self._connected(), force=self._force, upsert=self._upsert)


def _true(value: Any) -> bool:
    """Settings that aren't strings may arrive as their JSON text."""
    return str(value).lower() == "true"


def _path(kubeconfig: Any) -> Path | None:
    if not kubeconfig:
        return None
    if kubeconfig == UNKNOWN or "\n" in kubeconfig:
        raise BdcError("the kubeconfig of the Kubernetes provider must be a path, not the content of a file")
    return Path(kubeconfig)

"""Which Kubernetes plugin Pulumi gets: the official one where it is installed, else bdc's own.

Pulumi looks for plugins on PATH and in $PULUMI_HOME/plugins. bdc gives it a home of bdc's own for either choice and forbids it PATH
(`PULUMI_IGNORE_AMBIENT_PLUGINS`), so that what is chosen here is what runs, and a plugin of another version is not taken by accident.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from bdc.engine.install import is_ours, place
from bdc.errors import NotFoundError

EXECUTABLE = "pulumi-resource-kubernetes"
SDK = version("pulumi_kubernetes")
ACCEPTED = f">={SDK},<{int(SDK.partition('.')[0]) + 1}"
"""Versions of the official plugin that this SDK's programs are served by."""

_ANSWER_SECONDS = 20
Setting = Literal["auto", "builtin", "official"]


@dataclass(frozen=True)
class Plugin:
    """A plugin for Pulumi's Kubernetes resources; `path` is an official one's executable, None for bdc's own."""

    version: str
    path: Path | None = None

    def __str__(self) -> str:
        return f"official Kubernetes plugin {self.version}" if self.path else f"bdc's Kubernetes plugin {self.version}"

    def home(self, homes: Path) -> Path:
        """A folder for PULUMI_HOME, below `homes`, in which Pulumi finds this plugin and no other for Kubernetes."""
        home = homes / ("official" if self.path else "builtin")
        place(home / "plugins" / f"resource-kubernetes-v{SDK}" / EXECUTABLE, self.path)
        return home


def choose(setting: Setting = "auto") -> Plugin:
    """The plugin to use. Raises NotFoundError where the official one is asked for and not installed."""
    if setting == "builtin":
        return Plugin(SDK)
    found = list(_official())
    fitting = [plugin for plugin in found if _fits(plugin.version)]
    if fitting:
        return min(fitting, key=lambda plugin: plugin.version != SDK)  # the SDK's own version before others, else the first
    if setting == "auto":
        return Plugin(SDK)
    others = "".join(f"; {plugin.path} is version {plugin.version}" for plugin in found)
    raise NotFoundError(
        f"engine.plugin is official, and there is no official Kubernetes plugin {ACCEPTED} in {_pulumi_home()}/plugins or on PATH{others}",
        f"pulumi plugin install resource kubernetes {SDK}, or set engine.plugin to auto",
    )


def _official() -> Iterator[Plugin]:
    """Official plugins of any version: those that `pulumi plugin install` keeps, then the one on PATH."""
    folders = _pulumi_home() / "plugins"
    for executable in sorted(folders.glob(f"resource-kubernetes-v*/{EXECUTABLE}")):
        partial = executable.parent.with_name(f"{executable.parent.name}.partial")  # Pulumi's mark of an installation under way
        if not partial.exists() and os.access(executable, os.X_OK) and not is_ours(executable):
            yield Plugin(executable.parent.name.partition("-v")[2], executable)
    if (found := shutil.which(EXECUTABLE)) and not is_ours(Path(found)) and (said := _version(Path(found))):
        yield Plugin(said, Path(found))


def _pulumi_home() -> Path:
    return Path(os.environ.get("PULUMI_HOME") or "~/.pulumi").expanduser()


def _fits(found: str) -> bool:
    from bdc.toolchain import versions

    try:
        return versions.satisfies(found, ACCEPTED)
    except ValueError:  # an alpha, a build of somebody's own
        return False


def _version(executable: Path) -> str | None:
    """What a plugin says that it is, by the protocol: it has no option for that. None where it doesn't answer."""
    import grpc
    from google.protobuf import empty_pb2
    from pulumi.runtime.proto import provider_pb2_grpc

    with suppress(OSError, ValueError, grpc.RpcError):
        with subprocess.Popen([executable, "127.0.0.1:1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                assert process.stdout  # noqa: S101 - it is piped
                with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                    info = provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(empty_pb2.Empty(), timeout=_ANSWER_SECONDS)
            finally:
                process.kill()
        return str(info.version).removeprefix("v") or None
    return None

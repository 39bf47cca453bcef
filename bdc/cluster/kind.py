"""A cluster in containers of this machine's Docker, made with kind."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from bdc.cluster.substrate import Access, Load
from bdc.config.paths import state_dir
from bdc.errors import BdcError, DeadlineError, UsageError

_CREATE_SECONDS = 600
_DOCKER_MAJOR = 23
# Stands in for ctr: what is imported goes through docker into the node, as the node doesn't see this machine's files.
_CTR = """#!/bin/sh
for last; do :; done
if [ -f "$last" ]; then
  file=$last; count=$#; i=0
  for argument; do
    i=$((i + 1)); shift
    if [ $i -lt $count ]; then set -- "$@" "$argument"; fi
  done
  exec docker exec -i {node} ctr "$@" - < "$file"
fi
exec docker exec -i {node} ctr "$@"
"""


class KindCluster:
    """The kind cluster called `name`."""

    name = "kind"
    storage_class: str | None = None

    def __init__(self, name: str) -> None:
        self._cluster = name
        self._folder = state_dir(name) / "kind"

    def check(self) -> None:
        """Refuse without kind, or without a Docker that it works with."""
        for program in ("docker", "kind"):
            if shutil.which(program) is None:
                raise UsageError(f"a kind cluster needs {program}, which is not on PATH", f"install {program}, or leave out --cluster kind")
        version = _run("docker", "version", "--format", "{{.Server.Version}}", hint="start Docker, and see that you may use it: docker ps")
        if int(version.strip().partition(".")[0] or 0) < _DOCKER_MAJOR:
            raise UsageError(f"kind needs Docker {_DOCKER_MAJOR} or newer; this is {version.strip()}", "update Docker")

    def ensure(self, *, on_progress: Callable[[str], None] | None = None, load: Load | None = None) -> Access:
        """Make the cluster where it isn't there; `load` gets a stand-in for ctr that works in the node."""
        self.check()
        if self._cluster not in _run("kind", "get", "clusters").split():
            if on_progress:
                on_progress(f"kind create cluster --name {self._cluster}")
            _run("kind", "create", "cluster", "--name", self._cluster, "--wait", "120s", "--kubeconfig", str(self._kubeconfig()))
        access = self.access()
        if access is None:
            raise BdcError(f"the kind cluster {self._cluster} was made, and is gone again", "see: kind get clusters, docker ps -a")
        if load:
            if on_progress:
                on_progress("loading what images the node lacks")
            ctr = self._folder / "ctr"
            ctr.write_text(_CTR.format(node=shlex.quote(self._node())))
            ctr.chmod(0o755)
            load(ctr, Path("/run/containerd/containerd.sock"))
        return access

    def access(self) -> Access | None:
        """The cluster, where kind has it."""
        if shutil.which("kind") is None or self._cluster not in _run("kind", "get", "clusters").split():
            return None
        if not self._kubeconfig().is_file():
            _run("kind", "export", "kubeconfig", "--name", self._cluster, "--kubeconfig", str(self._kubeconfig()))
        template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return Access(self._kubeconfig(), f"kind-{self._cluster}", _run("docker", "inspect", "-f", template, self._node()).strip())

    def listener(self, port: int) -> str | None:  # noqa: ARG002  - the nodes are not this host
        """See `Substrate`."""
        return None

    def _node(self) -> str:
        return f"{self._cluster}-control-plane"

    def _kubeconfig(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / "kubeconfig"


def _run(*argv: str, hint: str | None = None) -> str:
    try:
        done = subprocess.run(list(argv), capture_output=True, text=True, check=False, timeout=_CREATE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise DeadlineError(f"{argv[0]} {argv[1]} took more than {_CREATE_SECONDS} s", hint) from error
    if done.returncode:
        raise BdcError(f"{argv[0]} {argv[1]} failed: {done.stderr.strip()[-800:]}", hint)
    return done.stdout

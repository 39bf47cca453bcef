"""Which cluster is meant, from what the user said and the environment says: its configuration and its Kubernetes API."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bdc.errors import BdcError, NotFoundError, UsageError

if TYPE_CHECKING:
    from bdc.config.kept import Loaded
    from bdc.config.model import Config
    from bdc.kube import Kube
    from bdc.kube.user_context import UserContext

ADMIN_CONF = Path("/etc/kubernetes/admin.conf")
"""The kubeconfig of the embedded node."""


@dataclass(frozen=True)
class Settings:
    """What was said. `overrides` are values of bdc.yaml by their dotted names; `debug` and `quiet` are the command line's own."""

    cluster: str | None = None
    file: Path | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    kubeconfig: Path | None = None
    context: str | None = None
    debug: bool = False
    quiet: bool = False

    def load(self) -> Loaded:
        """The configuration with its sources; read once. Raises UsageError."""
        return self._loaded

    @property
    def config(self) -> Config:
        """The configuration. Raises UsageError."""
        return self._loaded.config

    def kube(self) -> Kube:
        """The cluster's Kubernetes API; nothing is sent yet. Raises BdcError when there is no usable kubeconfig."""
        from bdc.kube import connect

        path = self.kubeconfig_path()
        try:
            return connect(path, self.kube_context())
        except NotFoundError as error:
            if path is None and ADMIN_CONF.exists():  # and may not be read, or it would be the path
                raise NotFoundError(
                    "this host is a Kubernetes node, whose kubeconfig only root may read, and you have no other",
                    "have its administrator give you a context (bdc context export USER), or use sudo",
                ) from error
            raise

    def kubeconfig_path(self) -> Path | None:
        """The kubeconfig to use; None leaves it to KUBECONFIG, ~/.kube/config or the pod's own account, in this order.

        --kubeconfig, BDC_KUBECONFIG, cluster.kubeconfig (relative to bdc.yaml), the context that `bdc context use` has chosen where there
        is no bdc.yaml, KUBECONFIG, the embedded node's, ~/.kube/config. With `cluster.substrate: embedded`, the node's own comes before
        KUBECONFIG.
        """
        if explicit := self.explicit_kubeconfig():
            return explicit
        if chosen := self._chosen_context():
            return chosen
        own_node = os.access(ADMIN_CONF, os.R_OK)
        if own_node and (self.config.cluster.substrate == "embedded" or not os.environ.get("KUBECONFIG")):
            return ADMIN_CONF
        return None

    def explicit_kubeconfig(self) -> Path | None:
        """The kubeconfig that the user named for bdc, if any."""
        if named := self._named():
            return named
        if not (configured := self.config.cluster.kubeconfig):
            return None
        return self._beside_file("cluster.kubeconfig", Path(configured).expanduser())

    def _named(self) -> Path | None:
        if self.kubeconfig:
            return self.kubeconfig.expanduser()
        named = os.environ.get("BDC_KUBECONFIG")
        return Path(named).expanduser() if named else None

    def kube_context(self) -> str | None:
        """The context of the kubeconfig: --context, else cluster.context; None is its current one."""
        return self.context or self.config.cluster.context

    def _chosen_context(self) -> Path | None:
        """The context of an ordinary user, who has no bdc.yaml: whoever has one means the cluster that it describes."""
        from bdc.config.kept import file_of
        from bdc.kube.contexts import current

        return None if file_of(self.file, os.environ) else current()

    def _beside_file(self, key: str, path: Path) -> Path:
        from bdc.config.kept import file_of

        file = file_of(self.file, os.environ)
        from_file = file is not None and self._loaded.sources[key].startswith(f"{file}:")
        return file.parent / path if file and from_file else path

    @cached_property
    def _loaded(self) -> Loaded:
        from bdc.config.kept import load

        found = load(file=self.file, cluster=self.cluster, overrides=self.overrides, env=os.environ)
        if found.sources["name"] != "default" or not (path := self._named() or self._chosen_context()):
            return found
        person = self._person_of(path)
        return load(file=self.file, cluster=person.cluster, overrides=self.overrides, env=os.environ) if person else found

    def check_administrator(self) -> None:
        """Raise UsageError for an ordinary user of a cluster, who can't change it or look into it."""
        path = self.kubeconfig_path()
        if path and (person := self._person_of(path)):
            raise UsageError(
                f"that is for the administrator of the cluster {person.cluster}; you are {person.name} there",
                "what you may do: bdc spark, bdc hdfs, bdc sql; another cluster: bdc context use, or --kubeconfig",
            )

    def _person_of(self, path: Path) -> UserContext | None:
        """The ordinary user whose kubeconfig this is; one that can't be read is somebody else's matter."""
        from bdc.kube.kubeconfig import load

        with suppress(BdcError):
            return load(path, self.context).person
        return None

"""Chooses the Kubernetes to work with from what the user said and what the environment says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from bdc.cluster.embedded import EmbeddedNode
from bdc.cluster.embedded.layout import ADMIN_KUBECONFIG
from bdc.cluster.existing import ExistingCluster
from bdc.cluster.kind import KindCluster
from bdc.cluster.substrate import Substrate
from bdc.errors import UsageError

Kind = Literal["auto", "embedded", "existing", "kind"]


def substrate(kind: Kind, *, kubeconfig: Path | None, context: str | None, name: str) -> Substrate:
    """The substrate `kind`; "auto" is an existing cluster where one is named, else this host.

    A cluster is named by a kubeconfig or context, or by $KUBECONFIG; the embedded node's own admin.conf names the embedded node.
    `name` is the kind cluster's.
    """
    if kind == "auto":
        kind = "existing" if _names_a_cluster(kubeconfig, context) else "embedded"
    if kind in {"embedded", "kind"} and (kubeconfig or context) and not _is_embedded(kubeconfig):
        raise UsageError(
            f"a kubeconfig or context names a cluster that exists, and the cluster's kind is {kind}",
            "leave out --kubeconfig and --context, or say existing",
        )
    if kind == "existing":
        return ExistingCluster(kubeconfig, context)
    return KindCluster(name) if kind == "kind" else EmbeddedNode()


def _names_a_cluster(kubeconfig: Path | None, context: str | None) -> bool:
    if kubeconfig is not None:
        return not _is_embedded(kubeconfig)
    if context is not None:
        return True
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return bool(named) and not all(_is_embedded(Path(part)) for part in named)


def _is_embedded(kubeconfig: Path | None) -> bool:
    """Whether it is the embedded node's own; a foreign admin.conf at that place is a cluster that exists."""
    if kubeconfig is None or kubeconfig.expanduser().resolve() != ADMIN_KUBECONFIG:
        return False
    return EmbeddedNode().is_ours() or not ADMIN_KUBECONFIG.exists()

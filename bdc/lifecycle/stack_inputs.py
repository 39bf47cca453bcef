"""Where a cluster stands, as the stacks want to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bdc import images
from bdc.cluster import Substrate
from bdc.config.workloads import certified_names
from bdc.kube import Kube
from bdc.lifecycle.target import Target

if TYPE_CHECKING:
    from bdc.config.model import Config
    from bdc_stacks.stack_context import StackContext


def stack_context(target: Target) -> StackContext:
    """What the components of the cluster share: its images, addresses and storage class."""
    from bdc_stacks.stack_context import StackContext

    config = target.config
    return StackContext(
        cluster=config.name,
        images=images.references(config.images.registry),
        network=config.network,
        services=certified_names(config),
        addresses=tuple(sorted({target.access.address, *([config.network.address] if config.network.address else [])})),
        nodes=nodes(target.kube),
        storage_class=storage_class(config, target.substrate),
        pull_secret=config.images.pull_secret,
        pull_login=target.login,
    )


def nodes(kube: Kube) -> tuple[str, ...]:
    """The nodes' own addresses, sorted."""
    found = kube.request("GET", "/api/v1/nodes")["items"]
    own = {one["address"] for node in found for one in node["status"].get("addresses") or [] if one["type"] == "InternalIP"}
    return tuple(sorted(own))


def storage_class(config: Config, substrate: Substrate) -> str | None:
    """The StorageClass of the volumes; None for the cluster's default."""
    return config.cluster.storage_class or substrate.storage_class

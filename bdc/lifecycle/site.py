"""Where a cluster stands, as the stacks want to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bdc import images
from bdc.cluster import Access, Substrate
from bdc.config.model import Config
from bdc.kube import connect

if TYPE_CHECKING:
    from bdc_stacks.site import Site


def site(config: Config, substrate: Substrate, access: Access, login: str | None = None) -> Site:
    """What the components of the cluster share: its images, addresses and storage class; `login`: see Site.pull_login."""
    from bdc_stacks.site import Site

    return Site(
        cluster=config.name,
        images=images.references(config.images.registry),
        network=config.network,
        addresses=tuple(sorted({access.address, *([config.network.address] if config.network.address else [])})),
        nodes=nodes(access),
        storage_class=storage_class(config, substrate),
        pull_secret=config.images.pull_secret,
        pull_login=login,
    )


def nodes(access: Access) -> tuple[str, ...]:
    """The nodes' own addresses, sorted."""
    found = connect(access.kubeconfig, access.context).request("GET", "/api/v1/nodes")["items"]
    own = {one["address"] for node in found for one in node["status"].get("addresses") or [] if one["type"] == "InternalIP"}
    return tuple(sorted(own))


def storage_class(config: Config, substrate: Substrate) -> str | None:
    """The StorageClass of the volumes; None for the cluster's default."""
    return config.cluster.storage_class or substrate.storage_class

"""The ConfigMap `configuration` in a cluster's namespace: what the last finished `bdc up` applied, by dotted key.

It holds no secret: bdc.yaml has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bdc.config.names import COMPONENT, CONFIGURATION, INSTANCE, MANAGED_BY
from bdc.kube.client import Kube
from bdc.kube.errors import ApiNotFoundError

if TYPE_CHECKING:
    from bdc.config.dotted import Plain

_KEY = "bdc.json"


def keep(kube: Kube, cluster: str, settings: Mapping[str, Plain]) -> None:
    """Keep what was applied."""
    labels = {MANAGED_BY: "bdc", INSTANCE: cluster, COMPONENT: CONFIGURATION}
    metadata = {"name": CONFIGURATION, "namespace": cluster, "labels": labels}
    kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {_KEY: json.dumps(settings, indent=1)}})


def applied(kube: Kube, cluster: str, timeout: float = 60) -> dict[str, Plain]:
    """What was applied; empty where no `up` has finished yet. `timeout` in seconds."""
    try:
        found = kube.request("GET", f"/api/v1/namespaces/{cluster}/configmaps/{CONFIGURATION}", timeout=timeout)["data"][_KEY]
    except (ApiNotFoundError, KeyError):
        return {}
    return dict(json.loads(found))

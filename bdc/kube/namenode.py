"""The NameNodes of a cluster's HDFS: which of them is active, and what one says of itself (JMX over HTTP)."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from bdc.config.names import NAMENODE_HTTP_PORT, selector
from bdc.errors import BdcError, UnhealthyError
from bdc.kube.client import Kube
from bdc.kube.selector import label_selector

SECONDS = 4.0
"""How long a NameNode may take to answer."""


def active_namenode(kube: Kube, cluster: str) -> str:
    """The pod of the NameNode that serves, as a standby refuses. Raises UnhealthyError when there is none."""
    labels = label_selector(selector(cluster, "namenode"))
    found = kube.request("GET", f"/api/v1/namespaces/{cluster}/pods", query={"labelSelector": labels})["items"]
    pods = sorted(str(pod["metadata"]["name"]) for pod in found)
    if len(pods) == 1:  # without HA it serves, or nobody does
        return pods[0]
    for pod in pods:
        with suppress(BdcError):
            if bean(kube, cluster, pod, "NameNodeStatus")["State"] == "active":
                return pod
    raise UnhealthyError("no NameNode is active", "bdc status shows the storage pool, bdc logs namenode what they say")


def bean(kube: Kube, cluster: str, pod: str, name: str) -> dict[str, Any]:
    """The attributes of one of a NameNode's JMX beans, such as FSNamesystemState.

    https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-common/Metrics.html
    """
    query = {"qry": f"Hadoop:service=NameNode,name={name}"}
    return dict(json.loads(kube.proxy(cluster, pod, NAMENODE_HTTP_PORT, "/jmx", query=query, timeout=SECONDS))["beans"][0])

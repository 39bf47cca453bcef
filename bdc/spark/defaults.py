"""The settings that applications have where they run: the ConfigMap `spark-conf` of the cluster or of a pool."""

from __future__ import annotations

from bdc.config.names import SPARK_CONF
from bdc.errors import NotFoundError, UnhealthyError
from bdc.kube import ApiNotFoundError, Kube
from bdc.spark.settings import IMAGE, parse

BUILDER = "bdc-image"
"""Key of the ConfigMap `spark-conf`: the image in which environments are made."""


def defaults_of(kube: Kube, namespace: str) -> dict[str, str]:
    """The cluster's spark-defaults.conf, or a pool's. Raises NotFoundError without a cluster, UnhealthyError when it names no image."""
    try:
        found = kube.request("GET", f"/api/v1/namespaces/{namespace}/configmaps/{SPARK_CONF}")
    except ApiNotFoundError:
        raise NotFoundError(f"there is no cluster {namespace} with a Spark pool", "bring it up with bdc up") from None
    entries = parse(found.get("data", {}).get("spark-defaults.conf", ""))
    if IMAGE not in entries:
        raise UnhealthyError(f"the ConfigMap {SPARK_CONF} names no image ({IMAGE})", "repair it with bdc up")
    return entries


def builder_image(kube: Kube, cluster: str) -> str:
    """The image in which environments are made. Raises UnhealthyError for a cluster of an older bdc."""
    found = kube.request("GET", f"/api/v1/namespaces/{cluster}/configmaps/{SPARK_CONF}")
    if BUILDER not in found.get("data", {}):
        raise UnhealthyError(f"the ConfigMap {SPARK_CONF} names no image to make environments in", "an older bdc made it: bdc up")
    return str(found["data"][BUILDER])

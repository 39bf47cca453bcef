"""The settings that applications have where they run: the ConfigMap `spark-conf` of the cluster or of a pool."""

from __future__ import annotations

from bdc.config.names import SPARK_CONF
from bdc.errors import NotFoundError, UnhealthyError
from bdc.kube import ApiNotFoundError, Kube
from bdc.spark.settings import IMAGE, parse


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

"""What an application asks of a pool, from its settings, and how it stays within the pool's bounds."""

from __future__ import annotations

from collections.abc import Mapping

from bdc.config.quantity import cores
from bdc.errors import UsageError
from bdc.spark.admission import Amount
from bdc.spark.memory import spark_mebibytes
from bdc.spark.settings import POOL, driver

_MIB = 2**20
_DYNAMIC = "spark.dynamicAllocation.enabled"
_TEMPLATE = "spark.kubernetes.executor.podTemplateFile"
_MOST = "spark.dynamicAllocation.maxExecutors"


def driver_pod(entries: Mapping[str, str]) -> Amount:
    """What the driver's pod requests. Raises UsageError."""
    own = driver(entries)
    return Amount(_cores(own.cpu), own.memory_mebibytes * _MIB)


def executor(entries: Mapping[str, str]) -> Amount:
    """What one executor's pod requests; the parts of its memory are those of Spark's own sum.

    Source: https://spark.apache.org/docs/latest/running-on-kubernetes.html#resource-allocation-and-configuration-overview
    """
    parts = [("spark.executor.memory", "1g"), ("spark.executor.memoryOverhead", "384m")]
    if entries.get("spark.executor.pyspark.memory", "0") != "0":
        parts.append(("spark.executor.pyspark.memory", "0"))
    if entries.get("spark.memory.offHeap.enabled") == "true":
        parts.append(("spark.memory.offHeap.size", "1m"))
    memory = sum(spark_mebibytes(entries.get(key, default), key) for key, default in parts)
    cpu = entries.get("spark.kubernetes.executor.request.cores") or entries.get("spark.executor.cores", "1")
    return Amount(_cores(cpu), memory * _MIB)


def begins_with(entries: Mapping[str, str]) -> Amount:
    """What an application asks for to begin with: its driver, and the executors that it always has, or one."""
    if entries.get(_DYNAMIC) == "true":
        count = max(1, int(entries.get("spark.dynamicAllocation.minExecutors", "0")))
    else:
        count = int(entries.get("spark.executor.instances", "2"))  # Spark's own default
    return driver_pod(entries) + executor(entries).times(count)


def fitted(entries: dict[str, str], defaults: Mapping[str, str], limit: Amount) -> dict[str, str]:
    """The settings for a pool with bounds: no more executors than it can ever hold. Raises UsageError when not even the first fit.

    Also for a pod template of the application's own, which would lack the pool's gate.
    """
    pool = defaults.get(POOL)
    if entries.get(_TEMPLATE) != defaults.get(_TEMPLATE):
        raise UsageError(f"--conf {_TEMPLATE} can't be set in the pool {pool}, which has bounds", "leave it out, or choose another --pool")
    asked = begins_with(entries)
    if not asked.fits(limit):
        raise UsageError(
            f"the application asks for {asked} to begin with, and the pool {pool} has {limit} at most",
            "ask for less (--executors, --executor-memory, --driver-memory), or choose another --pool",
        )
    if entries.get(_DYNAMIC) != "true":
        return entries
    room, each = limit - driver_pod(entries), executor(entries)
    most = int(min(room.cpu / each.cpu + 1e-6, room.memory / each.memory, int(entries.get(_MOST, "1000000"))))
    return entries | {_MOST: str(most)}


def _cores(text: str) -> float:
    try:
        return cores(text)
    except ValueError as error:
        raise UsageError(str(error)) from error

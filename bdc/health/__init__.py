"""How a cluster is: its parts with a probe that asks each engine, and the logs of what runs."""

from bdc.health.logs import LogSource, follow_logs, sources
from bdc.health.status import ClusterStatus, PartStatus, status

__all__ = ["ClusterStatus", "LogSource", "PartStatus", "follow_logs", "sources", "status"]

"""Statements on the SQL master from within, where no password is needed: one of those may be what is being changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bdc.errors import UnhealthyError
from bdc.kube import Kube
from bdc.kube.endpoints import endpoint, pods_of
from bdc.kube.exec import execute

if TYPE_CHECKING:
    from bdc.config.model import Config


def run_as_superuser(kube: Kube, config: Config, database: str, statements: Iterable[str]) -> None:
    """Run statements in one transaction, all or none. No secret may be among them, but for verifiers of passwords.

    In the leader's pod the system's user postgres is the superuser. Raises UnhealthyError while the master has no leader.
    """
    labels = ",".join(f"{key}={value}" for key, value in pods_of(config, endpoint("master")).items())
    pods = kube.request("GET", f"/api/v1/namespaces/{config.name}/pods", query={"labelSelector": labels})["items"]
    leaders = [pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    if not leaders:
        raise UnhealthyError("the SQL master has no leader, so its roles can't be changed", "bdc up; bdc status shows the master")
    psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse", "-U", "postgres", "-d", database]
    text = "".join(f"{statement}\n" for statement in statements)
    execute(kube, config.name, leaders[0], "postgres", psql, stdin=f"BEGIN;\n{text}COMMIT;\n\\q\n")

"""Spark's own web pages of an application: the driver's while it runs, the history server's afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from bdc.config.names import COMPONENT
from bdc.kube import Kube
from bdc.spark.history import history
from bdc.spark.labels import DRIVER, JOB
from bdc.spark.settings import UI_PORT
from bdc.spark.state import Status


def forwarded_ui(
    kube: Kube, cluster: str, name: str, *, local_port: int = 0, on_error: Callable[[str], None] | None = None
) -> AbstractContextManager[tuple[str, int]]:
    """A local host and port that lead to the pages of a running application, also after its driver was replaced."""
    from bdc.kube.portforward import forward  # it brings an event loop

    return forward(kube, cluster, {COMPONENT: DRIVER, JOB: name}, UI_PORT, local_port=local_port, on_error=on_error)


def run_of(kube: Kube, cluster: str, ended: Status) -> str:
    """The history server's id of an application's last run. Raises NotFoundError when it never ran, UnhealthyError."""
    return ended.pod or history(kube, cluster, ended.name)[0].id

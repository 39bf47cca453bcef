"""How a Spark application's objects are found again in the cluster.

Everything of one application carries the labels of `bdc.config.names` and `bdc.dev/application: NAME`. The Job is called NAME;
the Service and the ConfigMap NAME-driver, so that an application called `master` doesn't meet the cluster's own Service.
"""

from __future__ import annotations

from bdc.config.names import COMPONENT, labels

DOMAIN = "bdc.dev"
"""Domain of the labels and annotations that are bdc's own."""

APPLICATION = f"{DOMAIN}/application"
"""Label: the application's name."""

KILLED = f"{DOMAIN}/killed"
"""Annotation of the Job: when somebody killed it (RFC 3339)."""

DIGEST = f"{DOMAIN}/digest"
"""Annotation of the Job: digest of what was asked for, which makes a repeated submit recognisable."""

SOURCE = f"{DOMAIN}/source"
"""Annotation of the Job: the application as the user wrote it."""

DRIVER = "spark-driver"
EXECUTOR = "spark-executor"
CONTAINER = "driver"
"""Name of the driver's container."""

EXECUTOR_CONTAINER = "spark-kubernetes-executor"
"""Name of an executor's container (Spark's own default)."""


def driver_labels(cluster: str, name: str) -> dict[str, str]:
    """Labels of the Job, the Service, the ConfigMap and the driver's pods."""
    return {**labels(cluster, "spark", DRIVER), APPLICATION: name}


def executor_labels(cluster: str, name: str) -> dict[str, str]:
    """Labels of the executors' pods."""
    return {**labels(cluster, "spark", EXECUTOR), APPLICATION: name}


def application_selector(component: str = DRIVER, name: str | None = None) -> str:
    """Label selector of all applications' objects, or of one's."""
    return f"{COMPONENT}={component},{APPLICATION}" + (f"={name}" if name else "")

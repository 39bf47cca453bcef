"""How a Spark application's objects are found again in the cluster.

Everything of one application carries the labels of `bdc.config.names` and `bdc.dev/application`. An application is its Job, and its
name is the Job's: Kubernetes labels the driver's pods with it, and the driver its executors. The Job, its pods and the ConfigMap
NAME-driver of a schedule's run have the schedule's name in the label, as they come from one template.
"""

from __future__ import annotations

from bdc.config.names import APPLICATION, COMPONENT, POOL, labels
from bdc.kube.selector import label_selector

DOMAIN = "bdc.dev"
"""Domain of the labels and annotations that are bdc's own."""

JOB = "batch.kubernetes.io/job-name"
"""Label that Kubernetes gives a Job's pods."""

ADMISSION = f"{DOMAIN}/admission"
"""Label of a Job in a pool: `queued` (only where it has bounds), `admitted`, or `ended` once the controller has seen its end."""

QUEUED, ADMITTED, ENDED = "queued", "admitted", "ended"

ASKS = f"{DOMAIN}/asks"
"""Annotation of a Job in a pool with bounds: what it asks for to begin with, as cores and bytes ("0.3 2818572288")."""

PRIORITY = f"{DOMAIN}/priority"
"""Annotation of a Job in a pool with bounds: those with the higher number leave the queue first."""

TIMEOUT = f"{DOMAIN}/timeout"
"""Annotation of a Job in a pool with bounds: its --timeout in seconds, which counts from its creation; Kubernetes's own doesn't."""

QUEUE = "kueue.x-k8s.io/queue-name"
"""Kueue's label of a Job, and of executors, in a pool that leaves it to Kueue when they begin.

https://kueue.sigs.k8s.io/docs/tasks/run/jobs/
"""

SCHEDULE = f"{DOMAIN}/schedule"
"""Label of a schedule and of its runs: its name."""

KILLED = f"{DOMAIN}/killed"
"""Annotation of the Job: when somebody killed it (RFC 3339)."""

RELEASED = f"{DOMAIN}/released"
"""Annotation of a CronJob (and a Job): its submit is complete. A schedule without it is no paused one but an interrupted submit."""

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


def driver_labels(cluster: str, name: str, pool: str | None = None) -> dict[str, str]:
    """Labels of the Job, the ConfigMap and the driver's pods."""
    return {**labels(cluster, "spark", DRIVER), APPLICATION: name, **_pool(pool)}


def executor_labels(cluster: str, pool: str | None = None) -> dict[str, str]:
    """Labels of the executors' pods, without the application's name."""
    return {**labels(cluster, "spark", EXECUTOR), **_pool(pool)}


def _pool(name: str | None) -> dict[str, str]:
    return {POOL: name} if name else {}


def application_selector(component: str = DRIVER, name: str | None = None) -> str:
    """Label selector of all applications' Jobs and pods, or of one's pods."""
    return label_selector({COMPONENT: component, JOB if name and component == DRIVER else APPLICATION: name})

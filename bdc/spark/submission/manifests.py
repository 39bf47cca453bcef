"""The Kubernetes objects of one application, as plain JSON: a Job for the driver, or a CronJob that makes them, and the settings.

The Job or CronJob owns the settings and is made suspended; it is released when they are there. So nothing is left behind by a submit
that is interrupted, and deleting it removes all. Executor pods belong to the driver's pod (Spark sees to that).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bdc.config.names import APPLICATION, HADOOP_CONF, MASTER_ACCESS, MASTER_ACCESS_PATH, SPARK_ACCOUNT, SPARK_CONF
from bdc.config.restricted import UIDS, container_security, pod_security
from bdc.spark.admission import Amount
from bdc.spark.application import Application, Schedule, SecretVariable
from bdc.spark.labels import (
    ADMISSION,
    ADMITTED,
    ASKS,
    CONTAINER,
    DIGEST,
    JOB,
    PRIORITY,
    QUEUE,
    QUEUED,
    RELEASED,
    SCHEDULE,
    SOURCE,
    TIMEOUT,
    driver_labels,
)
from bdc.spark.settings import HDFS_USER, IMAGE, POOL, PRIORITY_CLASS, PYTHON_PATH, QUEUE_NAME, UI_PORT, Driver, kept_seconds, render

CONF_DIR = "/etc/spark-application"
_DEFAULT_USER = "bdc"
LAUNCHER_ONLY = ("spark.driver.extraJavaOptions", "spark.driver.extraClassPath", "spark.driver.extraLibraryPath")
"""Settings that take effect only through spark-submit's launcher."""

_KNOWN_IN_THE_POD = {
    "spark.kubernetes.driver.pod.name": "POD_NAME",
    "spark.kubernetes.executor.podNamePrefix": "POD_NAME",
    "spark.app.id": "POD_NAME",
    "spark.app.name": "JOB_NAME",
    f"spark.kubernetes.executor.label.{APPLICATION}": "JOB_NAME",
    "spark.driver.host": "SPARK_DRIVER_BIND_ADDRESS",
}

Manifest = dict[str, Any]

POD_SECURITY: Manifest = pod_security(UIDS["spark"], fsGroup=UIDS["spark"])


@dataclass(frozen=True)
class Plan:
    """Everything that is known of an application when its objects are made."""

    cluster: str
    namespace: str
    name: str
    application: Application
    main: str
    properties: Mapping[str, str]
    driver: Driver
    digest: str
    schedule: Schedule | None = None
    asks: Amount | None = None
    """What it begins with, in a pool with bounds, where it waits for its turn."""

    @property
    def waits(self) -> bool:
        """Whether somebody else says when it begins: bdc's own queue, or Kueue."""
        return self.asks is not None or QUEUE_NAME in self.properties

    @property
    def companion(self) -> str:
        """Name of the ConfigMap; `-driver`, so that an application called `hadoop-conf` doesn't meet the cluster's own."""
        return f"{self.name}-driver"


def job(plan: Plan) -> Manifest:
    """The driver's Job, suspended."""
    kept = kept_seconds(plan.properties)
    labels, annotations = _turn(plan)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": plan.name,
            "namespace": plan.namespace,
            "labels": {**_labels(plan), **labels},
            "annotations": {DIGEST: plan.digest, SOURCE: plan.application.file, **annotations},
        },
        "spec": {"suspend": True, **({} if kept is None else {"ttlSecondsAfterFinished": kept}), **_run(plan)},
    }


def cron_job(plan: Plan, schedule: Schedule) -> Manifest:
    """The CronJob of a schedule, suspended; its Jobs are applications. In a pool with bounds each of them waits for its turn."""
    marks = {**_labels(plan), SCHEDULE: plan.name}
    labels, annotations = _turn(plan)
    run = {
        "metadata": {"labels": {**marks, **labels}, "annotations": {SOURCE: plan.application.file, **annotations}},
        "spec": _run(plan),
    }
    if plan.waits:
        run["metadata"]["annotations"][RELEASED] = "true"
        run["spec"]["suspend"] = True
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            "name": plan.name,
            "namespace": plan.namespace,
            "labels": marks,
            "annotations": {DIGEST: plan.digest, SOURCE: plan.application.file},
        },
        "spec": {
            "suspend": True,
            "schedule": schedule.cron,
            **({"timeZone": schedule.time_zone} if schedule.time_zone else {}),
            "concurrencyPolicy": schedule.concurrency.value,
            "successfulJobsHistoryLimit": schedule.keep,
            "failedJobsHistoryLimit": schedule.keep,
            "jobTemplate": run,
        },
    }


def _run(plan: Plan) -> Manifest:
    """A Job's spec."""
    seconds = plan.application.timeout_seconds
    return {
        "backoffLimit": plan.application.retries,
        "podReplacementPolicy": "Failed",
        **({} if seconds is None else {"activeDeadlineSeconds": seconds}),
        "template": {"metadata": {"labels": _labels(plan)}, "spec": _pod(plan)},
    }


def _labels(plan: Plan) -> dict[str, str]:
    return driver_labels(plan.cluster, plan.name, plan.properties.get(POOL))


def _turn(plan: Plan) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations of a Job in a pool, where it may have to wait for its turn."""
    if POOL not in plan.properties:
        return {}, {}
    if queue := plan.properties.get(QUEUE_NAME):
        return {ADMISSION: ADMITTED, QUEUE: queue}, {}
    if not plan.asks:
        return {ADMISSION: ADMITTED}, {}
    seconds = plan.application.timeout_seconds
    timeout = {} if seconds is None else {TIMEOUT: str(seconds)}
    return {ADMISSION: QUEUED}, {ASKS: plan.asks.text, PRIORITY: str(plan.application.priority), **timeout}


def settings(plan: Plan, owner: Mapping[str, Any]) -> Manifest:
    """The application's spark.properties."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _owned(plan, owner),
        "immutable": True,
        "data": {"spark.properties": render(plan.properties)},
    }


def _owned(plan: Plan, owner: Mapping[str, Any]) -> Manifest:
    reference = {
        "apiVersion": "batch/v1",
        "kind": "CronJob" if plan.schedule else "Job",
        "name": plan.name,
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "name": plan.companion,
        "namespace": plan.namespace,
        "labels": _labels(plan),
        "ownerReferences": [reference],
    }


def _pod(plan: Plan) -> Manifest:
    pod: Manifest = {
        "restartPolicy": "Never",
        "serviceAccountName": SPARK_ACCOUNT,
        "enableServiceLinks": False,
        "securityContext": POD_SECURITY,
        "containers": [_container(plan)],
        "volumes": [
            {"name": "application", "configMap": {"name": plan.companion}},
            {"name": "spark-conf", "configMap": {"name": SPARK_CONF}},
            {"name": "hadoop-conf", "configMap": {"name": HADOOP_CONF}},
            {"name": "master-access", "secret": {"secretName": MASTER_ACCESS, "defaultMode": 0o440, "optional": True}},
        ],
    }
    if priority := plan.properties.get(PRIORITY_CLASS):
        pod["priorityClassName"] = priority
    if secret := plan.properties.get("spark.kubernetes.container.image.pullSecrets"):
        pod["imagePullSecrets"] = [{"name": name} for name in secret.split(",")]
    return pod


def _container(plan: Plan) -> Manifest:
    memory = f"{plan.driver.memory_mebibytes}Mi"
    return {
        "name": CONTAINER,
        "image": plan.properties[IMAGE],
        "imagePullPolicy": plan.properties.get("spark.kubernetes.container.image.pullPolicy", "IfNotPresent"),
        "args": _arguments(plan),
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "JOB_NAME", "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{JOB}']"}}},
            {"name": "SPARK_DRIVER_BIND_ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "SPARK_DRIVER_MEMORY", "value": f"{plan.driver.heap_mebibytes}m"},
            {"name": "SPARK_CONF_DIR", "value": "/etc/spark"},
            {"name": "HADOOP_CONF_DIR", "value": "/etc/hadoop"},
            {"name": "HADOOP_USER_NAME", "value": plan.properties.get(HDFS_USER, _DEFAULT_USER)},
            {"name": "PGPASSFILE", "value": f"{MASTER_ACCESS_PATH}/pgpass"},
            {"name": "PYTHONUNBUFFERED", "value": "1"},
            *([{"name": "PYTHONPATH", "value": plan.properties[PYTHON_PATH]}] if plan.application.environment else []),
            *map(_secret, plan.application.secrets),
        ],
        "ports": [{"name": "ui", "containerPort": UI_PORT}],
        "resources": {"requests": {"cpu": plan.driver.cpu, "memory": memory}, "limits": {"memory": memory}},
        "securityContext": container_security(),
        "volumeMounts": [
            {"name": "application", "mountPath": CONF_DIR},
            {"name": "spark-conf", "mountPath": "/etc/spark"},
            {"name": "hadoop-conf", "mountPath": "/etc/hadoop"},
            {"name": "master-access", "mountPath": MASTER_ACCESS_PATH, "readOnly": True},
        ],
        # Kubernetes shows the last lines of the log as the container's message when it fails.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _secret(of: SecretVariable) -> Manifest:
    return {"name": of.variable, "valueFrom": {"secretKeyRef": {"name": of.secret, "key": of.key}}}


def _arguments(plan: Plan) -> list[str]:
    """Arguments of the image's entry point; all but the first are spark-submit's.

    `driver-direct` starts the driver without the launcher's JVM in front of it, which is a second or two of waiting.
    """
    mode = "driver" if any(plan.properties.get(key) for key in LAUNCHER_ONLY) else "driver-direct"
    arguments = [mode, "--properties-file", f"{CONF_DIR}/spark.properties"]
    for key, variable in _KNOWN_IN_THE_POD.items():
        arguments += ["--conf", f"{key}=$({variable})"]
    if plan.application.main_class:
        arguments += ["--class", plan.application.main_class]
    # Kubernetes reads $(X) as a reference and $$ as one dollar; doubled, the user's own stay as they are.
    return [*arguments, *(text.replace("$", "$$") for text in (plan.main, *plan.application.arguments))]

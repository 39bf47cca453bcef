"""The Kubernetes objects of one application, as plain JSON: a Job for the driver, its Service, its settings.

The Job owns the other two and is made suspended; it is released when they are there. So nothing is left behind by a submit that
is interrupted, and deleting the Job removes all. Executor pods belong to the driver's pod (Spark sees to that).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bdc.config.names import COMPONENT, HADOOP_CONF, SPARK_ACCOUNT, SPARK_CONF
from bdc.spark.application import Application, SecretVariable
from bdc.spark.labels import APPLICATION, CONTAINER, DIGEST, DRIVER, SOURCE, driver_labels
from bdc.spark.settings import BLOCK_MANAGER_PORT, IMAGE, RPC_PORT, UI_PORT, Driver, render

CONF_DIR = "/etc/spark-application"
_UID = 185
_USER = "spark.executorEnv.HADOOP_USER_NAME"
_DEFAULT_USER = "bdc"
_LAUNCHER_ONLY = ("spark.driver.extraJavaOptions", "spark.driver.extraClassPath", "spark.driver.extraLibraryPath")
"""Settings that take effect only through spark-submit's launcher."""

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """Everything that is known of an application when its objects are made."""

    cluster: str
    name: str
    application: Application
    main: str
    properties: Mapping[str, str]
    driver: Driver
    digest: str

    @property
    def companion(self) -> str:
        """Name of the Service and the ConfigMap."""
        return f"{self.name}-driver"


def job(plan: Plan) -> Manifest:
    """The driver's Job, suspended."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": plan.name,
            "namespace": plan.cluster,
            "labels": driver_labels(plan.cluster, plan.name),
            "annotations": {DIGEST: plan.digest, SOURCE: plan.application.file},
        },
        "spec": {
            "suspend": True,
            "backoffLimit": plan.application.retries,
            "podReplacementPolicy": "Failed",
            **_deadline(plan),
            "template": {"metadata": {"labels": driver_labels(plan.cluster, plan.name)}, "spec": _pod(plan)},
        },
    }


def _deadline(plan: Plan) -> Manifest:
    seconds = plan.application.timeout_seconds
    return {} if seconds is None else {"activeDeadlineSeconds": seconds}


def service(plan: Plan, owner: Mapping[str, Any]) -> Manifest:
    """The name under which executors find the driver, from before it is ready."""
    ports = (("rpc", RPC_PORT), ("block-manager", BLOCK_MANAGER_PORT), ("ui", UI_PORT))
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _owned(plan, owner),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {APPLICATION: plan.name, COMPONENT: DRIVER},
            "ports": [{"name": name, "port": port} for name, port in ports],
        },
    }


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
        "kind": "Job",
        "name": plan.name,
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "name": plan.companion,
        "namespace": plan.cluster,
        "labels": driver_labels(plan.cluster, plan.name),
        "ownerReferences": [reference],
    }


def _pod(plan: Plan) -> Manifest:
    pod: Manifest = {
        "restartPolicy": "Never",
        "serviceAccountName": SPARK_ACCOUNT,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsUser": _UID,
            "runAsGroup": _UID,
            "runAsNonRoot": True,
            "fsGroup": _UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(plan)],
        "volumes": [
            {"name": "application", "configMap": {"name": plan.companion}},
            {"name": "spark-conf", "configMap": {"name": SPARK_CONF}},
            {"name": "hadoop-conf", "configMap": {"name": HADOOP_CONF}},
        ],
    }
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
            {"name": "SPARK_DRIVER_BIND_ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "SPARK_DRIVER_MEMORY", "value": f"{plan.driver.heap_mebibytes}m"},
            {"name": "SPARK_CONF_DIR", "value": "/etc/spark"},
            {"name": "HADOOP_CONF_DIR", "value": "/etc/hadoop"},
            {"name": "HADOOP_USER_NAME", "value": plan.properties.get(_USER, _DEFAULT_USER)},
            {"name": "PYTHONUNBUFFERED", "value": "1"},
            *map(_secret, plan.application.secrets),
        ],
        "ports": [{"name": "ui", "containerPort": UI_PORT}],
        "resources": {"requests": {"cpu": plan.driver.cpu, "memory": memory}, "limits": {"memory": memory}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [
            {"name": "application", "mountPath": CONF_DIR},
            {"name": "spark-conf", "mountPath": "/etc/spark"},
            {"name": "hadoop-conf", "mountPath": "/etc/hadoop"},
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
    mode = "driver" if any(plan.properties.get(key) for key in _LAUNCHER_ONLY) else "driver-direct"
    arguments = [mode, "--properties-file", f"{CONF_DIR}/spark.properties"]
    for key in ("spark.kubernetes.driver.pod.name", "spark.kubernetes.executor.podNamePrefix", "spark.app.id"):
        arguments += ["--conf", f"{key}=$(POD_NAME)"]
    if plan.application.main_class:
        arguments += ["--class", plan.application.main_class]
    # Kubernetes reads $(X) as a reference and $$ as one dollar; doubled, the user's own stay as they are.
    return [*arguments, *(text.replace("$", "$$") for text in (plan.main, *plan.application.arguments))]

"""Pods beside the Spark Connect server in which a person's session lives: the cluster's image, so that all versions agree.

The pod's main process (manifests/spark/session.py) begins to talk when somebody has attached, and ends with its stdin. Whoever opened
the pod removes it; one whose owner was killed ends by itself, and goes with `bdc down`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from bdc.config.names import CA, COMPONENT, CONNECT_PORT, CONNECT_SERVICE, CREDENTIALS, SPARK_CONF, labels
from bdc.config.paths import resources
from bdc.errors import BdcError, DeadlineError, UnhealthyError, UsageError
from bdc.kube import ApiNotFoundError, Kube
from bdc.kube.attach import Attachment, attach
from bdc.kube.diagnose import diagnose_pod
from bdc.spark.defaults import defaults_of
from bdc.spark.objects import CONTAINER_SECURITY, POD_SECURITY
from bdc.spark.settings import IMAGE

CONSOLE = "spark-console"
"""The component of these pods."""

Mode = Literal["shell", "script", "sql"]
_CONTAINER = "session"
_START_SECONDS = 180.0
_END_SECONDS = 10.0
_DAY_SECONDS = 86400
_POLL_SECONDS = 0.2
_CA_PATH = "/etc/bdc/ca"


@dataclass
class Console:
    """A session's pod, attached to."""

    kube: Kube
    namespace: str
    pod: str
    attachment: Attachment

    def exit_code(self) -> int:
        """What its process ended with, once the streams have ended. Raises UnhealthyError when the pod can't say."""
        until = time.monotonic() + _END_SECONDS
        while time.monotonic() < until:
            found = self.kube.request("GET", f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}")
            if ended := _state(found).get("terminated"):
                return _code(self.pod, ended)
            time.sleep(_POLL_SECONDS)
        raise UnhealthyError(f"pod {self.pod} has closed its streams and goes on", f"kubectl -n {self.namespace} describe pod {self.pod}")


@contextlib.contextmanager
def console(
    kube: Kube, cluster: str, mode: Mode, *, memory: str = "1Gi", on_progress: Callable[[str], None] | None = None
) -> Iterator[Console]:
    """A pod in which a session with Spark Connect runs; it goes at the end. `memory` is its limit.

    Raises NotFoundError when there is no such cluster, UnhealthyError with the reason when the pod can't run.
    """
    if kube.person:
        raise UsageError(
            "Spark Connect acts as the administrator in HDFS and the lake, so its sessions are theirs", "bdc sql query; bdc spark submit"
        )
    defaults = defaults_of(kube, cluster)
    owner = kube.request("GET", f"/api/v1/namespaces/{cluster}/configmaps/{SPARK_CONF}")
    pods = f"/api/v1/namespaces/{cluster}/pods"
    _sweep(kube, pods)
    pull_secret = defaults.get("spark.kubernetes.container.image.pullSecrets")
    name = f"spark-{mode}-{secrets.token_hex(3)}"
    kube.request("POST", pods, manifest(cluster, name, mode, defaults[IMAGE], owner["metadata"]["uid"], memory, pull_secret))
    try:
        _wait(kube, f"{pods}/{name}", on_progress or (lambda _: None))
        with attach(kube, cluster, name, _CONTAINER, tty=mode == "shell") as attachment:
            yield Console(kube, cluster, name, attachment)
    finally:
        with contextlib.suppress(BdcError):
            kube.request("DELETE", f"{pods}/{name}", query={"gracePeriodSeconds": 1})


def manifest(cluster: str, name: str, mode: Mode, image: str, owner: str, memory: str, pull_secret: str | None = None) -> dict[str, Any]:
    """The pod; `owner` is the uid of the ConfigMap that it goes with."""
    script = (resources("manifests") / "spark" / "session.py").read_text(encoding="utf-8")
    remote = f"sc://{CONNECT_SERVICE}.{cluster}.svc:{CONNECT_PORT}/;use_ssl=true;token=$(BDC_TOKEN)"
    environment = {
        "SPARK_REMOTE": remote,
        "SPARK_CONNECT_MODE_ENABLED": "1",  # without it a shell starts a JVM of its own
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": f"{_CA_PATH}/ca.crt",
        "HOME": "/tmp",  # noqa: S108
        "TERM": os.environ.get("TERM", "dumb"),
        "PYTHONUNBUFFERED": "1",
    }
    container = {
        "name": _CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["python3", "-c", script.replace("$", "$$"), mode],
        "stdin": True,
        "stdinOnce": True,
        "tty": mode == "shell",
        "env": [
            {"name": "BDC_TOKEN", "valueFrom": {"secretKeyRef": {"name": CREDENTIALS, "key": "token"}}},
            *({"name": key, "value": value} for key, value in environment.items()),
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "160Mi"}, "limits": {"memory": memory}},
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [{"name": "ca", "mountPath": _CA_PATH, "readOnly": True}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": _DAY_SECONDS,
        "terminationGracePeriodSeconds": 5,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": POD_SECURITY,
        "containers": [container],
        "volumes": [
            {"name": "ca", "secret": {"secretName": CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "2Gi"}},
        ],
    }
    if pull_secret:
        spec["imagePullSecrets"] = [{"name": pull_secret}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": cluster,
            "labels": labels(cluster, "spark", CONSOLE),
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": SPARK_CONF, "uid": owner}],
        },
        "spec": spec,
    }


def _sweep(kube: Kube, pods: str) -> None:
    """Remove sessions that have ended and that nobody removed."""
    with contextlib.suppress(BdcError):
        for pod in kube.request("GET", pods, query={"labelSelector": f"{COMPONENT}={CONSOLE}"})["items"]:
            if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
                kube.request("DELETE", f"{pods}/{pod['metadata']['name']}")


def _wait(kube: Kube, path: str, on_progress: Callable[[str], None]) -> None:
    started = time.monotonic()
    on_progress("starting a session")
    while True:
        try:
            pod = kube.request("GET", path)
        except ApiNotFoundError:
            raise UnhealthyError("the session's pod was deleted before it ran", "try again") from None
        state = _state(pod)
        if "running" in state:
            return
        if found := diagnose_pod(kube, pod):
            raise UnhealthyError(str(found), found.hint)
        if "terminated" in state:
            raise UnhealthyError(f"the session's pod ended before it began ({state['terminated'].get('reason')})", "try again")
        if time.monotonic() - started > _START_SECONDS:
            raise DeadlineError(f"the session's pod did not start in {_START_SECONDS:.0f} s", "bdc doctor looks for reasons")
        time.sleep(_POLL_SECONDS)


def _state(pod: dict[str, Any]) -> dict[str, Any]:
    statuses = pod.get("status", {}).get("containerStatuses") or [{}]
    return dict(statuses[0].get("state") or {})


def _code(pod: str, ended: dict[str, Any]) -> int:
    if ended.get("reason") == "OOMKilled":
        raise UnhealthyError(f"pod {pod} was killed for using more memory than its limit", "give the session more with --memory")
    return int(ended.get("exitCode") or 0)

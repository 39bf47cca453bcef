"""Pods beside the Spark Connect server in which a person's session lives: the cluster's image, so that all versions agree.

The pod's main process (manifests/spark/session.py) begins to talk when somebody has attached, which it is told, and ends with its stdin.
Whoever opened the pod removes it; one whose owner was killed ends by itself, and goes with `bdc down`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bdc.config.names import (
    APPLICATION,
    CA,
    COMPONENT,
    CONNECT_PORT,
    CONNECT_SERVICE,
    CREDENTIALS,
    POOL,
    POOL_GATE,
    SPARK_CONF,
    labels,
    pool_token,
)
from bdc.config.paths import resources
from bdc.config.restricted import container_security
from bdc.errors import BdcError, DeadlineError, UnhealthyError, UsageError
from bdc.kube import ApiNotFoundError, Kube
from bdc.kube.diagnose import diagnose_pod
from bdc.kube.selector import label_selector
from bdc.kube.wait import until
from bdc.spark.admission import bounds
from bdc.spark.defaults import defaults_of
from bdc.spark.queries import pods_path
from bdc.spark.scheduling.pools import Pool, check_open, named, pools
from bdc.spark.settings import IMAGE
from bdc.spark.submission.manifests import POD_SECURITY

if TYPE_CHECKING:
    from bdc.kube.attach import Attachment

CONSOLE = "spark-console"
"""The component of these pods."""

GREETING = b"\n"
"""What is sent first to a session without a terminal, which prints nothing before: an attach doesn't give what was printed until then."""

Mode = Literal["shell", "script", "sql"]
_CONTAINER = "session"
_START_SECONDS = 180.0
_END_SECONDS = 10.0
_DAY_SECONDS = 86400
_POLL_SECONDS = 0.2
_CA_PATH = "/etc/bdc/ca"


@dataclass
class SessionPod:
    """A session's pod, attached to."""

    kube: Kube
    namespace: str
    pod: str
    attachment: Attachment

    def exit_code(self) -> int:
        """What its process ended with, once the streams have ended. Raises UnhealthyError when the pod can't say."""
        return _code(self.pod, until(self._ended, self._goes_on, seconds=_END_SECONDS, pause_seconds=_POLL_SECONDS))

    def _ended(self) -> dict[str, Any] | None:
        found = self.kube.request("GET", f"{pods_path(self.namespace)}/{self.pod}")
        return _state(found).get("terminated")

    def _goes_on(self) -> UnhealthyError:
        text = f"pod {self.pod} has closed its streams and goes on"
        return UnhealthyError(text, f"kubectl -n {self.namespace} describe pod {self.pod}")


@contextlib.contextmanager
def console(
    kube: Kube,
    cluster: str,
    mode: Mode,
    *,
    pool: str | None = None,
    memory: str = "1Gi",
    on_progress: Callable[[str], None] | None = None,
) -> Iterator[SessionPod]:
    """A pod in which a session with Spark Connect runs, the cluster's or a pool's; it goes at the end. `memory` is its limit.

    An ordinary user's is that of a pool. Raises NotFoundError when there is no such cluster or pool, UsageError when the pool has no Spark
    Connect, UnhealthyError with the reason when the pod can't run.
    """
    from bdc.kube.attach import attach  # it brings an event loop

    place = _place(kube, cluster, pool)
    defaults = defaults_of(kube, place.namespace)
    owner = kube.request("GET", f"/api/v1/namespaces/{place.namespace}/configmaps/{SPARK_CONF}")
    pods = pods_path(place.namespace)
    _sweep(kube, pods)
    name = f"spark-{mode}-{secrets.token_hex(3)}"
    kube.request("POST", pods, manifest(cluster, place, name, mode, defaults, owner["metadata"]["uid"], memory))
    try:
        _wait(kube, f"{pods}/{name}", on_progress or (lambda _: None))
        with attach(kube, place.namespace, name, _CONTAINER, tty=mode == "shell") as attachment:
            if mode != "shell":  # a terminal's first size says the same
                attachment.send(GREETING)
            yield SessionPod(kube, place.namespace, name, attachment)
    finally:
        with contextlib.suppress(BdcError):
            kube.request("DELETE", f"{pods}/{name}", query={"gracePeriodSeconds": 1})


def _place(kube: Kube, cluster: str, pool: str | None) -> Pool:
    """Whose Spark Connect is meant."""
    if pool is None and not kube.person:
        return Pool(None, cluster)
    check_open(kube)
    found = pools(kube, cluster)
    if pool is not None:
        found = [named(found, pool)]
    there = [one for one in found if _has_connect(kube, one.namespace)]
    if len(there) == 1:
        return there[0]
    if not there:
        names = ", ".join(str(one.name) for one in found)
        raise UsageError(f"there is no Spark Connect in the pool {names}", "spark.pools.NAME.connect makes one; else: bdc spark submit")
    raise UsageError("there are several pools with Spark Connect", f"add --pool: {', '.join(str(one.name) for one in there)}")


def _has_connect(kube: Kube, namespace: str) -> bool:
    try:
        kube.request("GET", f"/api/v1/namespaces/{namespace}/services/{CONNECT_SERVICE}")
    except ApiNotFoundError:
        return False
    return True


def manifest(cluster: str, place: Pool, name: str, mode: Mode, defaults: Mapping[str, str], owner: str, memory: str) -> dict[str, Any]:
    """The pod; `owner` is the uid of the ConfigMap that it goes with."""
    script = (resources("manifests") / "spark" / "session.py").read_text(encoding="utf-8")
    # Also in a pool through the door in the cluster's namespace, which has TLS and knows the pool's server by the token.
    remote = f"sc://{CONNECT_SERVICE}.{cluster}.svc:{CONNECT_PORT}/;use_ssl=true;token=$(BDC_TOKEN)"
    token, ca = (pool_token(place.name),) * 2 if place.name else (CREDENTIALS, CA)
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
        "image": defaults[IMAGE],
        "imagePullPolicy": "IfNotPresent",
        "args": ["python3", "-c", script.replace("$", "$$"), mode],
        "stdin": True,
        "stdinOnce": True,
        "tty": mode == "shell",
        "env": [
            {"name": "BDC_TOKEN", "valueFrom": {"secretKeyRef": {"name": token, "key": "token"}}},
            *({"name": key, "value": value} for key, value in environment.items()),
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "160Mi"}, "limits": {"memory": memory}},
        "securityContext": container_security(),
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
            {"name": "ca", "secret": {"secretName": ca, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "2Gi"}},
        ],
    }
    if pull_secret := defaults.get("spark.kubernetes.container.image.pullSecrets"):
        spec["imagePullSecrets"] = [{"name": pull_secret}]
    if bounds(defaults):
        spec["schedulingGates"] = [{"name": POOL_GATE}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": place.namespace,
            "labels": {**labels(cluster, "spark", CONSOLE), **({POOL: place.name, APPLICATION: name} if place.name else {})},
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": SPARK_CONF, "uid": owner}],
        },
        "spec": spec,
    }


def _sweep(kube: Kube, pods: str) -> None:
    """Remove sessions that have ended and that nobody removed."""
    with contextlib.suppress(BdcError):
        for pod in kube.request("GET", pods, query={"labelSelector": label_selector({COMPONENT: CONSOLE})})["items"]:
            if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
                kube.request("DELETE", f"{pods}/{pod['metadata']['name']}")


def _wait(kube: Kube, path: str, on_progress: Callable[[str], None]) -> None:
    late = DeadlineError(f"the session's pod did not start in {_START_SECONDS:.0f} s", "bdc doctor looks for reasons")
    on_progress("starting a session")
    until(lambda: _runs(kube, path), lambda: late, seconds=_START_SECONDS, pause_seconds=_POLL_SECONDS)


def _runs(kube: Kube, path: str) -> bool:
    """Whether the session's pod does. Raises UnhealthyError when it never will."""
    try:
        pod = kube.request("GET", path)
    except ApiNotFoundError:
        raise UnhealthyError("the session's pod was deleted before it ran", "try again") from None
    state = _state(pod)
    if "running" in state:
        return True
    if found := diagnose_pod(kube, pod):
        raise UnhealthyError(str(found), found.hint)
    if "terminated" in state:
        raise UnhealthyError(f"the session's pod ended before it began ({state['terminated'].get('reason')})", "try again")
    return False


def _state(pod: dict[str, Any]) -> dict[str, Any]:
    statuses = pod.get("status", {}).get("containerStatuses") or [{}]
    return dict(statuses[0].get("state") or {})


def _code(pod: str, ended: dict[str, Any]) -> int:
    if ended.get("reason") == "OOMKilled":
        raise UnhealthyError(f"pod {pod} was killed for using more memory than its limit", "give the session more with --memory")
    return int(ended.get("exitCode") or 0)

"""Tries a storage class before the cluster's volumes are made: a small volume for each user that our pods write as, written to once.

A class can be there and give nothing (its provisioner is gone), or give volumes that only root may write (a driver that does not apply
fsGroup, an export that squashes users). A StatefulSet would then hang or crash-loop; here it takes seconds and has a name.

It is made only where there are no volumes of the cluster yet, so a second `up` is not slower. On the embedded node, whose own class
lays folders on the local disk, it is left out: `up` waits for its provisioner, the node's tests write to its volumes as our users, and
ten seconds of two minutes are a lot. Everything carries a label and is removed afterwards, and by the next run where this one is killed.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from bdc.config.names import INSTANCE, MANAGED_BY
from bdc.config.restricted import UIDS, container_security, pod_security
from bdc.errors import BdcError, DeadlineError, UnhealthyError
from bdc.kube import ApiNotFoundError, Kube
from bdc.kube.diagnose import diagnose_pod, events_of, warnings_of
from bdc.kube.lease import lock
from bdc.kube.selector import label_selector
from bdc.kube.system_namespace import SYSTEM_NAMESPACE
from bdc.kube.wait import until

if TYPE_CHECKING:
    from bdc.config.model import Config

USERS = {"HDFS": UIDS["hadoop"], "PostgreSQL": UIDS["postgres"]}
"""User and group ids that pods with volumes run as."""
TRIAL = "bdc.dev/trial"
DEADLINE_SECONDS = 120.0
_WRITE = "echo bdc > /data/trial && cat /data/trial && rm /data/trial"
_NONE = "the cluster's default"


def wanted(config: Config, kube: Kube) -> bool:
    """Whether the cluster has no volumes yet."""
    query = {"labelSelector": label_selector({INSTANCE: config.name})}
    return not kube.request("GET", f"/api/v1/namespaces/{config.name}/persistentvolumeclaims", query=query)["items"]


def run(
    config: Config,
    kube: Kube,
    storage_class: str | None,
    image: str,
    *,
    login: str | None = None,
    say: Callable[[str], None],
) -> None:
    """Write to a new volume as each of USERS. Raises UnhealthyError, or DeadlineError where no volume comes in time.

    `login` is the text of the pull secret, where bdc makes that (see pull_secret.py).
    """
    # A pull secret that somebody made is in the cluster's own namespace; else that one needn't be there yet.
    namespace = config.name if config.images.pull_secret and login is None else SYSTEM_NAMESPACE
    trial = _Trial(kube, namespace, config, storage_class)
    with lock(kube, f"bdc-{config.name}", f"cluster {config.name}"), trial.cleaned():
        if login is not None:
            trial.make_login(login)
        pods = {title: trial.make(title, user, image) for title, user in USERS.items()}
        say(f"waiting for a volume of StorageClass {storage_class or _NONE}")

        def written() -> bool:
            for title, name in [*pods.items()]:
                if trial.written(title, name):
                    del pods[title]
            return not pods

        until(written, lambda: trial.late(next(iter(pods.values()))), seconds=DEADLINE_SECONDS)


class _Trial:
    def __init__(self, kube: Kube, namespace: str, config: Config, storage_class: str | None) -> None:
        self._kube, self._namespace, self._config, self._class = kube, namespace, config, storage_class
        self._base = f"/api/v1/namespaces/{namespace}"
        self._labels = {MANAGED_BY: "bdc", TRIAL: config.name}
        self._pull_secret = config.images.pull_secret

    @contextlib.contextmanager
    def cleaned(self) -> Iterator[None]:
        """Nothing of an earlier trial at the start, nothing of this one at the end."""
        self._remove()
        try:
            yield
        finally:
            with contextlib.suppress(BdcError):  # what can't be removed now, the next run removes
                self._remove()

    def make_login(self, login: str) -> None:
        """A pull secret for the pods, as the cluster's own isn't there yet."""
        self._pull_secret = f"bdc-trial-{self._config.name}-{secrets.token_hex(3)}"
        metadata = {"name": self._pull_secret, "namespace": self._namespace, "labels": self._labels}
        text = {".dockerconfigjson": login}
        kind = "kubernetes.io/dockerconfigjson"
        self._post("secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "stringData": text})

    def make(self, title: str, user: int, image: str) -> str:
        """A claim and a pod that writes to it; their name."""
        name = f"bdc-trial-{self._config.name}-{title.lower()}-{secrets.token_hex(3)}"
        metadata = {"name": name, "namespace": self._namespace, "labels": self._labels}
        claim: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        if self._class:
            claim["storageClassName"] = self._class
        self._post("persistentvolumeclaims", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": claim})
        self._post("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": _pod(name, user, image, self._pull_secret)})
        return name

    def written(self, title: str, name: str) -> bool:
        """Whether the pod has written. Raises when it never will."""
        pod = self._pod(name)
        status = pod.get("status") or {}
        if status.get("phase") == "Succeeded":
            return True
        ended = [one["state"]["terminated"] for one in status.get("containerStatuses") or [] if "terminated" in (one.get("state") or {})]
        if status.get("phase") == "Failed" or any(one.get("exitCode") for one in ended):
            raise self._refused(title, pod)
        if _bound(self._claim(name)) and (found := diagnose_pod(self._kube, pod)):
            raise UnhealthyError(f"StorageClass {self._name} can't be tried: {found}", found.hint)
        return False

    def late(self, name: str) -> DeadlineError:
        """Why the pod has not written in time."""
        claim = self._claim(name)
        seen = warnings_of(events_of(self._kube, claim)) or warnings_of(events_of(self._kube, self._pod(name)))
        what = "a pod with its volume does not start" if _bound(claim) else "gives no volume"
        return DeadlineError(
            f"StorageClass {self._name} {what} in {DEADLINE_SECONDS:.0f} s{f': {seen}' if seen else ''}",
            "see that its provisioner runs, or set cluster.storage_class to another one; nothing was made",
        )

    def _refused(self, title: str, pod: dict[str, Any]) -> BdcError:
        name, user = pod["metadata"]["name"], USERS[title]
        try:
            said = self._kube.text(f"{self._base}/pods/{name}/log", query={"tailLines": 3}).strip()
        except BdcError:
            said = str((pod.get("status") or {}).get("message") or "")
        return UnhealthyError(
            f"volumes of StorageClass {self._name} can't be written by user {user}, as {title} would: {said or 'the pod failed'}",
            "use a class whose driver applies a pod's fsGroup (CSIDriver fsGroupPolicy), or open the export to that user: "
            "set cluster.storage_class; nothing was made",
        )

    @property
    def _name(self) -> str:
        return self._class or f"({_NONE})"

    def _pod(self, name: str) -> dict[str, Any]:
        return self._kube.request("GET", f"{self._base}/pods/{name}")

    def _claim(self, name: str) -> dict[str, Any]:
        return self._kube.request("GET", f"{self._base}/persistentvolumeclaims/{name}")

    def _post(self, plural: str, obj: dict[str, Any]) -> None:
        self._kube.request("POST", f"{self._base}/{plural}", obj)

    def _remove(self) -> None:
        for plural in ("pods", "persistentvolumeclaims", "secrets"):
            query = {"labelSelector": label_selector({TRIAL: self._config.name})}
            for one in self._kube.request("GET", f"{self._base}/{plural}", query=query)["items"]:
                with contextlib.suppress(ApiNotFoundError):
                    self._kube.request("DELETE", f"{self._base}/{plural}/{one['metadata']['name']}", {"gracePeriodSeconds": 0})


def _bound(claim: dict[str, Any]) -> bool:
    return (claim.get("status") or {}).get("phase") == "Bound"


def _pod(claim: str, user: int, image: str, pull_secret: str | None) -> dict[str, Any]:
    """As pods of the cluster are: without root, with fsGroup, within the standard "restricted"."""
    container = {
        "name": "trial",
        "image": image,
        "command": ["sh", "-c", _WRITE],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": container_security(),
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": 600,
        "automountServiceAccountToken": False,
        "securityContext": pod_security(user, writes=True),
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    }
    if pull_secret:
        spec["imagePullSecrets"] = [{"name": pull_secret}]
    return spec

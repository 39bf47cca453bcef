"""Whether the cluster's network keeps to the NetworkPolicies: a pod from outside tries a connection that they forbid."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

from bdc.config.names import MANAGED_BY, selector
from bdc.config.restricted import UIDS, container_security, pod_security
from bdc.errors import BdcError, DeadlineError
from bdc.health.finding import Check, CheckContext, Finding, ok, warn
from bdc.kube import ApiError, ApiNotFoundError
from bdc.kube.diagnose import diagnose_pod
from bdc.kube.selector import label_selector
from bdc.kube.system_namespace import SYSTEM_NAMESPACE
from bdc.kube.wait import until

PROBE = "bdc.dev/probe"
"""Label of the pod that tries."""

_SECONDS = 30.0
_POLL_SECONDS = 0.3
_REACHED, _KEPT_OUT = "reached", "kept out"
_SCRIPT = """
try() { timeout 3 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null; }
try "$ALLOWED" 8443 || exit 0
if try "$FORBIDDEN" 9870; then echo reached; else echo 'kept out'; fi >/dev/termination-log
"""


def enforced(ground: CheckContext) -> Finding:
    """Pods of other namespaces don't get past the closed endpoints."""
    if not ground.config.network.policies:
        return ok("there are none: network.policies is off")
    said = _try(ground)
    if said == _KEPT_OUT:
        return ok("enforced: a pod of another namespace can't reach the NameNode past HttpFS's auth proxy")
    if said != _REACHED:
        return warn(f"not checked: {said}", "a pod of another namespace should reach HttpFS; bdc status")
    return warn(
        "not enforced by this cluster's network: pods of every namespace reach the engines past their auth proxies",
        "let nobody make pods whom you don't trust with all data, or use a network plugin that enforces NetworkPolicies (Calico, Cilium)",
    )


def _try(ground: CheckContext) -> str:
    pods = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/pods"
    addresses = [_pod_address(ground, workload) for workload in ("httpfs", "namenode")]
    if None in addresses:
        return "HttpFS or the NameNode has no pod that runs"
    image = _image(ground)
    _sweep(ground, pods)
    name = f"bdc-probe-{ground.cluster}-{secrets.token_hex(3)}"
    ground.kube.request("POST", pods, _pod(ground.cluster, name, image, [str(address) for address in addresses]))
    try:
        return until(lambda: _said(ground, f"{pods}/{name}"), _late, seconds=_SECONDS, pause_seconds=_POLL_SECONDS)
    except DeadlineError as late:
        return late.message
    finally:
        with suppress(BdcError):
            ground.kube.request("DELETE", f"{pods}/{name}", {"gracePeriodSeconds": 0})


def _said(ground: CheckContext, path: str) -> str:
    """What the pod that tries said, or why it can't; empty while it runs."""
    pod = ground.kube.request("GET", path)
    ended = [one["state"]["terminated"] for one in pod.get("status", {}).get("containerStatuses") or [] if "terminated" in one["state"]]
    if ended:
        said = str(ended[0].get("message") or "").strip()
        return said if said in (_REACHED, _KEPT_OUT) else "a pod of another namespace reaches nothing"
    found = diagnose_pod(ground.kube, pod)
    return str(found) if found else ""


def _late() -> DeadlineError:
    return DeadlineError(f"the pod that tries did not end in {_SECONDS:.0f} s")


def _pod_address(ground: CheckContext, workload: str) -> str | None:
    found = ground.namespaced("api/v1", "pods", labelSelector=label_selector(selector(ground.cluster, workload)))
    return next((pod["status"]["podIP"] for pod in found if pod.get("status", {}).get("podIP")), None)


def _image(ground: CheckContext) -> str:
    """The door's image: it is small, has bash, and is on the node of HttpFS."""
    deployment = ground.kube.request("GET", f"/apis/apps/v1/namespaces/{ground.cluster}/deployments/httpfs")
    return next(str(one["image"]) for one in deployment["spec"]["template"]["spec"]["containers"] if one["name"] == "door")


def _sweep(ground: CheckContext, pods: str) -> None:
    """Remove what a doctor that was killed left."""
    for pod in ground.items(pods, labelSelector=label_selector({PROBE: ground.cluster})):
        with suppress(ApiNotFoundError, ApiError):
            if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
                ground.kube.request("DELETE", f"{pods}/{pod['metadata']['name']}", {"gracePeriodSeconds": 0})


def _pod(cluster: str, name: str, image: str, addresses: list[str]) -> dict[str, Any]:
    allowed, forbidden = addresses
    container = {
        "name": "probe",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["bash", "-c", _SCRIPT],
        "env": [{"name": "ALLOWED", "value": allowed}, {"name": "FORBIDDEN", "value": forbidden}],
        "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}, "limits": {"memory": "32Mi"}},
        "securityContext": container_security(),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": SYSTEM_NAMESPACE, "labels": {MANAGED_BY: "bdc", PROBE: cluster}},
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": 60,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": pod_security(UIDS["proxy"]),
            "containers": [container],
        },
    }


CHECKS = (Check("network-policies", "network policies", enforced),)

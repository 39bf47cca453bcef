"""Checks of the Kubernetes API: it answers, is new enough, lets us do our work, and its clock is ours."""

from __future__ import annotations

import re
import ssl
import time
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bdc.cluster.embedded.layout import ADMIN_KUBECONFIG
from bdc.health.finding import Check, CheckContext, Finding, fail, named, ok, warn
from bdc.kube.permissions import denied

MINIMUM = (1, 29)
"""Oldest minor version: Jobs with podReplacementPolicy, on by default since 1.29."""

SLOW_SECONDS = 1.0
SKEW_SECONDS = 10.0
SOON = timedelta(days=60)
RIGHTS = (
    ("create", "", "pods/portforward"),
    ("create", "apps", "statefulsets"),
    ("create", "batch", "jobs"),
    ("create", "rbac.authorization.k8s.io", "roles"),
    ("get", "", "pods/log"),
    ("get", "", "pods/proxy"),
    ("get", "", "secrets"),
)
"""What up, spark submit and status do: verb, API group, resource."""


def api(ground: CheckContext) -> Finding:
    """The API server answers."""
    begun = time.monotonic()
    ground.kube.request("GET", "/version", timeout=10)
    seconds = time.monotonic() - begun
    if seconds > SLOW_SECONDS:
        return warn(f"{ground.kube.server} took {seconds:.1f} s to answer", "look at the load of the control plane and of the way to it")
    return ok(f"{ground.kube.server} answers in {seconds * 1000:.0f} ms")


def version(ground: CheckContext) -> Finding:
    """Kubernetes is new enough."""
    found = ground.kube.request("GET", "/version")
    parts = [re.match(r"\d+", str(found[key])) for key in ("major", "minor")]
    have = tuple(int(part[0]) for part in parts if part)
    if have < MINIMUM:
        return fail(f"Kubernetes {found['gitVersion']} is older than {MINIMUM[0]}.{MINIMUM[1]}", "upgrade it, or use another cluster")
    return ok(str(found["gitVersion"]))


def certificates(ground: CheckContext) -> Finding:
    """The certificates of the API server, and of the kubeconfig, last."""
    from cryptography.x509 import load_pem_x509_certificate  # 0.1 s that status doesn't pay

    access = ground.kube.access
    pair = access.credentials.certificate()
    found = {"of the API server": _shown(access.server), "in the kubeconfig": pair[0] if pair else None}
    ends = {name: load_pem_x509_certificate(pem.encode()).not_valid_after_utc for name, pem in found.items() if pem}
    if not ends:
        return ok("none is used")
    first, when = min(ends.items(), key=lambda entry: entry[1])
    left = when - ground.now()
    if left > SOON:
        return ok(f"the first to end is that {first}, {when:%Y-%m-%d}")
    remedy = (
        "bdc node start renews it" if ADMIN_KUBECONFIG in access.files else "get a new kubeconfig, or renew it: kubeadm certs renew all"
    )
    if left < timedelta(0):
        return fail(f"the certificate {first} ended {when:%Y-%m-%d}", remedy)
    return warn(f"the certificate {first} ends in {left.days} days, {when:%Y-%m-%d}", remedy)


def _shown(server: str) -> str | None:
    """The certificate that a server shows, whoever signed it; None where it can't be asked directly."""
    url = urlsplit(server)
    try:
        return ssl.get_server_certificate((url.hostname or "", url.port or 443), timeout=5)
    except (OSError, ValueError):
        return None


def rights(ground: CheckContext) -> Finding:
    """We may do what bdc does."""
    missing = [f"{verb} {resource}" for verb, _, resource in denied(ground.kube, RIGHTS, ground.cluster)]
    if missing:
        return fail(
            f"no right in namespace {ground.cluster} to {named(missing)}", "ask the cluster's administrator for the role admin in it"
        )
    return ok(f"all that bdc needs in namespace {ground.cluster}")


def clock(ground: CheckContext) -> Finding:
    """Our clock and the node's agree: tokens, certificates and --since depend on it. Told from the nodes' leases, renewed every 10 s."""
    leases = ground.items("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases")
    renewed = [datetime.fromisoformat(lease["spec"]["renewTime"]).timestamp() for lease in leases if lease["spec"].get("renewTime")]
    if not renewed:
        return warn("no node has a lease, so clocks can't be compared")
    behind = max(renewed) - ground.now().timestamp()
    if behind > SKEW_SECONDS:
        return fail(f"this machine's clock is {behind:.0f} s behind the cluster's", "set it by NTP: timedatectl set-ntp true")
    if -behind > 40 + SKEW_SECONDS:  # a lease is valid for 40 s: an older one is a stopped node or a clock that is ahead
        return warn(f"the newest sign of a node is {-behind:.0f} s old: this clock is ahead, or all nodes stopped", "compare date on both")
    return ok("this machine's and the cluster's agree")


def storage_class(ground: CheckContext) -> Finding:
    """Volumes can be made."""
    classes = ground.items("/apis/storage.k8s.io/v1/storageclasses")
    names = [one["metadata"]["name"] for one in classes]
    default = [one["metadata"]["name"] for one in classes if one["metadata"].get("annotations", {}).get(_DEFAULT_CLASS) == "true"]
    wanted = ground.config.cluster.storage_class
    if wanted and wanted not in names:
        return fail(
            f"there is no StorageClass {wanted}; there is: {named(names) or 'none'}", "set cluster.storage_class in bdc.yaml to one"
        )
    if not wanted and not default:
        return fail("no StorageClass is the default", "set cluster.storage_class in bdc.yaml, or annotate one as the default")
    if not wanted and len(default) > 1:
        return warn(f"{len(default)} StorageClasses say they are the default: {named(default)}", "set cluster.storage_class in bdc.yaml")
    return ok(wanted or default[0])


_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


CHECKS = (
    Check("api", "Kubernetes API", api),
    Check("version", "Kubernetes version", version),
    Check("kubernetes-certificates", "Kubernetes' certificates", certificates),
    Check("rights", "rights", rights),
    Check("clock", "clocks", clock),
    Check("storage-class", "storage class", storage_class),
)

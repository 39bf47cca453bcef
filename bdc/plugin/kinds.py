"""The kinds that our stacks may use, and for each the fields that can't change in place.

The list of fields is the official plugin's (`forceNew` in provider/pkg/provider/diff.go of pulumi-kubernetes).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bdc.errors import UsageError

_ALWAYS = ("metadata.name", "metadata.namespace")
_DATA = ("data", "binaryData", "stringData")
_ADMISSION = "admissionregistration.k8s.io/v1"
_OF_THE_CLUSTER = ("ClusterRole", "ClusterRoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
_RBAC = "rbac.authorization.k8s.io/v1"

# Kind -> fields whose change means a new object. A field stands for everything below it.
_REPLACE_ON: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("v1", "Namespace"): (),
    ("v1", "ConfigMap"): ("data", "binaryData", "immutable"),
    ("v1", "Secret"): ("type", "data", "stringData", "immutable"),
    ("v1", "Service"): ("spec.clusterIP",),
    ("v1", "ServiceAccount"): (),
    ("v1", "PersistentVolumeClaim"): ("spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"),
    ("v1", "PersistentVolume"): (
        "spec.hostPath", "spec.local", "spec.nfs", "spec.csi", "spec.nodeAffinity", "spec.volumeMode",
    ),
    ("v1", "Pod"): ("spec",),
    ("apps/v1", "Deployment"): ("spec.selector",),
    ("apps/v1", "DaemonSet"): ("spec.selector",),
    ("apps/v1", "StatefulSet"): (
        "spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates",
    ),
    ("batch/v1", "Job"): ("spec.selector", "spec.template", "spec.completions", "spec.parallelism", "spec.completionMode"),
    ("batch/v1", "CronJob"): (),
    (_RBAC, "Role"): (),
    (_RBAC, "ClusterRole"): (),
    (_RBAC, "RoleBinding"): ("roleRef",),
    (_RBAC, "ClusterRoleBinding"): ("roleRef",),
    ("policy/v1", "PodDisruptionBudget"): (),
    ("networking.k8s.io/v1", "NetworkPolicy"): (),
    ("storage.k8s.io/v1", "StorageClass"): ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
    ("scheduling.k8s.io/v1", "PriorityClass"): ("value", "preemptionPolicy"),
    (_ADMISSION, "ValidatingAdmissionPolicy"): (),
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): (),
}  # fmt: skip

CLUSTER_SCOPED = frozenset({"Namespace", "PersistentVolume", "StorageClass", "PriorityClass", *_OF_THE_CLUSTER})
POD_OWNERS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "Pod"})


def groups() -> set[str]:
    """Names of the kinds' API groups as `pulumi_kubernetes` has them, such as core and rbac."""
    return {version.partition("/")[0].partition(".")[0] if "/" in version else "core" for version, _ in _REPLACE_ON}


def kind_of(token: str) -> tuple[str, str]:
    """apiVersion and kind of a type token such as `kubernetes:apps/v1:Deployment`; UsageError where we don't have it."""
    _, group_version, kind = token.split(":")
    found = (group_version.removeprefix("core/"), kind)
    if found not in _REPLACE_ON:
        raise UsageError(
            f"the offline Kubernetes plugin does not support {found[0]}/{found[1]} ({token})",
            "use another kind, or install the official Pulumi plugin: pulumi plugin install resource kubernetes",
        )
    return found


def replaces(token: str, path: str, inputs: Mapping[str, Any]) -> bool:
    """Whether a change at `path` (`spec.selector.matchLabels.app`, `spec.rules[0]`) asks for a new object."""
    fields = _ALWAYS + _REPLACE_ON[kind_of(token)]
    return any(_within(path, field) or _within(field, path) for field in fields) and not _mutable_ports(path, inputs)


def _within(path: str, field: str) -> bool:
    return path == field or path.startswith((f"{field}.", f"{field}["))


def _mutable_ports(path: str, inputs: Mapping[str, Any]) -> bool:
    # An image, a toleration or a deadline of a Pod may change in place; the server decides the rest.
    return inputs.get("kind") == "Pod" and (path.endswith(".image") or path == "spec.activeDeadlineSeconds")


def object_id(obj: Mapping[str, Any]) -> str:
    """Pulumi's id of an object: `namespace/name`, or `name`."""
    metadata = obj["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def annotation(obj: Mapping[str, Any], name: str) -> str:
    """The object's annotation `pulumi.com/<name>`, or an empty string."""
    metadata = obj.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return str(annotations.get(f"pulumi.com/{name}", "")) if isinstance(annotations, dict) else ""

"""What bdc needs to be allowed to do in a cluster, as the ClusterRole that an administrator applies says it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import yaml

from bdc.config.paths import resources
from bdc.kube.client import Kube

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_THREADS = 16
_TIMEOUT_SECONDS = 10

Right = tuple[str, str, str]
"""Verb, API group, resource; a subresource is written `pods/log`."""


def deployer_role() -> Path:
    """The manifest of the ClusterRole."""
    return resources("manifests") / "cluster" / "deployer.yaml"


@cache
def deployer_rights() -> tuple[Right, ...]:
    """Every right that the ClusterRole gives."""
    rules = yaml.safe_load(deployer_role().read_text())["rules"]
    return tuple(
        (verb, group, resource) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]
    )


def denied(kube: Kube, rights: Iterable[Right], namespace: str | None = None) -> list[Right]:
    """Those of `rights` that we don't have, in `namespace` or everywhere. Raises ApiError, UnreachableError."""
    asked = list(rights)
    with ThreadPoolExecutor(_THREADS) as pool:
        allowed = list(pool.map(lambda right: _allowed(kube, right, namespace), asked))
    return [right for right, yes in zip(asked, allowed, strict=True) if not yes]


def _allowed(kube: Kube, right: Right, namespace: str | None) -> bool:
    verb, group, resource = right
    name, _, part = resource.partition("/")
    attributes = {"verb": verb, "group": group, "resource": name, "subresource": part} | ({"namespace": namespace} if namespace else {})
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}}
    answer = kube.request("POST", _REVIEWS, review, timeout=_TIMEOUT_SECONDS)
    return bool((answer.get("status") or {}).get("allowed"))

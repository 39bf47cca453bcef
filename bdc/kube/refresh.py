"""Lets pods see a changed Secret or ConfigMap now: the kubelet brings a pod's files up to date once a minute or so, and at once when the
pod itself changes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from bdc.kube.client import Kube
from bdc.kube.errors import ApiNotFoundError
from bdc.kube.selector import label_selector


def refresh(kube: Kube, namespace: str, labels: Mapping[str, str | tuple[str, ...]], annotation: str, value: str) -> None:
    """Note on the pods with these labels (of several values: with one) what to see; one that has gone meanwhile is none of them."""
    pods = f"/api/v1/namespaces/{namespace}/pods"
    for pod in kube.request("GET", pods, query={"labelSelector": label_selector(labels)})["items"]:
        with suppress(ApiNotFoundError):
            kube.patch(f"{pods}/{pod['metadata']['name']}", {"metadata": {"annotations": {annotation: value}}})

"""Completes what a program declares before it is compared or sent: kind, namespace, a generated name, a Secret's encoding."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from bdc.errors import UsageError
from bdc.plugin.codec import UNKNOWN, plain
from bdc.plugin.kinds import CLUSTER_SCOPED, annotation, kind_of


def complete(
    token: str, logical_name: str, news: Mapping[str, Any], olds: Mapping[str, Any], *, seed: bytes, namespace: str | None
) -> dict[str, Any]:
    """The plain inputs to keep. `news` and `olds` as they came over the wire; `seed` makes a generated name repeatable."""
    api_version, kind = kind_of(token)
    obj: dict[str, Any] = {**plain(news), "apiVersion": api_version, "kind": kind}
    metadata = obj.get("metadata")
    if metadata == UNKNOWN:
        return obj
    obj["metadata"] = metadata = dict(metadata or {})
    if metadata.get("generateName") and not metadata.get("name"):
        raise UsageError(f"{kind} {logical_name}: metadata.generateName is not supported", "leave it out: a name is generated")
    if not metadata.get("name"):
        metadata["name"] = _generated_name(logical_name, plain(olds), seed)
        metadata["annotations"] = {**(metadata.get("annotations") or {}), "pulumi.com/autonamed": "true"}
    if namespace and not metadata.get("namespace") and kind not in CLUSTER_SCOPED:
        metadata["namespace"] = namespace
    if kind == "Secret" and isinstance(obj.get("stringData"), dict):
        # The server folds stringData into data but keeps the fields' ownership there: a key taken out later would stay.
        encoded = {key: _base64(value) for key, value in obj.pop("stringData").items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}
    return obj


def _generated_name(logical_name: str, old: Mapping[str, Any], seed: bytes) -> str:
    if old and annotation(old, "autonamed") == "true":
        return str(old["metadata"]["name"])
    return f"{logical_name}-{hashlib.sha256(seed).hexdigest()[:8]}"


def _base64(value: Any) -> Any:
    return value if value == UNKNOWN else base64.b64encode(str(value).encode()).decode()

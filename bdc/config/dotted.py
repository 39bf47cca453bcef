"""A nested mapping as dotted keys (`spark.pools.etl.max_cpu`), and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Plain = str | int | float | bool | None
"""The value of a field once loaded."""


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Plain]:
    """A nested mapping as dotted keys."""
    out: dict[str, Plain] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            out |= flat(value, f"{prefix}{name}.")
        else:
            out[f"{prefix}{name}"] = value
    return out


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as a nested mapping."""
    out: dict[str, Any] = {}
    for key, value in values.items():
        *path, last = key.split(".")
        target = out
        for name in path:
            target = target.setdefault(name, {})
        target[last] = value
    return out

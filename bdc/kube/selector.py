"""Label selectors as the API takes them in a query."""

from __future__ import annotations

from collections.abc import Mapping


def label_selector(labels: Mapping[str, str | tuple[str, ...] | None]) -> str:
    """What has all these labels: with the value, with one of several, or for None with any.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    return ",".join(_term(key, value) for key, value in labels.items())


def _term(key: str, value: str | tuple[str, ...] | None) -> str:
    if value is None:
        return key
    return f"{key}={value}" if isinstance(value, str) else f"{key} in ({','.join(value)})"

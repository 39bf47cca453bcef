"""The `data` of a Secret: Kubernetes has its values in base64."""

from __future__ import annotations

import base64
from collections.abc import Mapping


def encoded(values: Mapping[str, str | bytes]) -> dict[str, str]:
    """These values as a Secret's data."""
    return {key: base64.b64encode(value.encode() if isinstance(value, str) else value).decode() for key, value in values.items()}


def decoded(data: Mapping[str, str] | None) -> dict[str, bytes]:
    """The values in a Secret's data; an empty Secret has none. Raises ValueError for what is no base64."""
    return {key: base64.b64decode(value, validate=True) for key, value in (data or {}).items()}


def texts(data: Mapping[str, str] | None) -> dict[str, str]:
    """The values in the data of a Secret that holds nothing but text. Raises ValueError for others."""
    return {key: value.decode() for key, value in decoded(data).items()}

"""Kubernetes quantities as the API gives them, in all their forms: "1Gi", "129e6", "100m", "1.5k".

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/. `bdc.config.quantity` takes only what bdc.yaml may say.
"""

from __future__ import annotations

import re

_FORM = re.compile(r"^([+-]?[\d.]+)(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$")
_DECIMAL = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}


def amount(quantity: str) -> float:
    """A quantity as a number of bytes, cores or pieces. Raises ValueError."""
    match = _FORM.match(quantity)
    if not match:
        msg = f"{quantity!r} is not a quantity"
        raise ValueError(msg)
    number = float(match[1])
    if match[2]:
        return number * float(f"1e{match[2]}")
    suffix = match[3] or ""
    if suffix.endswith("i"):
        return float(number * 1024.0 ** ("KMGTPE".index(suffix[0]) + 1))
    return number * _DECIMAL.get(suffix, 1)

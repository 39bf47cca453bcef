"""The quantities of `bdc.config.quantity` as types of bdc.yaml's fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from bdc.config.quantity import cores, size


def _checked_cpu(quantity: str) -> str:
    if cores(quantity) <= 0:
        msg = f"{quantity!r} is no CPU at all"
        raise ValueError(msg)
    return quantity


def _checked_bound(quantity: str) -> str:
    cores(quantity)
    return quantity


def _checked_size(quantity: str) -> str:
    if size(quantity) < 2**20:
        msg = f"{quantity!r} is less than 1Mi"
        raise ValueError(msg)
    return quantity


Cpu = Annotated[str, AfterValidator(_checked_cpu)]
"""A CPU quantity as text, as Kubernetes writes it."""

CpuBound = Annotated[str, AfterValidator(_checked_bound)]
"""A CPU quantity that may be 0."""

Size = Annotated[str, AfterValidator(_checked_size)]
"""A memory or disk quantity as text, as Kubernetes writes it."""

"""Kubernetes quantities as values: CPU in cores, memory in bytes.

Format: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ (the part of it that bdc.yaml accepts:
plain numbers, `m` for CPU, decimal and binary suffixes for memory).
"""

from __future__ import annotations

import re

_CPU = re.compile(r"(?:([0-9]{1,9})m|([0-9]{1,6}(?:\.[0-9]{1,3})?))")
_MEMORY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(Ki|Mi|Gi|Ti|k|M|G|T)?")
_UNITS = {None: 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def cores(quantity: str) -> float:
    """CPU quantity in cores: "250m" is 0.25. Raises ValueError for anything else than a number or a number of millicores."""
    if not (match := _CPU.fullmatch(quantity)):
        msg = f"{quantity!r} is not a CPU quantity: write cores (0.5) or millicores (500m)"
        raise ValueError(msg)
    return int(match[1]) / 1000 if match[1] else float(match[2])


def size(quantity: str) -> int:
    """Memory or disk quantity in bytes: "1.5Gi" is 1610612736. Raises ValueError for anything else."""
    if not (match := _MEMORY.fullmatch(quantity)):
        msg = f"{quantity!r} is not a size: write it like 512Mi or 10Gi"
        raise ValueError(msg)
    return int(float(match[1]) * _UNITS[match[2]])


def mebibytes(quantity: str) -> int:
    """Memory quantity in whole MiB, rounded down."""
    return size(quantity) // 2**20


def human(count: float) -> str:
    """Bytes for people, binary units: 1610612736 is "1.5 GiB"."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def human_of(part: float, whole: float) -> str:
    """Two counts of bytes, the unit said once where it is the same: "5.4 of 22.8 GiB"."""
    first, second = human(part), human(whole)
    return f"{first.partition(' ')[0]} of {second}" if first.rpartition(" ")[2] == second.rpartition(" ")[2] else f"{first} of {second}"

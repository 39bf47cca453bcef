"""Sizes as Spark writes them (https://spark.apache.org/docs/latest/configuration.html#spark-properties): k, m, g, t are binary."""

from __future__ import annotations

import re

from bdc.errors import UsageError

_SIZE = re.compile(r"^(\d+)(b|k|kb|m|mb|g|gb|t|tb|ki|kib|mi|mib|gi|gib|ti|tib)?$")
_FACTORS = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def spark_mebibytes(text: str, option: str) -> int:
    """A Spark size in MiB; a bare number is MiB, as in Spark. Raises UsageError that names `option`."""
    match = _SIZE.match(text.strip().lower())
    if not match:
        raise UsageError(f"{option}: {text!r} is not a size", "write it like 512m or 2g")
    count = int(match[1])
    mib = count if match[2] is None else count * _FACTORS[match[2][0]] // 2**20
    if mib < 1:
        raise UsageError(f"{option}: {text!r} is less than 1m", "write it like 512m or 2g")
    return mib

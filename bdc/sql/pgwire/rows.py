"""Rows as the protocol has them. Results are large and this is the loop that counts, so that it goes column by column, in C's loops."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

from bdc.sql.pgwire.values import Encode

_LENGTH = struct.Struct("!i").pack
_HEAD = struct.Struct("!cih").pack
_NULL = _LENGTH(-1)
_SHORT = tuple(map(_LENGTH, range(256)))
"""Most values are short; their lengths are packed once."""


def data_rows(rows: Sequence[Sequence[Any]], encoders: Sequence[Encode]) -> bytes:
    """DataRow messages of rows, which have a value for each encoder; None is NULL."""
    width = len(encoders)
    if not rows:
        return b""
    if not width:
        return _HEAD(b"D", 6, 0) * len(rows)
    pieces: list[Sequence[bytes]] = []
    lengths: list[list[int]] = []
    for values, encode in zip(zip(*rows, strict=True), encoders, strict=True):
        marks, texts, sizes = _column(values, encode)
        pieces += (marks, texts)
        lengths.append(sizes)
    fixed = 6 + 4 * width
    whole = [fixed + size for size in (lengths[0] if width == 1 else map(sum, zip(*lengths, strict=True)))]
    heads = map(_HEAD, repeat(b"D"), whole, repeat(width))
    return b"".join(chain.from_iterable(zip(heads, *pieces, strict=True)))


def _column(values: Sequence[Any], encode: Encode) -> tuple[list[bytes], list[bytes], list[int]]:
    """The lengths as the protocol has them, the values, and their lengths."""
    if None in values:
        texts = [b"" if value is None else encode(value) for value in values]
        sizes = list(map(len, texts))
        return [_NULL if value is None else _LENGTH(size) for value, size in zip(values, sizes, strict=True)], texts, sizes
    texts = list(map(encode, values))
    sizes = list(map(len, texts))
    length = _SHORT.__getitem__ if max(sizes) < len(_SHORT) else _LENGTH
    return list(map(length, sizes)), texts, sizes

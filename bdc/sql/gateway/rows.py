"""Rows as the protocol has them. Results are large and this is the loop that counts, so that it goes column by column, in C's loops."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from bdc.sql.gateway.values import Encode

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


@dataclass(frozen=True)
class CopyForm:
    """COPY's formats text and csv. https://www.postgresql.org/docs/17/sql-copy.html"""

    csv: bool
    separator: bytes
    null: bytes

    def lines(self, rows: Sequence[Sequence[Any]], encoders: Sequence[Encode]) -> bytes:
        """CopyData messages of rows, one each."""
        pieces: list[bytes] = []
        escape = self._quoted if self.csv else self._escaped
        for row in rows:
            fields = (self.null if value is None else escape(encode(value)) for value, encode in zip(row, encoders, strict=True))
            line = self.separator.join(fields)
            pieces += (b"d", _LENGTH(len(line) + 5), line, b"\n")
        return b"".join(pieces)

    def _escaped(self, text: bytes) -> bytes:
        text = text.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r").replace(b"\t", b"\\t")
        return text if self.separator == b"\t" else text.replace(self.separator, b"\\" + self.separator)

    def _quoted(self, text: bytes) -> bytes:
        if text == self.null or text == b"\\." or any(mark in text for mark in (self.separator, b'"', b"\n", b"\r")):
            return b'"' + text.replace(b'"', b'""') + b'"'
        return text

"""Parameters' values, in PostgreSQL's text or binary format, as SQL. They are read here: psycopg's loaders believe the lengths that a
server sends, and these come from clients.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bdc.sql import quoting
from bdc.sql.pgwire import oids
from bdc.sql.pgwire.errors import INVALID_TEXT, NOT_SUPPORTED, SqlError

_TEXTS = (0, oids.TEXT, oids.VARCHAR, oids.BPCHAR, oids.UNKNOWN, oids.NAME)


def literal(value: bytes | None, oid: int, binary: int) -> str:
    """A parameter's value as SQL of PostgreSQL's. Raises SqlError."""
    if value is None:
        return "NULL" if oid in (0, oids.UNKNOWN) or oid not in oids.NAMES else f"CAST(NULL AS {oids.NAMES[oid]})"
    text = _from_binary(value, oid) if binary else _decoded(value)
    quoted = quoting.literal(text)
    if oid in _TEXTS:
        return quoted
    if oid in oids.ELEMENTS and oids.ELEMENTS[oid] in oids.NAMES:
        return f"CAST({quoted} AS {oids.NAMES[oids.ELEMENTS[oid]]}[])"
    if oid not in oids.NAMES:
        raise SqlError(f"parameters of the type with the OID {oid} aren't supported", NOT_SUPPORTED, "send it as text")
    if oid in (oids.INT2, oids.INT4, oids.INT8):
        if not re.fullmatch(r"\s*[+-]?\d+\s*", text):
            raise SqlError(f'invalid input syntax for type {oids.NAMES[oid]}: "{text}"', INVALID_TEXT)
        return f"CAST({text.strip()} AS {oids.NAMES[oid]})"
    return f"CAST({quoted} AS {oids.NAMES[oid]})"


def example(oid: int) -> str:
    """Some value of a type as SQL, for what wants one that is written out. Raises SqlError."""
    of = oids.ELEMENTS.get(oid)
    words = {
        oids.BOOL: "true", oids.DATE: "2000-01-01", oids.TIME: "00:00", oids.TIMESTAMP: "2000-01-01", oids.INTERVAL: "1 day",
        oids.TIMESTAMPTZ: "2000-01-01 00:00+00", oids.UUID: "00000000-0000-0000-0000-000000000000", oids.BYTEA: "\\x",
    }  # fmt: skip
    word = words.get(oid if of is None else of, "1")
    return literal((word if of is None else f"{{{word}}}").encode(), oid, 0)


def _decoded(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise SqlError('invalid byte sequence for encoding "UTF8"', "22021") from None
    if "\0" in text:
        raise SqlError('invalid byte sequence for encoding "UTF8": 0x00', "22021")
    return text


def _from_binary(value: bytes, oid: int) -> str:
    """A value in the binary format as text."""
    if oid in (*_TEXTS, oids.JSON):
        return _decoded(value)
    try:
        if oid in _READ_BINARY and len(value) == oids.SIZES.get(oid, len(value)):
            return _READ_BINARY[oid](value)
        if oid in oids.ELEMENTS:
            return _array_from_binary(value)
    except (ValueError, OverflowError, struct.error, IndexError):
        pass
    raise SqlError(f"incorrect binary data format in a parameter of type {oids.NAMES.get(oid, oid)}", "22P03")


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def _number(form: str) -> Callable[[bytes], str]:
    unpack = struct.Struct(form).unpack
    return lambda value: repr(unpack(value)[0])


def _moment_from_binary(value: bytes) -> str:
    return (_EPOCH + timedelta(microseconds=int.from_bytes(value, signed=True))).replace(tzinfo=None).isoformat(" ")


def _numeric_from_binary(value: bytes) -> str:
    """Groups of four digits, the first of them `weight` groups before the point."""
    count, weight, sign, scale = struct.unpack("!HhHH", value[:8])
    groups = struct.unpack(f"!{count}H", value[8:])
    if sign not in (0, 0x4000) or any(group > _LARGEST_GROUP for group in groups):
        msg = "no number"
        raise ValueError(msg)
    whole, power = int("".join(f"{group:04}" for group in groups) or "0"), 4 * (weight - count + 1) + scale
    digits = str(whole * 10**power if power >= 0 else whole // 10**-power).zfill(scale + 1)
    return ("-" if sign else "") + digits[: len(digits) - scale] + ("." + digits[-scale:] if scale else "")


def _interval_from_binary(value: bytes) -> str:
    micros, days, months = struct.unpack("!qii", value)
    if abs(micros) % 1_000_000:
        raise SqlError("an interval with fractions of seconds isn't supported", NOT_SUPPORTED)
    return (
        " ".join(f"{count} {unit}" for count, unit in ((months, "mons"), (days, "days"), (int(micros / 1_000_000), "seconds")) if count)
        or "0 seconds"
    )


def _array_from_binary(value: bytes) -> str:
    dimensions, _, of = struct.unpack("!iiI", value[:12])
    if not dimensions:
        return "{}"
    if dimensions != 1 or of not in (*_READ_BINARY, oids.TEXT, oids.VARCHAR):
        msg = "an array of more than one dimension, or of another type"
        raise ValueError(msg)
    count, at, found = int.from_bytes(value[12:16]), 20, list[str]()
    for _ in range(count):
        length = int.from_bytes(value[at : at + 4], signed=True)
        item = value[at + 4 : at + 4 + max(0, length)]
        if len(item) != max(0, length) or at + 4 > len(value):
            msg = "cut off"
            raise ValueError(msg)
        found.append("NULL" if length < 0 else '"' + _escaped(_from_binary(item, of)) + '"')
        at += 4 + max(0, length)
    return "{" + ",".join(found) + "}"


_LARGEST_GROUP = 9999
_READ_BINARY: dict[int, Callable[[bytes], str]] = {
    oids.BOOL: lambda value: "true" if value[0] else "false",
    oids.INT2: _number("!h"),
    oids.INT4: _number("!i"),
    oids.INT8: _number("!q"),
    oids.FLOAT4: _number("!f"),
    oids.FLOAT8: _number("!d"),
    oids.BYTEA: lambda value: "\\x" + value.hex(),
    oids.DATE: lambda value: (_EPOCH + timedelta(days=int.from_bytes(value, signed=True))).date().isoformat(),
    oids.TIME: lambda value: (_EPOCH + timedelta(microseconds=int.from_bytes(value, signed=True))).time().isoformat(),
    oids.TIMESTAMP: _moment_from_binary,
    oids.TIMESTAMPTZ: lambda value: _moment_from_binary(value) + "+00",
    oids.NUMERIC: _numeric_from_binary,
    oids.UUID: lambda value: str(UUID(bytes=value)),
    oids.INTERVAL: _interval_from_binary,
    oids.JSONB: lambda value: _decoded(value[1:]),
}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')

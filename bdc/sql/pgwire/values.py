"""Types and values: Trino's as PostgreSQL's, in its text and its binary format.

Trino sends values as JSON. Sources: Trino's client protocol and io.trino.server.protocol; PostgreSQL's pg_type.dat and the
input and output functions of its types, in DateStyle ISO and IntervalStyle postgres.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import orjson
import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import Format

from bdc.sql.pgwire import oids
from bdc.sql.pgwire.errors import NOT_SUPPORTED, SqlError

Encode = Callable[[Any], bytes]
_MICROSECONDS = 6
_UNBOUNDED = 2**31 - 5
"""Lengths of varchar from which on PostgreSQL has none."""
_SMALLEST = -4


@dataclass(frozen=True)
class Type:
    """A type of PostgreSQL: its OID, its size in bytes (-1: it varies), its modifier, and how Trino's JSON becomes it."""

    oid: int
    modifier: int
    text: Encode
    binary: Encode

    @property
    def size(self) -> int:
        """In bytes, -1 where it varies."""
        return oids.SIZES.get(self.oid, -1)


Make = Callable[[Mapping[str, Any], list[Any], tzinfo], Type]


def zone(name: str) -> tzinfo:
    """A time zone as SET TimeZone names it. Raises SqlError."""
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if found := _OFFSET.fullmatch(name) or POSIX_ZONE.fullmatch(name):
        offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
        return timezone(-offset if found["sign"] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SqlError(f'invalid value for parameter "TimeZone": "{name}"', "22023") from None


_OFFSET = re.compile(r"(?P<sign>[+-]?)(?P<hours>\d\d?)(?::?(?P<minutes>\d\d))?")
POSIX_ZONE = re.compile(r"<(?P<sign>[+-])(?P<hours>\d\d)(?::(?P<minutes>\d\d))?>[+-]\d\d(?::\d\d)?")
"""How PostgreSQL shows a zone that was given as hours: what is in <> counts."""


def zone_name(name: str) -> str:
    """A time zone as SHOW TimeZone has it: an offset in POSIX's form, a name as it is spelled there. Raises SqlError."""
    if found := _OFFSET.fullmatch(name):
        hours, minutes = f"{int(found['hours']):02d}", f":{found['minutes']}" if int(found["minutes"] or 0) else ""
        ahead, behind = ("-", "+") if found["sign"] == "-" else ("+", "-")
        name = f"<{ahead}{hours}{minutes}>{behind}{hours}{minutes}"
    else:
        name = name.upper() if name.upper() in ("UTC", "GMT", "Z") else _spellings().get(name.lower(), name)  # they are of any case
    zone(name)
    return name


@cache
def _spellings() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def type_of(signature: Mapping[str, Any], at: tzinfo) -> Type:
    """PostgreSQL's type for one of Trino's, from its typeSignature; `at` is the session's time zone."""
    kind = signature["rawType"]
    arguments = [argument.get("value") for argument in signature.get("arguments") or []]
    if kind in _PLAIN:
        oid, text = _PLAIN[kind]
        return Type(oid, -1, text, _binary(oid, text))
    if kind in _MADE:
        return _MADE[kind](signature, arguments, at)
    return Type(oids.TEXT, -1, lambda value: str(value).encode(), lambda value: str(value).encode())


def _varchar(_: Mapping[str, Any], arguments: list[Any], __: tzinfo) -> Type:
    length = int(arguments[0]) if arguments else _UNBOUNDED
    bounded = length < _UNBOUNDED
    return Type(oids.VARCHAR if bounded else oids.TEXT, length + 4 if bounded else -1, str.encode, str.encode)


def _decimal(_: Mapping[str, Any], arguments: list[Any], __: tzinfo) -> Type:
    precision, scale = map(int, arguments)
    return Type(oids.NUMERIC, (precision << 16 | scale) + 4, str.encode, _binary(oids.NUMERIC, str.encode))


def _moments(oid: int) -> Make:
    def make(_: Mapping[str, Any], arguments: list[Any], __: tzinfo) -> Type:
        text = _fraction(arguments)
        return Type(oid, -1, text, _binary(oid, text))

    return make


def _zoned(_: Mapping[str, Any], __: list[Any], at: tzinfo) -> Type:
    text = _instant(at)
    return Type(oids.TIMESTAMPTZ, -1, text, _binary(oids.TIMESTAMPTZ, text))


def _object(signature: Mapping[str, Any], _: list[Any], __: tzinfo) -> Type:
    plain = _plain(signature)

    def text(value: Any) -> bytes:
        return orjson.dumps(plain(value))

    return Type(oids.JSON, -1, text, text)


def _float(threshold: int) -> Encode:
    """The shortest text that means the number; exponents are for those below 1e-4, and from 1e15 (double) or 1e6 (real)."""

    longest = threshold + 2  # 123456.0 of a real: a longer one may need an exponent, which is looked at closely

    def encode(value: Any) -> bytes:
        text = repr(value)
        if len(text) > longest or "e" in text or text[0] == "'" or text == "-0.0":
            return value.encode() if isinstance(value, str) else _exponent(text, threshold)  # NaN, Infinity, -Infinity
        return text.encode() if text[-2:] != ".0" else text[:-2].encode()

    return encode


def _exponent(shortest: str, threshold: int) -> bytes:
    if shortest == "-0.0":
        return b"-0"
    sign, digits, exponent = Decimal(shortest).as_tuple()
    number = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) + int(exponent) - 1
    if number == "0":
        return b"0"
    if _SMALLEST <= power < threshold:
        return format(Decimal(shortest).normalize(), "f").encode()
    whole = number[0] + ("." + number[1:] if len(number) > 1 else "")
    return f"{'-' if sign else ''}{whole}e{power:+03d}".encode()


def _fraction(arguments: list[Any]) -> Encode:
    precision = int(arguments[0]) if arguments else 3
    if not precision:
        return _era
    if precision > _MICROSECONDS:
        return lambda value: _era(_rounded(value).rstrip("0").rstrip("."))
    return lambda value: _era(value.rstrip("0").rstrip("."))


def _rounded(value: str) -> str:
    """Microseconds are the finest; PostgreSQL rounds, half up."""
    whole, _, fraction = value.partition(".")
    micros = int(fraction[:_MICROSECONDS]) + (fraction[_MICROSECONDS] >= "5")
    if micros < 10**_MICROSECONDS:
        return f"{whole}.{micros:06d}"
    form = "%Y-%m-%d %H:%M:%S" if " " in whole else "%H:%M:%S"
    return (datetime.strptime(whole, form) + timedelta(seconds=1)).strftime(form) + ".000000"  # noqa: DTZ007


def _era(value: str) -> bytes:
    """Years before 1 are -0000 and so on for Trino, 1 BC for PostgreSQL; those after 9999 have a sign."""
    if value[0] == "-":
        year, rest = value[1:].split("-", 1)
        return f"{int(year) + 1:04d}-{rest} BC".encode()
    return value.lstrip("+").encode()


def _instant(at: tzinfo) -> Encode:
    utc = at is UTC

    def encode(value: str) -> bytes:
        local, _, name = value.rpartition(" ")
        if utc and name == "UTC":
            local = _rounded(local) if len(local.partition(".")[2]) > _MICROSECONDS else local
            return _era((local.rstrip("0").rstrip(".") if "." in local else local) + "+00")
        moment = _moment(local, name).astimezone(at)
        text = moment.replace(tzinfo=None).isoformat(" ")
        return (text.rstrip("0") if "." in text else text).encode() + _offset(moment).encode()

    return encode


def _moment(local: str, name: str) -> datetime:
    if len(local.partition(".")[2]) > _MICROSECONDS:
        local = _rounded(local)
    return datetime.fromisoformat(local).replace(tzinfo=zone(name))


def _offset(moment: datetime) -> str:
    seconds = int((moment.utcoffset() or timedelta()).total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    hours, minutes, left = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{sign}{hours:02d}" + (f":{minutes:02d}" if minutes or left else "") + (f":{left:02d}" if left else "")


def _days(value: str) -> bytes:
    """An interval of days to seconds, such as -1 02:03:04.500."""
    sign = "-" if value.startswith("-") else ""
    days, _, clock = value.lstrip("-").partition(" ")
    clock = clock.rstrip("0").rstrip(".") if "." in clock else clock
    parts = [f"{sign}{int(days)} {'day' if days == '1' and not sign else 'days'}"] if int(days) else []
    if clock.strip("0:.") or not parts:
        parts.append(sign + clock if clock.strip("0:.") else clock)
    return " ".join(parts).encode()


def _days_binary(value: str) -> bytes:
    """Microseconds, days, months."""
    sign = -1 if value.startswith("-") else 1
    days, _, clock = value.lstrip("-").partition(" ")
    hours, minutes, seconds = clock.split(":")
    micros = (int(hours) * 60 + int(minutes)) * 60_000_000 + int(Decimal(seconds) * 1_000_000)
    return struct.pack("!qii", sign * micros, sign * int(days), 0)


def _months_binary(value: str) -> bytes:
    years, months = map(int, value.lstrip("-").split("-"))
    return struct.pack("!qii", 0, 0, (-1 if value.startswith("-") else 1) * (years * 12 + months))


def _months(value: str) -> bytes:
    """An interval of years to months, such as -1-2."""
    sign = "-" if value.startswith("-") else ""
    years, months = map(int, value.lstrip("-").split("-"))
    named = [f"{sign}{count} {name}{'' if count == 1 and not sign else 's'}" for count, name in ((years, "year"), (months, "mon")) if count]
    return (" ".join(named) or "00:00:00").encode()


_PLAIN: dict[str, tuple[int, Encode]] = {
    "boolean": (oids.BOOL, {True: b"t", False: b"f"}.__getitem__),
    "tinyint": (oids.INT2, b"%d".__mod__),
    "smallint": (oids.INT2, b"%d".__mod__),
    "integer": (oids.INT4, b"%d".__mod__),
    "bigint": (oids.INT8, b"%d".__mod__),
    "real": (oids.FLOAT4, _float(6)),
    "double": (oids.FLOAT8, _float(15)),
    "varbinary": (oids.BYTEA, lambda value: b"\\x" + base64.b64decode(value).hex().encode()),
    "date": (oids.DATE, lambda value: value.encode() if value[0].isdigit() else _era(value)),
    "uuid": (oids.UUID, str.encode),
    "json": (oids.JSON, str.encode),
    "ipaddress": (oids.INET, str.encode),
    "unknown": (oids.TEXT, str.encode),
}


def _plain(signature: Mapping[str, Any]) -> Callable[[Any], Any]:
    """A map or a row as JSON has it; rows are objects by their fields' names."""
    kind, arguments = signature["rawType"], [argument.get("value") for argument in signature.get("arguments") or []]
    if kind == "array":
        one = _plain(arguments[0])
        return lambda value: None if value is None else [one(item) for item in value]
    if kind == "map":
        item = _plain(arguments[1])
        return lambda value: None if value is None else {str(key): item(found) for key, found in value.items()}
    if kind == "row":
        names = [str((argument.get("fieldName") or {}).get("name") or f"f{place + 1}") for place, argument in enumerate(arguments)]
        items = [_plain(argument["typeSignature"]) for argument in arguments]
        return lambda value: None if value is None else {name: item(one) for name, item, one in zip(names, items, value, strict=True)}
    return lambda value: value


_MADE: dict[str, Make] = {
    "interval day to second": lambda *_: Type(oids.INTERVAL, -1, _days, _days_binary),
    "interval year to month": lambda *_: Type(oids.INTERVAL, -1, _months, _months_binary),
    "decimal": _decimal,
    "varchar": _varchar,
    "char": lambda _, arguments, __: Type(oids.BPCHAR, int(arguments[0]) + 4, str.encode, str.encode),
    "timestamp": _moments(oids.TIMESTAMP),
    "time": _moments(oids.TIME),
    "timestamp with time zone": _zoned,
    "array": lambda _, arguments, at: _array(type_of(arguments[0], at)),
    "map": _object,
    "row": _object,
}

_QUOTED = re.compile(r'[\s{},"\\]')


def _array(of: Type) -> Type:
    """Arrays of arrays are of the same type, with one dimension more."""

    def text(value: list[Any]) -> bytes:
        return b"{" + b",".join(b"NULL" if one is None else item(one) for one in value) + b"}"

    def item(one: Any) -> bytes:
        found = of.text(one)
        if of.oid in oids.ELEMENTS:
            return found
        words = found.decode()
        if not words or words.upper() == "NULL" or _QUOTED.search(words):
            return b'"' + words.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
        return found

    element = oids.ELEMENTS.get(of.oid, of.oid)

    def binary(value: list[Any]) -> bytes:
        dimensions, flat = _shape(value)
        body = b"".join(b"\xff\xff\xff\xff" if one is None else _prefixed(base.binary(one)) for one in flat)
        head = struct.pack("!iiI", len(dimensions), any(one is None for one in flat), element)
        return head + b"".join(struct.pack("!ii", size, 1) for size in dimensions) + body

    base = of
    while hasattr(base.binary, "element"):
        base = base.binary.element
    binary.element = of  # type: ignore[attr-defined]
    return Type(oids.ARRAYS.get(element, oids.ARRAYS[oids.TEXT]), -1, text, binary)


def _shape(value: list[Any]) -> tuple[list[int], list[Any]]:
    dimensions: list[int] = []
    level: list[Any] = [value]
    while level and all(isinstance(one, list) for one in level):
        sizes = {len(one) for one in level}
        if len(sizes) != 1:
            raise SqlError("arrays of arrays of different lengths have no binary form", NOT_SUPPORTED)
        if not (size := sizes.pop()):
            return [], []
        dimensions.append(size)
        level = [item for one in level for item in one]
    return dimensions, level


def _prefixed(value: bytes) -> bytes:
    return struct.pack("!i", len(value)) + value


def _binary(oid: int, text: Encode) -> Encode:
    """The binary form of a value, by way of its text: psycopg knows both."""
    match oid:
        case _ if oid == oids.BOOL:
            return lambda value: b"\1" if value else b"\0"
        case _ if oid in (oids.INT2, oids.INT4, oids.INT8):
            return struct.Struct({oids.INT2: "!h", oids.INT4: "!i", oids.INT8: "!q"}[oid]).pack
        case _ if oid in (oids.FLOAT4, oids.FLOAT8):
            pack = struct.Struct("!f" if oid == oids.FLOAT4 else "!d").pack
            return lambda value: pack(float(value))
        case _ if oid == oids.BYTEA:
            return base64.b64decode
        case _ if oid in (oids.TEXT, oids.JSON):
            return text
    load = Transformer().get_loader(oid, Format.TEXT).load
    dumper = psycopg.adapters.get_dumper_by_oid(oid, Format.BINARY)(object, None)

    def encode(value: Any) -> bytes:
        try:
            return bytes(dumper.dump(load(text(value))) or b"")
        except (psycopg.Error, ValueError, OverflowError) as error:
            raise SqlError(f"{text(value).decode()} has no binary form here", "22008", "ask for it as text") from error

    return encode


def numeric_binary(text: str) -> bytes:
    """A numeric in the binary format."""
    return _binary(oids.NUMERIC, str.encode)(text)

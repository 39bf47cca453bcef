"""String literals as values of the type that they stand for: numbers, dates, intervals, arrays, ... as PostgreSQL reads them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from bdc.sql.pgwire.dialect.fragments import Typed, refuse
from bdc.sql.pgwire.dialect.types import INTERVAL, MONTHS, TEXT, Kind
from bdc.sql.pgwire.errors import INVALID_TEXT, SqlError
from bdc.sql.quoting import literal


def literal_as(text: str, wanted: Kind) -> Typed:
    """A string literal with a type. Raises SqlError for what isn't one of its values, as far as that is seen here."""
    if wanted.text:
        return Typed(literal(text), wanted)
    if make := _LITERALS.get(wanted.family):
        return make(text, wanted)
    raise refuse(f"a literal of the type {wanted}")


def _whole(text: str, wanted: Kind) -> Typed:
    if not re.fullmatch(r"\s*[+-]?\d+\s*", text):
        raise _invalid(text, wanted)
    return Typed(f"CAST({int(text)} AS {wanted.sql})", wanted)


_FLOATS = {"nan": "nan()", "infinity": "infinity()", "inf": "infinity()", "-infinity": "-infinity()", "-inf": "-infinity()"}


def _float(text: str, wanted: Kind) -> Typed:
    stripped = text.strip().lower()
    if stripped in _FLOATS:
        return Typed(f"CAST({_FLOATS[stripped]} AS {wanted.sql})", wanted)
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", stripped):
        raise _invalid(text, wanted)
    return Typed(f"CAST({literal(stripped)} AS {wanted.sql})", wanted)


def _truth(text: str, wanted: Kind) -> Typed:
    """Any beginning of true, yes, on, 1 and their opposites that isn't one of both."""
    stripped = text.strip().lower()
    for value, words in (("true", ("true", "yes", "on", "1")), ("false", ("false", "no", "off", "0"))):
        if stripped not in ("", "o") and any(word.startswith(stripped) for word in words):
            return Typed(value, wanted)
    raise _invalid(text, wanted)


def _uuid(text: str, wanted: Kind) -> Typed:
    try:
        return Typed(f"CAST('{uuid.UUID(text.strip())}' AS uuid)", wanted)
    except ValueError:
        raise _invalid(text, wanted) from None


def _bytes(text: str, wanted: Kind) -> Typed:
    if not re.fullmatch(r"\\x([0-9a-fA-F]{2})*", text):
        raise refuse("bytea that isn't written as \\x and hex digits")
    return Typed(f"X'{text[2:]}'", wanted)


def _items(text: str, wanted: Kind) -> Typed:
    of = wanted.of or TEXT
    inside = ("NULL" if item is None else literal_as(item, of).sql for item in array_elements(text))
    return Typed(f"CAST(ARRAY[{', '.join(inside)}] AS {wanted.sql})", wanted)


def decimal_literal(text: str, wanted: Kind) -> Typed:
    """A numeric, with as many digits as it is written with. Raises SqlError."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise _invalid(text, wanted) from None
    if not value.is_finite():
        raise refuse(f"the numeric {text}")
    spelled = format(value, "f")
    digits = spelled.lstrip("+-").replace(".", "").lstrip("0")
    scale = len(spelled.partition(".")[2])
    if max(len(digits), scale) > 38:
        raise SqlError("numeric field overflow", "22003", "the federation's numerics have at most 38 digits")
    found = Typed(f"DECIMAL '{spelled}'", Kind("decimal", scale=scale))
    return found if wanted.scale is None else Typed(f"CAST({found.sql} AS decimal(38, {wanted.scale}))", wanted)


_DATE_FORM = re.compile(r"\d{4,}-\d\d-\d\d")

_TIME_FORM = re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?")


def _moment(text: str, wanted: Kind) -> Typed:
    day, _, clock = text.replace("T", " ", 1).partition(" ")
    if wanted.family == "time":
        if not _TIME_FORM.fullmatch(text):
            raise refuse(f"the time '{text}'", "write it as HH:MM:SS")
        return Typed(f"CAST(TIME '{text}' AS time(6))", wanted)
    if not _DATE_FORM.fullmatch(day):
        raise refuse(f"the {wanted} '{text}'", "write dates as YYYY-MM-DD")
    if wanted.family == "date":
        if clock and not re.fullmatch(r"[0:.]+", clock):
            raise refuse(f"the date '{text}'", "write it as YYYY-MM-DD")
        return Typed(f"DATE '{day}'", wanted)
    found = re.fullmatch(rf"({_TIME_FORM.pattern})?\s*(?P<zone>[+-]\d\d(:?\d\d)?|UTC|Z)?", clock)
    if not found:
        raise refuse(f"the {wanted} '{text}'", "write it as YYYY-MM-DD HH:MM:SS")
    clock = found[1] or "00:00:00"
    offset = found["zone"] or ""
    if wanted.family == "timestamp":
        return Typed(f"CAST(TIMESTAMP '{day} {clock}' AS timestamp(6))", wanted)
    if not offset:
        return Typed(f"CAST(CAST(TIMESTAMP '{day} {clock}' AS timestamp(6)) AS timestamp(6) with time zone)", wanted)
    digits = offset[1:].replace(":", "").ljust(4, "0")
    zone = "UTC" if offset in ("UTC", "Z") else f"{offset[0]}{digits[:2]}:{digits[2:]}"
    return Typed(f"CAST(TIMESTAMP '{day} {clock} {zone}' AS timestamp(6) with time zone)", wanted)


def _invalid(text: str, wanted: Kind) -> SqlError:
    return SqlError(f'invalid input syntax for type {wanted}: "{text}"', INVALID_TEXT)


_ELEMENT = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",{}\s](?:[^",{}]*[^",{}\s])?))\s*(,|\Z)')


def array_elements(text: str) -> list[str | None]:
    """The elements of an array with one dimension, as PostgreSQL writes them: {1,2,NULL,"a b"}."""
    stripped = text.strip()
    if not (stripped.startswith("{") and stripped.endswith("}")):
        raise SqlError(f'malformed array literal: "{text[:60]}"', INVALID_TEXT)
    inside, found, at = stripped[1:-1], list[str | None](), 0
    if not inside.strip():
        return []
    while at <= len(inside):
        item = _ELEMENT.match(inside, at)
        if not item:
            raise refuse(f"the array {text[:60]}")
        if item[1] is not None:
            found.append(re.sub(r"\\(.)", r"\1", item[1]))
        else:
            found.append(None if item[2].upper() == "NULL" else item[2].replace("\\", ""))
        if not item[3]:
            return found
        at = item.end()
    raise refuse(f"the array {text[:60]}")


_LITERALS: dict[str, Callable[[str, Kind], Typed]] = {
    "int": _whole,
    "decimal": decimal_literal,
    "real": _float,
    "double": _float,
    "boolean": _truth,
    **dict.fromkeys(("date", "time", "timestamp", "timestamptz"), lambda text, wanted: _moment(text.strip(), wanted)),
    "uuid": _uuid,
    "bytes": _bytes,
    "json": lambda text, wanted: Typed(f"json_parse({literal(text)})", wanted),
    "array": _items,
}

_UNIT = re.compile(
    r"\s*(?P<count>[+-]?\d+)\s*(?P<unit>years?|mons?|months?|weeks?|days?|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)\b", re.IGNORECASE
)

_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "mi": 60, "m": 60, "s": 1}


def interval(text: str) -> Typed:
    """An interval of months, or of days and times, as a literal has it; not of both, which Trino hasn't."""
    months = seconds = at = 0
    while at < len(text.strip()):
        found = _UNIT.match(text.strip(), at)
        if not found:
            break
        at, unit, count = found.end(), found["unit"].lower(), int(found["count"])
        if unit.startswith(("y", "mon")):
            months += count * (12 if unit.startswith("y") else 1)
        else:
            seconds += count * next(value for name, value in _SECONDS.items() if unit.startswith(name))
    if clock := re.fullmatch(r"\s*(-?)(\d+):(\d\d)(?::(\d\d))?", text.strip()[at:]):
        at = len(text.strip())
        seconds += (-1 if clock[1] else 1) * (int(clock[2]) * 3600 + int(clock[3]) * 60 + int(clock[4] or 0))
    if at < len(text.strip()) or not text.strip() or (months and seconds):
        raise refuse(f"the interval '{text}'", "use one of months and years, or of days, hours, minutes and seconds")
    if months:
        return Typed(f"INTERVAL '{months}' MONTH" if months >= 0 else f"(- INTERVAL '{-months}' MONTH)", MONTHS)
    return Typed(f"INTERVAL '{seconds}' SECOND" if seconds >= 0 else f"(- INTERVAL '{-seconds}' SECOND)", INTERVAL)

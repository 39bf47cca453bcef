"""Types as far as T-SQL's rules must tell them apart, and the digits that its arithmetic gives.

https://learn.microsoft.com/sql/t-sql/data-types/precision-scale-and-length-transact-sql
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_DIGITS = 38
_KEPT_SCALE = 6  # digits after the point that a quotient has at least
_MOST_INTEGRAL = 32  # digits before the point from which on the scale goes down to 6

_SPELLED = re.compile(r"(?P<name>[a-z ]+?)\s*(?:\((?P<sizes>[\d, ]+)\))?(?P<zone> with time zone)?")
_INT_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "int": 10, "bigint": 19}
_SAME = {"double": "double", "real": "real", "boolean": "bit", "date": "date", "uuid": "uuid", "varbinary": "bytes", "unknown": "null"}


@dataclass(frozen=True)
class Kind:
    """A family of types. `digits` and `scale` are an int's and a decimal's; `length` is a string's, where it has a bound."""

    family: str
    digits: int = 0
    scale: int = 0
    length: int | None = None

    @property
    def exact(self) -> bool:
        """Whether it is an int or a decimal."""
        return self.family in ("int", "decimal")

    @property
    def numeric(self) -> bool:
        """Whether one can calculate with it."""
        return self.exact or self.family in ("double", "real")

    @property
    def text(self) -> bool:
        """Whether it is a string, a literal included."""
        return self.family in ("text", "char", "literal")

    @property
    def moment(self) -> bool:
        """Whether it is a date, or a date with a time and no zone."""
        return self.family in ("date", "timestamp")

    @property
    def integral(self) -> int:
        """Digits before the point."""
        return self.digits - self.scale

    def __str__(self) -> str:
        names = {"int": "an integer", "decimal": f"DECIMAL({self.digits}, {self.scale})", "double": "FLOAT", "real": "REAL",
                 "text": "a string",
                 "literal": "a string", "char": "CHAR", "bit": "BIT", "date": "DATE", "timestamp": "DATETIME2",
                 "timestamptz": "DATETIMEOFFSET", "null": "NULL", "unknown": "a type that isn't known"}  # fmt: skip
        return names.get(self.family, self.family)


INT, BIGINT = Kind("int", 10), Kind("int", 19)
DOUBLE, REAL, BIT = Kind("double"), Kind("real"), Kind("bit")
TEXT, LITERAL, NULL, UNKNOWN = Kind("text"), Kind("literal"), Kind("null"), Kind("unknown")
DATE, TIMESTAMP, TIMESTAMPTZ = Kind("date"), Kind("timestamp"), Kind("timestamptz")


def decimal(digits: int, scale: int) -> Kind:
    """A decimal with so many digits, of which `scale` stand after the point."""
    return Kind("decimal", min(digits, MOST_DIGITS), scale)


def kind(text: str) -> Kind:
    """The kind of a type as Trino writes it, such as decimal(10,2) or timestamp(3) with time zone."""
    found = _SPELLED.fullmatch(text.lower())
    if not found:
        return Kind("other")
    name, sizes = found["name"], [int(size) for size in (found["sizes"] or "").replace(" ", "").split(",") if size]
    if name in _INT_DIGITS:
        return Kind("int", _INT_DIGITS[name])
    if name == "decimal":
        digits, scale = (*sizes, 0)[:2] if sizes else (MOST_DIGITS, 0)
        return decimal(digits, scale)
    if name in ("varchar", "char"):
        return Kind("text" if name == "varchar" else "char", length=sizes[0] if sizes else None)
    if name == "timestamp":
        return TIMESTAMPTZ if found["zone"] else TIMESTAMP
    return Kind(_SAME[name]) if name in _SAME and not found["zone"] else Kind("other")


def number(text: str) -> Kind:
    """The kind of a number as it is written: an int, a decimal with the digits that it has, or a float with an exponent."""
    if "e" in text.lower():
        return DOUBLE
    before, point, after = text.partition(".")
    before = before.lstrip("0")
    if not point:
        return Kind("int", max(1, len(before))) if len(before) < BIGINT.digits else decimal(len(before), 0)
    return decimal(max(1, len(before) + len(after)), len(after))


def wider(one: Kind, other: Kind) -> Kind:
    """The type that a CASE, COALESCE or UNION of two gives."""
    if one == other or other.family == "null":
        return one
    if one.family == "null":
        return other
    if one.text and other.text:
        return TEXT
    if one.exact and other.exact:
        if one.family == other.family == "int":
            return one if one.digits >= other.digits else other
        scale = max(one.scale, other.scale)
        return decimal(max(one.integral, other.integral) + scale, scale)
    if one.numeric and other.numeric:
        return DOUBLE if DOUBLE in (one, other) else REAL
    return TIMESTAMP if one.moment and other.moment else UNKNOWN


def of_sum(one: Kind, other: Kind) -> Kind:
    """What + and - of exact numbers give."""
    scale = max(one.scale, other.scale)
    return decimal(max(one.integral, other.integral) + scale + 1, scale)


def of_product(one: Kind, other: Kind) -> Kind:
    """What * of exact numbers gives."""
    return _fitted(one.digits + other.digits + 1, one.scale + other.scale)


def of_quotient(one: Kind, other: Kind) -> Kind:
    """What / of exact numbers gives."""
    scale = max(_KEPT_SCALE, one.scale + other.digits + 1)
    return _fitted(one.integral + other.scale + scale, scale)


def _fitted(digits: int, scale: int) -> Kind:
    """At most 38 digits: those before the point are kept, of those after it at least 6."""
    integral = digits - scale
    if digits > MOST_DIGITS:
        scale = min(scale, MOST_DIGITS - integral) if integral < _MOST_INTEGRAL else min(scale, _KEPT_SCALE)
    return decimal(integral + scale, scale)

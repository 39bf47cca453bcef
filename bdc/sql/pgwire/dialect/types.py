"""Types as far as the translation must tell them apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bdc.sql.pgwire.errors import NOT_SUPPORTED, SqlError

_SPELLED = re.compile(r"(?P<name>[a-z ]+?)\s*(?:\((?P<sizes>[\d, ]+)\))?(?P<more> with time zone)?")
_INTS = {"tinyint": 1, "smallint": 2, "integer": 4, "int": 4, "bigint": 8}
_SAME = {"double": "double", "real": "real", "boolean": "boolean", "date": "date", "uuid": "uuid", "json": "json", "varbinary": "bytes",
         "interval day to second": "interval", "interval year to month": "months", "varchar": "text", "char": "char",
         "unknown": "null"}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A family of types. `bits` is how wide an int is, in bytes; `scale` a decimal's, where it is known; `of` an array's elements."""

    family: str
    bits: int = 0
    scale: int | None = None
    of: Kind | None = None

    @property
    def numeric(self) -> bool:
        """Whether one can calculate with it."""
        return self.family in ("int", "decimal", "real", "double")

    @property
    def text(self) -> bool:
        """Whether it is a string: typed, or a literal that takes its type from what it stands next to."""
        return self.family in ("text", "char", "literal")

    @property
    def open(self) -> bool:
        """Whether it takes its type from what it stands next to: a string literal, NULL."""
        return self.family in ("literal", "null")

    def __str__(self) -> str:
        names = {"int": {1: "smallint", 2: "smallint", 4: "integer", 8: "bigint"}.get(self.bits, "integer"), "decimal": "numeric",
                 "double": "double precision", "bytes": "bytea", "months": "interval", "char": "character", "literal": "unknown",
                 "null": "unknown", "timestamptz": "timestamp with time zone"}  # fmt: skip
        return f"{self.of}[]" if self.of else names.get(self.family, self.family)

    @property
    def sql(self) -> str:
        """The type as Trino writes it, for a cast."""
        if self.of:
            return f"array({self.of.sql})"
        if self.family == "int":
            return {1: "tinyint", 2: "smallint", 4: "integer"}.get(self.bits, "bigint")
        if self.family == "decimal":
            return f"decimal(38, {self.scale if self.scale is not None else 20})"
        found = {"text": "varchar", "literal": "varchar", "bytes": "varbinary", "timestamp": "timestamp(6)", "time": "time(6)",
                 "timestamptz": "timestamp(6) with time zone"}.get(self.family, self.family)  # fmt: skip
        if found in ("interval", "months", "null", "other", "char"):
            raise SqlError(f"a cast to {self} can't be translated", NOT_SUPPORTED)
        return found


SMALLINT, INTEGER, BIGINT = Kind("int", 2), Kind("int", 4), Kind("int", 8)
REAL, DOUBLE, NUMERIC = Kind("real"), Kind("double"), Kind("decimal")
TEXT, CHAR, BOOLEAN, BYTES = Kind("text"), Kind("char"), Kind("boolean"), Kind("bytes")
DATE, TIME, TIMESTAMP, TIMESTAMPTZ = Kind("date"), Kind("time"), Kind("timestamp"), Kind("timestamptz")
INTERVAL, MONTHS, UUID, JSON = Kind("interval"), Kind("months"), Kind("uuid"), Kind("json")
LITERAL, NULL, OTHER = Kind("literal"), Kind("null"), Kind("other")

TIMES = ("date", "timestamp", "timestamptz")
"""The families that compare with one another, the wider after the narrower."""


def kind(text: str) -> Kind:
    """The kind of a type as Trino writes it, such as decimal(10,2) or array(varchar(5))."""
    if text.startswith("array(") and text.endswith(")"):
        return Kind("array", of=kind(text[6:-1]))
    found = _SPELLED.fullmatch(text)
    if not found:
        return OTHER
    name = found["name"]
    if name in _INTS:
        return Kind("int", _INTS[name])
    if name == "decimal":
        return Kind("decimal", scale=int((found["sizes"] or "38,0").split(",")[-1]))
    if name in ("timestamp", "time"):
        if found["more"]:
            return TIMESTAMPTZ if name == "timestamp" else OTHER
        return TIMESTAMP if name == "timestamp" else TIME
    return Kind(_SAME[name]) if name in _SAME else OTHER

"""Every type that engines share, with the values at its edges, and how each engine's SQL writes one and gives it back as text.

Cells are compared as Python's values, or as text where Python has no such value, so that a spelling isn't a difference and nothing else
is taken for a spelling: `Family.parse` reads what an engine's SQL made of a value, `Family.of` takes what a Python library gives.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Dialect:
    """An engine's words: `{}` is an expression, or digits of hexadecimal where bytes are written."""

    string: str
    text: str
    hexed: str
    utc: str
    octets: str
    chars: str
    array: str
    map: str
    row: str
    listed: str
    paired: str
    document: str


SPARK = Dialect(
    string="STRING",
    text="CAST({} AS STRING)",
    hexed="hex({})",
    utc="CAST({} AS STRING)",
    octets="X'{}'",
    chars="CAST(X'{}' AS STRING)",
    array="array({})",
    map="map_from_arrays(array({}), array({}))",
    row="struct({})",
    listed="to_json(transform({}, x -> {}))",
    paired="to_json(transform(map_entries({}), x -> array(x.key, {})))",
    document="to_json({}, map('ignoreNullFields', 'false'))",
)
TRINO = Dialect(
    string="varchar",
    text="CAST({} AS varchar)",
    hexed="to_hex({})",
    utc="CAST({} AT TIME ZONE 'UTC' AS varchar)",
    octets="X'{}'",
    chars="from_utf8(X'{}')",
    array="ARRAY[{}]",
    map="map(ARRAY[{}], ARRAY[{}])",
    row="ROW({})",
    listed="json_format(CAST(transform({}, x -> {}) AS json))",
    paired="json_format(CAST(transform(map_entries({}), x -> ARRAY[x[1], {}]) AS json))",
    document="json_format(CAST({} AS json))",
)
MASTER = Dialect(
    string="text",
    text="CAST({} AS text)",
    hexed="encode({}, 'hex')",
    utc="CAST({} AT TIME ZONE 'UTC' AS text)",
    octets="'\\x{}'::bytea",
    chars="convert_from('\\x{}', 'UTF8')",
    array="ARRAY[{}]",
    map="",
    row="",
    listed="CAST(array_to_json({}) AS text)",
    paired="",
    document="CAST({} AS text)",
)


class Family:
    """Values that are written as quoted text and cast."""

    def write(self, dialect: Dialect, value: Any, kind: str) -> str:
        return f"CAST({'NULL' if value is None else self.literal(dialect, value)} AS {kind})"

    def literal(self, dialect: Dialect, value: Any) -> str:
        return f"'{value}'"

    def read(self, dialect: Dialect, column: str) -> str:
        return dialect.text.format(column)

    def parse(self, text: str) -> Any:
        return text

    def of(self, value: Any) -> Any:
        return value


class Integers(Family):
    def parse(self, text: str) -> Any:
        return int(text)


class Booleans(Family):
    def parse(self, text: str) -> Any:
        return {"true": True, "false": False, "True": True, "False": False, "1": True, "0": False}[text]


class Decimals(Family):
    def literal(self, dialect: Dialect, value: Any) -> str:
        return f"'{value:f}'"

    def parse(self, text: str) -> Any:
        return Decimal(text)


@dataclass(frozen=True)
class Floats(Family):
    """Compared by their bits, but for NaN's."""

    bits: int = 64

    def read(self, dialect: Dialect, column: str) -> str:
        return dialect.text.format(column if dialect is not TRINO else f"CAST({column} AS double)")

    def literal(self, dialect: Dialect, value: Any) -> str:
        return f"'{value!r}'".replace("inf", "Infinity").replace("nan", "NaN")

    def parse(self, text: str) -> Any:
        return self.of(float(text))

    def of(self, value: Any) -> Any:
        [same] = struct.unpack("f", struct.pack("f", value)) if self.bits == 32 else [float(value)]
        return float.hex(same)


class Strings(Family):
    """Text, of whatever length: a column that has one cuts nothing off, or says so."""

    def write(self, dialect: Dialect, value: Any, kind: str) -> str:
        return super().write(dialect, value, dialect.string)

    def literal(self, dialect: Dialect, value: Any) -> str:
        return dialect.chars.format(value.encode().hex())

    def read(self, dialect: Dialect, column: str) -> str:
        return column


class Characters(Strings):
    """CHAR(5), which is filled up with blanks."""

    def read(self, dialect: Dialect, column: str) -> str:
        if dialect is TRINO:
            return f"'<' || CAST({column} AS varchar) || '>'"
        return f"CASE WHEN {column} IS NOT NULL THEN concat('<', {column}, '>') END"

    def parse(self, text: str) -> Any:
        return text[1:-1]

    def of(self, value: Any) -> Any:
        return value.ljust(5)


class Octets(Family):
    def write(self, dialect: Dialect, value: Any, kind: str) -> str:
        return f"CAST(NULL AS {kind})" if value is None else dialect.octets.format(value.hex())

    def read(self, dialect: Dialect, column: str) -> str:
        return dialect.hexed.format(column)

    def parse(self, text: str) -> Any:
        return bytes.fromhex(text)


class Days(Family):
    def of(self, value: Any) -> Any:
        return value.isoformat()


class Times(Family):
    """Of no zone; text to the microsecond, so that there is a place for the year 10000 and for those before Christ."""

    def literal(self, dialect: Dialect, value: Any) -> str:
        return f"'{value.isoformat(' ')}'"

    def parse(self, text: str) -> Any:
        found = re.fullmatch(r"(\S+)[ T](\d\d:\d\d)(:\d\d)?(\.\d+)?( UTC|\+00(?::00)?|Z)?", text)
        if found is None:
            return text
        return f"{found[1]} {found[2]}{found[3] or ':00'}.{(found[4] or '.')[1:].ljust(6, '0')}"

    def of(self, value: Any) -> Any:
        return self.parse(value.isoformat(" "))


class Moments(Times):
    """Of a zone, which is UTC everywhere."""

    def literal(self, dialect: Dialect, value: Any) -> str:
        text = value.isoformat(" ").removesuffix("+00:00")
        return f"'{text} UTC'"

    def read(self, dialect: Dialect, column: str) -> str:
        return dialect.utc.format(column)


class Nested(Family):
    """What is JSON to who has no such type; `like` is the type of what is in it, by dialect."""

    def write(self, dialect: Dialect, value: Any, kind: str) -> str:
        return f"CAST({'NULL' if value is None else self.made(dialect, value, kind)} AS {kind})"

    def made(self, dialect: Dialect, value: Any, kind: str) -> str:
        raise NotImplementedError

    def parse(self, text: str) -> Any:
        return self.of(json.loads(text, parse_float=Decimal, parse_int=Decimal))


def _leaf(family: Family, value: Any) -> Any:
    if value is None:
        return None
    return family.parse(value) if isinstance(value, str) and not isinstance(family, Nested) else family.of(value)


@dataclass(frozen=True)
class Lists(Nested):
    inner: Family

    def made(self, dialect: Dialect, value: Any, kind: str) -> str:
        inside = re.sub(r"(?i)^array[<(](.*)[>)]$|^(.*)\[\]$", lambda found: found[1] or found[2], kind)
        return dialect.array.format(", ".join(self.inner.write(dialect, one, inside) for one in value))

    def read(self, dialect: Dialect, column: str) -> str:
        return dialect.listed.format(column, self.inner.read(dialect, "x"))

    def of(self, value: Any) -> Any:
        return [_leaf(self.inner, one) for one in value]


@dataclass(frozen=True)
class Maps(Nested):
    """From strings."""

    inner: Family

    def made(self, dialect: Dialect, value: Any, kind: str) -> str:
        key, inside = kind[4:-1].split(",", 1)
        keys = ", ".join(Strings().write(dialect, one, key) for one in value)
        return dialect.map.format(keys, ", ".join(self.inner.write(dialect, one, inside.strip()) for one in value.values()))

    def read(self, dialect: Dialect, column: str) -> str:
        return dialect.paired.format(column, self.inner.read(dialect, "x.value" if dialect is SPARK else "x[2]"))

    def of(self, value: Any) -> Any:
        return {key: _leaf(self.inner, one) for key, one in (value.items() if isinstance(value, dict) else value)}


class Structs(Nested):
    """With integers, strings, lists and structs in them, so that JSON says all, names included."""

    def made(self, dialect: Dialect, value: Any, kind: str) -> str:
        if isinstance(value, dict):
            return dialect.row.format(", ".join(self.made(dialect, one, "") for one in value.values()))
        if isinstance(value, list):
            return dialect.array.format(", ".join(self.made(dialect, one, "") for one in value))
        return "NULL" if value is None else str(value) if isinstance(value, int) else Strings().literal(dialect, value)

    def read(self, dialect: Dialect, column: str) -> str:
        return dialect.document.format(column)


@dataclass(frozen=True)
class Kind:
    """A column of a type; `external` is its type in T-SQL, an empty name says that the engine has none."""

    column: str
    family: Family
    spark: str
    lake: str
    external: str
    master: str
    arrow: pa.DataType
    values: tuple[Any, ...]

    @property
    def nested(self) -> bool:
        return isinstance(self.family, Nested)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


DAYS = ("0001-01-01", "0999-12-31", "1582-10-04", "1582-10-15", "1899-12-31", "1969-12-31", "1970-01-01", "2000-02-29", "9999-12-31")
TIMES = (
    "0001-01-01 00:00:00", "1582-10-04 23:59:59.999999", "1582-10-15 00:00:00.000001", "1899-12-31 23:59:59.999999",
    "1969-12-31 23:59:59.999999", "1970-01-01 00:00:00", "2026-03-29 02:30:00.123456", "9999-12-31 23:59:59.999999",
)  # fmt: skip
DOUBLES = (float("nan"), float("inf"), float("-inf"), -0.0, 0.0, 5e-324, -1.7976931348623157e308, 0.1)
FLOATS = (float("nan"), float("inf"), float("-inf"), -0.0, 0.0, 1.401298464324817e-45, 3.4028234663852886e38, 0.10000000149011612)
LARGEST, LEAST = Decimal(f"{'9' * 20}.{'9' * 18}"), Decimal(f"-{'9' * 20}.{'9' * 18}")
STRINGS = ("", " both ends ", "Zoë ß 😀", "e\u0301 is é", "line\nand\r\nline", 'a "quoted", b', "back\\slash\\n", "\\N", "NULL", "\t")

KINDS = (
    Kind("Tiny", Integers(), "TINYINT", "tinyint", "SMALLINT", "smallint", pa.int8(), (-128, 127, 0)),
    Kind("Small", Integers(), "SMALLINT", "smallint", "SMALLINT", "smallint", pa.int16(), (-(2**15), 2**15 - 1)),
    Kind("Whole", Integers(), "INT", "integer", "INT", "integer", pa.int32(), (-(2**31), 2**31 - 1)),
    Kind("Big", Integers(), "BIGINT", "bigint", "BIGINT", "bigint", pa.int64(), (-(2**63), 2**63 - 1)),
    Kind("Flag", Booleans(), "BOOLEAN", "boolean", "BIT", "boolean", pa.bool_(), (True, False)),
    Kind("Single", Floats(32), "FLOAT", "real", "REAL", "real", pa.float32(), FLOATS),
    Kind("Twice", Floats(), "DOUBLE", "double", "FLOAT", "double precision", pa.float64(), DOUBLES),
    Kind("Amount", Decimals(), "DECIMAL(9,2)", "decimal(9,2)", "DECIMAL(9,2)", "numeric(9,2)", pa.decimal128(9, 2),
         (Decimal("-9999999.99"), Decimal("0.01"))),
    Kind("Exact", Decimals(), "DECIMAL(38,18)", "decimal(38,18)", "DECIMAL(38,18)", "numeric(38,18)", pa.decimal128(38, 18),
         (LARGEST, LEAST, Decimal("1e-18"))),
    Kind("Digits", Decimals(), "DECIMAL(38,0)", "decimal(38,0)", "DECIMAL(38,0)", "numeric(38,0)", pa.decimal128(38, 0),
         (Decimal("9" * 38), Decimal("-" + "9" * 38))),
    Kind("Behind", Decimals(), "DECIMAL(38,38)", "decimal(38,38)", "DECIMAL(38,38)", "numeric(38,38)", pa.decimal128(38, 38),
         (Decimal("0." + "9" * 38), Decimal("-1e-38"))),
    Kind("Words", Strings(), "STRING", "varchar", "NVARCHAR(MAX)", "text", pa.string(), STRINGS),
    Kind("Short", Strings(), "VARCHAR(5)", "varchar(5)", "NVARCHAR(5)", "varchar(5)", pa.string(), ("", "a  ", "Zoë 😀")),
    Kind("Fixed", Characters(), "CHAR(5)", "char(5)", "NCHAR(5)", "char(5)", pa.string(), ("abcde", "a", "")),
    Kind("Raw", Octets(), "BINARY", "varbinary", "VARBINARY(MAX)", "bytea", pa.binary(), (b"", b"\0", b"\xff\xfe\0'", b"a ")),
    Kind("Day", Days(), "DATE", "date", "DATE", "date", pa.date32(), tuple(map(_day, DAYS))),
    Kind("Moment", Moments(), "TIMESTAMP", "timestamp(6) with time zone", "DATETIMEOFFSET(6)", "timestamptz", pa.timestamp("us", "UTC"),
         tuple(_time(text).replace(tzinfo=UTC) for text in TIMES)),
    Kind("Local", Times(), "TIMESTAMP_NTZ", "timestamp(6)", "DATETIME2(6)", "timestamp", pa.timestamp("us"), tuple(map(_time, TIMES))),
    Kind("Numbers", Lists(Integers()), "ARRAY<INT>", "array(integer)", "NVARCHAR(MAX)", "integer[]", pa.list_(pa.int32()),
         ([], [None], [1, None, -(2**31)])),
    Kind("Amounts", Lists(Decimals()), "ARRAY<DECIMAL(38,18)>", "array(decimal(38,18))", "NVARCHAR(MAX)", "",
         pa.list_(pa.decimal128(38, 18)), ([LARGEST, None], [Decimal("1e-18")])),
    Kind("Doubles", Lists(Floats()), "ARRAY<DOUBLE>", "array(double)", "NVARCHAR(MAX)", "double precision[]", pa.list_(pa.float64()),
         ([5e-324, None], list(DOUBLES))),
    Kind("Moments", Lists(Moments()), "ARRAY<TIMESTAMP>", "array(timestamp(6) with time zone)", "NVARCHAR(MAX)", "",
         pa.list_(pa.timestamp("us", "UTC")), ([_time(text).replace(tzinfo=UTC) for text in TIMES],)),
    Kind("Raws", Lists(Octets()), "ARRAY<BINARY>", "array(varbinary)", "NVARCHAR(MAX)", "", pa.list_(pa.binary()), ([b"", None, b"\xff"],)),
    Kind("Marks", Maps(Days()), "MAP<STRING, DATE>", "map(varchar, date)", "NVARCHAR(MAX)", "", pa.map_(pa.string(), pa.date32()),
         ({}, {"": _day("0001-01-01"), "Zoë": None, "B": _day("9999-12-31")})),
    Kind("Deep", Structs(), "STRUCT<InnerName: INT, Parts: ARRAY<STRUCT<aB: STRING>>>",
         'ROW("InnerName" integer, "Parts" array(ROW("aB" varchar)))', "NVARCHAR(MAX)", "",
         pa.struct([("InnerName", pa.int32()), ("Parts", pa.list_(pa.struct([("aB", pa.string())])))]),
         ({"InnerName": 1, "Parts": [{"aB": ""}, {"aB": None}, None]}, {"InnerName": None, "Parts": None}, {"InnerName": 2, "Parts": []})),
)  # fmt: skip
ROWS = max(len(kind.values) for kind in KINDS) + 1
"""As many as the longest list of values has, and one of NULLs."""


def cell(kind: Kind, row: int) -> Any:
    """What a writer writes into a row, counted from 0."""
    return kind.values[row] if row < len(kind.values) else None


def wanted(kind: Kind, row: int) -> Any:
    """What a reader has to find there."""
    value = cell(kind, row)
    return None if value is None else kind.family.of(value)

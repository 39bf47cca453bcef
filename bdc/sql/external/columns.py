"""Columns as they were defined beside columns as a source has them: what fits, and how it is selected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bdc.errors import UsageError
from bdc.sql.external.definitions import Table
from bdc.sql.quoting import identifier, literal

_SIZED = re.compile(r"(?P<name>[a-z ]+?)\s*(?:\((?P<sizes>[0-9, ]+)\))?(?P<zone> with time zone)?")
INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_STRINGS = frozenset({"varchar", "char"})
_AS_TEXT = {"json": "json_format({})", "uuid": "CAST({} AS varchar)", "ObjectId": "CAST({} AS varchar)", "ipaddress": "CAST({} AS varchar)"}
_NESTED = ("row(", "array(", "map(")
QUOTE = '"'
"""In a type, of whose fields the names have capitals: Trino's own type of a file's column has them in lower case."""

_BYTE, _PRECISION = 255, 38
_OUT_OF_RANGE = 19  # io.trino.spi.StandardErrorCode, NUMERIC_VALUE_OUT_OF_RANGE


Bytes = Literal["columns", "rows", "nothing"]
"""Where a TINYINT is looked at. In its column: the source still computes what is asked of the others. In a condition, of all rows: files
and folders are still skipped by what is asked of it. Nowhere: who reads it has looked."""


@dataclass(frozen=True)
class Selected:
    """What a table's view selects, and which rows it may have: a condition that fails for the others."""

    columns: str
    condition: str | None = None


def selected(table: Table, wanted: Mapping[str, str], found: Mapping[str, str], bytes_in: Bytes = "columns") -> Selected:
    """What a table's view selects. `wanted` and `found` are Trino's types by columns' names, `found` in lower case.

    What a type can't say is looked at in each value: T-SQL's TINYINT is 0 to 255, and a number of 38 digits may be defined as a narrower
    one. `bytes_in` says where a TINYINT is. Raises UsageError that names the column, and both types.
    """
    bytes_ = byte_columns(table) if bytes_in != "nothing" else ()
    listed, conditions = [], []
    for name, kind in wanted.items():
        column, was = identifier(name.lower()), found.get(name.lower(), "")
        expression = _expression(table, name, kind, found)
        if name.lower() in bytes_ and was in INTEGERS:
            if bytes_in == "rows":
                conditions.append(within_byte(column, "boolean", f"{table}: the column {name}", "true"))
            else:
                expression = within_byte(column, was, f"{table}: the column {name}")
        listed.append(f"{expression} AS {column}")
    return Selected(", ".join(listed), " AND ".join(conditions) or None)


def byte_columns(table: Table) -> frozenset[str]:
    """The columns, in lower case, that are T-SQL's TINYINT: Trino's has a sign, so that they are its smallint."""
    return frozenset(one.name.lower() for one in table.columns if one.type.strip().lower() == "tinyint")


def within_byte(value: str, kind: str, what: str, then: str | None = None) -> str:
    """A value that is 0 to 255, as T-SQL's TINYINT, or fails; `then` instead of it. `what` has it, `kind` is the type of all that."""
    return f"CASE WHEN {value} NOT BETWEEN 0 AND {_BYTE} THEN CAST({_refusal(value, what, 'TINYINT')} AS {kind}) ELSE {then or value} END"


def _refusal(value: str, what: str, kind: str) -> str:
    return f"fail({_OUT_OF_RANGE}, {literal(f'{what} has ')} || CAST({value} AS varchar) || {literal(f', which is no {kind}')})"


def _expression(table: Table, name: str, wanted: str, found: Mapping[str, str]) -> str:
    kind = found.get(name.lower())
    if kind is None:
        raise UsageError(f"{table}: {table.location} has no column {name}", f"its columns are {', '.join(found)}")
    column = identifier(name.lower())
    if fits(wanted, kind):
        return column
    (wide, _), (narrow, sizes) = _split(wanted), _split(kind)
    if wide in _STRINGS:
        if kind in _AS_TEXT:
            return _AS_TEXT[kind].format(column)
        if kind.startswith(_NESTED):
            return f"json_format(CAST({f'CAST({column} AS {kind})' if QUOTE in kind else column} AS json))"
    if narrow == "decimal" and sizes[0] == _PRECISION:
        if wide in _STRINGS:
            return _digits(column) if sizes[1] else f"CAST({column} AS varchar)"
        if wide == "double":
            return f"CAST({column} AS double)"
        if wide in (*INTEGERS, "decimal"):
            return _narrowed(table, name, column, wanted)
    remedy = f"define it as {typed}" if (typed := suggestion(kind)) else "leave it out"
    raise UsageError(f"{table}: the column {name} is defined as {wanted}, and is {kind} in {table.location}", remedy)


def _digits(column: str) -> str:
    """A number as text, without the zeros that a source's own has not."""
    return f"regexp_replace(CAST({column} AS varchar), '\\.?0+$')"


def _narrowed(table: Table, name: str, column: str, wanted: str) -> str:
    """A number as a narrower one. Trino's CAST would round it."""
    limits = f" OR {column} NOT BETWEEN 0 AND {_BYTE}" if name.lower() in byte_columns(table) else ""
    unfit = f"TRY_CAST({column} AS {wanted}) IS DISTINCT FROM {column}{limits}"
    said = next((one.type for one in table.columns if one.name == name), wanted).upper()
    refusal = _refusal(column, f"{table}: the column {name}", said)
    return f"CASE WHEN {unfit} THEN CAST({refusal} AS {wanted}) ELSE CAST({column} AS {wanted}) END"


def fits(wanted: str, found: str) -> bool:
    """Whether all values of the type `found` are values of `wanted`: strings of any length, times of any precision."""
    (one, wide), (other, narrow) = _split(wanted), _split(found)
    if one in INTEGERS and other in INTEGERS:
        return INTEGERS.index(one) >= INTEGERS.index(other)
    if one == other == "decimal":
        return wide[0] - wide[1] >= narrow[0] - narrow[1] and wide[1] >= narrow[1]
    if one == "double":
        return other in ("double", "real")
    return one == other or (one in _STRINGS and other in _STRINGS)


def _split(kind: str) -> tuple[str, Sequence[int]]:
    """A type's name, with its time zone, and its sizes."""
    parts = _SIZED.fullmatch(kind)
    if not parts:
        return kind, ()
    sizes = [int(size) for size in (parts["sizes"] or "").split(",") if size.strip()]
    return parts["name"] + (parts["zone"] or ""), sizes


_TSQL = {
    "tinyint": "SMALLINT", "smallint": "SMALLINT", "integer": "INT", "bigint": "BIGINT", "boolean": "BIT", "double": "FLOAT",
    "real": "REAL", "date": "DATE", "varbinary": "VARBINARY(MAX)",
    "uuid": "UNIQUEIDENTIFIER", "ObjectId": "NVARCHAR(24)", "json": "NVARCHAR(MAX)",
    "ipaddress": "NVARCHAR(45)",
}  # fmt: skip
_FRACTION = 7
_LONGEST = 4000


def suggestion(kind: str) -> str | None:
    """T-SQL's type for one of Trino's; None where there is none and it can't be text either."""
    if kind in _TSQL:
        return _TSQL[kind]
    name, sizes = _split(kind)
    if name == "decimal":
        return f"DECIMAL({sizes[0]},{sizes[1]})"
    if name in _STRINGS:
        kind = "NVARCHAR" if name == "varchar" else "NCHAR"
        return f"{kind}({sizes[0]})" if sizes and 0 < sizes[0] <= _LONGEST else "NVARCHAR(MAX)"
    times = {"timestamp": "DATETIME2", "timestamp with time zone": "DATETIMEOFFSET", "time": "TIME"}
    if name in times:
        return f"{times[name]}({min(sizes[0] if sizes else 3, _FRACTION)})"
    return "NVARCHAR(MAX)" if kind.startswith(_NESTED) else None

"""Columns as they were defined beside columns as a source has them: what fits, and how it is selected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bdc.errors import UsageError
from bdc.sql.external.catalogs import identifier
from bdc.sql.external.definitions import Table

_SIZED = re.compile(r"(?P<name>[a-z ]+?)\s*(?:\((?P<sizes>[0-9, ]+)\))?(?P<zone> with time zone)?")
_INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_STRINGS = frozenset({"varchar", "char"})
_AS_TEXT = {"json": "json_format({})", "uuid": "CAST({} AS varchar)", "ObjectId": "CAST({} AS varchar)", "ipaddress": "CAST({} AS varchar)"}
_NESTED = ("row(", "array(", "map(")


def selected(table: Table, wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    """What a table's view selects. `wanted` and `found` are Trino's types by columns' names, `found` in lower case.

    Raises UsageError that names the column, and both types.
    """
    return ", ".join(f"{_expression(table, name, kind, found)} AS {identifier(name.lower())}" for name, kind in wanted.items())


def _expression(table: Table, name: str, wanted: str, found: Mapping[str, str]) -> str:
    kind = found.get(name.lower())
    if kind is None:
        raise UsageError(f"{table}: {table.location} has no column {name}", f"its columns are {', '.join(found)}")
    column = identifier(name.lower())
    if fits(wanted, kind):
        return column
    if _split(wanted)[0] in _STRINGS:
        if kind in _AS_TEXT:
            return _AS_TEXT[kind].format(column)
        if kind.startswith(_NESTED):
            return f"json_format(CAST({column} AS json))"
    remedy = f"define it as {typed}" if (typed := suggestion(kind)) else "leave it out"
    raise UsageError(f"{table}: the column {name} is defined as {wanted}, and is {kind} in {table.location}", remedy)


def fits(wanted: str, found: str) -> bool:
    """Whether all values of the type `found` are values of `wanted`: strings of any length, times of any precision."""
    (one, wide), (other, narrow) = _split(wanted), _split(found)
    if one in _INTEGERS and other in _INTEGERS:
        return _INTEGERS.index(one) >= _INTEGERS.index(other)
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

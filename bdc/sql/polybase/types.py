"""T-SQL's types in the federation. https://learn.microsoft.com/sql/t-sql/data-types/data-types-transact-sql, https://trino.io/docs/476/language/types.html"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bdc.sql.polybase.ddl import DataType

_WRITTEN = re.compile(r"(?P<name>[a-z0-9_]+)\s*(?:\((?P<sizes>\s*(?:max|[0-9]+)\s*(?:,\s*[0-9]+\s*)?)\))?")
_DOUBLE_FROM = 25
_FLOAT_BITS = 53
_PRECISION = 38
_CHARACTERS = 8000
_FRACTION = 7


def trino_type(of: DataType) -> str:
    """Trino's type of a T-SQL type, such as `decimal(10,2)`. Raises ValueError for one that has none, and for a size that it can't have."""
    make = _TYPES.get(of.name)
    if make is None:
        raise ValueError(f"there is no type {of.name} here; types: {', '.join(sorted(_TYPES))}")
    try:
        return make(*of.sizes)
    except TypeError:
        raise ValueError(f"{of.name} doesn't take {len(of.sizes)} size{'' if len(of.sizes) == 1 else 's'}") from None


def trino_type_of(text: str) -> str:
    """Trino's type of a T-SQL type as it is written, such as `nvarchar(10)`. Raises ValueError."""
    return trino_type(parse_type(text))


def parse_type(text: str) -> DataType:
    """A T-SQL type as it is written. Raises ValueError."""
    from bdc.sql.polybase.ddl import DataType

    parts = _WRITTEN.fullmatch(text.strip().lower())
    if not parts:
        raise ValueError(f"{text} is no type")
    sizes = [size.strip() for size in (parts["sizes"] or "").split(",") if size.strip()]
    return DataType(parts["name"], tuple(-1 if size == "max" else int(size) for size in sizes))


def _fixed(name: str) -> Callable[[], str]:
    return lambda: name


def _decimal(precision: int = 18, scale: int = 0) -> str:
    if not (1 <= precision <= _PRECISION and 0 <= scale <= precision):
        raise ValueError(f"a decimal has 1 to {_PRECISION} digits, of which 0 to all are decimals, and this has {precision} and {scale}")
    return f"decimal({precision},{scale})"


def _float(bits: int = _FLOAT_BITS) -> str:
    if not 1 <= bits <= _FLOAT_BITS:
        raise ValueError(f"float's size is 1 to {_FLOAT_BITS} bits, and this is {bits}")
    return "double" if bits >= _DOUBLE_FROM else "real"


def _characters(kind: str, most: int) -> Callable[..., str]:
    def make(length: int = 1) -> str:
        if length < 0 and kind == "varchar":
            return "varchar"
        if not 1 <= length <= most:
            raise ValueError(
                f"its length is 1 to {most}{' or max' if kind == 'varchar' else ''}, and this is {'max' if length < 0 else length}"
            )
        return f"{kind}({length})"

    return make


def _binary(length: int = 1) -> str:
    if not (length < 0 or 1 <= length <= _CHARACTERS):
        raise ValueError(f"its length is 1 to {_CHARACTERS} or max, and this is {length}")
    return "varbinary"


def _timed(kind: str, zone: str = "") -> Callable[..., str]:
    def make(digits: int = _FRACTION) -> str:
        if not 0 <= digits <= _FRACTION:
            raise ValueError(f"its fraction has 0 to {_FRACTION} digits, and this has {digits}")
        return f"{kind}({digits}){zone}"

    return make


_TYPES: dict[str, Callable[..., str]] = {
    "bigint": _fixed("bigint"),
    "int": _fixed("integer"),
    "integer": _fixed("integer"),
    "smallint": _fixed("smallint"),
    "tinyint": _fixed("smallint"),  # T-SQL's has no sign: 0 to 255
    "bit": _fixed("boolean"),
    "decimal": _decimal,
    "dec": _decimal,
    "numeric": _decimal,
    "money": _fixed("decimal(19,4)"),
    "smallmoney": _fixed("decimal(10,4)"),
    "float": _float,
    "real": _fixed("real"),
    "date": _fixed("date"),
    "datetime": _fixed("timestamp(3)"),
    "smalldatetime": _fixed("timestamp(0)"),
    "datetime2": _timed("timestamp"),
    "datetimeoffset": _timed("timestamp", " with time zone"),
    "time": _timed("time"),
    "char": _characters("char", _CHARACTERS),
    "nchar": _characters("char", _CHARACTERS // 2),
    "varchar": _characters("varchar", _CHARACTERS),
    "nvarchar": _characters("varchar", _CHARACTERS // 2),
    "text": _fixed("varchar"),
    "ntext": _fixed("varchar"),
    "binary": _binary,
    "varbinary": _binary,
    "image": _fixed("varbinary"),
    "uniqueidentifier": _fixed("uuid"),
    "json": _fixed("json"),
}

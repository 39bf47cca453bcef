"""How results of SQL look: a table for people, JSON and CSV for programs, a bar chart on a terminal.

Values are written exactly: decimals and integers with all their digits, times as the engine wrote them, bytes as `\\x00ff`. JSON has
one object a row; numbers stay numbers, and NaN and Infinity, which JSON lacks, are strings. CSV is RFC 4180 with LF; NULL is an
empty field and an empty string is `""`. All but the chart take constant memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import TYPE_CHECKING

from bdc.cli.cells import cell_len
from bdc.cli.sql_options import SqlFormat
from bdc.sql.result import Row, Value

if TYPE_CHECKING:
    from bdc.sql.result import Column, Result

Write = Callable[[str], object]

_SAMPLE = 1000  # rows that a table's widths come from
_INTEGERS = frozenset(("tinyint", "smallint", "integer", "bigint", "int2", "int4", "int8", "oid"))
_NUMBERS = _INTEGERS | {"real", "double", "decimal", "float4", "float8", "numeric"}
_BARS = " ▏▎▍▌▋▊▉█"


def render(result: Result, output: SqlFormat, write: Write) -> int:
    """Write all rows; how many there were."""
    counted = _Counted(result.rows)
    {SqlFormat.table: _table, SqlFormat.json: _json, SqlFormat.csv: _csv}[output](result.columns, counted, write)
    return counted.count


def text(value: Value) -> str:
    """A value as people and CSV read it; NULL is an empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (list, dict)):
        return json_text(value)
    return str(value)


def json_text(value: Value) -> str:
    """A value as JSON, with all digits."""
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() else f'"{value}"'
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return '"NaN"' if value != value else '"Infinity"' if value > 0 else '"-Infinity"'
    if isinstance(value, bytes):
        return json.dumps(text(value))
    if isinstance(value, list):
        return f"[{', '.join(map(json_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(key, ensure_ascii=False)}: {json_text(item)}' for key, item in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)


def is_chartable(columns: Sequence[Column]) -> bool:
    """Whether a result can be a bar chart: a label and a number."""
    return len(columns) == 2


def chart(rows: Sequence[Row], width: int) -> str | None:
    """Labels, bars and values in lines of at most `width` characters; None when the second column isn't numbers.

    All bars have one scale; negative ones go left from the common zero. NULL has no bar.
    """
    if not all(value is None or (isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)) for _, value in rows):
        return None
    numbers = [float(value) if isinstance(value, (int, float, Decimal)) else 0.0 for _, value in rows]
    numbers = [number if -float("inf") < number < float("inf") else 0.0 for number in numbers]
    labels = [_fit(_line(text(label)), max(8, width // 3)) for label, _ in rows]
    values = [text(value) if value is not None else "NULL" for _, value in rows]
    label_width, value_width = max(map(cell_len, labels), default=0), max(map(len, values), default=0)
    room = max(10, width - label_width - value_width - 4)
    low, high = min(0.0, *numbers, 0.0), max(0.0, *numbers, 0.0)
    left = round(room * (-low / (high - low))) if low < 0 and high > low else 0
    scale = min(left / -low if low < 0 else float("inf"), (room - left) / high if high > 0 else float("inf"))
    lines = []
    for label, number, value in zip(labels, numbers, values, strict=True):
        bar = _bar(number * scale if number else 0.0, left, room - left)
        lines.append(f"{label}{' ' * (label_width - cell_len(label))}  {bar}  {value:>{value_width}}".rstrip())
    return "".join(f"{line}\n" for line in lines)


class _Counted:
    """Counts what goes through."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _table(columns: Sequence[Column], rows: Iterable[Row], write: Write) -> None:
    stream = iter(rows)
    sample = [[_cell(value) for value in row] for row in islice(stream, _SAMPLE)]
    names = [_line(column.name) for column in columns]
    widths = [max([cell_len(name), *(cell_len(row[at]) for row in sample)]) for at, name in enumerate(names)]
    right = [_is_number(column.type) for column in columns]

    def line(cells: Sequence[str]) -> str:
        padded = []
        for cell, width, to_right in zip(cells, widths, right, strict=True):
            gap = " " * (width - cell_len(cell))
            padded.append(gap + cell if to_right else cell + gap)
        return " | ".join(padded).rstrip() + "\n"

    write(line(names))
    write("-+-".join("-" * width for width in widths) + "\n")
    for cells in chain(sample, ([_cell(value) for value in row] for row in stream)):
        write(line(cells))


def _json(columns: Sequence[Column], rows: Iterable[Row], write: Write) -> None:
    keys = [json.dumps(name, ensure_ascii=False) for name in _unique(columns)]
    separator = "[\n"
    for row in rows:
        fields = ", ".join(f"{key}: {json_text(value)}" for key, value in zip(keys, row, strict=True))
        write(f"{separator}  {{{fields}}}")
        separator = ",\n"
    write("[]\n" if separator == "[\n" else "\n]\n")


def _csv(columns: Sequence[Column], rows: Iterable[Row], write: Write) -> None:
    if columns:
        write(",".join(_field(column.name) for column in columns) + "\n")
    for row in rows:
        write(",".join("" if value is None else _field(text(value)) for value in row) + "\n")


def _field(value: str) -> str:
    return f'"{value.replace(chr(34), chr(34) * 2)}"' if not value or any(char in value for char in ',"\r\n') else value


def _unique(columns: Sequence[Column]) -> list[str]:
    """Columns' names, with _2, _3 ... behind those that were there already."""
    names: list[str] = []
    for column in columns:
        name, number = column.name, 2
        while name in names:
            name, number = f"{column.name}_{number}", number + 1
        names.append(name)
    return names


def _cell(value: Value) -> str:
    return "NULL" if value is None else _line(text(value))


def _line(value: str) -> str:
    """A text on one line; control characters, which could also move the terminal's cursor, as escapes."""
    return value if value.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)


def _fit(value: str, width: int) -> str:
    if cell_len(value) <= width:
        return value
    from rich.cells import set_cell_size

    return f"{set_cell_size(value, width - 1)}…"


def _is_number(kind: str) -> bool:
    return kind.split("(")[0].lower() in _NUMBERS


def _bar(length: float, left: int, right: int) -> str:
    """A bar of so many characters, in eighths, right of the zero, or left of it in whole ones."""
    if length < 0:
        filled = min(left, max(1, round(-length)))
        return " " * (left - filled) + "█" * filled + " " * right
    eighths = min(right * 8, max(1 if length else 0, round(length * 8)))
    whole, part = divmod(eighths, 8)
    return " " * left + ("█" * whole + (_BARS[part] if part else "")).ljust(right)

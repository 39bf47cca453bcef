"""How files of text are written, as the connector `text_files` reads it in a table's name (images/trino, Layout).

FORMAT_OPTIONS and REJECT_ are PolyBase's: https://learn.microsoft.com/sql/t-sql/statements/create-external-file-format-transact-sql,
https://learn.microsoft.com/sql/t-sql/statements/create-external-table-transact-sql
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bdc.errors import UsageError
from bdc.sql.external.definitions import Rejects
from bdc.sql.polybase.ddl import CreateFormat

FORMATS = ("DELIMITEDTEXT", "JSON")
"""The FORMAT_TYPEs of text."""

_GZIP = ("gzip", "gzipcodec")
_CODECS = (*_GZIP, "default", "defaultcodec", "none")
_HEX = re.compile(r"0x((?:[0-9a-fA-F]{2})+)")
_PATTERN = re.compile(r"([A-Za-z])\1*|'[^']*'|[^A-Za-z']+")
_HUNDRED = 100


def options(form: CreateFormat, rejects: Rejects, path: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """The options of a table by their names; `path` makes one of the store's of a LOCATION. Raises UsageError for what can't be."""
    if form.format_type == "DELIMITEDTEXT":
        yield from _delimited(form)
    if form.date_format:
        yield "date", pattern(form)
    if form.use_type_default:
        yield "defaults", "true"
    encoding = (form.encoding or "UTF8").upper().replace("-", "")
    if encoding not in ("UTF8", "UTF16"):
        raise UsageError(f"the file format {form.name}: ENCODING is UTF8 or UTF16, and this is {form.encoding!r}")
    if encoding == "UTF16":
        yield "utf16", "true"
    if form.compression and form.compression.rpartition(".")[2].lower() not in _CODECS:
        raise UsageError(
            f"the file format {form.name}: text of {form.compression} can't be read", "files that end with .gz or .deflate are unpacked"
        )
    if form.compression and form.compression.rpartition(".")[2].lower() in _GZIP:
        yield "packed", "true"
    yield from _limits(rejects)
    if rejects.location:
        yield "rejected", path(rejects.location)


def _delimited(form: CreateFormat) -> Iterator[tuple[str, str]]:
    terminator = characters(form, "FIELD_TERMINATOR", form.field_terminator) if form.field_terminator is not None else "|"
    quote = characters(form, "STRING_DELIMITER", form.string_delimiter) if form.string_delimiter else ""
    if terminator == quote:
        raise UsageError(f"the file format {form.name}: FIELD_TERMINATOR and STRING_DELIMITER are the same")
    yield "terminator", terminator
    if quote:
        yield "quote", quote
    if form.first_row is not None:
        if form.first_row < 1:
            raise UsageError(f"the file format {form.name}: FIRST_ROW is 1 or more, and this is {form.first_row}")
        yield "first", str(form.first_row)


def characters(form: CreateFormat, what: str, written: str) -> str:
    """The characters that a terminator or delimiter means: themselves, or 0x and their bytes in UTF-8; \\t is a tab. Raises UsageError."""
    found = _HEX.fullmatch(written)
    try:
        text = bytes.fromhex(found[1]).decode() if found else written.replace("\\t", "\t")
    except UnicodeDecodeError as error:
        raise UsageError(f"the file format {form.name}: {what} {written} is no UTF-8") from error
    if not text or "\n" in text or "\r" in text:
        raise UsageError(
            f"the file format {form.name}: {what} can't be {written!r}", "lines end with \\n, \\r\\n or \\r, and fields with no such"
        )
    return text


def pattern(form: CreateFormat) -> str:
    """DATE_FORMAT as java.time writes it. Raises UsageError for a letter that it has not."""
    said = form.date_format or ""
    parts = [one[0] for one in _PATTERN.finditer(said)]
    if "".join(parts) != said:
        raise UsageError(f"the file format {form.name}: DATE_FORMAT {said!r} has a quote that isn't closed")
    return "".join(_of_java(form, part) for part in parts)


def _of_java(form: CreateFormat, part: str) -> str:
    match part[0]:
        case "y" | "M" | "d" | "H" | "h" | "m" | "s" | "'":
            return part
        case "f" | "F":
            return "S" * len(part)
        case "t":
            return "a"
        case "z" | "K":
            return "XXX"
        case "T" | "Z" if len(part) == 1:
            return f"'{part}'"
        case letter if letter.isalpha():
            raise UsageError(
                f"the file format {form.name}: DATE_FORMAT {form.date_format!r} has {part}", "such as yyyy-MM-dd HH:mm:ss.fff, hh:mm tt"
            )
        case _:
            return "".join(f"'{one}'" if one in "[]{}#" else one for one in part)


def _limits(rejects: Rejects) -> Iterator[tuple[str, str]]:
    value = rejects.value or 0
    if rejects.type == "PERCENTAGE":
        if not 0 <= value <= _HUNDRED:
            raise UsageError(f"REJECT_VALUE is 0 to 100 percent, and this is {value}")
        if rejects.sample is None or rejects.sample < 1:
            raise UsageError("REJECT_TYPE = PERCENTAGE needs REJECT_SAMPLE_VALUE", "after how many rows the percentage is looked at: 1000")
        yield "percentage", f"{value:f}"
        yield "sample", str(rejects.sample)
    else:
        if value < 0 or value != int(value):
            raise UsageError(f"REJECT_VALUE is a number of rows, and this is {value}", "REJECT_TYPE = PERCENTAGE is for percents")
        yield "value", str(int(value))

"""COPY ... TO STDOUT: its options, and rows in its formats text, csv and binary.

https://www.postgresql.org/docs/17/sql-copy.html, whose last section is the binary format. Options have two spellings, that with
parentheses and that of before PostgreSQL 9.0, which drivers still send: WITH BINARY, CSV HEADER, DELIMITER AS ','.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import Any, Literal

from bdc.sql.pgwire.errors import NOT_SUPPORTED, SYNTAX_ERROR, SqlError
from bdc.sql.pgwire.settings import is_utf8
from bdc.sql.pgwire.values import Encode

_LENGTH = struct.Struct("!i").pack
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""With no flags, and no more of a header."""
_TRAILER = struct.pack("!h", -1)
_NO = ("false", "off", "0", "no")
_YES = ("true", "on", "1", "yes", "match")


@dataclass(frozen=True)
class Format:
    """How COPY writes rows. `forced` are the columns (* is all) whose values are quoted in csv, NULLs left out."""

    kind: Literal["text", "csv", "binary"] = "text"
    header: bool = False
    separator: bytes = b"\t"
    null: bytes = b"\\N"
    quote: bytes = b'"'
    escape: bytes = b'"'
    forced: tuple[str, ...] = ()

    @property
    def head(self) -> bytes:
        """What stands before the first row, or what ends them, in one message with it: psycopg, too, looks for it there."""
        return _SIGNATURE if self.kind == "binary" else b""

    def titled(self, titles: Sequence[str]) -> bytes:
        """The columns' names as CopyData, where they are wanted."""
        return self.lines([titles], [str.encode] * len(titles), [False] * len(titles)) if self.header else b""

    def ends(self, head: bytes) -> bytes:
        """What comes after the rows, as CopyData; `head` is still to come where there were none."""
        return _data(head + _TRAILER) if self.kind == "binary" else b""

    def forces(self, titles: Sequence[str]) -> list[bool]:
        """Which columns' values are always quoted. Raises SqlError for a column that isn't there."""
        for name in self.forced:
            if name != "*" and name not in titles:
                raise SqlError(f'column "{name}" does not exist', "42703")
        return [self.forced == ("*",) or name in self.forced for name in titles]

    def lines(self, rows: Sequence[Sequence[Any]], encoders: Sequence[Encode], forced: Sequence[bool], head: bytes = b"") -> bytes:
        """CopyData messages of rows, one each, of which the first has the head."""
        if self.kind == "binary":
            return b"".join(_data(before + one) for before, one in zip(chain([head], repeat(b"")), _binary(rows, encoders), strict=False))
        pieces: list[bytes] = []
        write = [self._quoted(force) if self.kind == "csv" else self._escaped for force in forced]
        alone = len(encoders) == 1
        for row in rows:
            fields = [self.null if value is None else to(encode(value)) for value, encode, to in zip(row, encoders, write, strict=True)]
            line = self.separator.join(fields)
            if alone and self.kind == "csv" and line == b"\\.":  # it would end the data
                line = self.quote + line + self.quote
            pieces += (b"d", _LENGTH(len(line) + 5), line, b"\n")
        return b"".join(pieces)

    def _escaped(self, text: bytes) -> bytes:
        for mark, word in _ESCAPES:
            text = text.replace(mark, word)
        return text if self.separator == b"\t" else text.replace(self.separator, b"\\" + self.separator)

    def _quoted(self, force: bool) -> Callable[[bytes], bytes]:
        quote, escape = self.quote, self.escape
        marks = (self.separator, quote, b"\n", b"\r")

        def written(text: bytes) -> bytes:
            if not force and text != self.null and not any(mark in text for mark in marks):
                return text
            if escape != quote:
                text = text.replace(escape, escape + escape)
            return quote + text.replace(quote, escape + quote) + quote

        return written


_ESCAPES = (
    (b"\\", b"\\\\"), (b"\b", b"\\b"), (b"\f", b"\\f"), (b"\n", b"\\n"), (b"\r", b"\\r"), (b"\t", b"\\t"), (b"\v", b"\\v"),
)  # fmt: skip


def _data(body: bytes) -> bytes:
    return b"d" + _LENGTH(len(body) + 4) + body


def _binary(rows: Sequence[Sequence[Any]], encoders: Sequence[Encode]) -> Iterator[bytes]:
    """Tuples: how many fields, and each with its length before it; -1 is NULL."""
    count, null = struct.pack("!h", len(encoders)), _LENGTH(-1)
    for row in rows:
        pieces = [count]
        for value, encode in zip(row, encoders, strict=True):
            if value is None:
                pieces.append(null)
            else:
                body = encode(value)
                pieces += (_LENGTH(len(body)), body)
        yield b"".join(pieces)


# --- options

_WORD = re.compile(r"""\s*(?P<text>E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|[(),*])\s*""", re.IGNORECASE)


class _Words:
    """The words of COPY's options, one after the other."""

    def __init__(self, text: str) -> None:
        self._words, at = list[str](), 0
        while at < len(text):
            if not (found := _WORD.match(text, at)):
                raise _syntax(text[at:].split()[0])
            self._words.append(found["text"])
            at = found.end()

    def next(self, *allowed: str) -> str | None:
        """The next word, if there is one and it is one of those, which are in capitals; it is taken."""
        if self._words and (not allowed or self._words[0].upper() in allowed):
            return self._words.pop(0)
        return None

    def peek(self) -> str:
        """The next word, which stays."""
        return self._words[0].upper() if self._words else ""

    def value(self) -> str:
        """An option's value: a string, or a word. Raises SqlError."""
        found = self.next()
        if found is None or found in "(),":
            raise _syntax(found or "end of input")
        if found[0] in "eE" and found[1:2] == "'":
            return _unescaped(found[2:-1])
        return found[1:-1].replace(found[0] * 2, found[0]) if found[0] in "'\"" else found.lower()

    def columns(self) -> tuple[str, ...]:
        """* or a list of names."""
        if self.next("*"):
            return ("*",)
        bracketed = self.next("(") is not None
        found = [self.value()]
        while self.next(","):
            found.append(self.value())
        if bracketed and not self.next(")"):
            raise _syntax(self.peek() or "end of input")
        return tuple(found)


def options(text: str) -> Format:
    """What follows TO STDOUT. Raises SqlError for what isn't known, or doesn't go together."""
    words = _Words(text)
    words.next("WITH")
    found: dict[str, Any] = {}
    if words.next("("):
        while True:
            _option(words, found)
            if not words.next(","):
                break
        if not words.next(")"):
            raise _syntax(words.peek() or "end of input")
    else:
        while words.peek():
            _old_option(words, found)
    if rest := words.next():
        raise _syntax(rest)
    return _format(found)


def _option(words: _Words, found: dict[str, Any]) -> None:
    name = (words.next() or "").upper()
    if name not in _OPTIONS:
        raise SqlError(f'option "{name.lower()}" not recognized', SYNTAX_ERROR) if name.isidentifier() else _syntax(name or "end of input")
    if name in found:
        raise SqlError("conflicting or redundant options", SYNTAX_ERROR)
    if name == "FORCE_QUOTE":
        found[name] = words.columns()
    elif name in ("HEADER", "FREEZE"):
        found[name] = _truth(name, words.value()) if words.peek() not in (",", ")", "") else True
    else:
        found[name] = words.value()


def _old_option(words: _Words, found: dict[str, Any]) -> None:
    name = (words.next() or "").upper()
    if name in ("BINARY", "CSV"):
        found["FORMAT"] = name.lower()
    elif name == "HEADER":
        found["HEADER"] = True
    elif name in ("DELIMITER", "NULL", "QUOTE", "ESCAPE", "ENCODING"):
        words.next("AS")
        found[name] = words.value()
    elif name == "FORCE" and words.next("QUOTE"):
        found["FORCE_QUOTE"] = words.columns()
    else:
        raise _syntax(name)


_OPTIONS = frozenset({"FORMAT", "HEADER", "FREEZE", "DELIMITER", "NULL", "QUOTE", "ESCAPE", "ENCODING", "FORCE_QUOTE"})
_ONLY_CSV = {"QUOTE": "quote", "ESCAPE": "escape", "FORCE_QUOTE": "force quote"}


def _format(found: Mapping[str, Any]) -> Format:
    kind = str(found.get("FORMAT", "text"))
    if kind not in ("text", "csv", "binary"):
        raise SqlError(f'COPY format "{kind}" not recognized', "22023")
    if not is_utf8(str(found.get("ENCODING", "utf8"))):
        raise SqlError(f"COPY with the encoding {found['ENCODING']} isn't supported", NOT_SUPPORTED, "use UTF8")
    if kind == "binary" and (wrong := [name for name in ("DELIMITER", "NULL", "HEADER") if found.get(name)]):
        raise SqlError(f"cannot specify {wrong[0]} in BINARY mode", NOT_SUPPORTED)
    if kind != "csv" and (wrong := [name for name in _ONLY_CSV if name in found]):
        raise SqlError(f"COPY {_ONLY_CSV[wrong[0]]} available only in CSV mode", NOT_SUPPORTED)
    base = Format("csv", separator=b",", null=b"") if kind == "csv" else Format("binary" if kind == "binary" else "text")
    quote = _single("quote", found.get("QUOTE", '"'))
    made = replace(
        base,
        header=bool(found.get("HEADER")),
        separator=_single("delimiter", found["DELIMITER"]) if "DELIMITER" in found else base.separator,
        null=str(found["NULL"]).encode() if "NULL" in found else base.null,
        quote=quote,
        escape=_single("escape", found["ESCAPE"]) if "ESCAPE" in found else quote,
        forced=tuple(found.get("FORCE_QUOTE", ())),
    )
    _check(made)
    return made


def _check(made: Format) -> None:
    """Raise SqlError for what a reader couldn't tell apart. Source: ProcessCopyOptions() of PostgreSQL's copy.c."""
    if made.separator in b"\r\n" or any(mark in made.null for mark in (b"\r", b"\n")):
        raise SqlError("COPY delimiter and null representation cannot use newline or carriage return", "22023")
    if made.kind == "text" and made.separator in b"\\.abcdefghijklmnopqrstuvwxyz0123456789":
        raise SqlError(f'COPY delimiter cannot be "{made.separator.decode()}"', "22023")
    if made.kind == "csv" and made.separator == made.quote:
        raise SqlError("COPY delimiter and quote must be different", "22023")
    if made.kind != "binary" and made.separator in made.null:
        raise SqlError("COPY delimiter character must not appear in the NULL specification", "22023")
    if made.kind == "csv" and made.quote in made.null:
        raise SqlError("CSV quote character must not appear in the NULL specification", "22023")


def _single(what: str, text: str) -> bytes:
    if len(found := text.encode()) != 1:
        raise SqlError(f"COPY {what} must be a single one-byte character", "22023")
    return found


def _truth(name: str, text: str) -> bool:
    if (word := text.lower()) not in _NO + _YES:
        raise SqlError(f"{name.lower()} requires a Boolean value" + (' or "match"' if name == "HEADER" else ""), SYNTAX_ERROR)
    if word == "match":
        raise SqlError('cannot use "match" with HEADER in COPY TO', NOT_SUPPORTED)
    return word not in _NO


_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f"}


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _CONTROLS.get(found[1], found[1]), text.replace("''", "'"), flags=re.DOTALL)


def _syntax(near: str) -> SqlError:
    return SqlError(f'syntax error at or near "{near[:60]}"' if near != "end of input" else "syntax error at end of input", SYNTAX_ERROR)

"""The messages of PostgreSQL's frontend/backend protocol, version 3: what clients send, read from bytes, and what they get, as bytes.

https://www.postgresql.org/docs/17/protocol-message-formats.html
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bdc.sql.pgwire.errors import PROTOCOL_VIOLATION, FatalError

PROTOCOL = 3 << 16
SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
LARGEST_STARTUP = 10_000
LARGEST_MESSAGE = 4 << 20
"""Bytes that a client's message may have: a statement or its parameters; PostgreSQL's is 1 GiB, and each would be kept whole here."""

_INT16, _INT32 = struct.Struct("!h"), struct.Struct("!i")


class Fields:
    """Reads a message's fields one after another. Raises FatalError where they end too soon."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def take(self, count: int) -> bytes:
        """So many bytes."""
        if count < 0 or self._at + count > len(self._body):
            raise malformed("insufficient data left in message")
        found = self._body[self._at : self._at + count]
        self._at += count
        return found

    def int16(self) -> int:
        """A signed 16-bit number."""
        return int(_INT16.unpack(self.take(2))[0])

    def int32(self) -> int:
        """A signed 32-bit number."""
        return int(_INT32.unpack(self.take(4))[0])

    def text(self) -> str:
        """A string that ends with a zero."""
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise malformed("invalid string in message")
        found = self._body[self._at : end]
        self._at = end + 1
        try:
            return found.decode()
        except UnicodeDecodeError:
            raise FatalError('invalid byte sequence for encoding "UTF8"', "22021") from None

    def count(self) -> int:
        """How many fields follow: none is negative."""
        if (found := self.int16()) < 0:
            raise malformed("negative count in message")
        return found

    def value(self) -> bytes | None:
        """A value with its length before it; None is NULL."""
        length = self.int32()
        return None if length == -1 else self.take(length)

    def end(self) -> None:
        """That was all."""
        if self._at != len(self._body):
            raise malformed("invalid message format")

    @property
    def left(self) -> bytes:
        """What wasn't read yet."""
        return self._body[self._at :]


def malformed(what: str) -> FatalError:
    """What isn't the protocol ends the connection: nobody knows where the next message begins."""
    return FatalError(what, PROTOCOL_VIOLATION)


@dataclass(frozen=True)
class Query:
    """The simple protocol: statements with ; between them."""

    sql: str


@dataclass(frozen=True)
class Parse:
    """Prepare a statement; `types` are OIDs of parameters' types, 0 for those that the server is to find."""

    name: str
    sql: str
    types: tuple[int, ...]


@dataclass(frozen=True)
class Bind:
    """Make a portal of a statement. Formats: 0 is text, 1 is binary; none means text for all, one is for all."""

    portal: str
    statement: str
    formats: tuple[int, ...]
    values: tuple[bytes | None, ...]
    result_formats: tuple[int, ...]


@dataclass(frozen=True)
class Describe:
    """Query what a statement (S) or a portal (P) takes and gives."""

    kind: Literal["S", "P"]
    name: str


@dataclass(frozen=True)
class Execute:
    """Run a portal, for at most so many rows; 0 is all."""

    portal: str
    most: int


@dataclass(frozen=True)
class Close:
    """Forget a statement (S) or a portal (P)."""

    kind: Literal["S", "P"]
    name: str


@dataclass(frozen=True)
class Sync:
    """The end of a sequence of the extended protocol's."""


@dataclass(frozen=True)
class Flush:
    """Send what is there."""


@dataclass(frozen=True)
class Terminate:
    """The client goes."""


@dataclass(frozen=True)
class Password:
    """A step of authentication; what is in it follows from the method."""

    body: bytes


@dataclass(frozen=True)
class CopyInput:
    """Data of a COPY FROM that an earlier error ended: such messages are let pass."""


Message = Query | Parse | Bind | Describe | Execute | Close | Sync | Flush | Terminate | Password | CopyInput


def read(kind: int, body: bytes) -> Message:
    """A client's message. Raises FatalError for what is none."""
    fields, letter = Fields(body), chr(kind)
    if letter == "p":
        return Password(body)
    if letter in "dcf":
        return CopyInput()
    if letter not in _READ:
        raise malformed(f"invalid frontend message type {kind}")
    message = _READ[letter](fields)
    if letter != "X":
        fields.end()
    return message


def _bind(fields: Fields) -> Bind:
    portal, statement = fields.text(), fields.text()
    formats = _formats(fields)
    values = tuple(fields.value() for _ in range(fields.count()))
    if len(formats) not in (0, 1, len(values)):
        raise malformed(f"bind message has {len(formats)} parameter formats but {len(values)} parameters")
    return Bind(portal, statement, formats, values, _formats(fields))


def _formats(fields: Fields) -> tuple[int, ...]:
    found = tuple(fields.int16() for _ in range(fields.count()))
    if any(one not in (0, 1) for one in found):
        raise malformed("unsupported format code")
    return found


def _kind(fields: Fields) -> Literal["S", "P"]:
    match fields.take(1):
        case b"S":
            return "S"
        case b"P":
            return "P"
    raise malformed("invalid kind in message")


_READ: dict[str, Callable[[Fields], Message]] = {
    "Q": lambda fields: Query(fields.text()),
    "P": lambda fields: Parse(fields.text(), fields.text(), tuple(fields.int32() for _ in range(fields.count()))),
    "B": _bind,
    "D": lambda fields: Describe(_kind(fields), fields.text()),
    "E": lambda fields: Execute(fields.text(), fields.int32()),
    "C": lambda fields: Close(_kind(fields), fields.text()),
    "S": lambda _: Sync(),
    "H": lambda _: Flush(),
    "X": lambda _: Terminate(),
}


def startup(body: bytes) -> dict[str, str]:
    """The parameters of a startup message, behind its protocol version."""
    fields, found = Fields(body), dict[str, str]()
    while name := fields.text():
        found[name] = fields.text()
    fields.end()
    return found


@dataclass(frozen=True)
class Field:
    """A result's column. `kind` is its type's OID, `size` the type's in bytes, negative where it varies; -1 is no modifier."""

    name: str
    kind: int
    size: int
    modifier: int = -1
    format: int = 0


def message(kind: bytes, body: bytes = b"") -> bytes:
    """A message with its length."""
    return kind + _INT32.pack(len(body) + 4) + body


def _text(value: str) -> bytes:
    return value.replace("\0", "").encode() + b"\0"


def authentication(method: int, data: bytes = b"") -> bytes:
    """A step of authentication: 0 is done, 10 to 12 are SASL's."""
    return message(b"R", _INT32.pack(method) + data)


def sasl_mechanisms(names: Iterable[str]) -> bytes:
    """The mechanisms that a client may choose from."""
    return authentication(10, b"".join(map(_text, names)) + b"\0")


def parameter_status(name: str, value: str) -> bytes:
    """A setting that clients follow."""
    return message(b"S", _text(name) + _text(value))


def backend_key(process: int, secret: int) -> bytes:
    """By what this connection's statement is canceled."""
    return message(b"K", struct.pack("!II", process, secret))


def negotiate(unknown: Sequence[str]) -> bytes:
    """The newest version that is spoken is 3.0, and these options aren't known."""
    return message(b"v", struct.pack("!II", PROTOCOL, len(unknown)) + b"".join(map(_text, unknown)))


def ready(status: str) -> bytes:
    """Waiting for the next statement: I out of a transaction, T in one, E in one that failed."""
    return message(b"Z", status.encode())


def row_description(fields: Sequence[Field]) -> bytes:
    """The columns of the rows that follow."""
    columns = (_text(one.name) + struct.pack("!IhIhih", 0, 0, one.kind, one.size, one.modifier, one.format) for one in fields)
    return message(b"T", _INT16.pack(len(fields)) + b"".join(columns))


def parameter_description(types: Sequence[int]) -> bytes:
    """The types of a statement's parameters."""
    return message(b"t", struct.pack(f"!h{len(types)}I", len(types), *types))


def command_complete(tag: str) -> bytes:
    """A statement is done."""
    return message(b"C", _text(tag))


def copy_out(columns: int, *, binary: bool) -> bytes:
    """Rows of COPY TO STDOUT follow."""
    return message(b"H", struct.pack(f"!bh{columns}h", binary, columns, *[binary] * columns))


PARSE_COMPLETE, BIND_COMPLETE, CLOSE_COMPLETE = message(b"1"), message(b"2"), message(b"3")
NO_DATA, EMPTY_QUERY, PORTAL_SUSPENDED, COPY_DONE = message(b"n"), message(b"I"), message(b"s"), message(b"c")


def problem(kind: Literal["E", "N"], severity: str, state: str, text: str, more: Mapping[str, str | None]) -> bytes:
    """An error (E) or a notice (N). `more`: further fields by their letters, such as H for a hint."""
    fields = {"S": severity, "V": severity, "C": state, "M": text, **more}
    return message(kind.encode(), b"".join(name.encode() + _text(value) for name, value in fields.items() if value) + b"\0")

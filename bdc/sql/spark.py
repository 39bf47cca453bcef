"""Statements on Spark, through Spark Connect's own client in a pod of the cluster (manifests/spark/session.py speaks the other side)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, Self, cast

from bdc.errors import BdcError, UnhealthyError
from bdc.kube.attach import STDOUT, Attachment
from bdc.sql.errors import QueryError
from bdc.sql.result import Column, Result, Row, Value
from bdc.sql.statements import Statement, text_of

_START_SECONDS = 120.0
_CANCEL_SECONDS = 30.0
_END_SECONDS = 5.0
_ERROR_CHARACTERS = 4000
_COMPLAINT_BYTES = 4000
_HINT = "bdc status shows whether Spark Connect is well"
_STACK = re.compile(r"\n\s*(?:JVM|Driver) stacktrace:.*", re.DOTALL)
_FRAMES = re.compile(r"^[ \t]*(?:at [\w.$/<>]+\(.*\)|\.\.\. \d+ more)\n?", re.MULTILINE)
_HEAD = re.compile(r"^(?:\([\w.$]+\) )?(?:\[[\w.]+\] )?")
_TAIL = re.compile(r"\s*SQLSTATE: \w{5}(?:; line (\d+),? pos (\d+))?.*", re.DOTALL)
_PARSER = re.compile(r"\s*\(line (\d+), pos (\d+)\)\s*(?:== SQL.*)?$", re.DOTALL)

Answer = dict[str, Any]
Converter = Callable[[Any], Value]


class Spark:
    """A session with Spark Connect over the streams of its pod."""

    def __init__(self, attachment: Attachment, database: str | None = None) -> None:
        self._attachment = attachment
        self._unread, self._complaint = b"", b""
        self.schema = str(self._next(_START_SECONDS).get("ready", ""))
        """The database in which names are looked up."""
        if database:
            self.query(f"USE `{database.replace('`', '``')}`").close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session at the server too."""
        with suppress(BdcError, TimeoutError):
            self._send(end=True)
            while self._attachment.read(_END_SECONDS):
                continue

    def query(self, statement: Statement | str) -> Result:
        """Run one statement; see `Session`."""
        sql = text_of(statement)
        self._send(sql=sql)
        try:
            answer = self._next()
        except BaseException:
            self._cancel()
            raise
        if "columns" not in answer:
            raise _query_error(answer)
        columns = [Column(name, type_) for name, type_, _ in answer["columns"]]
        rows = self._rows([converter(kind) for _, _, kind in answer["columns"]])
        if columns:
            return Result(columns, rows)
        for _ in rows:
            continue
        return Result([], command=_command(sql))

    def _rows(self, converters: Sequence[Converter]) -> Generator[Row]:
        ended = False
        try:
            while True:
                answer = self._next()
                if "rows" not in answer:
                    ended = True
                    break
                for row in answer["rows"]:
                    yield tuple(convert(value) for convert, value in zip(converters, row, strict=True))
        finally:
            if not ended:
                self._cancel()
        if "done" not in answer:
            raise _query_error(answer)
        self.schema = str(answer["done"])

    def _cancel(self) -> None:
        """Stop what runs, and read what is still said of it."""
        with suppress(BdcError, TimeoutError):
            self._send(cancel=True)
            while not {"done", "error"} & self._next(_CANCEL_SECONDS).keys():
                continue

    def _send(self, **request: str | bool) -> None:
        self._attachment.send(json.dumps(request).encode() + b"\n")

    def _next(self, timeout_seconds: float | None = None) -> Answer:
        """The next answer. Raises UnhealthyError when the session has ended, or said nothing in time."""
        while b"\n" not in self._unread:
            try:
                read = self._attachment.read(timeout_seconds)
            except TimeoutError:
                raise UnhealthyError(f"Spark Connect does not answer within {timeout_seconds:.0f} s", _HINT) from None
            if read is None:
                raise UnhealthyError(f"the Spark session has ended{_last(self._complaint)}", _HINT)
            channel, data = read
            if channel == STDOUT:
                self._unread += data
            else:
                self._complaint = (self._complaint + data)[-_COMPLAINT_BYTES:]
        line, _, self._unread = self._unread.partition(b"\n")
        return dict(json.loads(line))


def converter(kind: Any) -> Converter:
    """How what session.py writes of a type becomes a value, from the type as Spark's own JSON has it."""
    if isinstance(kind, str):
        if kind.startswith("decimal"):
            return _unless_none(Decimal)
        if kind == "binary":
            return _unless_none(base64.b64decode)
        return _same
    if kind["type"] == "array":
        one = converter(kind["elementType"])
        return _unless_none(lambda value: [one(item) for item in value])
    if kind["type"] == "map":
        key, item = converter(kind["keyType"]), converter(kind["valueType"])
        return _unless_none(lambda value: {str(key(k)): item(v) for k, v in value})
    if kind["type"] == "struct":
        fields = [(str(field["name"]), converter(field["type"])) for field in kind["fields"]]
        return _unless_none(lambda value: {name: one(item) for (name, one), item in zip(fields, value, strict=True)})
    return _same


def _same(value: Any) -> Value:
    return cast("Value", value)


def _unless_none(convert: Callable[[Any], Value]) -> Converter:
    return lambda value: None if value is None else convert(value)


def _command(sql: str) -> str:
    """What a statement without a result did: its first words, as other engines say it."""
    return re.sub(r"\s+", " ", sql.strip()).split(" ", 1)[0].upper()


def _query_error(answer: Mapping[str, Any]) -> QueryError:
    """Spark's message without its condition, SQLSTATE, plan and JVM's frames, which follow it in the text."""
    text = str(answer.get("error") or "the statement failed").strip()
    place = None
    for pattern in (_PARSER, _TAIL):
        if found := pattern.search(text):
            groups = [group for group in found.groups() if group and group.isdigit()]
            if len(groups) == 2:
                place = int(groups[0]), int(groups[1]) + 1
            text = text[: found.start()]
    text = _FRAMES.sub("", _HEAD.sub("", _STACK.sub("", text))).strip()[:_ERROR_CHARACTERS]
    if "CANCELED" in str(answer.get("condition")):
        text = "it was cancelled"
    return QueryError(text, answer.get("condition") or answer.get("sqlstate"), place)


def _last(complaint: bytes) -> str:
    lines = complaint.decode(errors="replace").strip().splitlines()
    return f": {lines[-1]}" if lines else ""

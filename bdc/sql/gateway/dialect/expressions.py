"""Expressions: a rule for each node of sqlglot's that has a translation, which gives Trino's text and the type."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from sqlglot import exp

from bdc.sql.gateway.dialect.kinds import (
    BIGINT,
    BOOLEAN,
    BYTES,
    CHAR,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    JSON,
    LITERAL,
    MONTHS,
    NULL,
    NUMERIC,
    REAL,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    Kind,
)
from bdc.sql.gateway.errors import INVALID_TEXT, NOT_SUPPORTED, SqlError

Node = Any
_MAX_INT, _MAX_BIGINT = 2**31 - 1, 2**63 - 1
_QUOTIENT = 20
"""Digits after the point of a quotient of numerics; PostgreSQL gives 16 or more that count."""


@dataclass(frozen=True)
class Typed:
    """Trino's text of an expression, and its type. `quotient`: the dividend's and the divisor's, where it is one of numerics."""

    sql: str
    kind: Kind
    quotient: tuple[str, str] | None = None


class Around(Protocol):
    """What an expression stands in."""

    def column(self, name: str, table: str | None) -> Typed:
        """A column. Raises SqlError."""

    def subquery(self, node: Node) -> tuple[str, list[Kind]]:
        """A query in the expression, in parentheses, and the types of its columns."""

    @property
    def user(self) -> str:
        """Who asks."""


def quoted(name: str) -> str:
    """A name in quotes."""
    return '"' + name.replace('"', '""') + '"'


def string(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def refuse(what: str, hint: str | None = None) -> SqlError:
    """The error for what has no translation."""
    return SqlError(f"{what} can't be translated for the federation with PostgreSQL's meaning", NOT_SUPPORTED, hint)


def check(node: Node, *known: str) -> None:
    """Refuse a node that has something in it which its rule doesn't know."""
    for name, value in node.args.items():
        if name not in known and value not in (None, False, [], ""):
            raise refuse(f"{node.sql(dialect='postgres')[:80]} ({name})")


class Expressions:
    """Translates expressions that stand somewhere."""

    def __init__(self, around: Around) -> None:
        self.around = around

    def of(self, node: Node) -> Typed:
        """An expression."""
        from bdc.sql.gateway.dialect.functions import FUNCTIONS

        rule = _RULES.get(type(node)) or FUNCTIONS.get(type(node))
        if rule is None and isinstance(node, exp.Anonymous):
            rule = FUNCTIONS.get(node.name.lower())
        if rule is None:
            raise refuse(_named(node), "compute it in the client, or ask in Trino's SQL: bdc sql query")
        try:
            return rule(self, node)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):  # a rule relies on the arguments that there must be
            raise SqlError(f"{_named(node)}: no such form, or it takes other arguments", "42883") from None

    def closed(self, node: Node) -> Typed:
        """An expression with a type of its own: a literal is a string."""
        found = self.of(node)
        return Typed(f"CAST({found.sql} AS varchar)", TEXT) if found.kind is LITERAL else found

    def as_kind(self, found: Typed, wanted: Kind) -> Typed:
        """A literal as what it stands next to has it."""
        if found.kind is NULL:
            return Typed(
                f"CAST(NULL AS {wanted.sql})" if wanted.family not in ("interval", "months", "other", "null", "char") else "NULL", wanted
            )
        if found.kind is not LITERAL or wanted.text or wanted.open:
            return found
        return literal_as(found.sql[1:-1].replace("''", "'"), wanted)

    def alike(self, one: Typed, other: Typed) -> tuple[Typed, Typed]:
        """Both sides of an operator, literals with the other side's type; real meets others as double, as it does in PostgreSQL."""
        one, other = self.as_kind(one, other.kind), self.as_kind(other, one.kind)
        if one.kind.numeric and other.kind.numeric and one.kind.family != other.kind.family:
            one, other = _widened(one), _widened(other)
        if {one.kind.family, other.kind.family} == {"char", "text"}:  # a char's blanks at its end don't count as a string's
            one, other = _stripped(one), _stripped(other)
        return one, other

    def boolean(self, node: Node) -> str:
        """A condition."""
        found = self.as_kind(self.of(node), BOOLEAN)
        if found.kind not in (BOOLEAN, NULL):
            raise SqlError(f"argument must be type boolean, not type {found.kind}", "42804")
        return found.sql

    def number(self, node: Node) -> int | None:
        """The value of an expression that is a whole number as it is written, also in a cast or with a minus."""
        node = _bare(node)
        if isinstance(node, exp.Neg):
            inner = self.number(node.this)
            return None if inner is None else -inner
        return int(node.name) if isinstance(node, exp.Literal) and not node.is_string and node.name.isdecimal() else None

    def word(self, node: Node) -> str | None:
        """The text of an expression that is a string literal, also in a cast to text."""
        node = _bare(node)
        return str(node.name) if isinstance(node, exp.Literal) and node.is_string else None


def _bare(node: Node) -> Node:
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return node


def _named(node: Node) -> str:
    if isinstance(node, exp.Anonymous):
        return f"the function {node.name.lower()}"
    return f"{node.sql(dialect='postgres')[:80]}"


def _widened(found: Typed) -> Typed:
    return Typed(f"CAST({found.sql} AS double)", DOUBLE) if found.kind is REAL or found.kind == REAL else found


def _stripped(found: Typed) -> Typed:
    return Typed(f"trim(TRAILING ' ' FROM CAST({found.sql} AS varchar))", TEXT) if found.kind == CHAR else found


def wider(one: Kind, other: Kind) -> Kind:
    """The type that an operator of two numbers gives."""
    families = {one.family, other.family}
    if "double" in families or (len(families) > 1 and "real" in families):
        return DOUBLE
    if families == {"real"}:
        return REAL
    if "decimal" in families:
        scales = [side.scale for side in (one, other) if side.family == "decimal"]
        return Kind("decimal", scale=None if None in scales else max(scale for scale in scales if scale is not None))
    return one if one.bits >= other.bits else other


def literal_as(text: str, wanted: Kind) -> Typed:
    """A string literal with a type. Raises SqlError for what isn't one of its values, as far as that is seen here."""
    if wanted.text:
        return Typed(string(text), wanted)
    if make := _LITERALS.get(wanted.family):
        return make(text, wanted)
    raise refuse(f"a literal of the type {wanted}")


def _whole(text: str, wanted: Kind) -> Typed:
    if not re.fullmatch(r"\s*[+-]?\d+\s*", text):
        raise _invalid(text, wanted)
    return Typed(f"CAST({int(text)} AS {wanted.sql})", wanted)


_FLOATS = {"nan": "nan()", "infinity": "infinity()", "inf": "infinity()", "-infinity": "-infinity()", "-inf": "-infinity()"}


def _float(text: str, wanted: Kind) -> Typed:
    stripped = text.strip().lower()
    if stripped in _FLOATS:
        return Typed(f"CAST({_FLOATS[stripped]} AS {wanted.sql})", wanted)
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", stripped):
        raise _invalid(text, wanted)
    return Typed(f"CAST({string(stripped)} AS {wanted.sql})", wanted)


def _truth(text: str, wanted: Kind) -> Typed:
    """Any beginning of true, yes, on, 1 and their opposites that isn't one of both."""
    stripped = text.strip().lower()
    for value, words in (("true", ("true", "yes", "on", "1")), ("false", ("false", "no", "off", "0"))):
        if stripped not in ("", "o") and any(word.startswith(stripped) for word in words):
            return Typed(value, wanted)
    raise _invalid(text, wanted)


def _uuid(text: str, wanted: Kind) -> Typed:
    try:
        return Typed(f"CAST('{uuid.UUID(text.strip())}' AS uuid)", wanted)
    except ValueError:
        raise _invalid(text, wanted) from None


def _bytes(text: str, wanted: Kind) -> Typed:
    if not re.fullmatch(r"\\x([0-9a-fA-F]{2})*", text):
        raise refuse("bytea that isn't written as \\x and hex digits")
    return Typed(f"X'{text[2:]}'", wanted)


def _items(text: str, wanted: Kind) -> Typed:
    of = wanted.of or TEXT
    inside = ("NULL" if item is None else literal_as(item, of).sql for item in _elements(text))
    return Typed(f"CAST(ARRAY[{', '.join(inside)}] AS {wanted.sql})", wanted)


def _decimal(text: str, wanted: Kind) -> Typed:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise _invalid(text, wanted) from None
    if not value.is_finite():
        raise refuse(f"the numeric {text}")
    spelled = format(value, "f")
    digits = spelled.lstrip("+-").replace(".", "").lstrip("0")
    if len(digits) > 38:
        raise SqlError("numeric field overflow", "22003", "the federation's numerics have at most 38 digits")
    scale = len(spelled.partition(".")[2])
    found = Typed(f"DECIMAL '{spelled}'", Kind("decimal", scale=scale))
    return found if wanted.scale is None else Typed(f"CAST({found.sql} AS decimal(38, {wanted.scale}))", wanted)


_DATE_FORM = re.compile(r"\d{4,}-\d\d-\d\d")
_TIME_FORM = re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?")


def _moment(text: str, wanted: Kind) -> Typed:
    day, _, clock = text.replace("T", " ", 1).partition(" ")
    if wanted.family == "time":
        if not _TIME_FORM.fullmatch(text):
            raise refuse(f"the time '{text}'", "write it as HH:MM:SS")
        return Typed(f"CAST(TIME '{text}' AS time(6))", wanted)
    if not _DATE_FORM.fullmatch(day):
        raise refuse(f"the {wanted} '{text}'", "write dates as YYYY-MM-DD")
    if wanted.family == "date":
        if clock and not re.fullmatch(r"[0:.]+", clock):
            raise refuse(f"the date '{text}'", "write it as YYYY-MM-DD")
        return Typed(f"DATE '{day}'", wanted)
    found = re.fullmatch(rf"({_TIME_FORM.pattern})?\s*(?P<zone>[+-]\d\d(:?\d\d)?|UTC|Z)?", clock)
    if not found:
        raise refuse(f"the {wanted} '{text}'", "write it as YYYY-MM-DD HH:MM:SS")
    clock = found[1] or "00:00:00"
    offset = found["zone"] or ""
    if wanted.family == "timestamp":
        return Typed(f"CAST(TIMESTAMP '{day} {clock}' AS timestamp(6))", wanted)
    if not offset:
        return Typed(f"CAST(CAST(TIMESTAMP '{day} {clock}' AS timestamp(6)) AS timestamp(6) with time zone)", wanted)
    digits = offset[1:].replace(":", "").ljust(4, "0")
    zone = "UTC" if offset in ("UTC", "Z") else f"{offset[0]}{digits[:2]}:{digits[2:]}"
    return Typed(f"CAST(TIMESTAMP '{day} {clock} {zone}' AS timestamp(6) with time zone)", wanted)


def _invalid(text: str, wanted: Kind) -> SqlError:
    return SqlError(f'invalid input syntax for type {wanted}: "{text}"', INVALID_TEXT)


_ELEMENT = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",{}\s](?:[^",{}]*[^",{}\s])?))\s*(,|\Z)')


def _elements(text: str) -> list[str | None]:
    """The elements of an array with one dimension, as PostgreSQL writes them: {1,2,NULL,"a b"}."""
    stripped = text.strip()
    if not (stripped.startswith("{") and stripped.endswith("}")):
        raise SqlError(f'malformed array literal: "{text[:60]}"', INVALID_TEXT)
    inside, found, at = stripped[1:-1], list[str | None](), 0
    if not inside.strip():
        return []
    while at <= len(inside):
        item = _ELEMENT.match(inside, at)
        if not item:
            raise refuse(f"the array {text[:60]}")
        if item[1] is not None:
            found.append(re.sub(r"\\(.)", r"\1", item[1]))
        else:
            found.append(None if item[2].upper() == "NULL" else item[2].replace("\\", ""))
        if not item[3]:
            return found
        at = item.end()
    raise refuse(f"the array {text[:60]}")


_LITERALS: dict[str, Callable[[str, Kind], Typed]] = {
    "int": _whole,
    "decimal": _decimal,
    "real": _float,
    "double": _float,
    "boolean": _truth,
    **dict.fromkeys(("date", "time", "timestamp", "timestamptz"), lambda text, wanted: _moment(text.strip(), wanted)),
    "uuid": _uuid,
    "bytes": _bytes,
    "json": lambda text, wanted: Typed(f"json_parse({string(text)})", wanted),
    "array": _items,
}


# --- leaves


def _literal(_: Expressions, node: Node) -> Typed:
    if node.is_string:
        return Typed(string(node.name), LITERAL)
    text = node.name
    if text.isdecimal():
        value = int(text)
        if value <= _MAX_INT:
            return Typed(str(value), INTEGER)
        return Typed(str(value), BIGINT) if value <= _MAX_BIGINT else _decimal(text, NUMERIC)
    return _decimal(text.replace("_", ""), NUMERIC)


def _column(self: Expressions, node: Node) -> Typed:
    if isinstance(node.this, exp.Star):
        raise refuse("a whole row as a value", "name its columns")
    check(node, "this", "table")
    return self.around.column(name_of(node.this), name_of(node.args["table"]) if node.args.get("table") else None)


def name_of(node: Node) -> str:
    """An identifier as PostgreSQL reads it: in lower case without quotes."""
    return str(node.name) if node.args.get("quoted") else str(node.name).lower()


def _paren(self: Expressions, node: Node) -> Typed:
    found = self.of(node.this)
    return found if found.kind is LITERAL else Typed(f"({found.sql})", found.kind, found.quotient)


# --- operators


def _both(self: Expressions, node: Node) -> tuple[Typed, Typed]:
    check(node, "this", "expression", "typed", "safe", "negate", "ignore_nulls", "coalesce")
    return self.alike(self.of(node.this), self.of(node.expression))


_SYMBOLS = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.NullSafeEQ: "IS NOT DISTINCT FROM",
            exp.NullSafeNEQ: "IS DISTINCT FROM"}  # fmt: skip
_TIMES = ("date", "timestamp", "timestamptz")
_INCOMPARABLE = ("json", "other", "months")


def comparable(one: Typed, other: Typed, symbol: str) -> None:
    """Raise SqlError unless values of these types can be compared, with the same result in both."""
    left, right = one.kind, other.kind
    same = left.family == right.family or (left.numeric and right.numeric) or (left.text and right.text)
    same = same or left.family == "null" or right.family == "null" or (left.family in _TIMES and right.family in _TIMES)
    if not same:
        raise SqlError(f"operator does not exist: {left} {symbol} {right}", "42883")
    if left.family in _INCOMPARABLE or right.family in _INCOMPARABLE:
        raise refuse(f"comparing values of the type {left}")
    if left.of and right.of:
        comparable(Typed("", left.of), Typed("", right.of), symbol)


def _compare(self: Expressions, node: Node) -> Typed:
    symbol = _SYMBOLS[type(node)]
    if isinstance(node.expression, exp.Any | exp.All) or _is_all(node.expression):
        return _quantified(self, node, symbol)
    if isinstance(node.this, exp.Tuple) and isinstance(node.expression, exp.Tuple):
        return _rows(self, node, symbol)
    one, other = _both(self, node)
    return Typed(compared(one, other, symbol), BOOLEAN)


_CONSTANT = re.compile(r"CAST\('[^']*' AS (double|real)\)")


def _maybe_nan(one: Typed) -> bool:
    return one.kind in (DOUBLE, REAL) and not _CONSTANT.fullmatch(one.sql)


def compared(one: Typed, other: Typed, symbol: str) -> str:
    """A comparison. In PostgreSQL NaN is equal to itself and larger than all else. Raises SqlError."""
    comparable(one, other, symbol)
    plain = f"{one.sql} {symbol} {other.sql}"
    left, right = (f"is_nan({side.sql})" if _maybe_nan(side) else "" for side in (one, other))
    both = f"{left} AND {right}" if left and right else ""
    more = {
        "=": f"OR ({both})" if both else "",
        "<>": f"AND NOT ({both})" if both else "",
        ">": f"OR ({left} AND NOT {right})" if both else f"OR {left}" if left else "",
        ">=": f"OR {left}" if left else "",
        "<": f"OR ({right} AND NOT {left})" if both else f"OR {right}" if right else "",
        "<=": f"OR {right}" if right else "",
    }.get(symbol)
    return f"({plain} {more})" if more else f"({plain})"


def _rows(self: Expressions, node: Node, symbol: str) -> Typed:
    if symbol not in ("=", "<>") or len(node.this.expressions) != len(node.expression.expressions):
        raise refuse("comparing rows by order")
    pairs = [
        self.alike(self.of(one), self.of(other)) for one, other in zip(node.this.expressions, node.expression.expressions, strict=True)
    ]
    equal = " AND ".join(compared(one, other, "=") for one, other in pairs)
    return Typed(f"({equal})" if symbol == "=" else f"(NOT ({equal}))", BOOLEAN)


def _is_all(node: Node) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.upper() in ("ALL", "ANY", "SOME")


def _quantified(self: Expressions, node: Node, symbol: str) -> Typed:
    """x = ANY (array or query), and so on: postgres_fdw writes IN so."""
    side = node.expression
    every = isinstance(side, exp.All) or (isinstance(side, exp.Anonymous) and side.name.upper() == "ALL")
    inner = side.expressions[0] if isinstance(side, exp.Anonymous) else side.this
    while isinstance(inner, exp.Paren | exp.Subquery) and not (isinstance(inner, exp.Subquery) and inner.args.get("alias")):
        inner = inner.this
    word = "ALL" if every else "ANY"
    left = self.of(node.this)
    if isinstance(inner, exp.Query):
        text, kinds = self.around.subquery(inner)
        comparable(left, Typed("", _single(kinds)), symbol)
        if _maybe_nan(left) or kinds[0] in (DOUBLE, REAL):
            raise refuse(f"{word} over double precision", "write it with EXISTS")
        return Typed(f"({left.sql} {symbol} {word} {text})", BOOLEAN)
    items = _listed(self, inner, left)
    if items is None or (symbol, word) not in (("=", "ANY"), ("<>", "ALL")):
        raise refuse(f"{symbol} {word} over an array", "write it with IN, or AND and OR")
    if not items:
        return Typed("false" if word == "ANY" else "true", BOOLEAN)
    listed = ", ".join(items)
    return Typed(f"({left.sql} {'IN' if word == 'ANY' else 'NOT IN'} ({listed}))", BOOLEAN)


def _listed(self: Expressions, node: Node, left: Typed) -> list[str] | None:
    """The elements of an array that is written out, with the type of what they are compared with."""
    if isinstance(node, exp.Array):
        found = [self.of(one) for one in node.expressions]
    elif isinstance(node, exp.Cast) and (text := self.word(node.this)) is not None and node.to.is_type(exp.DType.ARRAY):
        of = data_type(node.to).of or TEXT
        found = [
            Typed("NULL", NULL) if item is None else Typed(string(item), LITERAL) if of.text else literal_as(item, of)
            for item in _elements(text)
        ]
    elif (text := self.word(node)) is not None and isinstance(node, exp.Literal):
        found = [Typed("NULL", NULL) if item is None else literal_as(item, left.kind) for item in _elements(text)]
    else:
        return None
    items = []
    for one in found:
        mine, his = self.alike(left, one)
        if mine.sql != left.sql:
            raise refuse(f"a list of {one.kind} for a value of {left.kind}", "cast one side")
        comparable(mine, his, "=")
        items.append(his.sql)
    return items


def _single(kinds: list[Kind]) -> Kind:
    if len(kinds) != 1:
        raise SqlError("subquery has too many columns", "42601")
    return kinds[0]


def _in(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expressions", "query")
    if query := node.args.get("query"):
        if isinstance(node.this, exp.Tuple):
            sides = [self.of(one) for one in node.this.expressions]
            text, kinds = self.around.subquery(query.this if isinstance(query, exp.Subquery) else query)
            if len(sides) != len(kinds):
                raise SqlError("subquery has too few or too many columns", "42601")
            for side, of in zip(sides, kinds, strict=True):
                comparable(side, Typed("", of), "=")
            return Typed(f"(({', '.join(side.sql for side in sides)}) IN {text})", BOOLEAN)
        left = self.of(node.this)
        text, kinds = self.around.subquery(query.this if isinstance(query, exp.Subquery) else query)
        left = self.as_kind(left, _single(kinds))
        comparable(left, Typed("", kinds[0]), "=")
        if _maybe_nan(left) or kinds[0] in (DOUBLE, REAL):
            raise refuse("IN over double precision", "write it with EXISTS")
        return Typed(f"({left.sql} IN {text})", BOOLEAN)
    if isinstance(node.this, exp.Tuple):
        raise refuse("IN over rows", "write it with AND and OR")
    left = self.of(node.this)
    listed = []
    for one in node.expressions:
        mine, other = self.alike(left, self.of(one))
        comparable(mine, other, "=")
        if _maybe_nan(mine) and _maybe_nan(other):
            raise refuse("IN over values of double precision", "write it with OR")
        if mine.sql != left.sql and mine.kind != left.kind:
            left = mine
        listed.append(other.sql)
    return Typed(f"({left.sql} IN ({', '.join(listed)}))", BOOLEAN)


def _between(self: Expressions, node: Node) -> Typed:
    check(node, "this", "low", "high")
    value, low = self.alike(self.of(node.this), self.of(node.args["low"]))
    again, high = self.alike(self.of(node.this), self.of(node.args["high"]))
    if value.sql == again.sql and not any(map(_maybe_nan, (value, low, high))):
        comparable(value, low, ">=")
        comparable(again, high, "<=")
        return Typed(f"({value.sql} BETWEEN {low.sql} AND {high.sql})", BOOLEAN)
    return Typed(f"({compared(value, low, '>=')} AND {compared(again, high, '<=')})", BOOLEAN)


def _connect(word: str) -> Callable[[Expressions, Node], Typed]:
    def rule(self: Expressions, node: Node) -> Typed:
        # A long chain is deep on its left; it is followed without recursion.
        sides, at = [], node
        while type(at) is type(node):
            sides.append(at.expression)
            at = at.this
        texts = [self.boolean(side) for side in (at, *reversed(sides))]
        return Typed(f"({f' {word} '.join(texts)})", BOOLEAN)

    return rule


def _not(self: Expressions, node: Node) -> Typed:
    return Typed(f"(NOT {self.boolean(node.this)})", BOOLEAN)


def _is(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression", "negate")
    found = _is_so(self, node)
    return Typed(f"(NOT {found.sql})", BOOLEAN) if node.args.get("negate") else found


def _is_so(self: Expressions, node: Node) -> Typed:
    if isinstance(node.expression, exp.Null):
        if isinstance(node.this, exp.Tuple):
            raise refuse("IS NULL of a row")
        return Typed(f"({self.of(node.this).sql} IS NULL)", BOOLEAN)
    if isinstance(node.expression, exp.Boolean):
        condition = self.boolean(node.this)
        return Typed(f"coalesce({condition}, false)" if node.expression.this else f"coalesce(NOT {condition}, false)", BOOLEAN)
    raise refuse(node.sql(dialect="postgres")[:80])


def _arithmetic(self: Expressions, node: Node) -> Typed:
    symbol = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Mod: "%"}[type(node)]
    one, other = self.of(node.this), self.of(node.expression)
    check(node, "this", "expression")
    if symbol == "-":  # a literal is taken to be of the other side's type
        one, other = (
            (self.as_kind(one, other.kind) if other.kind.family in _TIMES else one),
            (self.as_kind(other, one.kind) if one.kind.family in _TIMES else other),
        )
    if special := _on_moments(one, other, symbol):
        return special
    one, other = self.alike(one, other)
    if not (one.kind.numeric and other.kind.numeric):
        raise SqlError(f"operator does not exist: {one.kind} {symbol} {other.kind}", "42883")
    found = wider(one.kind, other.kind)
    if symbol == "%" and found.family in ("real", "double"):
        raise SqlError(f"operator does not exist: {one.kind} % {other.kind}", "42883")
    if symbol == "*" and found.family == "decimal":
        scales = [side.kind.scale or 0 for side in (one, other)]
        found = Kind("decimal", scale=sum(scales))
    return Typed(f"({one.sql} {symbol} {other.sql})", found)


def _on_moments(one: Typed, other: Typed, symbol: str) -> Typed | None:
    left, right = one.kind.family, other.kind.family
    minus = "-" if symbol == "-" else ""
    if left == "date" and right == "int" and symbol in "+-":
        return Typed(f"date_add('day', {minus}({other.sql}), {one.sql})", DATE)
    if left == "int" and right == "date" and symbol == "+":
        return Typed(f"date_add('day', {one.sql}, {other.sql})", DATE)
    if left == right == "date" and symbol == "-":
        return Typed(f"CAST(date_diff('day', {other.sql}, {one.sql}) AS integer)", INTEGER)
    intervals = ("interval", "months")
    if left in ("timestamp", "timestamptz") and right in intervals and symbol in "+-":
        if left == "timestamptz":
            raise refuse("timestamptz and an interval")  # days are 24 hours in Trino, not so when clocks change
        return Typed(f"({one.sql} {symbol} {other.sql})", TIMESTAMP)
    if left == "date" and right in intervals and symbol in "+-":
        return Typed(f"(CAST({one.sql} AS timestamp(6)) {symbol} {other.sql})", TIMESTAMP)
    if left in intervals and right in ("date", "timestamp") and symbol == "+":
        return _on_moments(other, one, symbol)
    if left == right == "timestamp" and symbol == "-":
        raise refuse("the difference of timestamps", "extract(epoch from ...) of both, or subtract dates")
    return None


def _divide(self: Expressions, node: Node) -> Typed:
    one, other = _both(self, node)
    if not (one.kind.numeric and other.kind.numeric):
        raise SqlError(f"operator does not exist: {one.kind} / {other.kind}", "42883")
    found = wider(one.kind, other.kind)
    if found.family == "int":
        return Typed(f"({one.sql} / {other.sql})", found)
    if found.family in ("real", "double"):  # Trino gives Infinity
        fails = f"CAST(fail(8, 'division by zero') AS {found.sql})"
        return Typed(f"(CASE WHEN {other.sql} = 0 THEN {fails} ELSE {one.sql} / {other.sql} END)", found)
    return quotient(one.sql, other.sql)


def quotient(dividend: str, divisor: str) -> Typed:
    """A quotient of numerics."""
    text = f"(CAST({dividend} AS decimal(38, {_QUOTIENT})) / {divisor})"
    return Typed(text, Kind("decimal", scale=_QUOTIENT), (dividend, divisor))


def _negate(self: Expressions, node: Node) -> Typed:
    found = self.of(node.this)
    if not found.kind.numeric and found.kind.family not in ("interval", "months"):
        raise SqlError(f"operator does not exist: - {found.kind}", "42883")
    return Typed(f"(- {found.sql})", found.kind)


def _join(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression", "safe", "coalesce")
    one, other = self.of(node.this), self.of(node.expression)
    if one.kind.of or other.kind.of:
        raise refuse("|| of arrays", "array_cat isn't translated either")
    if not (one.kind.text or other.kind.text):
        raise SqlError(f"operator does not exist: {one.kind} || {other.kind}", "42883")
    return Typed(f"({as_text(one)} || {as_text(other)})", TEXT)


def as_text(found: Typed) -> str:
    """A value as PostgreSQL casts it to text."""
    match found.kind.family:
        case "text":
            return found.sql
        case "literal":
            return found.sql
        case "null":
            return "CAST(NULL AS varchar)"
        case "char":
            return _stripped(found).sql
        case "int" | "decimal" | "boolean" | "date" | "uuid":
            return f"CAST({found.sql} AS varchar)"
    raise refuse(f"{found.kind} as text", "cast it in the client")


def _like(self: Expressions, node: Node, escape: str = "\\") -> Typed:
    check(node, "this", "expression", "negate")
    value, pattern = self.of(node.this), self.of(node.expression)
    value, pattern = (Typed(as_text(one), TEXT) if one.kind is NULL else one for one in (value, pattern))
    if not (value.kind.family in ("text", "literal") and pattern.kind.text):
        raise (
            SqlError(f"operator does not exist: {value.kind} ~~ {pattern.kind}", "42883")
            if not value.kind.text
            else refuse("LIKE of a character(n)")
        )
    word = self.word(node.expression)
    texts = (f"lower({value.sql})", f"lower({pattern.sql})") if isinstance(node, exp.ILike) else (value.sql, pattern.sql)
    suffix = f" ESCAPE {string(escape)}" if escape and (word is None or escape in word) else ""
    found = f"({texts[0]} LIKE {texts[1]}{suffix})"
    return Typed(f"(NOT {found})" if node.args.get("negate") else found, BOOLEAN)


def _escape(self: Expressions, node: Node) -> Typed:
    escape = self.word(node.expression)
    if escape is None or len(escape) > 1:
        raise refuse("this ESCAPE")
    return _like(self, node.this, escape)


# --- casts and conditions

_TYPES: dict[Any, Kind] = {
    exp.DType.SMALLINT: SMALLINT, exp.DType.INT: INTEGER, exp.DType.BIGINT: BIGINT, exp.DType.FLOAT: REAL, exp.DType.DOUBLE: DOUBLE,
    exp.DType.TEXT: TEXT, exp.DType.VARCHAR: TEXT, exp.DType.NVARCHAR: TEXT, exp.DType.NAME: TEXT, exp.DType.BPCHAR: CHAR,
    exp.DType.CHAR: CHAR, exp.DType.BOOLEAN: BOOLEAN, exp.DType.DATE: DATE, exp.DType.TIME: TIME, exp.DType.TIMESTAMP: TIMESTAMP,
    exp.DType.TIMESTAMPTZ: TIMESTAMPTZ, exp.DType.UUID: UUID, exp.DType.VARBINARY: BYTES, exp.DType.JSON: JSON, exp.DType.JSONB: JSON,
    exp.DType.DECIMAL: NUMERIC, exp.DType.INTERVAL: INTERVAL,
}  # fmt: skip


def data_type(node: Node) -> Kind:
    """The kind of a type that a query names. Raises SqlError."""
    if node.is_type(exp.DType.ARRAY) and node.expressions:
        return Kind("array", of=data_type(node.expressions[0]))
    found = _TYPES.get(node.this)
    if found is None:
        raise refuse(f"the type {node.sql(dialect='postgres')}")
    if found is NUMERIC and node.expressions:
        scale = int(node.expressions[1].name) if len(node.expressions) > 1 else 0
        return Kind("decimal", scale=scale)
    return found


def _cast(self: Expressions, node: Node) -> Typed:
    check(node, "this", "to", "_type")
    wanted = data_type(node.to)
    sizes = [one.name for one in node.to.expressions] if not wanted.of else []
    found = self.of(node.this)
    if found.kind is LITERAL and wanted.family == "interval":
        return interval(self.word(node.this) or "")
    if found.kind is NULL:
        return self.as_kind(found, wanted)
    if found.kind is LITERAL and not wanted.text:
        found = literal_as(self.word(node.this) or "", wanted)
        if wanted.family != "decimal":
            return found
    if wanted == CHAR:
        if sizes:
            return Typed(f"CAST({as_text(found)} AS char({int(sizes[0])}))", CHAR)
        return found if found.kind.text else Typed(as_text(found), TEXT)
    if wanted == TEXT:
        text = as_text(found)
        return Typed(f"CAST({text} AS varchar({int(sizes[0])}))" if sizes else text, TEXT)
    if wanted.family == "decimal":
        return _to_decimal(found, wanted, sizes)
    return _converted(found, wanted)


def _to_decimal(found: Typed, wanted: Kind, sizes: list[str]) -> Typed:
    if found.kind.family not in ("int", "decimal", "text"):
        raise refuse(f"a cast of {found.kind} to numeric", "cast it to double precision")
    if sizes:
        return Typed(f"CAST({found.sql} AS decimal({int(sizes[0])}, {wanted.scale}))", wanted)
    if found.kind.family == "decimal":
        return found
    if found.kind.family == "int":
        text = f"DECIMAL '{found.sql}'" if found.sql.isdecimal() else f"CAST({found.sql} AS decimal(19, 0))"
        return Typed(text, Kind("decimal", scale=0))
    raise refuse("a cast of text to numeric without digits", "write numeric(precision, scale)")


def local(found: Typed) -> Typed:
    """A value as the session's clocks show it: in Trino each has a zone of its own, that of its source."""
    return Typed(f"at_timezone({found.sql}, current_timezone())", TIMESTAMPTZ) if found.kind == TIMESTAMPTZ else found


def _converted(found: Typed, wanted: Kind) -> Typed:
    one, other = found.kind.family, wanted.family
    known = (
        one == other
        or (one in ("int", "boolean") and other == "int")
        or (one == "decimal" and other == "int")  # both round half away from zero
        or (one in ("int", "decimal", "real", "double") and other in ("real", "double"))
        or (one == "int" and other == "boolean")
        or (one in _TIMES and other in _TIMES)
        or (one == "timestamp" and other == "time")
        or (one == "text" and other in ("int", "real", "double", "date", "uuid"))
        or (one == "text" and other == "json")
    )
    if not known:
        raise refuse(f"a cast of {found.kind} to {wanted}")
    if (one, other) == ("boolean", "int") and wanted.bits != INTEGER.bits:
        raise SqlError(f"cannot cast type boolean to {wanted}", "42846")
    if (one, other) == ("text", "json"):
        return Typed(f"json_parse({found.sql})", JSON)
    if one == other and not wanted.of and one != "int":
        return found
    return Typed(f"CAST({local(found).sql} AS {wanted.sql})", wanted)


_UNIT = re.compile(
    r"\s*(?P<count>[+-]?\d+)\s*(?P<unit>years?|mons?|months?|weeks?|days?|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)\b", re.IGNORECASE
)
_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "mi": 60, "m": 60, "s": 1}


def interval(text: str) -> Typed:
    """An interval of months, or of days and times, as a literal has it; not of both, which Trino hasn't."""
    months = seconds = at = 0
    while at < len(text.strip()):
        found = _UNIT.match(text.strip(), at)
        if not found:
            break
        at, unit, count = found.end(), found["unit"].lower(), int(found["count"])
        if unit.startswith(("y", "mon")):
            months += count * (12 if unit.startswith("y") else 1)
        else:
            seconds += count * next(value for name, value in _SECONDS.items() if unit.startswith(name))
    if clock := re.fullmatch(r"\s*(-?)(\d+):(\d\d)(?::(\d\d))?", text.strip()[at:]):
        at = len(text.strip())
        seconds += (-1 if clock[1] else 1) * (int(clock[2]) * 3600 + int(clock[3]) * 60 + int(clock[4] or 0))
    if at < len(text.strip()) or not text.strip() or (months and seconds):
        raise refuse(f"the interval '{text}'", "use one of months and years, or of days, hours, minutes and seconds")
    if months:
        return Typed(f"INTERVAL '{months}' MONTH" if months >= 0 else f"(- INTERVAL '{-months}' MONTH)", MONTHS)
    return Typed(f"INTERVAL '{seconds}' SECOND" if seconds >= 0 else f"(- INTERVAL '{-seconds}' SECOND)", INTERVAL)


def _interval(self: Expressions, node: Node) -> Typed:
    text = self.word(node.this)
    if text is None:
        raise refuse("an interval that isn't a literal")
    return interval(f"{text} {node.args['unit'].name}" if node.args.get("unit") else text)


def _case(self: Expressions, node: Node) -> Typed:
    check(node, "this", "ifs", "default")
    results = [self.of(one.args["true"]) for one in node.args["ifs"]]
    if node.args.get("default"):
        results.append(self.of(node.args["default"]))
    results = unified(self, results)
    parts = []
    for one, result in zip(node.args["ifs"], results, strict=False):
        condition = _compare(self, exp.EQ(this=node.this, expression=one.this)).sql if node.this else self.boolean(one.this)
        parts.append(f"WHEN {condition} THEN {result.sql}")
    otherwise = f" ELSE {results[-1].sql}" if node.args.get("default") else ""
    return Typed(f"(CASE {' '.join(parts)}{otherwise} END)", results[0].kind)


def unified(self: Expressions, found: list[Typed]) -> list[Typed]:
    """Values that are to have one type: that of the first with one, or the widest of numbers."""
    closed = [one.kind for one in found if not one.kind.open]
    if not closed:
        return [Typed(f"CAST({one.sql} AS varchar)", TEXT) for one in found]
    wanted = closed[0]
    for other in closed[1:]:
        if wanted.numeric and other.numeric:
            wanted = wider(wanted, other)
        elif {wanted.family, other.family} == {"text", "char"}:
            wanted = TEXT
        elif wanted.family in _TIMES and other.family in _TIMES:
            wanted = max(wanted, other, key=lambda one: _TIMES.index(one.family))
        elif wanted.family != other.family:
            raise SqlError(f"types {wanted} and {other} cannot be matched", "42804")
    results = []
    for one in found:
        typed = self.as_kind(one, wanted)
        if wanted == TEXT:
            typed = Typed(as_text(typed), TEXT)
        elif wanted.family in ("double", "timestamp", "timestamptz") and typed.kind.family != wanted.family:
            typed = Typed(f"CAST({typed.sql} AS {wanted.sql})", wanted)
        results.append(Typed(typed.sql, wanted))
    return results


def _coalesce(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expressions")
    found = unified(self, [self.of(one) for one in (node.this, *node.expressions)])
    return Typed(f"coalesce({', '.join(one.sql for one in found)})", found[0].kind) if len(found) > 1 else found[0]


def _nullif(self: Expressions, node: Node) -> Typed:
    one, other = _both(self, node)
    equal = compared(one, other, "=")
    if _maybe_nan(one):
        return Typed(f"if({equal}, NULL, {one.sql})", one.kind)
    return Typed(f"nullif({one.sql}, {other.sql})", one.kind)


def _extreme(self: Expressions, node: Node) -> Typed:
    """GREATEST and LEAST leave NULLs out; Trino's give NULL for one."""
    check(node, "this", "expressions", "ignore_nulls")
    found = unified(self, [self.of(one) for one in (node.this, *node.expressions)])
    name = "array_max" if isinstance(node, exp.Greatest) else "array_min"
    if found[0].kind.family in ("real", "double", "json", "other"):
        raise refuse(f"{'greatest' if name == 'array_max' else 'least'} of {found[0].kind}", "use CASE")
    items = ", ".join(one.sql for one in found)
    return Typed(f"{name}(filter(ARRAY[{items}], one -> one IS NOT NULL))", found[0].kind)


def _exists(self: Expressions, node: Node) -> Typed:
    text, _ = self.around.subquery(node.this)
    return Typed(f"EXISTS {text}", BOOLEAN)


def _subquery(self: Expressions, node: Node) -> Typed:
    check(node, "this")
    text, kinds = self.around.subquery(node.this)
    return Typed(text, _single(kinds))


def _array(self: Expressions, node: Node) -> Typed:
    found = unified(self, [self.of(one) for one in node.expressions])
    if not found:
        raise SqlError("cannot determine type of empty array", "42P18", "ARRAY[]::integer[]")
    return Typed(f"ARRAY[{', '.join(one.sql for one in found)}]", Kind("array", of=found[0].kind))


_RULES: dict[type, Callable[[Expressions, Node], Typed]] = {
    exp.Literal: _literal,
    exp.ByteString: lambda _, node: Typed(string(str(node.this)), LITERAL),
    exp.National: lambda _, node: Typed(string(str(node.this)), LITERAL),
    exp.Null: lambda *_: Typed("NULL", NULL),
    exp.Boolean: lambda _, node: Typed("true" if node.this else "false", BOOLEAN),
    exp.Column: _column,
    exp.Paren: _paren,
    **dict.fromkeys(_SYMBOLS, _compare),
    exp.And: _connect("AND"),
    exp.Or: _connect("OR"),
    exp.Not: _not,
    exp.Is: _is,
    exp.In: _in,
    exp.Between: _between,
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Mod), _arithmetic),
    exp.Div: _divide,
    exp.Neg: _negate,
    exp.DPipe: _join,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Escape: _escape,
    exp.Cast: _cast,
    exp.Interval: _interval,
    exp.Case: _case,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Greatest: _extreme,
    exp.Least: _extreme,
    exp.Exists: _exists,
    exp.Subquery: _subquery,
    exp.Array: _array,
}

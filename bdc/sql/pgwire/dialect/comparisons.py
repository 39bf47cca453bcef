"""Rules of what compares: =, <, IN, BETWEEN, ANY and ALL. NaN is the largest value, blanks at a char's end don't count."""

from __future__ import annotations

import re

from sqlglot import exp

from bdc.sql.pgwire.dialect.expressions import Expressions, Rule, both_sides
from bdc.sql.pgwire.dialect.fragments import Node, Typed, check, refuse
from bdc.sql.pgwire.dialect.literals import array_elements, literal_as
from bdc.sql.pgwire.dialect.parsing import data_type
from bdc.sql.pgwire.dialect.types import BOOLEAN, DOUBLE, LITERAL, NULL, REAL, TEXT, TIMES, Kind
from bdc.sql.pgwire.errors import SqlError
from bdc.sql.quoting import literal

_SYMBOLS = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.NullSafeEQ: "IS NOT DISTINCT FROM",
            exp.NullSafeNEQ: "IS DISTINCT FROM"}  # fmt: skip

_INCOMPARABLE = ("json", "other", "months")


def comparable(one: Typed, other: Typed, symbol: str) -> None:
    """Raise SqlError unless values of these types can be compared, with the same result in both."""
    left, right = one.kind, other.kind
    same = left.family == right.family or (left.numeric and right.numeric) or (left.text and right.text)
    same = same or left.family == "null" or right.family == "null" or (left.family in TIMES and right.family in TIMES)
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
    one, other = both_sides(self, node)
    return Typed(compared(one, other, symbol), BOOLEAN)


_CONSTANT = re.compile(r"CAST\('[^']*' AS (double|real)\)")


def maybe_nan(one: Typed) -> bool:
    """Whether a value may be NaN: a double that isn't a constant."""
    return one.kind in (DOUBLE, REAL) and not _CONSTANT.fullmatch(one.sql)


def compared(one: Typed, other: Typed, symbol: str) -> str:
    """A comparison. In PostgreSQL NaN is equal to itself and larger than all else. Raises SqlError."""
    comparable(one, other, symbol)
    plain = f"{one.sql} {symbol} {other.sql}"
    left, right = (f"is_nan({side.sql})" if maybe_nan(side) else "" for side in (one, other))
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
        comparable(left, Typed("", single_column(kinds)), symbol)
        if maybe_nan(left) or kinds[0] in (DOUBLE, REAL):
            raise refuse(f"{word} over double precision", "write it with EXISTS")
        return Typed(f"({left.sql} {symbol} {word} {text})", BOOLEAN)
    items = _listed(self, inner, left)
    if items is None:
        return _over(self, left, self.of(inner), symbol, word)
    if not items:
        return Typed("false" if word == "ANY" else "true", BOOLEAN)
    if (symbol, word) not in (("=", "ANY"), ("<>", "ALL")):
        return Typed(f"({(' OR ' if word == 'ANY' else ' AND ').join(compared(left, one, symbol) for one in items)})", BOOLEAN)
    return _among(left, items, "IN" if word == "ANY" else "NOT IN")


def _over(self: Expressions, left: Typed, array: Typed, symbol: str, word: str) -> Typed:
    """x = ANY (an array that isn't written out), and so on."""
    if array.kind.of is None or array.kind.of.of or "SELECT" in left.sql:
        raise refuse(f"{word} over this array", "unnest it in a subquery")
    one, item = self.alike(left, Typed("item", array.kind.of))
    return Typed(f"{'any' if word == 'ANY' else 'all'}_match({array.sql}, item -> {compared(one, item, symbol)})", BOOLEAN)


def _among(left: Typed, items: list[Typed], word: str = "IN") -> Typed:
    """Whether a value is one of several, or none of them."""
    if maybe_nan(left) and any(map(maybe_nan, items)):
        symbol, between = ("=", " OR ") if word == "IN" else ("<>", " AND ")
        return Typed(f"({between.join(compared(left, one, symbol) for one in items)})", BOOLEAN)
    return Typed(f"({left.sql} {word} ({', '.join(one.sql for one in items)}))", BOOLEAN)


def _listed(self: Expressions, node: Node, left: Typed) -> list[Typed] | None:
    """The elements of an array that is written out, with the type of what they are compared with."""
    if isinstance(node, exp.Array):
        found = [self.of(one) for one in node.expressions]
    elif isinstance(node, exp.Cast) and (text := self.word(node.this)) is not None and node.to.is_type(exp.DType.ARRAY):
        of = data_type(node.to).of or TEXT
        found = [
            Typed("NULL", NULL) if item is None else Typed(literal(item), LITERAL) if of.text else literal_as(item, of)
            for item in array_elements(text)
        ]
    elif (text := self.word(node)) is not None and isinstance(node, exp.Literal):
        found = [Typed("NULL", NULL) if item is None else literal_as(item, left.kind) for item in array_elements(text)]
    else:
        return None
    items = []
    for one in found:
        mine, his = self.alike(left, one)
        if mine.sql != left.sql:
            raise refuse(f"a list of {one.kind} for a value of {left.kind}", "cast one side")
        comparable(mine, his, "=")
        items.append(his)
    return items


def single_column(kinds: list[Kind]) -> Kind:
    """The type of a subquery's only column. Raises SqlError."""
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
        left = self.as_kind(left, single_column(kinds))
        comparable(left, Typed("", kinds[0]), "=")
        if maybe_nan(left) or kinds[0] in (DOUBLE, REAL):
            raise refuse("IN over double precision", "write it with EXISTS")
        return Typed(f"({left.sql} IN {text})", BOOLEAN)
    if isinstance(node.this, exp.Tuple):
        raise refuse("IN over rows", "write it with AND and OR")
    left = self.of(node.this)
    listed = []
    for one in node.expressions:
        mine, other = self.alike(left, self.of(one))
        comparable(mine, other, "=")
        if mine.sql != left.sql and mine.kind != left.kind:
            left = mine
        listed.append(other)
    return _among(left, listed)


def _between(self: Expressions, node: Node) -> Typed:
    check(node, "this", "low", "high")
    value, low = self.alike(self.of(node.this), self.of(node.args["low"]))
    again, high = self.alike(self.of(node.this), self.of(node.args["high"]))
    if value.sql == again.sql and not any(map(maybe_nan, (value, low, high))):
        comparable(value, low, ">=")
        comparable(again, high, "<=")
        return Typed(f"({value.sql} BETWEEN {low.sql} AND {high.sql})", BOOLEAN)
    return Typed(f"({compared(value, low, '>=')} AND {compared(again, high, '<=')})", BOOLEAN)


COMPARISONS: dict[type | str, Rule] = {**dict.fromkeys(_SYMBOLS, _compare), exp.In: _in, exp.Between: _between}

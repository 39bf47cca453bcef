"""Rules of columns, constants, operators and conditions."""

from __future__ import annotations

import re

from sqlglot import exp

from bdc.sql.polybase.tsql.expressions import Expressions, Rule
from bdc.sql.polybase.tsql.kinds import BIT, DOUBLE, INT, LITERAL, NULL, REAL, TEXT, UNKNOWN, Kind, of_product, of_quotient, of_sum, wider
from bdc.sql.polybase.tsql.kinds import number as number_kind
from bdc.sql.polybase.tsql.moments import as_moment, is_moment
from bdc.sql.polybase.tsql.typed import (
    DIVISION_BY_ZERO,
    Node,
    Typed,
    as_text,
    binary,
    call,
    cast,
    check,
    exact,
    failure,
    grouped,
    infix,
    integer,
    number_in,
    padded,
    refuse,
    shown,
    string,
    when,
    word_in,
)

_MARKS = re.compile(r"([^\w\s])")
_IN_SETS = re.compile(r"([^\w\s-])")
_BACKSLASHED = r"\\\1"


def _literal(_: Expressions, node: Node) -> Typed:
    if isinstance(node, exp.National) or node.is_string:
        return Typed(string(node.name), LITERAL)
    kind = number_kind(node.name)
    if kind.family == "decimal" and "." not in node.name:  # more digits than a BIGINT has, which Trino takes for no number
        return Typed(cast(string(node.name), f"decimal({kind.digits}, 0)"), kind)
    return Typed(exp.Literal.number(node.name), kind)


def _column(self: Expressions, node: Node) -> Typed:
    if isinstance(node.this, exp.Star):
        return Typed(node.copy(), UNKNOWN)
    if node.args.get("catalog"):
        raise refuse(f"the name of four parts {shown(node)}", "give the table an alias, and write alias.column")
    return Typed(node.copy(), lambda: self.scope.kind(node.table.lower(), node.name.lower()))


def _same(kind: Kind) -> Rule:
    return lambda _, node: Typed(node.copy(), kind)


def _paren(self: Expressions, node: Node) -> Typed:
    found = self.of(node.this)
    return Typed(exp.Paren(this=found.node), lambda: found.kind)


def _logical(self: Expressions, node: Node) -> Typed:
    # A long chain is deep on its left; it is followed without recursion.
    sides, at = [], node
    while type(at) is type(node):
        sides.append(at.expression)
        at = at.this
    found = self.of(at).node
    for side in reversed(sides):
        found = type(node)(this=found, expression=self.of(side).node)
    return Typed(found, BIT)


def _not(self: Expressions, node: Node) -> Typed:
    return Typed(exp.Not(this=self.of(node.this).node), BIT)


def _is_null(self: Expressions, node: Node) -> Typed:
    if not isinstance(node.expression, exp.Null):
        raise refuse(shown(node), "write = or <>, or IS NULL")
    return Typed(exp.Is(this=self.of(node.this).node, expression=exp.Null()), BIT)


def _add(self: Expressions, node: Node) -> Typed:
    """+ joins strings where a side is one, and adds numbers."""
    one, other = self.of(node.this), self.of(node.expression)
    if one.kind.text or other.kind.text:
        return _joined(one, other, "+")
    return _arithmetic(self, one, other, node)


def _joined(one: Typed, other: Typed, sign: str) -> Typed:
    for side in (one, other):
        if not (side.kind.text or side.kind in (NULL, UNKNOWN)):
            raise refuse(f"{sign} of a string and {side.kind}", "cast it to VARCHAR(n), or use CONCAT(a, b)")
    sides = [padded(side) if side.kind.family == "char" else side.node for side in (one, other)]
    return Typed(exp.DPipe(this=sides[0], expression=sides[1]), TEXT)


def _pipes(self: Expressions, node: Node) -> Typed:
    return _joined(self.of(node.this), self.of(node.expression), "||")


def _number_operator(self: Expressions, node: Node) -> Typed:
    return _arithmetic(self, self.of(node.this), self.of(node.expression), node)


def _arithmetic(self: Expressions, one: Typed, other: Typed, node: Node) -> Typed:
    for side in (one, other):
        _check_number(side, node)
    text = binary(type(node), one.node, other.node)
    if not (one.kind.exact and other.kind.exact):
        return _inexact(one, other, node, text)
    if one.kind.family == other.kind.family == "int":
        return Typed(text, Kind("int", max(one.kind.digits, other.kind.digits, INT.digits)))
    if isinstance(node, exp.Div):
        found = quotient(one, other)
        self.differs(f"{shown(node)} has {found.kind.scale} digits after the point")
        return found
    if isinstance(node, exp.Mul):
        product = of_product(one.kind, other.kind)
        fits = product.scale == one.kind.scale + other.kind.scale
        return Typed(text if fits else cast(text, f"decimal({product.digits}, {product.scale})"), product)
    return Typed(text, of_sum(one.kind, other.kind) if not isinstance(node, exp.Mod) else wider(one.kind, other.kind))


def _check_number(side: Typed, node: Node) -> None:
    if side.kind == UNKNOWN:
        known = "cast it, such as CAST(x AS INT), or give its table an alias"
        raise refuse(f"{shown(node)}: the type of {shown(side.node)} isn't known, so it", known)
    if side.kind.moment:
        raise refuse(f"arithmetic with {side.kind} in {shown(node)}", "use DATEADD or DATEDIFF")
    if not side.kind.numeric and side.kind != NULL:
        raise refuse(f"arithmetic with {side.kind} in {shown(node)}", "cast it to INT, DECIMAL(p, s) or FLOAT")


def _inexact(one: Typed, other: Typed, node: Node, text: Node) -> Typed:
    """Arithmetic with FLOAT, REAL or NULL. Division by zero fails, where Trino gives Infinity or NaN."""
    kind = one.kind if other.kind == NULL else other.kind if one.kind == NULL else DOUBLE if DOUBLE in (one.kind, other.kind) else REAL
    if isinstance(node, exp.Mod) and kind.family in ("double", "real"):
        raise refuse(f"% of FLOAT in {shown(node)}", "cast it to INT or DECIMAL(p, s)")
    if isinstance(node, exp.Div) and kind.family in ("double", "real"):
        zero = exp.EQ(this=grouped(other.node), expression=integer(0))
        return Typed(when(zero, failure("Division by zero", kind.family, DIVISION_BY_ZERO), infix(exp.Div, one.node, other.node)), kind)
    return Typed(text, kind)


def quotient(one: Typed, other: Typed, kind: Kind | None = None) -> Typed:
    """A quotient of exact numbers with T-SQL's digits, of which the rest is cut off; Trino has fewer, and rounds.

    What doesn't go into the dividend at the last digit is taken off first, so that the division leaves nothing to round.
    """
    one, other = exact(one), exact(other)
    kind = kind or of_quotient(one.kind, other.kind)
    last = cast(string(f"0.{'0' * (kind.scale - 1)}1"), f"decimal({kind.scale}, {kind.scale})")
    rest = infix(exp.Mod, one.node, infix(exp.Mul, other.node, last))
    whole = infix(exp.Div, infix(exp.Sub, one.node, rest), other.node)
    return Typed(cast(whole, f"decimal({kind.digits}, {kind.scale})"), kind)


def _negative(self: Expressions, node: Node) -> Typed:
    found = self.of(node.this)
    return Typed(exp.Neg(this=found.node), lambda: found.kind)


def _bits(self: Expressions, node: Node) -> Typed:
    sides = [self.of(node.this), self.of(node.expression)] if isinstance(node, exp.Binary) else [self.of(node.this)]
    for side in sides:
        if side.kind.family != "int":
            raise refuse(f"{shown(node)} of {side.kind}", "cast it to INT or BIGINT")
    names = {exp.BitwiseAnd: "bitwise_and", exp.BitwiseOr: "bitwise_or", exp.BitwiseXor: "bitwise_xor", exp.BitwiseNot: "bitwise_not"}
    return Typed(call(names[type(node)], *(side.node for side in sides)), Kind("int", max(side.kind.digits for side in sides)))


def _compared(self: Expressions, node: Node) -> Typed:
    one, other = alike(self, self.of(node.this), self.of(node.expression))
    return Typed(type(node)(this=one.node, expression=other.node), BIT)


def alike(self: Expressions, one: Typed, other: Typed) -> tuple[Typed, Typed]:
    """Two sides of a comparison: a string beside a date is a date, 1 and 0 beside a bit are bits."""
    for at, (side, beside) in enumerate(((one, other), (other, one))):
        word, number = word_in(side.node), number_in(side.node)
        changed = None
        if word is not None and is_moment(word):
            changed = as_moment(word, beside.kind) if beside.kind.moment else None
        elif word is not None and (word.lower() != word.upper() or word.endswith(" ")):
            self.text_is_compared(side)
        elif number in (0, 1) and beside.kind.family == "bit":
            changed = Typed(exp.Boolean(this=number == 1), BIT)
        if changed:
            return (changed, other) if at == 0 else (one, changed)
    if isinstance(one.node, exp.Column) and isinstance(other.node, exp.Column):
        self.text_is_compared(one, other)
    return one, other


def _between(self: Expressions, node: Node) -> Typed:
    check(node, "this", "low", "high")
    value = self.of(node.this)
    low, high = (alike(self, value, self.of(node.args[one]))[1].node for one in ("low", "high"))
    return Typed(exp.Between(this=value.node, low=low, high=high), BIT)


def _in(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expressions", "query")
    value = self.of(node.this)
    if query := node.args.get("query"):
        inner, _ = self.query(query)
        return Typed(exp.In(this=value.node, query=inner if isinstance(inner, exp.Subquery) else exp.Subquery(this=inner)), BIT)
    return Typed(exp.In(this=value.node, expressions=[alike(self, value, self.of(one))[1].node for one in node.expressions]), BIT)


def _exists(self: Expressions, node: Node) -> Typed:
    inner, _ = self.query(node.this)
    return Typed(exp.Exists(this=inner), BIT)


def _quantified(self: Expressions, node: Node) -> Typed:
    inner, _ = self.query(node.this.this if isinstance(node.this, exp.Subquery | exp.Paren) else node.this)
    return Typed(type(node)(this=inner), UNKNOWN)


def _subquery(self: Expressions, node: Node) -> Typed:
    check(node, "this")
    inner, listing = self.query(node.this)

    def kind() -> Kind:
        listed = listing()
        return listed[0][1] if listed else UNKNOWN

    return Typed(exp.Subquery(this=inner), kind)


def _like(self: Expressions, node: Node, escape: str | None = None) -> Typed:
    check(node, "this", "expression")
    pattern = word_in(node.expression)
    if pattern is None:
        raise refuse(f"LIKE with a pattern that isn't written out, {shown(node.expression)}", "use CHARINDEX(a, b) > 0")
    value = as_text(self.of(node.this), "LIKE")
    if pattern.lower() != pattern.upper():
        self.text_is_compared(Typed(string(pattern), LITERAL))
    if "[" not in pattern:
        found: Node = exp.Like(this=value, expression=string(pattern))
        return Typed(found if escape is None else exp.Escape(this=found, expression=string(escape)), BIT)
    if escape is not None:
        raise refuse(f"a set of characters in LIKE '{pattern}' with ESCAPE", "write [%] for a percent sign instead of escaping it")
    self.differs(f"{shown(node)} has a set of characters")
    return Typed(call("regexp_like", value, string(_regular(pattern))), BIT)


def _regular(pattern: str) -> str:
    """A pattern of LIKE as a regular expression of Java's: [a-c], [^a-c] are sets, % and _ are wild. Raises UntranslatableError."""
    found, at = r"(?s)\A", 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "[" and (end := pattern.find("]", at + 1)) > at + 1:
            inside = pattern[at + 1 : end]
            sign = "^" if inside.startswith("^") else ""
            if inside == "^":
                raise refuse(f"the set [^] in LIKE '{pattern}'", "say which characters")
            found += f"[{sign}{_IN_SETS.sub(_BACKSLASHED, inside[len(sign) :])}]"
            at = end
        elif letter == "[":
            raise refuse(f"the [ without its ] in LIKE '{pattern}'", "write [[] for a bracket")
        else:
            found += {"%": ".*", "_": "."}.get(letter) or _MARKS.sub(_BACKSLASHED, letter)
        at += 1
    return found + r"\z"


def _escape(self: Expressions, node: Node) -> Typed:
    escape = word_in(node.expression)
    if escape is None or len(escape) != 1 or not isinstance(node.this, exp.Like):
        raise refuse(shown(node), "ESCAPE takes one character")
    return _like(self, node.this, escape)


def _case(self: Expressions, node: Node) -> Typed:
    check(node, "this", "ifs", "default")
    value = self.of(node.this) if node.this else None
    ifs, results = [], []
    for one in node.args["ifs"]:
        condition = self.of(one.this)
        condition = alike(self, value, condition)[1] if value else condition
        results.append(self.of(one.args["true"]))
        ifs.append(exp.If(this=condition.node, true=results[-1].node))
    default = self.of(node.args["default"]) if node.args.get("default") else None
    results += [default] if default else []
    made = exp.Case(this=value.node if value else None, ifs=ifs, default=default.node if default else None)
    return Typed(made, lambda: together(results))


def _if(self: Expressions, node: Node) -> Typed:
    check(node, "this", "true", "false")
    results = [self.of(node.args["true"]), self.of(node.args["false"])]
    return Typed(call("if", self.of(node.this).node, *(one.node for one in results)), lambda: together(results))


def together(found: list[Typed]) -> Kind:
    """The kind of what is one of these."""
    kind = found[0].kind
    for one in found[1:]:
        kind = wider(kind, one.kind)
    return kind


OPERATORS: dict[type | str, Rule] = {
    exp.Literal: _literal,
    exp.National: _literal,
    exp.Null: _same(NULL),
    exp.Boolean: _same(BIT),
    exp.Star: _same(UNKNOWN),
    exp.Column: _column,
    exp.Paren: _paren,
    exp.And: _logical,
    exp.Or: _logical,
    exp.Not: _not,
    exp.Is: _is_null,
    exp.Add: _add,
    exp.DPipe: _pipes,
    exp.Sub: _number_operator,
    exp.Mul: _number_operator,
    exp.Div: _number_operator,
    exp.Mod: _number_operator,
    exp.Neg: _negative,
    exp.BitwiseAnd: _bits,
    exp.BitwiseOr: _bits,
    exp.BitwiseXor: _bits,
    exp.BitwiseNot: _bits,
    exp.EQ: _compared,
    exp.NEQ: _compared,
    exp.LT: _compared,
    exp.LTE: _compared,
    exp.GT: _compared,
    exp.GTE: _compared,
    exp.Between: _between,
    exp.In: _in,
    exp.Exists: _exists,
    exp.Any: _quantified,
    exp.All: _quantified,
    exp.Subquery: _subquery,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.Case: _case,
    exp.If: _if,
}

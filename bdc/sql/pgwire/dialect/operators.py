"""Rules of columns, constants, operators, casts and conditions."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from bdc.sql.pgwire.dialect.comparisons import compared, maybe_nan, single_column
from bdc.sql.pgwire.dialect.expressions import Expressions, Rule, both_sides, unified
from bdc.sql.pgwire.dialect.fragments import Node, Typed, as_text, check, local, name_of, refuse, wider
from bdc.sql.pgwire.dialect.literals import decimal_literal, interval, literal_as
from bdc.sql.pgwire.dialect.parsing import data_type, table_name
from bdc.sql.pgwire.dialect.types import (
    BIGINT,
    BOOLEAN,
    CHAR,
    DATE,
    INTEGER,
    JSON,
    LITERAL,
    NULL,
    NUMERIC,
    TEXT,
    TIMES,
    TIMESTAMP,
    Kind,
)
from bdc.sql.pgwire.errors import SqlError
from bdc.sql.quoting import literal

_MAX_INT, _MAX_BIGINT = 2**31 - 1, 2**63 - 1

_BY_CODE_POINT = ("C", "POSIX", "C.utf8", "ucs_basic", "pg_c_utf8", "default")

_QUOTIENT = 20
"""Digits after the point of a quotient of numerics; PostgreSQL gives 16 or more that count."""


def _literal(_: Expressions, node: Node) -> Typed:
    if node.is_string:
        return Typed(literal(node.name), LITERAL)
    text = node.name
    if text.isdecimal():
        value = int(text)
        if value <= _MAX_INT:
            return Typed(str(value), INTEGER)
        return Typed(str(value), BIGINT) if value <= _MAX_BIGINT else decimal_literal(text, NUMERIC)
    return decimal_literal(text.replace("_", ""), NUMERIC)


def _column(self: Expressions, node: Node) -> Typed:
    if isinstance(node.this, exp.Star):
        raise refuse("a whole row as a value", "name its columns")
    check(node, "this", "table", "db", "catalog")
    *table, name = table_name(node)
    return self.around.column(name, tuple(table))


def _paren(self: Expressions, node: Node) -> Typed:
    found = self.of(node.this)
    return found if found.kind is LITERAL else Typed(f"({found.sql})", found.kind, found.quotient, found.spread)


def _collate(self: Expressions, node: Node) -> Typed:
    named = node.expression
    *_, collation = table_name(named) if isinstance(named, exp.Column) else (name_of(named),)
    if collation not in _BY_CODE_POINT:
        raise refuse(f'COLLATE "{collation}"', 'strings are compared by their code points, as COLLATE "C" says')
    found = self.of(node.this)
    if found.kind is LITERAL:
        return Typed(found.sql, TEXT)
    if not found.kind.text:
        raise SqlError(f"collations are not supported by type {found.kind}", "42804")
    return found


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
            (self.as_kind(one, other.kind) if other.kind.family in TIMES else one),
            (self.as_kind(other, one.kind) if one.kind.family in TIMES else other),
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
    one, other = both_sides(self, node)
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
    if word is not None and escape and escape in word:
        pattern = Typed(literal(_escaped(word, escape)), TEXT)
    texts = (f"lower({value.sql})", f"lower({pattern.sql})") if isinstance(node, exp.ILike) else (value.sql, pattern.sql)
    suffix = f" ESCAPE {literal(escape)}" if escape and (word is None or escape in word) else ""
    found = f"({texts[0]} LIKE {texts[1]}{suffix})"
    return Typed(f"(NOT {found})" if node.args.get("negate") else found, BOOLEAN)


def _escaped(pattern: str, escape: str) -> str:
    """A pattern in which only what needs it is escaped: Trino takes no other. Raises SqlError."""
    found, at = "", 0
    while at < len(pattern):
        if pattern[at] == escape:
            at += 1
            if at == len(pattern):
                raise SqlError("LIKE pattern must not end with escape character", "22025")
            found += escape if pattern[at] in ("%", "_", escape) else ""
        found += pattern[at]
        at += 1
    return found


def _escape(self: Expressions, node: Node) -> Typed:
    escape = self.word(node.expression)
    if escape is None or len(escape) > 1:
        raise refuse("this ESCAPE")
    return _like(self, node.this, escape)


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


def _converted(found: Typed, wanted: Kind) -> Typed:
    one, other = found.kind.family, wanted.family
    known = (
        one == other
        or (one in ("int", "boolean") and other == "int")
        or (one == "decimal" and other == "int")  # both round half away from zero
        or (one in ("int", "decimal", "real", "double") and other in ("real", "double"))
        or (one == "int" and other == "boolean")
        or (one in TIMES and other in TIMES)
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
        condition = self.of(exp.EQ(this=node.this, expression=one.this)).sql if node.this else self.boolean(one.this)
        parts.append(f"WHEN {condition} THEN {result.sql}")
    otherwise = f" ELSE {results[-1].sql}" if node.args.get("default") else ""
    return Typed(f"(CASE {' '.join(parts)}{otherwise} END)", results[0].kind)


def _coalesce(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expressions")
    found = unified(self, [self.of(one) for one in (node.this, *node.expressions)])
    return Typed(f"coalesce({', '.join(one.sql for one in found)})", found[0].kind) if len(found) > 1 else found[0]


def _nullif(self: Expressions, node: Node) -> Typed:
    one, other = both_sides(self, node)
    equal = compared(one, other, "=")
    if maybe_nan(one):
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
    return Typed(text, single_column(kinds))


def _array(self: Expressions, node: Node) -> Typed:
    found = unified(self, [self.of(one) for one in node.expressions])
    if not found:
        raise SqlError("cannot determine type of empty array", "42P18", "ARRAY[]::integer[]")
    return Typed(f"ARRAY[{', '.join(one.sql for one in found)}]", Kind("array", of=found[0].kind))


OPERATORS: dict[type | str, Rule] = {
    exp.Literal: _literal,
    exp.Null: lambda *_: Typed("NULL", NULL),
    exp.Boolean: lambda _, node: Typed("true" if node.this else "false", BOOLEAN),
    exp.Column: _column,
    exp.Paren: _paren,
    exp.Collate: _collate,
    exp.And: _connect("AND"),
    exp.Or: _connect("OR"),
    exp.Not: _not,
    exp.Is: _is,
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

"""Rules of functions of strings, and of the few others. https://learn.microsoft.com/sql/t-sql/functions/string-functions-transact-sql"""

from __future__ import annotations

from sqlglot import exp

from bdc.sql.polybase.tsql.expressions import Expressions, Rule
from bdc.sql.polybase.tsql.kinds import DOUBLE, INT, LITERAL, NULL, TEXT, UNKNOWN, Kind
from bdc.sql.polybase.tsql.operators import together
from bdc.sql.polybase.tsql.typed import (
    Node,
    Typed,
    as_text,
    call,
    cast,
    check,
    failure,
    infix,
    integer,
    number_in,
    refuse,
    shown,
    string,
    truncated,
    when,
    word_in,
)


def _text(self: Expressions, node: Node, of: Node) -> Node:
    """An argument that is a string, or is made one. sqlglot puts a cast to TEXT around some."""
    if isinstance(node, exp.Cast) and node.args["to"].is_type(exp.DataType.Type.TEXT) and not node.args["to"].expressions:
        node = node.this
    return as_text(self.of(node), shown(of))


def _count(self: Expressions, node: Node, of: Node) -> Node:
    """An argument that is a number of characters."""
    number = number_in(node)
    return integer(number) if number is not None else cast(truncated(self.of(node), shown(of)), "bigint")


def _plain(name: str) -> Rule:
    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this")
        return Typed(call(name, _text(self, node.this, node)), TEXT)

    return rule


def _length(self: Expressions, node: Node) -> Typed:
    """LEN doesn't count blanks at the end."""
    check(node, "this")
    return Typed(call("length", _trimmed(_text(self, node.this, node), "TRAILING")), INT)


def _trimmed(text: Node, position: str, characters: str = " ") -> Node:
    """Trino's own ltrim, rtrim and trim also take tabs and ends of lines away."""
    return exp.Trim(this=text.copy(), expression=string(characters), position=position)


def _trim(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression", "position")
    characters = node.args.get("expression")
    word = word_in(characters) if characters is not None else " "
    if not word:
        raise refuse(f"{shown(node)} of characters that aren't written out", "write them out")
    return Typed(_trimmed(_text(self, node.this, node), str(node.args.get("position") or "BOTH"), word), TEXT)


def _not_negative(count: Node, of: str, value: Node) -> Node:
    """A value, or T-SQL's error for a negative number of characters."""
    if (number := number_in(count)) is not None:
        if number < 0:
            raise refuse(f"{of} with a negative number", "T-SQL refuses it, too")
        return value
    return when(exp.LT(this=count.copy(), expression=integer(0)), failure(f"invalid length passed to {of}", "varchar"), value)


def _left(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression")
    text, count = _text(self, node.this, node), _count(self, node.expression, node)
    return Typed(_not_negative(count, "LEFT", call("substr", text, integer(1), count)), TEXT)


def _right(self: Expressions, node: Node) -> Typed:
    """All of a string that is shorter; Trino's substr counts from the end then, and finds nothing."""
    check(node, "this", "expression")
    text, count = _text(self, node.this, node), _count(self, node.expression, node)
    start = infix(exp.Add, infix(exp.Sub, call("length", text), count), integer(1))
    return Typed(_not_negative(count, "RIGHT", call("substr", text, call("greatest", start, integer(1)))), TEXT)


def _substring(self: Expressions, node: Node) -> Typed:
    """Places before the first character count; Trino finds nothing at place 0, and counts negative ones from the end."""
    check(node, "this", "start", "length")
    if not node.args.get("length"):
        raise refuse("SUBSTRING without a length", "SUBSTRING(string, start, length)")
    text = _text(self, node.this, node)
    start, length = (_count(self, node.args[one], node) for one in ("start", "length"))
    first, size = number_in(start), number_in(length)
    if first is None or first < 1:
        self.differs(f"{shown(node)} counts places before the first character")
    begins = integer(max(first, 1)) if first is not None else call("greatest", start, integer(1))
    if first is not None and size is not None:
        left: Node = integer(max(size + min(first, 1) - 1, 0))
    elif first is not None and first >= 1:
        left = length
    else:
        before = infix(exp.Sub, call("least", start, integer(1)), integer(1))
        left = call("greatest", infix(exp.Add, before, length), integer(0))
    return Typed(_not_negative(length, "SUBSTRING", call("substr", text, begins, left)), TEXT)


def _place(self: Expressions, node: Node) -> Typed:
    """CHARINDEX, which finds no empty string."""
    check(node, "this", "substr", "position")
    text, word = _text(self, node.this, node), node.args["substr"]
    sought = _text(self, word, node)
    if word_in(word) == "":
        raise refuse("CHARINDEX of an empty string", "it is 0 in T-SQL")
    self.text_is_compared(Typed(sought, LITERAL))
    if not node.args.get("position"):
        found = call("strpos", text, sought)
    else:
        start = call("greatest", _count(self, node.args["position"], node), integer(1))
        rest = call("strpos", call("substr", text, start), sought)
        nowhere = exp.EQ(this=rest, expression=integer(0))
        found = when(nowhere, integer(0), infix(exp.Sub, infix(exp.Add, rest, start), integer(1)))
    if word_in(word) is None:
        found = when(exp.EQ(this=sought, expression=string("")), integer(0), found)
    return Typed(found, INT)


def _replace(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression", "replacement")
    text, sought, instead = (_text(self, node.args[one], node) for one in ("this", "expression", "replacement"))
    word = word_in(node.expression)
    if word == "":
        raise refuse("REPLACE of an empty string", "it changes nothing in T-SQL")
    self.text_is_compared(Typed(sought, LITERAL))
    found = call("replace", text, sought, instead)
    return Typed(found if word else when(exp.EQ(this=sought, expression=string("")), text, found), TEXT)


def _repeat(self: Expressions, node: Node) -> Typed:
    check(node, "this", "times")
    return Typed(_repeated(_text(self, node.this, node), _count(self, node.args["times"], node)), TEXT)


def _repeated(text: Node, count: Node) -> Node:
    """NULL for NULL and for a negative number."""
    found = call("array_join", call("repeat", text, count), string(""))
    if word_in(text) is not None and (number_in(count) or 0) > 0:
        return found
    nothing = exp.Or(this=exp.Is(this=text.copy(), expression=exp.Null()), expression=exp.LT(this=count.copy(), expression=integer(0)))
    return when(nothing, cast(exp.Null(), "varchar"), found)


def _space(self: Expressions, node: Node) -> Typed:
    check(node, "this")
    return Typed(_repeated(string(" "), _count(self, node.this, node)), TEXT)


def _stuff(self: Expressions, node: Node) -> Typed:
    """NULL where it begins outside the string; a NULL in its place only takes away."""
    check(node, "this", "start", "length", "expression")
    text, new = _text(self, node.this, node), _text(self, node.expression, node)
    start, length = (number_in(node.args[one]) for one in ("start", "length"))
    if start is None or length is None or start < 1 or length < 0:
        raise refuse(f"{shown(node)} with numbers that aren't written out", "use CONCAT(LEFT(...), ..., SUBSTRING(...))")
    pieces = call(
        "concat",
        call("substr", text, integer(1), integer(start - 1)),
        call("coalesce", new, string("")),
        call("substr", text, integer(start + length)),
    )
    return Typed(when(exp.LTE(this=integer(start), expression=call("length", text)), pieces, exp.Null()), TEXT)


def _quote_name(self: Expressions, node: Node) -> Typed:
    if len(node.expressions) != 1:
        raise refuse("QUOTENAME with other quotes", "QUOTENAME(name) gives [name]")
    text = call("replace", _text(self, node.expressions[0], node), string("]"), string("]]"))
    return Typed(call("concat", string("["), text, string("]")), TEXT)


def _concat(self: Expressions, node: Node) -> Typed:
    """NULLs count as empty strings."""
    check(node, "expressions", "safe", "coalesce")
    self.differs(f"{shown(node)} takes NULL for an empty string")
    texts = [_never_null(as_text(self.of(one), shown(node))) for one in node.expressions]
    return Typed(call("concat", *texts), TEXT)


def _never_null(text: Node) -> Node:
    if isinstance(text, exp.Null):
        return string("")
    return text if word_in(text) is not None else call("coalesce", text, string(""))


def _concat_ws(self: Expressions, node: Node) -> Typed:
    """NULLs are left out, with their separators."""
    check(node, "expressions", "safe", "coalesce")
    separator, *others = node.expressions
    if word_in(separator) is None:
        raise refuse("CONCAT_WS with a separator that isn't written out", "write it out")
    return Typed(call("concat_ws", string(separator.name), *(as_text(self.of(one), shown(node)) for one in others)), TEXT)


def _coalesce(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expressions", "is_null")
    found = [self.of(one) for one in (node.this, *node.expressions)]
    if node.args.get("is_null"):
        return _is_null(found[0], found[1], node)
    return Typed(call("coalesce", *(one.node for one in found)), lambda: together(found))


def _is_null(one: Typed, other: Typed, node: Node) -> Typed:
    """ISNULL has the type of the first, to which the second is cut."""
    kind, second = one.kind, other.kind
    if kind in (NULL, LITERAL) or second == NULL:
        return Typed(call("coalesce", one.node, other.node), lambda: second if kind == NULL else kind)
    if kind.text and second.text and kind.length is not None:
        return Typed(call("coalesce", one.node, cast(other.node, f"varchar({kind.length})")), kind)
    same = (
        kind.family == second.family
        or (kind.text and second.text)
        or (kind.family == "decimal" and second.family == "int")
        or (kind.family in ("double", "real") and second.numeric)
    )
    if kind.family == "bit" and number_in(other.node) in (0, 1):
        return Typed(call("coalesce", one.node, exp.Boolean(this=number_in(other.node) == 1)), kind)
    if kind.family == "decimal" and second.family == "decimal" and (second.scale > kind.scale or second.integral > kind.integral):
        return Typed(call("coalesce", one.node, cast(other.node, f"decimal({kind.digits}, {kind.scale})")), kind)
    if not same and not (kind == UNKNOWN and (second.text or second.family == "int")):
        raise refuse(f"{shown(node)} of {kind} and {second}", "cast the second to the type of the first")
    return Typed(call("coalesce", one.node, other.node), kind)


def _null_if(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression")
    one, other = self.of(node.this), self.of(node.expression)
    return Typed(call("nullif", one.node, other.node), lambda: one.kind)


def _choose(self: Expressions, node: Node) -> Typed:
    index, *others = node.expressions
    found = [self.of(one) for one in others]
    chosen = truncated(self.of(index), shown(node))
    ifs = [exp.If(this=integer(at + 1), true=one.node) for at, one in enumerate(found)]
    return Typed(exp.Case(this=chosen, ifs=ifs), lambda: together(found))


def _number(name: str) -> Rule:
    """A function of numbers that gives the type that it takes."""

    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this")
        found = _numeric(self, node.this, node)
        kind = found.kind
        if name in ("ceiling", "floor") and kind.family == "decimal":
            kind = Kind("decimal", max(kind.integral, 1), 0)
        return Typed(call(name, found.node), kind)

    return rule


def _numeric(self: Expressions, node: Node, of: Node) -> Typed:
    found = self.of(node)
    if not found.kind.numeric:
        raise refuse(f"{shown(of)} of {found.kind}", "cast it to INT, DECIMAL(p, s) or FLOAT")
    return found


def _round(self: Expressions, node: Node) -> Typed:
    check(node, "this", "decimals")
    found = _numeric(self, node.this, node)
    digits = number_in(node.args["decimals"]) if node.args.get("decimals") else None
    if digits is None or digits < 0:
        raise refuse(f"{shown(node)} to places that aren't written out, or are negative", "ROUND(x, 2)")
    if found.kind.family == "int":
        return found
    if found.kind.family == "decimal":
        kind = found.kind
        return Typed(cast(call("round", found.node, integer(digits)), f"decimal({min(38, kind.digits + 1)}, {kind.scale})"), kind)
    return Typed(call("round", found.node, integer(digits)), found.kind)


def _root(name: str, outside: type[exp.Binary] | None) -> Rule:
    """A function of FLOAT, which fails outside of its domain; Trino gives NaN or Infinity there."""

    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this")
        value = cast(_numeric(self, node.this, node).node, "double")
        found = call(name, value)
        if outside:
            found = when(
                outside(this=value, expression=integer(0)), failure("An invalid floating point operation occurred", "double"), found
            )
        return Typed(found, DOUBLE)

    return rule


def _log(self: Expressions, node: Node) -> Typed:
    """LOG10(x), and LOG(x, base), which sqlglot has the other way round."""
    check(node, "this", "expression")
    base, value = (cast(_numeric(self, one, node).node, "double") for one in (node.this, node.expression))
    outside = exp.LTE(this=value, expression=integer(0))
    failed = failure("An invalid floating point operation occurred", "double")
    return Typed(when(outside, failed, call("log", base, value)), DOUBLE)


def _power(self: Expressions, node: Node) -> Typed:
    """POWER has the type of its base, so that POWER(2, 0.5) is 1."""
    check(node, "this", "expression")
    base, exponent = _numeric(self, node.this, node), _numeric(self, node.expression, node)
    if base.kind != DOUBLE:
        raise refuse(f"{shown(node)}, whose base is {base.kind},", "cast the base to FLOAT")
    return Typed(call("power", base.node, exponent.node), DOUBLE)


def _new_id(_: Expressions, node: Node) -> Typed:
    check(node)
    return Typed(call("uuid"), Kind("uuid"))


STRINGS: dict[type | str, Rule] = {
    exp.Lower: _plain("lower"),
    exp.Upper: _plain("upper"),
    exp.Reverse: _plain("reverse"),
    exp.Length: _length,
    exp.Trim: _trim,
    exp.Left: _left,
    exp.Right: _right,
    exp.Substring: _substring,
    exp.StrPosition: _place,
    exp.Replace: _replace,
    exp.Repeat: _repeat,
    exp.Space: _space,
    exp.Stuff: _stuff,
    "QUOTENAME": _quote_name,
    exp.Concat: _concat,
    exp.ConcatWs: _concat_ws,
    exp.Coalesce: _coalesce,
    exp.Nullif: _null_if,
    "CHOOSE": _choose,
    exp.Uuid: _new_id,
}

NUMBERS: dict[type | str, Rule] = {
    exp.Abs: _number("abs"),
    exp.Ceil: _number("ceiling"),
    exp.Floor: _number("floor"),
    exp.Sign: _number("sign"),
    exp.Round: _round,
    exp.Sqrt: _root("sqrt", exp.LT),
    exp.Ln: _root("ln", exp.LTE),
    exp.Exp: _root("exp", None),
    exp.Log: _log,
    exp.Pow: _power,
}

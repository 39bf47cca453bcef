"""Rules of aggregates and window functions. https://learn.microsoft.com/sql/t-sql/functions/aggregate-functions-transact-sql"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from bdc.sql.polybase.tsql.expressions import Expressions, Rule
from bdc.sql.polybase.tsql.kinds import BIGINT, BIT, DOUBLE, INT, TEXT, UNKNOWN, Kind, decimal
from bdc.sql.polybase.tsql.operators import quotient
from bdc.sql.polybase.tsql.typed import Node, Typed, as_text, call, cast, check, infix, refuse, shown, string, word_in

Over = Callable[[Node], Node]
"""Puts OVER (...) behind a call, or nothing."""

Aggregate = Callable[[Expressions, Node, Over], Typed]

_SCALE = 6


def _argument(self: Expressions, node: Node) -> tuple[Typed, bool]:
    """What is aggregated, and whether each value counts once."""
    inner = node.this
    once = isinstance(inner, exp.Distinct)
    if once:
        if len(inner.expressions) != 1:
            raise refuse(shown(node), "one expression after DISTINCT")
        inner = inner.expressions[0]
    found = self.of(inner)
    if once:
        self.text_is_compared(found)
    return found, once


def _called(name: str, argument: Node, *, once: bool) -> Node:
    return call(name, exp.Distinct(expressions=[argument.copy()]) if once else argument)


def _count(self: Expressions, node: Node, over: Over) -> Typed:
    check(node, "this", "big_int")
    kind = BIGINT if node.args.get("big_int") else INT
    if isinstance(node.this, exp.Star):
        return Typed(over(call("count", exp.Star())), kind)
    found, once = _argument(self, node)
    return Typed(over(_called("count", found.node, once=once)), kind)


def _sum(self: Expressions, node: Node, over: Over) -> Typed:
    check(node, "this")
    found, once = _argument(self, node)
    value = cast(found.node, "double") if found.kind.family == "real" else found.node
    return Typed(over(_called("sum", value, once=once)), _sum_kind(found.kind))


def _sum_kind(kind: Kind) -> Kind:
    if kind.family == "int":
        return Kind("int", max(kind.digits, INT.digits))
    return decimal(38, kind.scale) if kind.family == "decimal" else DOUBLE if kind.numeric else UNKNOWN


def _average(self: Expressions, node: Node, over: Over) -> Typed:
    """AVG of INT is INT, of DECIMAL it has six digits or more; both are cut off, where Trino rounds."""
    check(node, "this")
    found, once = _argument(self, node)
    total, count = (over(_called(name, found.node, once=once)) for name in ("sum", "count"))
    if found.kind.exact:
        self.differs(f"{shown(node)} is cut off to {'an integer' if found.kind.family == 'int' else 'its digits'}")
    if found.kind.family == "int":
        return Typed(infix(exp.Div, total, count), _sum_kind(found.kind))
    if found.kind.family == "decimal":
        return quotient(Typed(total, _sum_kind(found.kind)), Typed(count, BIGINT), decimal(38, max(found.kind.scale, _SCALE)))
    if found.kind.family in ("double", "real"):
        return Typed(over(_called("avg", cast(found.node, "double"), once=once)), DOUBLE)
    raise refuse(f"{shown(node)} of {found.kind}", "cast it: AVG of INT is an INT in T-SQL, of DECIMAL(p, s) and FLOAT it is not")


def _extreme(name: str) -> Aggregate:
    def rule(self: Expressions, node: Node, over: Over) -> Typed:
        check(node, "this")
        found, _ = _argument(self, node)
        if found.kind == BIT:
            raise refuse(f"{shown(node)} of BIT", "cast it to INT")
        self.text_is_compared(found)
        return Typed(over(call(name, found.node)), found.kind)

    return rule


def _spread(name: str) -> Aggregate:
    def rule(self: Expressions, node: Node, over: Over) -> Typed:
        [inner] = node.expressions if isinstance(node, exp.Anonymous) else [node.this]
        found = self.of(inner)
        if not found.kind.numeric:
            raise refuse(f"{shown(node)} of {found.kind}", "cast it to FLOAT")
        return Typed(over(call(name, cast(found.node, "double"))), DOUBLE)

    return rule


def _approximate(self: Expressions, node: Node, over: Over) -> Typed:
    check(node, "this")
    return Typed(over(call("approx_distinct", self.of(node.this).node)), BIGINT)


def _strings(self: Expressions, node: Node, over: Over) -> Typed:
    """STRING_AGG leaves NULLs out; NULL where there is nothing else."""
    check(node, "this", "separator")
    inner, order = (node.this.this, node.this.expressions) if isinstance(node.this, exp.Order) else (node.this, [])
    separator = node.args.get("separator")
    if separator is None or word_in(separator) is None:
        raise refuse(f"{shown(node)} with a separator that isn't written out", "write it out")
    value = as_text(self.of(inner), shown(node))
    sorts = [ordered(self, one) for one in order]
    listed = call("array_agg", exp.Order(this=value.copy(), expressions=sorts) if sorts else value)
    there = exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null()))
    return Typed(call("array_join", over(exp.Filter(this=listed, expression=exp.Where(this=there))), string(separator.name)), TEXT)


def _positional(self: Expressions, node: Node, over: Over) -> Typed:
    """A function of a row's place in its window, which is the same in both."""
    changed = node.copy()
    kinds = []
    for name, value in node.args.items():
        if isinstance(value, exp.Expression):
            found = self.of(value)
            kinds.append(found.kind)
            changed.set(name, found.node)
        elif isinstance(value, list):
            changed.set(name, self.nodes(value))
    value_like = isinstance(node, exp.Lag | exp.Lead | exp.FirstValue | exp.LastValue)
    return Typed(over(changed), kinds[0] if value_like and kinds else BIGINT)


def _grouping(self: Expressions, node: Node, over: Over) -> Typed:
    return Typed(over(exp.Grouping(expressions=self.nodes(node.expressions))), INT)


def ordered(self: Expressions, node: Node, expression: Node | None = None) -> Node:
    """One of ORDER BY's: NULLs are the lowest values."""
    check(node, "this", "desc", "nulls_first")
    found = expression
    if found is None:
        typed = self.of(node.this)
        self.text_is_compared(typed)
        found = typed.node
    descending = bool(node.args.get("desc"))
    return exp.Ordered(this=found, desc=descending or None, nulls_first=not descending)


def _window(self: Expressions, node: Node) -> Typed:
    check(node, "this", "partition_by", "order", "spec", "over")
    partition = self.nodes(node.args.get("partition_by") or [])
    order = node.args.get("order")
    sorts = [ordered(self, one) for one in order.expressions] if order else []
    spec = node.args.get("spec")

    def over(made: Node) -> Node:
        return exp.Window(
            this=made,
            partition_by=[one.copy() for one in partition],
            order=exp.Order(expressions=[one.copy() for one in sorts]) if sorts else None,
            spec=spec.copy() if spec else None,
            over="OVER",
        )

    name = str(node.this.this).upper() if isinstance(node.this, exp.Anonymous) else type(node.this)
    if rule := _RULES.get(name):
        return rule(self, node.this, over)
    self.of(node.this)  # which refuses what has no rule at all
    raise refuse(f"{shown(node.this)} OVER (...)", "write the statement in Trino's SQL")


_RULES: dict[type | str, Aggregate] = {
    exp.Count: _count,
    exp.Sum: _sum,
    exp.Avg: _average,
    exp.Min: _extreme("min"),
    exp.Max: _extreme("max"),
    exp.Stddev: _spread("stddev_samp"),
    "STDEVP": _spread("stddev_pop"),
    "VAR": _spread("var_samp"),
    "VARP": _spread("var_pop"),
    exp.ApproxDistinct: _approximate,
    exp.GroupConcat: _strings,
    exp.Grouping: _grouping,
    **dict.fromkeys(
        (
            exp.RowNumber,
            exp.Rank,
            exp.DenseRank,
            exp.Ntile,
            exp.Lag,
            exp.Lead,
            exp.FirstValue,
            exp.LastValue,
            exp.CumeDist,
            exp.PercentRank,
        ),
        _positional,
    ),
}


def _alone(rule: Aggregate) -> Rule:
    return lambda self, node: rule(self, node, lambda made: made)


AGGREGATES: dict[type | str, Rule] = {**{name: _alone(rule) for name, rule in _RULES.items()}, exp.Window: _window}

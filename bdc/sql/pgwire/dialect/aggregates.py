"""Rules of aggregates and windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlglot import exp

from bdc.sql.pgwire.dialect.distributions import within_group
from bdc.sql.pgwire.dialect.expressions import Expressions, Rule, unified
from bdc.sql.pgwire.dialect.fragments import Node, Typed, as_text, check, refuse
from bdc.sql.pgwire.dialect.functions import numeric_argument
from bdc.sql.pgwire.dialect.operators import quotient
from bdc.sql.pgwire.dialect.types import BIGINT, BOOLEAN, DOUBLE, INTEGER, REAL, TEXT, Kind
from bdc.sql.pgwire.errors import SqlError
from bdc.sql.quoting import identifier, literal


def _distinct(node: Node) -> tuple[str, Node]:
    """The word DISTINCT, where it is there, and the argument."""
    if isinstance(node, exp.Distinct):
        if len(node.expressions) != 1:
            raise refuse("DISTINCT over several columns")
        return "DISTINCT ", node.expressions[0]
    return "", node


def _count(self: Expressions, node: Node) -> Typed:
    check(node, "this", "big_int")
    if isinstance(node.this, exp.Star):
        return Typed("count(*)", BIGINT)
    distinct, argument = _distinct(node.this)
    return Typed(f"count({distinct}{self.closed(argument).sql})", BIGINT)


def _sum(self: Expressions, node: Node) -> Typed:
    check(node, "this")
    distinct, argument = _distinct(node.this)
    found = numeric_argument(self, argument)
    text, kind = _total(found)
    return Typed(f"sum({distinct}{text})", kind)


def _total(found: Typed) -> tuple[str, Kind]:
    """What a sum is made of, and its type: of bigint it is numeric."""
    if found.kind.family == "int":
        return (f"CAST({found.sql} AS decimal(38, 0))", Kind("decimal", scale=0)) if found.kind == BIGINT else (found.sql, BIGINT)
    return found.sql, found.kind


def _average(self: Expressions, node: Node) -> Typed:
    check(node, "this")
    distinct, argument = _distinct(node.this)
    found = numeric_argument(self, argument)
    if found.kind.family in ("real", "double"):
        return Typed(f"avg({distinct}CAST({found.sql} AS double))", DOUBLE)
    return quotient(f"sum({distinct}{_total(found)[0]})", f"count({distinct}{found.sql})")


def _least(name: str) -> Callable[..., Typed]:
    def rule(self: Expressions, node: Node, condition: str = "") -> Typed:
        check(node, "this")
        _, argument = _distinct(node.this)
        found = self.closed(argument)
        if found.kind.family in ("boolean", "json", "uuid", "other", "bytes") or found.kind.of:
            raise SqlError(f"function {name}({found.kind}) does not exist", "42883")
        if found.kind in (DOUBLE, REAL):
            return Typed(_with_nan(name, found, condition), found.kind)
        return Typed(f"{name}({found.sql}){_where(condition)}", found.kind)

    return rule


_min, _max = _least("min"), _least("max")


def _where(*conditions: str) -> str:
    kept = " AND ".join(one for one in conditions if one)
    return f" FILTER (WHERE {kept})" if kept else ""


def _with_nan(name: str, of: Typed, condition: str) -> str:
    """The least or largest of doubles, of which NaN is the largest."""
    nan = f"if(bool_or(is_nan({of.sql})){_where(condition)}, CAST(nan() AS {of.kind.sql}))"
    rest = f"{name}({of.sql}){_where(f'NOT is_nan({of.sql})', condition)}"
    return f"coalesce({nan}, {rest})" if name == "max" else f"coalesce({rest}, {nan})"


def _logical(name: str) -> Rule:
    def rule(self: Expressions, node: Node) -> Typed:
        _, argument = _distinct(node.expressions[0] if isinstance(node, exp.Anonymous) else node.this)
        return Typed(f"{name}({self.boolean(argument)})", BOOLEAN)

    return rule


def _statistic(name: str) -> Rule:
    """Of numerics, PostgreSQL's have more digits: those of variances and deviations are made by the gateway."""

    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this", "expression")
        arguments = [numeric_argument(self, one) for one in (node.this, node.args.get("expression")) if one is not None]
        if name in _SPREADS and arguments[0].kind.family in ("int", "decimal"):
            return _spread(name, arguments[0])
        if any(one.kind not in (DOUBLE, REAL) for one in arguments):
            raise refuse(f"{name} of numbers that aren't double precision", "cast them: stddev(x::double precision)")
        return Typed(f"{name}({', '.join(f'CAST({one.sql} AS double)' for one in arguments)})", DOUBLE)

    return rule


_SPREADS = ("stddev_samp", "stddev_pop", "var_samp", "var_pop")


def _spread(name: str, of: Typed) -> Typed:
    """A variance or deviation of whole numbers or numerics: what it is made of, for the gateway. Elsewhere it is an error when it runs."""
    value = f"CAST({of.sql} AS decimal(19, 0))" if of.kind.family == "int" else of.sql
    parts = f"count({of.sql})", f"sum({value})", f"sum({value} * {value})"
    wrong = literal(f"{name} of numbers that aren't double precision is for the outermost SELECT; cast them: {name}(x::double precision)")
    return Typed(f"CAST(fail({wrong}) AS decimal(38, 20))", Kind("decimal", scale=20), spread=(literal(name), *parts))


def _ordered(self: Expressions, node: Node) -> tuple[str, Typed, str]:
    """DISTINCT, the argument and ORDER BY of an aggregate that has an order."""
    order = ""
    if isinstance(node, exp.Order):
        order = " ORDER BY " + orders(self, node.expressions)
        node = node.this
    distinct, argument = _distinct(node)
    if isinstance(argument, exp.Order):
        order = " ORDER BY " + orders(self, argument.expressions)
        argument = argument.this
    return distinct, self.closed(argument), order


def _array_agg(self: Expressions, node: Node) -> Typed:
    check(node, "this", "nulls_excluded")
    distinct, found, order = _ordered(self, node.this)
    return Typed(f"array_agg({distinct}{found.sql}{order})", Kind("array", of=found.kind))


def _string_agg(self: Expressions, node: Node, condition: str = "") -> Typed:
    check(node, "this", "separator")
    separator = self.word(node.args["separator"]) if node.args.get("separator") else ""
    distinct, found, order = _ordered(self, node.this)
    if separator is None:
        raise refuse("string_agg with a separator that isn't written out")
    text = as_text(found)
    kept = f"{text} IS NOT NULL" + (f" AND {condition}" if condition else "")
    return Typed(f"array_join(array_agg({distinct}{text}{order}) FILTER (WHERE {kept}), {literal(separator)})", TEXT)


def _filter(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression")
    condition = self.boolean(node.expression.this)
    if isinstance(node.this, exp.GroupConcat):
        return _string_agg(self, node.this, condition)
    if isinstance(node.this, exp.WithinGroup):
        return within_group(self, node.this, condition)
    if isinstance(node.this, exp.Min | exp.Max):
        return (_min if isinstance(node.this, exp.Min) else _max)(self, node.this, condition)
    found = self.of(node.this)
    suffix = _where(condition)
    if found.quotient:
        return quotient(found.quotient[0] + suffix, found.quotient[1] + suffix)
    if found.spread:
        name, *parts = found.spread
        count, total, squares = (part + suffix for part in parts)
        return replace(found, spread=(name, count, total, squares))
    return Typed(found.sql + suffix, found.kind)


def _grouping(self: Expressions, node: Node) -> Typed:
    return Typed(f"CAST(grouping({', '.join(self.of(one).sql for one in node.expressions)}) AS integer)", INTEGER)


def orders(self: Expressions, nodes: list[Node]) -> str:
    """What ORDER BY has: NULLs are the largest values, as in PostgreSQL."""
    return ", ".join(ordered(self, one) for one in nodes)


def ordered(self: Expressions, node: Node, text: str | None = None) -> str:
    """One item of ORDER BY; `text` is what is ordered by, where it isn't the expression."""
    if not isinstance(node, exp.Ordered):
        node = exp.Ordered(this=node)
    check(node, "this", "desc", "nulls_first")
    if text is None:
        found = self.of(node.this)
        if found.kind.family in ("json", "other", "array"):
            raise refuse(f"an order of values of type {found.kind}")
        text = found.sql
    return f"{text} {'DESC' if node.args.get('desc') else 'ASC'} NULLS {'FIRST' if node.args.get('nulls_first') else 'LAST'}"


def _window(self: Expressions, node: Node) -> Typed:
    check(node, "this", "partition_by", "order", "spec", "alias", "over", "first")
    found = self.of(node.this)
    if isinstance(node.this, exp.Min | exp.Max) and found.kind in (DOUBLE, REAL):
        raise refuse("min or max of double precision with OVER", "cast it to numeric(precision, scale)")
    if node.args.get("alias") and not (node.args.get("partition_by") or node.args.get("order") or node.args.get("spec")):
        over = identifier(_name(node.args["alias"]))
    else:
        over = f"({window(self, node)})"
    if found.spread:
        raise refuse("a variance or deviation of numbers that aren't double precision with OVER", "cast them to double precision")
    if found.quotient:
        return quotient(f"{found.quotient[0]} OVER {over}", f"{found.quotient[1]} OVER {over}")
    if isinstance(node.this, exp.GroupConcat):
        raise refuse("string_agg over a window")
    if (isinstance(node.this, exp.Ntile)) and found.kind == INTEGER:
        return Typed(f"CAST(ntile({found.sql}) OVER {over} AS integer)", INTEGER)
    return Typed(f"{found.sql} OVER {over}", found.kind)


def window(self: Expressions, node: Node) -> str:
    """What stands in a window's parentheses."""
    parts = []
    if base := node.args.get("alias"):
        parts.append(identifier(_name(base)))
    if by := node.args.get("partition_by"):
        parts.append(f"PARTITION BY {', '.join(self.of(one).sql for one in by)}")
    if order := node.args.get("order"):
        parts.append(f"ORDER BY {orders(self, order.expressions)}")
    if spec := node.args.get("spec"):
        check(spec, "kind", "start", "start_side", "end", "end_side")
        start = _bound(self, spec.args.get("start"), spec.args.get("start_side"))
        end = _bound(self, spec.args.get("end"), spec.args.get("end_side"))
        parts.append(f"{spec.args['kind']} BETWEEN {start} AND {end or 'CURRENT ROW'}")
    return " ".join(parts)


def _bound(self: Expressions, value: Any, side: str | None) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else self.of(value).sql
    return f"{text} {side}" if side else str(text)


def _name(node: Node) -> str:
    return str(node.name) if node.args.get("quoted") else str(node.name).lower()


def _ranking(name: str, kind: Kind) -> Rule:
    def rule(_: Expressions, node: Node) -> Typed:
        check(node)
        return Typed(f"{name}()", kind)

    return rule


def _ntile(self: Expressions, node: Node) -> Typed:
    count = self.number(node.this)
    if count is None or count < 1:
        raise refuse("ntile of a number that isn't written out")
    return Typed(str(count), INTEGER)


def _offset(name: str) -> Rule:
    """lag and lead."""

    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this", "offset", "default")
        offset = self.number(node.args["offset"]) if node.args.get("offset") else 1
        if offset is None or offset < 0:
            raise refuse(f"{name} over a number of rows that isn't written out")
        found = [self.closed(node.this)]
        if node.args.get("default"):
            found = unified(self, [found[0], self.of(node.args["default"])])
        return Typed(f"{name}({', '.join([found[0].sql, str(offset), *(one.sql for one in found[1:])])})", found[0].kind)

    return rule


def _edge(name: str) -> Rule:
    """first_value, last_value, nth_value."""

    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this", "offset", "from_first")
        found = self.closed(node.this)
        more = f", {self.number(node.args['offset'])}" if node.args.get("offset") else ""
        if more == ", None":
            raise refuse(f"{name} of a row that isn't written out")
        return Typed(f"{name}({found.sql}{more})", found.kind)

    return rule


AGGREGATES: dict[type | str, Rule] = {
    exp.Count: _count,
    exp.Sum: _sum,
    exp.Avg: _average,
    exp.Min: _min,
    exp.Max: _max,
    exp.LogicalAnd: _logical("bool_and"),
    exp.LogicalOr: _logical("bool_or"),
    "every": _logical("bool_and"),
    exp.Stddev: _statistic("stddev_samp"),
    exp.StddevSamp: _statistic("stddev_samp"),
    exp.StddevPop: _statistic("stddev_pop"),
    exp.Variance: _statistic("var_samp"),
    exp.VariancePop: _statistic("var_pop"),
    exp.Corr: _statistic("corr"),
    exp.CovarSamp: _statistic("covar_samp"),
    exp.CovarPop: _statistic("covar_pop"),
    exp.ArrayAgg: _array_agg,
    exp.GroupConcat: _string_agg,
    exp.Filter: _filter,
    exp.Grouping: _grouping,
    exp.Window: _window,
    exp.RowNumber: _ranking("row_number", BIGINT),
    exp.Rank: _ranking("rank", BIGINT),
    exp.DenseRank: _ranking("dense_rank", BIGINT),
    exp.PercentRank: _ranking("percent_rank", DOUBLE),
    exp.CumeDist: _ranking("cume_dist", DOUBLE),
    exp.Ntile: _ntile,
    exp.Lag: _offset("lag"),
    exp.Lead: _offset("lead"),
    exp.FirstValue: _edge("first_value"),
    exp.LastValue: _edge("last_value"),
    exp.NthValue: _edge("nth_value"),
}

"""Rules of percentiles and of buckets, computed as PostgreSQL computes them."""

from __future__ import annotations

from sqlglot import exp

from bdc.sql.pgwire.dialect.expressions import Expressions, Rule
from bdc.sql.pgwire.dialect.fragments import Node, Typed, check, refuse
from bdc.sql.pgwire.dialect.functions import numeric_argument
from bdc.sql.pgwire.dialect.types import DOUBLE, INTEGER, Kind
from bdc.sql.pgwire.errors import SqlError


def within_group(self: Expressions, node: Node, condition: str = "") -> Typed:
    """percentile_cont and percentile_disc: of all values in their order, which are in memory for that."""
    check(node, "this", "expression")
    fractions, many = _fractions(node.this.this)
    [by] = node.expression.expressions
    check(by, "this", "desc", "nulls_first")
    found = self.closed(by.this)
    continuous = isinstance(node.this, exp.PercentileCont)
    if continuous:
        found = Typed(f"CAST({numeric_argument(self, by.this).sql} AS double)", DOUBLE)
    elif found.kind.family in ("json", "other", "boolean", "uuid", "bytes") or found.kind.of:
        raise refuse(f"percentile_disc of values of type {found.kind}")
    kept = f"{found.sql} IS NOT NULL" + (f" AND {condition}" if condition else "")
    values = f"array_agg({found.sql} ORDER BY {found.sql} {'DESC' if by.args.get('desc') else 'ASC'}) FILTER (WHERE {kept})"
    texts = [_interpolated(one) if continuous else _at(one) for one in fractions]
    text = f"if(v IS NULL, NULL, ARRAY[{', '.join(texts)}])" if many else texts[0]
    return Typed(f"transform(ARRAY[{values}], v -> {text})[1]", Kind("array", of=found.kind) if many else found.kind)


def _fractions(node: Node) -> tuple[list[str], bool]:
    """The fractions as doubles; whether they are an array. Raises SqlError."""
    many = isinstance(node, exp.Array)
    found = []
    for one in node.expressions if many else [node]:
        while isinstance(one, exp.Cast | exp.Paren):
            one = one.this
        if not isinstance(one, exp.Literal):
            raise refuse("a percentile that isn't written out")
        value = float(one.name)
        if not 0 <= value <= 1:
            raise SqlError(f"percentile value {one.name} is not between 0 and 1", "22003")
        found.append(f"CAST('{value!r}' AS double)")
    return found, many


def _at(fraction: str) -> str:
    return f"element_at(v, greatest(CAST(ceiling({fraction} * cardinality(v)) AS integer), 1))"


def _interpolated(fraction: str) -> str:
    """Between the rows around it: float8_lerp() of PostgreSQL's orderedsetaggs.c."""
    place = f"({fraction} * (cardinality(v) - 1))"
    low, high = (f"element_at(v, CAST({way}({place}) AS integer) + 1)" for way in ("floor", "ceiling"))
    return f"if(floor({place}) = ceiling({place}), {low}, {low} + ({place} - floor({place})) * ({high} - {low}))"


def _width_bucket(self: Expressions, node: Node) -> Typed:
    """Of doubles as width_bucket_float8() of PostgreSQL 17, of numerics in whole numbers, without a quotient that is rounded."""
    check(node, "this", "min_value", "max_value", "num_buckets")
    value, low, high = (numeric_argument(self, node.args[one]) for one in ("this", "min_value", "max_value"))
    count = self.number(node.args["num_buckets"])
    kinds = {one.kind.family for one in (value, low, high)}
    if count is None or count < 1:
        raise refuse("width_bucket with a number of buckets that isn't written out")
    exact = "decimal" in kinds and not kinds & {"double", "real"}
    words = [f"CAST({one.sql} AS {'decimal(19, 0)' if exact else 'double'})" for one in (value, low, high)]
    x, a, b = (one.sql if exact and one.kind.family == "decimal" else word for one, word in zip((value, low, high), words, strict=True))
    parts, whole = f"({x} - {a}) * {count}", f"({b} - {a})"
    if exact:
        inside = f"CAST(({parts} - ({parts}) % {whole}) / {whole} AS integer) + 1"
    else:
        inside = f"least(CAST(truncate({count} * (({x} - {a}) / {whole})) AS integer), {count - 1}) + 1"
    equal = "CAST(fail('lower bound cannot equal upper bound') AS integer)"
    bucket = (
        f"CASE WHEN {a} = {b} THEN {equal} "
        f"WHEN {a} < {b} AND {x} < {a} OR {a} > {b} AND {x} > {a} THEN 0 "
        f"WHEN {a} < {b} AND {x} >= {b} OR {a} > {b} AND {x} <= {b} THEN {count + 1} "
        f"WHEN {x} IS NOT NULL AND {a} IS NOT NULL AND {b} IS NOT NULL THEN {inside} END"
    )
    return Typed(f"({bucket})", INTEGER)


DISTRIBUTIONS: dict[type | str, Rule] = {exp.WithinGroup: within_group, exp.WidthBucket: _width_bucket}

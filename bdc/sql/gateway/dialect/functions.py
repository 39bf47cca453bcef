"""Functions, aggregates and windows: a rule for each, by sqlglot's class or by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from bdc.sql.gateway.dialect.expressions import Expressions, Typed, as_text, check, local, quoted, quotient, refuse, string, unified
from bdc.sql.gateway.dialect.kinds import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    NULL,
    REAL,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    Kind,
)
from bdc.sql.gateway.errors import SqlError

Node = Any
Rule = Callable[[Expressions, Node], Typed]


def _text(self: Expressions, node: Node) -> str:
    """An argument that is a string. Raises SqlError."""
    found = self.of(node)
    if not found.kind.text and found.kind is not NULL:
        raise SqlError(f"function does not exist for an argument of type {found.kind}", "42883", "cast it to text")
    return as_text(found)


def _strings(name: str, result: Kind, *arguments: str) -> Rule:
    """A function of strings that is the same in both."""

    def rule(self: Expressions, node: Node) -> Typed:
        check(node, *arguments)
        return Typed(f"{name}({', '.join(_text(self, node.args[one]) for one in arguments)})", result)

    return rule


def _substring(self: Expressions, node: Node) -> Typed:
    check(node, "this", "start", "length")
    start = self.number(node.args["start"]) if node.args.get("start") else 1
    length = self.number(node.args["length"]) if node.args.get("length") else None
    if start is None or start < 1 or (node.args.get("length") and (length is None or length < 0)):
        raise refuse("substring from a place before the first character, or one that isn't written as a number")
    text = _text(self, node.this)
    return Typed(f"substr({text}, {start})" if length is None else f"substr({text}, {start}, {length})", TEXT)


def _left(self: Expressions, node: Node) -> Typed:
    count = self.number(node.expression)
    if count is None or count < 0:
        raise refuse("left with a number that isn't written out, or is negative")
    return Typed(f"substr({_text(self, node.this)}, 1, {count})", TEXT)


def _right(self: Expressions, node: Node) -> Typed:
    count = self.number(node.expression)
    if count is None or count < 0:
        raise refuse("right with a number that isn't written out, or is negative")
    text = _text(self, node.this)
    return Typed(f"substr({text}, greatest(length({text}) - {count} + 1, 1), {count})", TEXT)


def _trim(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression", "position")
    position = node.args.get("position") or "BOTH"
    characters = self.word(node.expression) if node.args.get("expression") else " "
    if characters is None or len(characters) != 1:
        raise refuse("trim of more than one character")
    return Typed(f"trim({position} {string(characters)} FROM {_text(self, node.this)})", TEXT)


def _length(self: Expressions, node: Node) -> Typed:
    check(node, "this", "binary", "encoding")
    found = self.of(node.this)
    if found.kind.family == "bytes":
        return Typed(f"CAST(length({found.sql}) AS integer)", INTEGER)
    return Typed(f"CAST(length({_text(self, node.this)}) AS integer)", INTEGER)


def _position(self: Expressions, node: Node) -> Typed:
    check(node, "this", "substr")
    return Typed(f"CAST(strpos({_text(self, node.this)}, {_text(self, node.args['substr'])}) AS integer)", INTEGER)


def _replace(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression", "replacement")
    if not self.word(node.expression):
        raise refuse("replace of a string that isn't written out, or is empty")
    arguments = (node.this, node.expression, node.args["replacement"])
    return Typed(f"replace({', '.join(_text(self, one) for one in arguments)})", TEXT)


def _split_part(self: Expressions, node: Node) -> Typed:
    check(node, "this", "delimiter", "part_index")
    place, mark = self.number(node.args["part_index"]), self.word(node.args["delimiter"])
    if place is None or place < 1 or not mark:
        raise refuse("split_part with what isn't written out, or counts from the end")
    text = _text(self, node.this)
    return Typed(f"if({text} IS NULL, NULL, coalesce(split_part({text}, {string(mark)}, {place}), ''))", TEXT)


def _concat(self: Expressions, node: Node) -> Typed:
    check(node, "expressions", "safe", "coalesce")
    return Typed(
        f"concat({', '.join(f'''coalesce({as_text(self.of(one))}, '')''' for one in [*node.expressions, exp.Literal.string('')])})", TEXT
    )


def _concat_ws(self: Expressions, node: Node) -> Typed:
    check(node, "expressions", "safe", "coalesce")
    return Typed(f"concat_ws({', '.join(as_text(self.of(one)) for one in node.expressions)})", TEXT)


def _pad(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression", "fill_pattern", "is_left")
    size = self.number(node.expression)
    fill = self.word(node.args["fill_pattern"]) if node.args.get("fill_pattern") else " "
    if size is None or size < 0 or not fill:
        raise refuse("lpad and rpad with what isn't written out")
    return Typed(f"{'lpad' if node.args.get('is_left') else 'rpad'}({_text(self, node.this)}, {size}, {string(fill)})", TEXT)


def _md5(self: Expressions, node: Node) -> Typed:
    return Typed(f"lower(to_hex(md5(to_utf8({_text(self, node.this)}))))", TEXT)


# --- numbers


def _number(self: Expressions, node: Node) -> Typed:
    found = self.of(node)
    if not found.kind.numeric:
        raise SqlError(f"function does not exist for an argument of type {found.kind}", "42883", "cast it")
    return found


def _abs(self: Expressions, node: Node) -> Typed:
    found = _number(self, node.this)
    return Typed(f"abs({found.sql})", found.kind)


def _whole(name: str) -> Rule:
    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this")
        found = _number(self, node.this)
        if found.kind.family == "int":
            return Typed(f"CAST({found.sql} AS double)", DOUBLE)
        return Typed(f"{name}({found.sql})", Kind("decimal", scale=0) if found.kind.family == "decimal" else found.kind)

    return rule


def _round(self: Expressions, node: Node) -> Typed:
    check(node, "this", "decimals")
    found = _number(self, node.this)
    digits = self.number(node.args["decimals"]) if node.args.get("decimals") else 0
    if found.kind.family != "decimal" or digits is None or digits < 0:
        raise refuse("round of a number that is no numeric, or to places that aren't written out", "cast it to numeric(precision, scale)")
    scale = min(digits, found.kind.scale if found.kind.scale is not None else digits)
    return Typed(f"CAST(round({found.sql}, {digits}) AS decimal(38, {digits}))", Kind("decimal", scale=max(scale, digits)))


def _sign(self: Expressions, node: Node) -> Typed:
    found = _number(self, node.this)
    if found.kind.family == "int":
        return Typed(f"CAST(sign({found.sql}) AS double)", DOUBLE)
    if found.kind.family != "decimal":
        raise refuse("sign of a double precision")
    return Typed(f"CAST(sign({found.sql}) AS decimal(1, 0))", Kind("decimal", scale=0))


# --- times

_FIELDS = {"year": "year({})", "month": "month({})", "day": "day({})", "quarter": "quarter({})", "doy": "day_of_year({})",
           "dow": "(day_of_week({}) % 7)", "isodow": "day_of_week({})", "week": "week({})", "isoyear": "year_of_week({})"}  # fmt: skip
_CLOCK = {"hour": "hour({})", "minute": "minute({})"}
_SPELLINGS = {"dayofweek": "dow", "dayofyear": "doy", "dayofweekiso": "isodow", "weekiso": "week", "yearofweekiso": "isoyear"}


def _extract(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression")
    word = self.word(node.this)
    field = (word if word is not None else node.this.name).lower()
    field = _SPELLINGS.get(field, field)
    found = self.of(node.expression)
    times = {**_FIELDS, **_CLOCK} if found.kind in (TIMESTAMP, TIMESTAMPTZ) else _FIELDS if found.kind == DATE else {}
    if field == "epoch" and found.kind in (DATE, TIMESTAMP):
        stamp = f"CAST({found.sql} AS timestamp(6))" if found.kind == DATE else found.sql
        seconds = f"date_diff('second', TIMESTAMP '1970-01-01 00:00:00', date_trunc('second', {stamp}))"
        micros = f"(to_unixtime(with_timezone({stamp}, 'UTC')) - {seconds})"
        return Typed(f"CAST({seconds} + CAST({micros} AS decimal(7, 6)) AS decimal(20, 6))", Kind("decimal", scale=6))
    if field not in times:
        raise refuse(f"extract({field} from a value of type {found.kind})")
    value = times[field].format(local(found).sql)
    if word is not None:  # date_part, which gives double precision
        return Typed(f"CAST({value} AS double)", DOUBLE)
    return Typed(f"CAST({value} AS decimal(10, 0))", Kind("decimal", scale=0))


_TRUNCATED = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")


def _date_trunc(self: Expressions, node: Node) -> Typed:
    check(node, "this", "unit", "zone")
    unit = (self.word(node.args["unit"]) or node.args["unit"].name).lower()
    found = self.of(node.this)
    if unit not in _TRUNCATED or node.args.get("zone") or found.kind not in (DATE, TIMESTAMP, TIMESTAMPTZ):
        raise refuse(f"date_trunc('{unit}', a value of type {found.kind})")
    kind = TIMESTAMPTZ if found.kind == DATE else found.kind
    value = f"CAST({found.sql} AS {TIMESTAMPTZ.sql})" if found.kind == DATE else local(found).sql
    return Typed(f"date_trunc('{unit}', {value})", kind)


def _to_date(self: Expressions, node: Node) -> Typed:
    check(node, "this")
    found = self.as_kind(self.of(node.this), DATE)
    if found.kind not in (DATE, TIMESTAMP, TIMESTAMPTZ):
        raise refuse(f"date of a value of type {found.kind}")
    return Typed(f"CAST({local(found).sql} AS date)", DATE)


# --- aggregates


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
    found = _number(self, argument)
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
    found = _number(self, argument)
    if found.kind.family in ("real", "double"):
        return Typed(f"avg({distinct}CAST({found.sql} AS double))", DOUBLE)
    return quotient(f"sum({distinct}{_total(found)[0]})", f"count({distinct}{found.sql})")


def _least(name: str) -> Rule:
    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this")
        _, argument = _distinct(node.this)
        found = self.closed(argument)
        if found.kind.family in ("boolean", "json", "uuid", "other", "bytes") or found.kind.of:
            raise SqlError(f"function {name}({found.kind}) does not exist", "42883")
        if found.kind in (DOUBLE, REAL):
            return Typed(_with_nan(name, found), found.kind)
        return Typed(f"{name}({found.sql})", found.kind)

    return rule


def _with_nan(name: str, of: Typed) -> str:
    """The least or largest of doubles, of which NaN is the largest."""
    nan = f"if(bool_or(is_nan({of.sql})), CAST(nan() AS {of.kind.sql}))"
    rest = f"{name}({of.sql}) FILTER (WHERE NOT is_nan({of.sql}))"
    return f"coalesce({nan}, {rest})" if name == "max" else f"coalesce({rest}, {nan})"


def _alone(node: Node, found: Typed) -> None:
    """Refuse what is more than one aggregate, where one must be."""
    if isinstance(node, exp.Min | exp.Max) and found.kind in (DOUBLE, REAL):
        raise refuse("min or max of double precision with FILTER or OVER", "cast it to numeric(precision, scale)")


def _logical(name: str) -> Rule:
    def rule(self: Expressions, node: Node) -> Typed:
        argument = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
        return Typed(f"{name}({self.boolean(argument)})", BOOLEAN)

    return rule


def _statistic(name: str) -> Rule:
    """Of numerics, PostgreSQL's have more digits."""

    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this", "expression")
        arguments = [_number(self, one) for one in (node.this, node.args.get("expression")) if one is not None]
        if any(one.kind not in (DOUBLE, REAL) for one in arguments):
            raise refuse(f"{name} of numbers that aren't double precision", "cast them: stddev(x::double precision)")
        return Typed(f"{name}({', '.join(f'CAST({one.sql} AS double)' for one in arguments)})", DOUBLE)

    return rule


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
    return Typed(f"array_join(array_agg({distinct}{text}{order}) FILTER (WHERE {kept}), {string(separator)})", TEXT)


def _filter(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression")
    condition = self.boolean(node.expression.this)
    if isinstance(node.this, exp.GroupConcat):
        return _string_agg(self, node.this, condition)
    found = self.of(node.this)
    _alone(node.this, found)
    suffix = f" FILTER (WHERE {condition})"
    if found.quotient:
        return quotient(found.quotient[0] + suffix, found.quotient[1] + suffix)
    return Typed(found.sql + suffix, found.kind)


def _grouping(self: Expressions, node: Node) -> Typed:
    return Typed(f"CAST(grouping({', '.join(self.of(one).sql for one in node.expressions)}) AS integer)", INTEGER)


# --- windows


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
    _alone(node.this, found)
    if node.args.get("alias") and not (node.args.get("partition_by") or node.args.get("order") or node.args.get("spec")):
        over = quoted(_name(node.args["alias"]))
    else:
        over = f"({window(self, node)})"
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
        parts.append(quoted(_name(base)))
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


def _fixed(text: str, kind: Kind) -> Rule:
    def rule(_: Expressions, node: Node) -> Typed:
        check(node)
        return Typed(text, kind)

    return rule


def _user(self: Expressions, _: Node) -> Typed:
    return Typed(f"CAST({string(self.around.user)} AS varchar)", TEXT)


def _octets(self: Expressions, node: Node) -> Typed:
    [argument] = node.expressions
    return Typed(f"CAST(length(to_utf8({_text(self, argument)})) AS integer)", INTEGER)


FUNCTIONS: dict[type | str, Rule] = {
    exp.Lower: _strings("lower", TEXT, "this"),
    exp.Upper: _strings("upper", TEXT, "this"),
    exp.Reverse: _strings("reverse", TEXT, "this"),
    exp.StartsWith: _strings("starts_with", BOOLEAN, "this", "expression"),
    exp.Substring: _substring,
    exp.Left: _left,
    exp.Right: _right,
    exp.Trim: _trim,
    exp.Length: _length,
    "octet_length": _octets,
    exp.StrPosition: _position,
    exp.Replace: _replace,
    exp.SplitPart: _split_part,
    exp.Concat: _concat,
    exp.ConcatWs: _concat_ws,
    exp.Pad: _pad,
    exp.MD5: _md5,
    exp.Abs: _abs,
    exp.Floor: _whole("floor"),
    exp.Ceil: _whole("ceil"),
    exp.Round: _round,
    exp.Sign: _sign,
    exp.Extract: _extract,
    exp.TimestampTrunc: _date_trunc,
    exp.DateTrunc: _date_trunc,
    exp.Date: _to_date,
    exp.CurrentDate: _fixed("current_date", DATE),
    exp.CurrentTimestamp: _fixed("CAST(current_timestamp AS timestamp(6) with time zone)", TIMESTAMPTZ),
    exp.Localtimestamp: _fixed("CAST(localtimestamp AS timestamp(6))", TIMESTAMP),
    exp.CurrentUser: _user,
    exp.SessionUser: _user,
    exp.Count: _count,
    exp.Sum: _sum,
    exp.Avg: _average,
    exp.Min: _least("min"),
    exp.Max: _least("max"),
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

"""Rules of functions, by sqlglot's class or by name."""

from __future__ import annotations

from sqlglot import exp

from bdc.sql.pgwire.dialect.expressions import Expressions, Rule
from bdc.sql.pgwire.dialect.fragments import Node, Typed, as_text, check, local, refuse, widened
from bdc.sql.pgwire.dialect.matching import substring
from bdc.sql.pgwire.dialect.types import BOOLEAN, DATE, DOUBLE, INTEGER, NULL, TEXT, TIMESTAMP, TIMESTAMPTZ, Kind
from bdc.sql.pgwire.errors import SqlError
from bdc.sql.quoting import literal


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
    if isinstance(node.args.get("start"), exp.Literal) and node.args["start"].is_string:
        return substring(self, node)
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
    return Typed(f"trim({position} {literal(characters)} FROM {_text(self, node.this)})", TEXT)


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
    return Typed(f"if({text} IS NULL, NULL, coalesce(split_part({text}, {literal(mark)}, {place}), ''))", TEXT)


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
    return Typed(f"{'lpad' if node.args.get('is_left') else 'rpad'}({_text(self, node.this)}, {size}, {literal(fill)})", TEXT)


def _md5(self: Expressions, node: Node) -> Typed:
    return Typed(f"lower(to_hex(md5(to_utf8({_text(self, node.this)}))))", TEXT)


def numeric_argument(self: Expressions, node: Node) -> Typed:
    """An argument that is a number. Raises SqlError."""
    found = self.of(node)
    if not found.kind.numeric:
        raise SqlError(f"function does not exist for an argument of type {found.kind}", "42883", "cast it")
    return found


def _abs(self: Expressions, node: Node) -> Typed:
    found = numeric_argument(self, node.this)
    return Typed(f"abs({found.sql})", found.kind)


def _integral(name: str) -> Rule:
    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this")
        found = numeric_argument(self, node.this)
        if found.kind.family == "int":
            return Typed(f"CAST({found.sql} AS double)", DOUBLE)
        found = widened(found)
        return Typed(f"{name}({found.sql})", Kind("decimal", scale=0) if found.kind.family == "decimal" else found.kind)

    return rule


def _round(self: Expressions, node: Node) -> Typed:
    check(node, "this", "decimals")
    found = numeric_argument(self, node.this)
    digits = self.number(node.args["decimals"]) if node.args.get("decimals") else 0
    if found.kind.family != "decimal" or digits is None or digits < 0:
        raise refuse("round of a number that is no numeric, or to places that aren't written out", "cast it to numeric(precision, scale)")
    scale = min(digits, found.kind.scale if found.kind.scale is not None else digits)
    return Typed(f"CAST(round({found.sql}, {digits}) AS decimal(38, {digits}))", Kind("decimal", scale=max(scale, digits)))


def _trunc(self: Expressions, node: Node) -> Typed:
    check(node, "this", "decimals")
    found = numeric_argument(self, node.this)
    if not node.args.get("decimals"):
        if found.kind.family == "decimal":
            return Typed(f"truncate({found.sql})", Kind("decimal", scale=0))
        return Typed(f"truncate(CAST({found.sql} AS double))", DOUBLE)
    digits = self.number(node.args["decimals"])
    if found.kind.family not in ("decimal", "int"):
        raise SqlError(f"function trunc({found.kind}, integer) does not exist", "42883", "cast it to numeric(precision, scale)")
    if digits is None:
        raise refuse("trunc to places that aren't written out")
    value = f"CAST({found.sql} AS decimal(19, 0))" if found.kind.family == "int" else found.sql
    scale = max(digits, 0)
    return Typed(f"CAST(truncate({value}, {digits}) AS decimal(38, {scale}))", Kind("decimal", scale=scale))


def _sign(self: Expressions, node: Node) -> Typed:
    found = numeric_argument(self, node.this)
    if found.kind.family == "int":
        return Typed(f"CAST(sign({found.sql}) AS double)", DOUBLE)
    if found.kind.family != "decimal":
        raise refuse("sign of a double precision")
    return Typed(f"CAST(sign({found.sql}) AS decimal(1, 0))", Kind("decimal", scale=0))


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


def _fixed(text: str, kind: Kind) -> Rule:
    def rule(_: Expressions, node: Node) -> Typed:
        check(node)
        return Typed(text, kind)

    return rule


def _user(self: Expressions, _: Node) -> Typed:
    return Typed(f"CAST({literal(self.around.user)} AS varchar)", TEXT)


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
    exp.Floor: _integral("floor"),
    exp.Ceil: _integral("ceil"),
    exp.Round: _round,
    exp.Trunc: _trunc,
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
}

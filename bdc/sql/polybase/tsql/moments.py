"""Rules of dates and times. https://learn.microsoft.com/sql/t-sql/functions/date-and-time-data-types-and-functions-transact-sql"""

from __future__ import annotations

import re
from datetime import date

from sqlglot import exp

from bdc.sql.polybase.tsql.expressions import Expressions, Rule
from bdc.sql.polybase.tsql.kinds import BIGINT, DATE, INT, NULL, TEXT, TIMESTAMP, TIMESTAMPTZ, UNKNOWN, Kind
from bdc.sql.polybase.tsql.typed import Node, Typed, call, cast, check, infix, integer, refuse, shown, string, truncated, word_in

_MOMENT = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(\.\d{1,7})?)?)?")
_FINE = "timestamp(7)"
_WRAPPED = (exp.TimeStrToTime, exp.TsOrDsToDate, exp.TsOrDsToTimestamp)
_WRITE = "write '2026-01-31' or '2026-01-31 10:30:00'"


def is_moment(word: str) -> bool:
    """Whether a string is written as a date, with a time or without."""
    return bool(_MOMENT.fullmatch(word.strip()))


def as_moment(word: str, kind: Kind) -> Typed:
    """A string as a date, or as a date with a time. Raises UntranslatableError for one whose meaning hangs on a session's settings."""
    found = _MOMENT.fullmatch(word.strip())
    if not found:
        raise refuse(f"the date '{word}'", f"{_WRITE}: others are read by a session's language")
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise refuse(f"the date '{word}', which is in no calendar,", _WRITE) from None
    if kind == DATE:
        return Typed(cast(string(day.isoformat()), "date"), DATE)
    clock = f"{found[4] or '00'}:{found[5] or '00'}:{found[6] or '00'}{found[7] or ''}"
    return Typed(cast(string(f"{day.isoformat()} {clock}"), _FINE), TIMESTAMP)


def moment(self: Expressions, node: Node, of: Node) -> Typed:
    """An argument that is a date, or a date with a time; `of` is whose."""
    while isinstance(node, _WRAPPED):
        node = node.this
    word = word_in(node)
    if word is not None:
        return as_moment(word, TIMESTAMP)
    found = self.of(node)
    if found.kind.moment:
        return found
    if found.kind.text or found.kind == NULL:
        return Typed(cast(found.node, _FINE), TIMESTAMP)
    if found.kind == TIMESTAMPTZ:
        raise refuse(f"{shown(of)} of a DATETIMEOFFSET", "cast it to DATETIME2 first")
    if found.kind == UNKNOWN:
        raise refuse(f"{shown(of)}: the type of {shown(node)} isn't known", "cast it to DATE or DATETIME2")
    raise refuse(f"{shown(of)} of {found.kind}", "cast it to DATE or DATETIME2")


_PARTS = {
    "YEAR": "year", "YYYY": "year", "YY": "year", "QUARTER": "quarter", "QQ": "quarter", "Q": "quarter",
    "MONTH": "month", "MM": "month", "M": "month", "DAY": "day", "DD": "day", "D": "day",
    "DAYOFYEAR": "day_of_year", "DY": "day_of_year", "Y": "day_of_year", "WEEK": "week", "WK": "week", "WW": "week",
    "DAYOFWEEK": "weekday", "WEEKDAY": "weekday", "DW": "weekday", "W": "weekday",
    "WEEKISO": "iso_week", "ISO_WEEK": "iso_week", "ISOWK": "iso_week",
    "ISOWW": "iso_week", "HOUR": "hour", "HH": "hour", "MINUTE": "minute", "MI": "minute", "N": "minute", "SECOND": "second",
    "SS": "second", "S": "second", "MILLISECOND": "millisecond", "MS": "millisecond",
}  # fmt: skip
_CLOCK = ("hour", "minute", "second", "millisecond")


def _part(node: Node, of: Node) -> str:
    found = _PARTS.get(str(node.name).upper())
    if not found:
        raise refuse(f"{node.name.lower()} in {shown(of)}", f"parts: {', '.join(dict.fromkeys(_PARTS.values()))}")
    return found


def _date_part(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression")
    return Typed(_extracted(_part(node.this, node), moment(self, node.expression, node)), INT)


def _extracted(part: str, found: Typed) -> Node:
    if part in _CLOCK and found.kind == DATE:
        return integer(0)
    if part == "weekday":  # Sunday is 1, as with DATEFIRST 7
        return infix(exp.Add, infix(exp.Mod, call("day_of_week", found.node), integer(7)), integer(1))
    if part == "week":  # the week of January 1 is the first, and they begin on Sundays
        first = infix(exp.Mod, call("day_of_week", call("date_trunc", string("year"), found.node)), integer(7))
        days = infix(exp.Add, infix(exp.Sub, call("day_of_year", found.node), integer(1)), first)
        return infix(exp.Add, infix(exp.Div, days, integer(7)), integer(1))
    return call("week" if part == "iso_week" else part, found.node)


def _named_part(part: str) -> Rule:
    def rule(self: Expressions, node: Node) -> Typed:
        check(node, "this")
        return Typed(call(part, moment(self, node.this, node).node), INT)

    return rule


def _difference(self: Expressions, node: Node) -> Typed:
    """DATEDIFF, which counts the boundaries that lie between; Trino's date_diff counts whole units."""
    check(node, "this", "expression", "unit", "big_int")
    start, end = moment(self, node.expression, node), moment(self, node.this, node)
    part = _part(node.args["unit"], node)
    return Typed(_boundaries(part, start, end), BIGINT if node.args.get("big_int") else INT)


def _boundaries(part: str, start: Typed, end: Typed) -> Node:
    if part in ("year", "quarter", "month"):
        per = {"year": 1, "quarter": 4, "month": 12}[part]
        counts = [_counted(part, per, one.node) for one in (start, end)]
        return infix(exp.Sub, counts[1], counts[0])
    if part in ("day", "day_of_year", "weekday"):
        return call("date_diff", string("day"), cast(start.node, "date"), cast(end.node, "date"))
    if part == "week":  # whatever DATEFIRST says, weeks begin on Sundays here
        return infix(exp.Div, call("date_diff", string("day"), _sunday(start.node), _sunday(end.node)), integer(7))
    if part in _CLOCK:
        return call("date_diff", string(part), *(call("date_trunc", string(part), cast(one.node, _FINE)) for one in (start, end)))
    raise refuse(f"DATEDIFF({part}, ...)", "use DATEDIFF(week, ...)")


def _counted(part: str, per: int, node: Node) -> Node:
    years = call("year", node)
    return years if per == 1 else infix(exp.Add, infix(exp.Mul, years, integer(per)), call(part, node))


def _sunday(node: Node) -> Node:
    day = cast(node, "date")
    return call("date_add", string("day"), exp.Neg(this=exp.Paren(this=infix(exp.Mod, call("day_of_week", day), integer(7)))), day)


def _added(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression", "unit")
    part = _part(node.args["unit"], node)
    unit = {"day_of_year": "day", "weekday": "day"}.get(part, part)
    if unit == "iso_week":
        raise refuse("DATEADD(iso_week, ...)", "use DATEADD(week, ...)")
    found = moment(self, node.this, node)
    if unit in _CLOCK and found.kind == DATE:
        raise refuse(f"{shown(node)} of a DATE", "cast it to DATETIME2")
    count = cast(truncated(self.of(node.expression), shown(node)), "bigint")
    return Typed(call("date_add", string(unit), count, found.node), found.kind)


def _month_end(self: Expressions, node: Node) -> Typed:
    check(node, "this")
    inner, months = node.this, None
    if isinstance(inner, exp.DateAdd):
        inner, months = inner.this, cast(truncated(self.of(inner.expression), shown(node)), "bigint")
    day = cast(moment(self, inner, node).node, "date")
    return Typed(call("last_day_of_month", call("date_add", string("month"), months, day) if months else day), DATE)


def _from_parts(self: Expressions, node: Node) -> Typed:
    check(node, "year", "month", "day")
    parts = [self.of(node.args[one]) for one in ("year", "month", "day")]
    if any(one.kind.family not in ("int", "null") for one in parts):
        raise refuse(f"{shown(node)} of what isn't known to be INT", "cast them to INT")
    # `date` takes no other than whole dates, so that 2026-02-30 fails; NULL stays NULL, as by ||
    texts = [cast(one.node, "varchar") for one in parts]
    padded = [call("lpad", texts[0], call("greatest", integer(4), call("length", texts[0])), string("0"))]
    padded += [call("lpad", one, call("greatest", integer(2), call("length", one)), string("0")) for one in texts[1:]]
    dash = string("-")
    return Typed(cast(call("concat", padded[0], dash, padded[1], dash, padded[2]), "date"), DATE)


def _now(text: str, kind: Kind) -> Rule:
    def rule(_: Expressions, node: Node) -> Typed:
        if isinstance(node, exp.Anonymous) and node.expressions:
            raise refuse(shown(node), "it takes no argument")
        check(node, "this", "expressions")
        return Typed(exp.maybe_parse(text, dialect="trino"), kind)

    return rule


_STYLES = {"23": "%Y-%m-%d", "112": "%Y%m%d", "101": "%m/%d/%Y", "103": "%d/%m/%Y", "104": "%d.%m.%Y", "111": "%Y/%m/%d",
           "105": "%d-%m-%Y", "110": "%m-%d-%Y", "108": "%H:%i:%s", "120": "%Y-%m-%d %H:%i:%s", "20": "%Y-%m-%d %H:%i:%s"}  # fmt: skip
_STAMPS = ("120", "20")
_CLOCKS = ("108",)


def styled(found: Typed, style: str) -> Typed:
    """A date as a string by one of CONVERT's styles. Raises UntranslatableError."""
    form = _STYLES.get(style)
    if form is None or not found.kind.moment:
        styles = ", ".join(sorted(_STYLES, key=int))
        raise refuse(f"CONVERT of {found.kind} with the style {style}", f"to a string from DATE or DATETIME2, with one of {styles}")
    if found.kind == DATE and style in _CLOCKS:
        raise refuse(f"CONVERT of DATE with the style {style}", "a date has no time; cast it to DATETIME2")
    if found.kind == DATE and style in _STAMPS:
        form = _STYLES["23"]
    return Typed(call("date_format", found.node, string(form)), TEXT)


MOMENTS: dict[type | str, Rule] = {
    exp.Extract: _date_part,
    exp.Year: _named_part("year"),
    exp.Month: _named_part("month"),
    exp.Day: _named_part("day"),
    exp.DateDiff: _difference,
    exp.DateAdd: _added,
    exp.LastDay: _month_end,
    exp.DateFromParts: _from_parts,
    exp.CurrentTimestamp: _now("localtimestamp(3)", TIMESTAMP),
    "GETUTCDATE": _now("CAST(current_timestamp AT TIME ZONE 'UTC' AS timestamp(3))", TIMESTAMP),
    "SYSUTCDATETIME": _now("CAST(current_timestamp AT TIME ZONE 'UTC' AS timestamp(7))", TIMESTAMP),
    exp.CurrentTimestampLTZ: _now("current_timestamp(7)", TIMESTAMPTZ),
}

"""Rules of functions that write and read times by a format, or put them into bins.

https://www.postgresql.org/docs/17/functions-formatting.html, functions-datetime.html.
"""

from __future__ import annotations

import re

from bdc.sql.pgwire.dialect.expressions import Expressions, Rule
from bdc.sql.pgwire.dialect.fragments import Node, Typed, as_text, local, refuse
from bdc.sql.pgwire.dialect.functions import numeric_argument
from bdc.sql.pgwire.dialect.literals import interval, literal_as
from bdc.sql.pgwire.dialect.types import DATE, INTERVAL, LITERAL, TEXT, TIMESTAMP, TIMESTAMPTZ
from bdc.sql.pgwire.errors import SqlError
from bdc.sql.quoting import literal

_NAMES = {
    "month": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
    "day_of_week": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_LONGEST = 9
"""Letters of September and Wednesday, to which names are filled up with blanks."""


def _padded(value: str, digits: int, plain: bool) -> str:
    return f"CAST({value} AS varchar)" if plain else f"format('%0{digits}d', {value})"


def _name(of: str, word: str, plain: bool) -> str:
    """A month's or a day's name, in the letters that the template has: MON, Mon, mon."""
    short = word.upper() in ("MON", "DY")
    style = str.upper if word.isupper() else str.capitalize if word[0].isupper() else str.lower
    names = [style(name[:3] if short else name) for name in _NAMES[of]]
    words = ", ".join(literal(name if plain or short else name.ljust(_LONGEST)) for name in names)
    return f"element_at(ARRAY[{words}], CAST({of}({{}}) AS integer))"


_YEAR = "if(year({}) > 0, year({}), 1 - year({}))"
_HALF = "((hour({}) + 11) % 12 + 1)"
_DIGITS = {
    "YYYY": (_YEAR, 4), "MM": ("month({})", 2), "DD": ("day({})", 2), "DDD": ("day_of_year({})", 3), "Q": ("quarter({})", 1),
    "HH24": ("hour({})", 2), "HH12": (_HALF, 2), "HH": (_HALF, 2), "MI": ("minute({})", 2), "SS": ("second({})", 2),
    "YY": (f"({_YEAR} % 100)", 2), "IW": ("week({})", 2), "IYYY": ("year_of_week({})", 4), "ID": ("day_of_week({})", 1),
    "D": ("(day_of_week({}) % 7 + 1)", 1), "MS": ("millisecond({})", 3),
}  # fmt: skip
_WORDS = {"MONTH": "month", "MON": "month", "DAY": "day_of_week", "DY": "day_of_week"}
_CLOCK = frozenset({"HH24", "HH12", "HH", "MI", "SS", "MS"})
_PIECE = re.compile(
    r"(?!SSSS|IDDD|Y,YYY)(?P<fm>FM)?(?P<key>YYYY|IYYY|HH24|HH12|MONTH|DDD|DAY|MON|YY|IW|ID|MM|MI|MS|DD|DY|HH|SS|D|Q)|(?P<half>AM|PM)|\"(?P<quoted>[^\"\\]*)\""
    r"|(?P<other>[^A-Za-z0-9\"\\])",
    re.IGNORECASE,
)


def _pieces(template: str) -> list[re.Match[str]]:
    """A template's patterns and what is between them. Raises SqlError for one that isn't known."""
    found, at = list[re.Match[str]](), 0
    while at < len(template):
        if not (piece := _PIECE.match(template, at)) or re.match(r"(?i)th|sp", template[piece.end() :]):
            raise refuse(f"the format {template!r}", "YYYY, MM, DD, HH24, HH12, MI, SS, MS, AM, MON, MONTH, DY, DAY, Q, DDD, IW, IYYY, ID")
        found.append(piece)
        at = piece.end()
    return found


def _to_char(self: Expressions, node: Node) -> Typed:
    value, template = node.expressions
    found, word = self.of(value), self.word(template)
    if found.kind not in (DATE, TIMESTAMP, TIMESTAMPTZ) or word is None:
        raise refuse(f"to_char of a value of type {found.kind}, or by a format that isn't written out")
    moment = f"CAST({found.sql} AS timestamp(6))" if found.kind == DATE else local(found).sql
    parts = []
    for piece in _pieces(word):
        key, plain = (piece["key"] or ""), bool(piece["fm"])
        if key.upper() in _WORDS and key in (key.upper(), key.lower(), key.capitalize()):
            parts.append(_name(_WORDS[key.upper()], key, plain))
        elif key.upper() in _WORDS:
            raise refuse(f"the format {word!r}")
        elif key:
            expression, digits = _DIGITS[key.upper()]
            parts.append(_padded(expression, digits, plain))
        elif piece["half"]:
            before, after = ("AM", "PM") if piece["half"].isupper() else ("am", "pm")
            parts.append(f"if(hour({{}}) < 12, {literal(before)}, {literal(after)})")
        else:
            text = piece["quoted"] if piece["quoted"] is not None else piece["other"]
            parts.append(literal(text).replace("{", "{{").replace("}", "}}"))
    filled = [part.replace("{}", moment).replace("{{", "{").replace("}}", "}") for part in parts]
    written = f"concat({', '.join([*filled, literal('')])})" if filled else "NULL"
    return Typed(f"if({moment} IS NULL, CAST(NULL AS varchar), {written})", TEXT)


_READ = {"YYYY": 4, "MM": 2, "DD": 2, "HH24": 2, "MI": 2, "SS": 2, "MS": 3, "US": 6}
"""How many digits each has."""
_ORDER = (("YYYY", "0001"), ("MM", "01"), ("DD", "01"), ("HH24", "00"), ("MI", "00"), ("SS", "00"))
_GIVEN = re.compile(r"(?P<key>YYYY|HH24|MM|DD|MI|SS|MS|US)|(?P<other>[-/ .:,]|\"T\")", re.IGNORECASE)


def _read(self: Expressions, value: Node, template: Node) -> str:
    """A text as the timestamp that a format says it is: texts that have all digits that the format has; others are errors."""
    word, found = self.word(template), self.of(value)
    if word is None or not found.kind.text:
        raise refuse("to_date and to_timestamp of what is no text, or by a format that isn't written out")
    keys, shape, at = list[str](), "", 0
    while at < len(word):
        piece = _GIVEN.match(word, at)
        if not piece or (piece["key"] and piece["key"].upper() in keys):
            raise refuse(f"the format {word!r}", "YYYY, MM, DD, HH24, MI, SS, MS, US, with - / . : , T or a blank between them")
        if piece["key"]:
            keys.append(piece["key"].upper())
            shape += f"([0-9]{{{_READ[keys[-1]]}}})"
        else:
            shape += f"[{piece['other'].strip(chr(34))}]"
        at = piece.end()
    if "YYYY" not in keys or {"MS", "US"} <= set(keys):
        raise refuse(f"the format {word!r}", "it needs a year, YYYY")
    group = {key: f"${at + 1}" for at, key in enumerate(keys)}
    year, month, day, hour, minute, second = (group.get(key, "".join(f"\\{digit}" for digit in least)) for key, least in _ORDER)
    fraction = f".{group['MS']}" if "MS" in keys else f".{group['US']}" if "US" in keys else ""
    text = as_text(found)
    iso = f"{year}-{month}-{day} {hour}:{minute}:{second}{fraction}"
    whole = literal(rf"\A{shape}\z")
    wrong = literal("the value does not have the form of the format, digit by digit: compute it in the client")
    return (
        f"if(regexp_like({text}, {whole}) OR {text} IS NULL, CAST(regexp_replace({text}, {whole}, {literal(iso)}) AS timestamp(6)), "
        f"CAST(fail({wrong}) AS timestamp(6)))"
    )


def _to_date(self: Expressions, node: Node) -> Typed:
    value, template = node.expressions
    return Typed(f"CAST({_read(self, value, template)} AS date)", DATE)


def _to_timestamp(self: Expressions, node: Node) -> Typed:
    if len(node.expressions) == 1:
        return _from_epoch(self, node.expressions[0])
    value, template = node.expressions
    return Typed(f"CAST({_read(self, value, template)} AS {TIMESTAMPTZ.sql})", TIMESTAMPTZ)


_EPOCH_2000 = 946_684_800


def _from_epoch(self: Expressions, node: Node) -> Typed:
    """Seconds since 1970, rounded to microseconds since 2000 as float8_timestamptz() does: halves to even."""
    seconds = f"CAST({numeric_argument(self, node).sql} AS double)"
    micros = f"(({seconds} - {_EPOCH_2000}e0) * 1e6)"
    rounded = "if(abs(micros - truncate(micros)) = 0.5e0, 2 * round(micros / 2), round(micros))"
    whole = f"transform(ARRAY[{micros}], micros -> CAST({rounded} AS decimal(38, 0)))[1]"
    return Typed(f"CAST(from_unixtime_nanos(({whole} + {_EPOCH_2000}000000) * 1000) AS {TIMESTAMPTZ.sql})", TIMESTAMPTZ)


_SECONDS = re.compile(r"\(?(?P<sign>- )?INTERVAL '(?P<count>\d+)' SECOND\)?")


def _date_bin(self: Expressions, node: Node) -> Typed:
    """date_bin(stride, source, origin): whole seconds, so that no fraction counts."""
    if len(node.expressions) != 3:
        raise SqlError("function date_bin takes three arguments", "42883")
    stride, source = (self.of(one) for one in node.expressions[:2])
    if stride.kind is LITERAL:
        stride = interval(self.word(node.expressions[0]) or "")
    seconds = _SECONDS.fullmatch(stride.sql) if stride.kind == INTERVAL else None
    if not seconds:
        raise refuse("date_bin by an interval that isn't written out in days, hours, minutes or seconds")
    if seconds["sign"] or not int(seconds["count"]):
        raise SqlError("stride must be greater than zero", "22008")
    kind = source.kind if source.kind in (TIMESTAMP, TIMESTAMPTZ) else TIMESTAMPTZ if source.kind == DATE else None
    begins = self.word(node.expressions[2])
    if kind is None or begins is None or "." in begins:
        raise refuse("date_bin of a value that is no timestamp, or from an origin that isn't written out in whole seconds")
    start = literal_as(begins, kind).sql
    value = f"CAST({source.sql} AS {kind.sql})" if source.kind == DATE else source.sql
    count = int(seconds["count"])
    apart = f"date_diff('second', {start}, date_trunc('second', {value}))"
    return Typed(f"date_add('second', transform(ARRAY[{apart}], d -> d - ((d % {count}) + {count}) % {count})[1], {start})", kind)


MOMENTS: dict[type | str, Rule] = {
    "pg_to_char": _to_char,
    "pg_to_date": _to_date,
    "pg_to_timestamp": _to_timestamp,
    "pg_date_bin": _date_bin,
}

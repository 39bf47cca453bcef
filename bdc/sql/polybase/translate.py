"""A plain statement of T-SQL as Trino's SQL.

sqlglot reads T-SQL and writes Trino's; what it would pass on with another meaning is put right here, or refused with what to write
instead. Only a statement with something in it that is T-SQL's alone is translated: everything else is Trino's as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError, UnsupportedError

from bdc.errors import UsageError
from bdc.sql.polybase.errors import SqlSyntaxError
from bdc.sql.polybase.lexer import Word, words
from bdc.sql.polybase.statements import DataType
from bdc.sql.polybase.types import trino_type

# Functions that Trino doesn't know, or knows as something else.
_FUNCTIONS = frozenset({
    "CHARINDEX", "CHOOSE", "CONVERT", "COUNT_BIG", "DATALENGTH", "DATEADD", "DATEDIFF", "DATEDIFF_BIG", "DATEFROMPARTS", "DATENAME",
    "DATEPART", "EOMONTH", "GETDATE", "GETUTCDATE", "IIF", "ISNULL", "LEFT", "LEN", "NEWID", "PATINDEX", "QUOTENAME", "REPLICATE",
    "RIGHT", "SPACE", "STRING_AGG", "STUFF", "SYSDATETIME", "SYSDATETIMEOFFSET", "SYSUTCDATETIME", "TRY_CONVERT",
})  # fmt: skip
_HINTS = frozenset({"NOLOCK", "READUNCOMMITTED", "READCOMMITTED", "HOLDLOCK", "READPAST", "ROWLOCK", "TABLOCK", "PAGLOCK"})
_STYLES = {"23": "%Y-%m-%d", "112": "%Y%m%d", "101": "%m/%d/%Y", "103": "%d/%m/%Y", "104": "%d.%m.%Y", "120": "%Y-%m-%d %H:%i:%s"}
_SPELLED = re.compile(r"^\s*(?P<name>[A-Za-z_0-9 ]+?)\s*(?:\((?P<sizes>[^)]*)\))?\s*$")


class UntranslatableError(UsageError):
    """A form of T-SQL that has no translation, or none that means the same."""


def is_tsql(sql: str) -> bool:
    """Whether a statement has something in it that is T-SQL's alone: [name], N'...', TOP, @variable, #table, a hint, a function."""
    found = words(sql)
    for at, word in enumerate(found):
        text = sql[word.start : word.end]
        if word.kind == "variable" or (word.kind == "name" and text.startswith("[")) or text[:2] in ("N'", "n'") or text.startswith("#"):
            return True
        if word.kind == "word" and _is_form(found, at):
            return True
    return False


def _is_form(found: list[Word], at: int) -> bool:
    word, following = found[at].value.upper(), found[at + 1].value.upper() if at + 1 < len(found) else ""
    if word == "TOP":
        return found[at - 1].value.upper() in ("SELECT", "DISTINCT", "ALL") and (following == "(" or found[at + 1].kind == "number")
    if word in ("CROSS", "OUTER") and following == "APPLY":
        return True
    if following != "(":
        return False
    if word == "WITH":
        return at + 2 < len(found) and found[at + 2].value.upper() in _HINTS
    return word in _FUNCTIONS


def to_trino(sql: str) -> str:
    """T-SQL as Trino's SQL. Raises UntranslatableError with the form, SqlSyntaxError for what isn't T-SQL."""
    try:
        [tree] = sqlglot.parse(sql, read="tsql")
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        told = str(first.get("description") or "this is no T-SQL").rstrip(".")
        raise SqlSyntaxError(told, int(first.get("line") or 1), max(1, int(first.get("col") or 1))) from None
    if tree is None or isinstance(tree, exp.Command):
        raise UntranslatableError("this statement of T-SQL has no translation", "write it in Trino's SQL")
    for node in list(tree.walk()):
        for kind, check in _REFUSED:
            if isinstance(node, kind):
                check(node)
    tree = tree.transform(_mended)
    try:
        return tree.sql(dialect="trino", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise UntranslatableError(str(error).splitlines()[0], "write it in Trino's SQL") from None


def _refuse(form: str, instead: str) -> Callable[[exp.Expression], None]:
    def check(_: exp.Expression) -> None:
        raise UntranslatableError(f"{form} can't be translated", instead)

    return check


def _check_table(node: exp.Expression) -> None:
    if isinstance(node.this, exp.Identifier) and node.this.args.get("temporary"):
        raise UntranslatableError(f"#{node.this.name} is a temporary table, and there are none", "use WITH name AS (SELECT ...)")
    for hint in node.args.get("hints") or []:
        for one in hint.expressions:
            if one.name.upper() not in _HINTS:
                raise UntranslatableError(f"the hint {one.sql(dialect='tsql')} can't be translated", "leave it out")


def _check_limit(node: exp.Expression) -> None:
    if (options := node.args.get("limit_options")) and options.args.get("percent"):
        raise UntranslatableError("TOP ... PERCENT can't be translated", "use TOP with a number, or ntile(100)")


def _check_like(node: exp.Expression) -> None:
    pattern = node.expression
    if isinstance(pattern, exp.Literal) and "[" in pattern.name:
        raise UntranslatableError(f"the set of characters in LIKE '{pattern.name}' can't be translated", "use regexp_like(...)")


def _check_extract(node: exp.Expression) -> None:
    if node.this.name.upper() in ("DAYOFWEEK", "WEEKDAY", "DW", "WEEK", "ISO_WEEK", "WK", "TZOFFSET", "NANOSECOND"):
        form = f"DATEPART({node.this.name.lower()}, ...)"
        raise UntranslatableError(f"{form} counts otherwise in Trino", "use day_of_week(...), Monday is 1, or week(...)")


_REFUSED: tuple[tuple[type[exp.Expression], Callable[[exp.Expression], None]], ...] = (
    (exp.Parameter, _refuse("a variable (@name)", "write its value")),
    (exp.SessionParameter, _refuse("a variable (@@name)", "write its value")),
    (exp.Into, _refuse("SELECT ... INTO", "use CREATE TABLE ... AS SELECT, or CREATE EXTERNAL TABLE ... AS SELECT")),
    (exp.Collate, _refuse("COLLATE", "use lower(...) on both sides")),
    (exp.Stuff, _refuse("STUFF", "use concat(substr(...), ..., substr(...))")),
    (exp.DateFromParts, _refuse("DATEFROMPARTS", "use date(format('%d-%02d-%02d', year, month, day))")),
    (exp.Pivot, _refuse("PIVOT", "use sum(...) FILTER (WHERE ...)")),
    (exp.Table, _check_table),
    (exp.Limit, _check_limit),
    (exp.Like, _check_like),
    (exp.Extract, _check_extract),
)


def _mended(node: exp.Expression) -> exp.Expression:
    for kind, mend in _MENDED:
        if isinstance(node, kind):
            for child in list(node.iter_expressions()):
                child.replace(child.transform(_mended))
            return mend(node)
    return node


def _convert(node: exp.Expression) -> exp.Expression:
    """CONVERT, which fails where a cast does; with a style of dates to a string."""
    value, kind = node.expression, _data_type(node.this)
    style = node.args.get("style")
    if style is not None:
        form = _STYLES.get(style.name)
        if form is None or not kind.is_type(*exp.DataType.TEXT_TYPES):
            styles = ", ".join(sorted(_STYLES, key=int))
            raise UntranslatableError(f"CONVERT with the style {style.name} can't be translated", f"to a string with one of {styles}")
        value = exp.Anonymous(this="date_format", expressions=[value, exp.Literal.string(form)])
    return exp.TryCast(this=value, to=kind) if node.args.get("safe") else exp.Cast(this=value, to=kind)


def _cast(node: exp.Expression) -> exp.Expression:
    node.set("to", _data_type(node.args["to"]))
    return node


def _data_type(kind: exp.Expression) -> exp.DataType:
    """A type of T-SQL as Trino's: bdc's own table, as external tables have it; what isn't in it, sqlglot translates."""
    found = _SPELLED.match(kind.sql(dialect="tsql"))
    if found:
        sizes = [one.strip().lower() for one in (found["sizes"] or "").split(",") if one.strip()]
        if all(one == "max" or one.isdecimal() for one in sizes):
            name = found["name"].lower()
            if not sizes and name in ("varchar", "nvarchar"):
                return exp.DataType.build(
                    "varchar", dialect="trino"
                )  # 30 characters in T-SQL's CAST: enough for what is cast without a length
            try:
                spelled = trino_type(DataType(name, tuple(-1 if one == "max" else int(one) for one in sizes)))
            except ValueError:
                pass
            else:
                return exp.DataType.build(spelled, dialect="trino")
    return kind if isinstance(kind, exp.DataType) else exp.DataType.build(kind.sql(dialect="tsql"), dialect="tsql")


def _length(node: exp.Expression) -> exp.Expression:
    """LEN doesn't count spaces at the end."""
    value = node.this.this if isinstance(node.this, exp.Cast) else node.this
    trimmed = exp.Anonymous(this="rtrim", expressions=[value])
    return exp.Anonymous(this="length", expressions=[trimmed])


def _repeat(node: exp.Expression) -> exp.Expression:
    repeated = exp.Anonymous(this="repeat", expressions=[node.this, node.args["times"]])
    return exp.Anonymous(this="array_join", expressions=[repeated, exp.Literal.string("")])


def _national(node: exp.Expression) -> exp.Expression:
    return exp.Literal.string(node.name)


def _limit(node: exp.Expression) -> exp.Expression:
    options = node.args.get("limit_options")
    if options and options.args.get("with_ties"):
        return exp.Fetch(direction="FIRST", count=node.expression, limit_options=exp.LimitOptions(rows=True, with_ties=True))
    return node


def _add(node: exp.Expression) -> exp.Expression:
    """+ with a string on one side joins strings."""
    sides = [side.unnest() for side in (node.this, node.expression)]
    if any(isinstance(side, exp.DPipe) or side.is_string or _is_text(side) for side in sides):
        return exp.DPipe(this=node.this, expression=node.expression)
    return node


def _is_text(side: exp.Expression) -> bool:
    return isinstance(side, exp.Cast) and side.args["to"].is_type(*exp.DataType.TEXT_TYPES)


_MENDED: tuple[tuple[type[exp.Expression], Callable[[exp.Expression], exp.Expression]], ...] = (
    (exp.Convert, _convert),
    (exp.Cast, _cast),
    (exp.Length, _length),
    (exp.Repeat, _repeat),
    (exp.National, _national),
    (exp.Limit, _limit),
    (exp.Add, _add),
)

"""Rules of CAST, CONVERT and their TRY_ forms. https://learn.microsoft.com/sql/t-sql/functions/cast-and-convert-transact-sql"""

from __future__ import annotations

import re

from sqlglot import exp

from bdc.sql.polybase.ddl import DataType
from bdc.sql.polybase.tsql.expressions import Expressions, Rule
from bdc.sql.polybase.tsql.kinds import NULL, UNKNOWN, Kind, kind
from bdc.sql.polybase.tsql.moments import as_moment, is_moment, styled
from bdc.sql.polybase.tsql.typed import Node, Typed, as_text, call, cast, check, integer, refuse, shown, string, truncated, word_in
from bdc.sql.polybase.types import trino_type

_SPELLED = re.compile(r"^\s*(?P<name>[A-Za-z_0-9 ]+?)\s*(?:\((?P<sizes>[^)]*)\))?\s*$")
_CHARACTERS = ("char", "nchar", "varchar", "nvarchar")
_NO_LENGTH = 30
"""Characters of CAST(x AS VARCHAR) without a length."""

_TRINOS = {"double": "float", "text": "varchar", "boolean": "bit", "timestamp": "datetime2"}
"""Types that sqlglot has read as others, and some of Trino's own."""


def data_type(node: Node, length: int = _NO_LENGTH) -> str:
    """Trino's type of one of T-SQL's, as bdc's external tables have it. Raises UntranslatableError.

    `length` is what a string has without one: 30 characters in a cast, 1 in a column.
    """
    written = node.sql(dialect="tsql")
    found = _SPELLED.match(written)
    sizes = [one.strip().lower() for one in (found["sizes"] or "").split(",") if one.strip()] if found else []
    if not found or not all(one == "max" or one.isdecimal() for one in sizes):
        raise refuse(f"the type {written}", "use one of T-SQL's, such as INT, DECIMAL(10, 2), NVARCHAR(20), DATETIME2")
    name = found["name"].lower()
    name = _TRINOS.get(name, name)
    if name in _CHARACTERS and not sizes:
        sizes = [str(length)]
    try:
        return trino_type(DataType(name, tuple(-1 if one == "max" else int(one) for one in sizes)))
    except ValueError as error:
        raise refuse(f"the type {written}", str(error)) from None


def _cast(self: Expressions, node: Node) -> Typed:
    check(node, "this", "to", "safe", "_type")
    return converted(self, node, node.this, node.args["to"], safe=isinstance(node, exp.TryCast))


def _convert(self: Expressions, node: Node) -> Typed:
    check(node, "this", "expression", "style", "safe")
    style = node.args.get("style")
    return converted(
        self, node, node.expression, node.this, str(style.name) if style is not None else None, safe=bool(node.args.get("safe"))
    )


def converted(self: Expressions, node: Node, value: Node, to: Node, style: str | None = None, *, safe: bool = False) -> Typed:
    """A value as another type, by T-SQL's rules. Raises UntranslatableError."""
    spelled = data_type(to)
    wanted, word = kind(spelled), word_in(value)
    found = Typed(string(word), kind("varchar")) if word is not None else self.of(value)
    if style is not None and not (word is None and found.kind.moment and wanted.text):
        if not wanted.text or found.kind.moment:
            raise refuse(
                f"CONVERT to {to.sql(dialect='tsql')} with the style {style}", "write the string as '2026-01-31', and leave the style out"
            )
    elif style is not None:
        found = styled(found, style)
    if wanted.moment and word is not None and not safe:
        found = as_moment(word, wanted)
    elif wanted.moment and word is not None and not is_moment(word):
        raise refuse(f"the date '{word}' in {shown(node)}", "write '2026-01-31' or '2026-01-31 10:30:00'")
    if (wanted.family == "int" and found.kind.family in ("decimal", "double", "real")) or (wanted.text and found.kind.family == "bit"):
        self.differs(f"{shown(node)} {'cuts off what is after the point' if wanted.family == 'int' else 'is 1 or 0'}")
    text = _source(found, wanted, node)
    made = exp.TryCast(this=text, to=exp.DataType.build(spelled, dialect="trino")) if safe else cast(text, spelled)
    if wanted.family == "char" and wanted.length:  # Trino's own forgets its blanks where it meets a string
        made.set("to", exp.DataType.build(f"varchar({wanted.length})", dialect="trino"))
        made = call("rpad", made, integer(wanted.length), string(" "))
        wanted = Kind("text", length=wanted.length)
    return Typed(made, wanted)


def _source(found: Typed, wanted: Kind, node: Node) -> Node:
    """What Trino casts to the same value as T-SQL does."""
    source = found.kind
    if wanted.family == "int":
        return truncated(found, shown(node))
    if wanted.text:
        if source == UNKNOWN:
            raise refuse(f"{shown(node)} of a value whose type isn't known", "give its table an alias, and write alias.column")
        return as_text(found, shown(node))
    if (source, wanted.family) == (UNKNOWN, "bit") or source == UNKNOWN:
        return found.node
    known = (
        source == NULL
        or source.family == wanted.family
        or (source.numeric and (wanted.numeric or wanted.family == "bit"))
        or (source.family == "bit" and wanted.numeric)
        or (source.text and wanted.family in ("decimal", "double", "real", "date", "timestamp", "timestamptz", "uuid"))
        or (source.moment and wanted.moment)
        or (source.family == "timestamptz" and wanted.moment)
    )
    if not known:
        raise refuse(f"{shown(node)} of {source}", "cast it in a statement of Trino's")
    return found.node


CASTS: dict[type | str, Rule] = {
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Convert: _convert,
}

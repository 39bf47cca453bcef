"""The names that PostgreSQL gives to columns without one: FigureColname() of its parse_target.c (version 17).

Functions are called as they were written: parsing keeps that of those that sqlglot reads as one, such as substr and substring.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from bdc.sql.pgwire.dialect.fragments import Node, name_of
from bdc.sql.pgwire.dialect.parsing import spelled

UNNAMED = "?column?"
_NAMES: dict[type, str] = {
    exp.Coalesce: "coalesce", exp.Nullif: "nullif", exp.Greatest: "greatest", exp.Least: "least", exp.Exists: "exists", exp.Array: "array",
    exp.Tuple: "row", exp.Interval: "interval", exp.Grouping: "grouping", exp.AtTimeZone: "timezone", exp.ArrayAgg: "array_agg",
    exp.CurrentDate: "current_date", exp.CurrentTime: "current_time", exp.CurrentTimestamp: "current_timestamp",
    exp.Localtime: "localtime", exp.Localtimestamp: "localtimestamp", exp.CurrentUser: "current_user", exp.SessionUser: "session_user",
    exp.CurrentCatalog: "current_catalog", exp.CurrentSchema: "current_schema", exp.StrPosition: "position", exp.Overlay: "overlay",
    exp.Substring: "substring", exp.GroupConcat: "string_agg", exp.Ceil: "ceil", exp.Floor: "floor",
}  # fmt: skip
_TRIMS = {"LEADING": "ltrim", "TRAILING": "rtrim"}
_TYPES = {
    exp.DType.INT: "int4", exp.DType.BIGINT: "int8", exp.DType.SMALLINT: "int2", exp.DType.DOUBLE: "float8", exp.DType.FLOAT: "float4",
    exp.DType.DECIMAL: "numeric", exp.DType.BOOLEAN: "bool", exp.DType.VARBINARY: "bytea", exp.DType.CHAR: "bpchar",
    exp.DType.NCHAR: "bpchar", exp.DType.NVARCHAR: "varchar",
}  # fmt: skip
_ACTUAL, _DERIVED, _NONE = 2, 1, 0
"""How good a name is: that of a column or a function, one of a type or CASE, which gives way to those, none."""


def column_title(node: Node, first_column: Callable[[Node], str]) -> str:
    """The name of a column that is this expression; `first_column` gives that of a query's."""
    return _figured(node, first_column)[0]


def _figured(node: Node, first: Callable[[Node], str]) -> tuple[str, int]:
    if isinstance(node, exp.Column):
        return name_of(node.this), _ACTUAL
    if isinstance(node, exp.Dot):
        return name_of(node.expression), _ACTUAL
    if isinstance(node, exp.Paren | exp.Filter | exp.Window | exp.WithinGroup | exp.Collate | exp.Bracket | exp.Distinct | exp.IgnoreNulls):
        return _figured(node.this, first)
    if isinstance(node, exp.Cast):
        found = _figured(node.this, first)
        return found if found[1] > _DERIVED else (_type_name(node.to), _DERIVED)
    if isinstance(node, exp.Interval):
        return "interval", _DERIVED
    if isinstance(node, exp.Case):
        found = _figured(node.args["default"], first) if node.args.get("default") else (UNNAMED, _NONE)
        return found if found[1] > _DERIVED else ("case", _DERIVED)
    if isinstance(node, exp.Subquery):
        return first(node), _ACTUAL
    name = _function_name(node)
    return (name, _ACTUAL) if name else (UNNAMED, _NONE)


def _function_name(node: Node) -> str:
    """The name of a function as it was called; "" for what is none."""
    called = node.name if isinstance(node, exp.Anonymous) else node.meta.get("name")
    if called:
        return spelled(str(called)).lower()
    if isinstance(node, exp.Trim):
        return _TRIMS.get(str(node.args.get("position")), "btrim")
    if isinstance(node, exp.Extract):
        return "date_part" if isinstance(node.this, exp.Literal) else "extract"
    if name := _NAMES.get(type(node)):
        return name
    return str(node.sql_name()).lower() if isinstance(node, exp.Func) and not isinstance(node, _OPERATORS) else ""


_OPERATORS = (exp.Connector, exp.RegexpLike, exp.RegexpILike, exp.Binary, exp.Predicate, exp.Any, exp.All)
"""Classes of sqlglot's that are functions there, and operators as they are written."""


def _type_name(node: Node) -> str:
    """A type as the system catalogs call it; an array has its elements'."""
    if node.is_type(exp.DType.ARRAY) and node.expressions:
        return _type_name(node.expressions[0])
    return _TYPES.get(node.this, str(node.this.value).lower())

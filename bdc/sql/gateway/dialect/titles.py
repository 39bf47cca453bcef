"""The names that PostgreSQL gives to columns without one."""

from __future__ import annotations

from sqlglot import exp

from bdc.sql.gateway.dialect.typed import Node, name_of

_TITLES: dict[type, str] = {exp.Coalesce: "coalesce", exp.Nullif: "nullif", exp.Greatest: "greatest", exp.Least: "least",
           exp.Interval: "interval",
           exp.Exists: "exists", exp.Array: "array", exp.CurrentDate: "current_date", exp.CurrentUser: "current_user",
           exp.CurrentTimestamp: "now", exp.TimestampTrunc: "date_trunc", exp.StrPosition: "position",
           exp.GroupConcat: "string_agg", exp.ArrayAgg: "array_agg", exp.LogicalAnd: "bool_and", exp.LogicalOr: "bool_or",
           exp.RowNumber: "row_number", exp.DenseRank: "dense_rank", exp.PercentRank: "percent_rank", exp.CumeDist: "cume_dist",
           exp.FirstValue: "first_value", exp.LastValue: "last_value", exp.NthValue: "nth_value", exp.SplitPart: "split_part",
           exp.ConcatWs: "concat_ws", exp.Localtimestamp: "localtimestamp", exp.StddevSamp: "stddev_samp",
           exp.StddevPop: "stddev_pop", exp.VariancePop: "var_pop", exp.CovarSamp: "covar_samp", exp.CovarPop: "covar_pop"}  # fmt: skip


def column_title(node: Node) -> str:
    """The name that PostgreSQL gives to a column without one: FigureColname."""
    if isinstance(node, exp.Column):
        return name_of(node.this)
    if isinstance(node, exp.Cast):
        inner = column_title(node.this)
        return inner if inner != "?column?" else _type_title(node.to)
    if isinstance(node, exp.Paren | exp.Filter | exp.Window | exp.Collate):
        return column_title(node.this)
    if isinstance(node, exp.Subquery):
        inner = node.this
        return column_title(inner.selects[0]) if isinstance(inner, exp.Select) and inner.selects else "?column?"
    if isinstance(node, exp.Alias):
        return name_of(node.args["alias"])
    if isinstance(node, exp.Case):
        otherwise = node.args.get("default")
        return column_title(otherwise) if isinstance(otherwise, exp.Column | exp.Func) and not isinstance(otherwise, exp.Case) else "case"
    if isinstance(node, exp.Trim):
        return {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position")), "btrim")
    if isinstance(node, exp.Extract):
        return "date_part" if isinstance(node.this, exp.Literal) else "extract"
    if isinstance(node, exp.Pad):
        return "lpad" if node.args.get("is_left") else "rpad"
    return _TITLES.get(type(node)) or _function_title(node)


def _function_title(node: Node) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    return str(node.sql_name()).lower() if isinstance(node, exp.Func) and not isinstance(node, exp.Connector) else "?column?"


def _type_title(node: Node) -> str:
    names = {exp.DType.INT: "int4", exp.DType.BIGINT: "int8", exp.DType.SMALLINT: "int2", exp.DType.DOUBLE: "float8",
             exp.DType.FLOAT: "float4", exp.DType.DECIMAL: "numeric", exp.DType.BOOLEAN: "bool", exp.DType.VARBINARY: "bytea"}  # fmt: skip
    return names.get(node.this, str(node.this.value).lower())

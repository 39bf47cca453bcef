"""Queries: their clauses, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from bdc.sql.pgwire.dialect.aggregates import ordered, window
from bdc.sql.pgwire.dialect.column_names import column_title
from bdc.sql.pgwire.dialect.expressions import Expressions, unified
from bdc.sql.pgwire.dialect.fragments import Node, Typed, check, name_of, refuse
from bdc.sql.pgwire.dialect.parsing import Columns, Tables, Translated, table_name
from bdc.sql.pgwire.dialect.rules import RULES
from bdc.sql.pgwire.dialect.sources import Listed, Scope, origin, renamed
from bdc.sql.pgwire.dialect.types import NULL, Kind
from bdc.sql.pgwire.errors import SqlError
from bdc.sql.quoting import identifier


def translate(tree: Node, tables: Tables, user: str) -> Translated:
    """A query for Trino. Raises SqlError for what can't be said there with the same meaning."""
    translation = _Translation(tables, user)
    try:
        sql, columns, quotients = translation.outermost(tree)
    except RecursionError:
        raise SqlError("stack depth limit exceeded", "54001", "write a simpler query") from None
    return Translated(sql, tuple(name for name, _ in columns), quotients)


@dataclass
class _Item:
    """One column of a SELECT."""

    name: str
    typed: Typed
    node: Node


class _Translation:
    def __init__(self, tables: Tables, user: str) -> None:
        self.tables, self.user = tables, user

    def outermost(self, tree: Node) -> tuple[str, Listed, frozenset[int]]:
        while isinstance(tree, exp.Subquery) and not _clauses(tree):
            tree = tree.this
        if isinstance(tree, exp.Select) and not tree.args.get("distinct"):
            quotients: set[int] = set()
            sql, columns = self._select(tree, {}, None, quotients)
            return sql, columns, frozenset(quotients)
        sql, columns = self.query(tree, {}, None)
        return sql, columns, frozenset()

    def query(self, node: Node, common: dict[str, Columns], outer: Scope | None) -> tuple[str, Listed]:
        """A query, with the names of its columns and their types."""
        if isinstance(node, exp.Subquery):
            if not _clauses(node) and not node.args.get("alias"):
                return self.query(node.this, common, outer)
            check(node, "this", "order", "limit", "offset", "with_", "alias")
            with_, common = self._with(node, common, outer)
            sql, columns = self.query(node.this, common, outer)
            return f"{with_}SELECT * FROM ({sql}){self._tail(node, columns, None)}", columns
        if isinstance(node, exp.SetOperation):
            return self._set(node, common, outer)
        if isinstance(node, exp.Select):
            return self._select(node, common, outer, None)
        if isinstance(node, exp.Values):
            return self._values(node, common, outer)
        if isinstance(node, exp.Table):
            return self._select(exp.Select(expressions=[exp.Star()]).from_(node), common, outer, None)
        raise refuse(node.sql(dialect="postgres")[:80])

    def _with(self, node: Node, common: dict[str, Columns], outer: Scope | None) -> tuple[str, dict[str, Columns]]:
        found = node.args.get("with_")
        if not found:
            return "", common
        if found.args.get("recursive"):
            raise refuse("WITH RECURSIVE")
        common, parts = dict(common), []
        for one in found.expressions:
            check(one, "this", "alias", "materialized")
            alias = one.args["alias"]
            sql, columns = self.query(one.this, common, outer)
            columns = renamed(columns, alias)
            name = name_of(alias.this)
            common[name] = dict(columns)
            parts.append(f"{identifier(name)} ({', '.join(identifier(column) for column, _ in columns)}) AS ({sql})")
        return f"WITH {', '.join(parts)} ", common

    def _set(self, node: Node, common: dict[str, Columns], outer: Scope | None) -> tuple[str, Listed]:
        check(node, "this", "expression", "distinct", "order", "limit", "offset", "with_")
        with_, common = self._with(node, common, outer)
        word = {exp.Union: "UNION", exp.Intersect: "INTERSECT", exp.Except: "EXCEPT"}[type(node)]
        one, left = self.query(node.this, common, outer)
        other, right = self.query(node.expression, common, outer)
        if len(left) != len(right):
            raise SqlError(f"each {word} query must have the same number of columns", "42601")
        columns = [(name, _common(kind, his, word)) for (name, kind), (_, his) in zip(left, right, strict=True)]
        every = "" if node.args.get("distinct") else " ALL"
        sql = f"(SELECT * FROM ({one})) {word}{every} (SELECT * FROM ({other}))"
        if tail := self._tail(node, columns, None):
            return f"{with_}SELECT * FROM ({sql}){tail}", columns
        return with_ + sql, columns

    def _values(self, node: Node, common: dict[str, Columns], outer: Scope | None) -> tuple[str, Listed]:
        check(node, "expressions", "alias")
        place = Scope(self, outer=outer, common=common)
        expressions = Expressions(place, RULES)
        rows = [[expressions.of(one) for one in (row.expressions if isinstance(row, exp.Tuple) else [row])] for row in node.expressions]
        if len({len(row) for row in rows}) != 1:
            raise SqlError("VALUES lists must all be the same length", "42601")
        columns = [unified(expressions, list(column)) for column in zip(*rows, strict=True)]
        listed = ", ".join(f"({', '.join(one.sql for one in row)})" for row in zip(*columns, strict=True))
        return f"SELECT * FROM (VALUES {listed})", [(f"column{at + 1}", column[0].kind) for at, column in enumerate(columns)]

    # --- SELECT

    def _select(self, node: Node, common: dict[str, Columns], outer: Scope | None, quotients: set[int] | None) -> tuple[str, Listed]:
        check(
            node,
            "kind",
            "expressions",
            "from_",
            "joins",
            "laterals",
            "where",
            "group",
            "having",
            "windows",
            "order",
            "limit",
            "offset",
            "distinct",
            "with_",
            "operation_modifiers",
        )
        if node.args.get("kind") or node.args.get("operation_modifiers"):
            raise refuse("this SELECT")
        with_, common = self._with(node, common, outer)
        place = Scope(self, outer=outer, common=common)
        sources = origin(node, place)
        expressions = Expressions(place, RULES)
        items = [item for one in node.expressions for item in self._items(one, place, expressions)]
        if not items:
            items = [_Item("?column?", Typed("NULL", NULL), None)]
        where = f" WHERE {expressions.boolean(node.args['where'].this)}" if node.args.get("where") else ""
        group = self._group(node, items, expressions)
        grouped = f" GROUP BY {', '.join(group)}" if group else ""
        having = f" HAVING {expressions.boolean(node.args['having'].this)}" if node.args.get("having") else ""
        windows = self._windows(node, expressions)
        distinct = self._distinct(node)
        tail = self._tail(node, [(item.name, item.typed.kind) for item in items], (items, expressions))
        texts = []
        for at, item in enumerate(items):
            text = item.typed.sql
            parts = item.typed.quotient or item.typed.spread
            if quotients is not None and parts and text not in group:
                quotients.add(at)
                text = f"ROW({', '.join(f'CAST({part} AS varchar)' for part in parts)})"
            elif quotients is not None and item.typed.kind.family == "literal":
                text = f"CAST({text} AS varchar)"
            texts.append(f"{text} AS {identifier(item.name)}")
        sql = f"{with_}SELECT {distinct}{', '.join(texts)}{sources}{where}{grouped}{having}{windows}{tail}"
        return sql, [(item.name, item.typed.kind) for item in items]

    def _items(self, node: Node, place: Scope, expressions: Expressions) -> list[_Item]:
        if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
            if any(node.args.get(one) for one in ("except_", "replace", "rename")):
                raise refuse("* with exceptions")
            table = table_name(node)[:-1] if isinstance(node, exp.Column) else ()
            found = [one for one in place.sources if one.known_by(table)]
            if not found:
                missing = f'missing FROM-clause entry for table "{".".join(table)}"'
                raise SqlError(missing if table else "SELECT * with no tables specified is not valid", "42P01" if table else "42601")
            merged = [_Item(name, typed, None) for name, typed in place.merged.items()] if not table else []
            return merged + [
                _Item(name, one.column(name), None) for one in found for name in one.columns if table or name not in place.merged
            ]
        inner = node.this if isinstance(node, exp.Alias) else node
        name = name_of(node.args["alias"]) if isinstance(node, exp.Alias) else column_title(inner, lambda one: self._first(one, place))
        return [_Item(name, expressions.of(inner), inner)]

    def _first(self, node: Node, place: Scope) -> str:
        """The name of a subquery's only column."""
        _, columns = self.query(node, place.common, place)
        return columns[0][0]

    def _distinct(self, node: Node) -> str:
        found = node.args.get("distinct")
        if not found:
            return ""
        if found.args.get("on"):
            raise refuse("DISTINCT ON", "use row_number() OVER (PARTITION BY ... ORDER BY ...)")
        return "DISTINCT "

    def _group(self, node: Node, items: list[_Item], expressions: Expressions) -> list[str]:
        group = node.args.get("group")
        if not group:
            return []
        check(group, "expressions", "grouping_sets", "cube", "rollup")
        listed = [*group.expressions, *(one for key in ("grouping_sets", "cube", "rollup") for one in group.args.get(key) or [])]
        return [self._grouped(one, items, expressions) for one in listed]

    def _set_of(self, node: Node, items: list[_Item], expressions: Expressions) -> str:
        if isinstance(node, exp.Tuple):
            return f"({', '.join(self._grouped(one, items, expressions) for one in node.expressions)})"
        if isinstance(node, exp.Paren):
            return f"({self._grouped(node.this, items, expressions)})"
        if isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets):
            raise refuse("grouping sets in grouping sets")
        return self._grouped(node, items, expressions)

    def _grouped(self, node: Node, items: list[_Item], expressions: Expressions) -> str:
        """What is grouped by: a column's number, a column of FROM before one of the result, or an expression."""
        for kind, word in ((exp.GroupingSets, "GROUPING SETS"), (exp.Cube, "CUBE"), (exp.Rollup, "ROLLUP")):
            if isinstance(node, kind):
                return f"{word} ({', '.join(self._set_of(one, items, expressions) for one in node.expressions)})"
        if (at := _ordinal(node)) is not None:
            return _numbered(at, items, "GROUP BY").typed.sql
        if isinstance(node, exp.Column) and not node.args.get("table"):
            name = name_of(node.this)
            assert isinstance(expressions.around, Scope)  # noqa: S101
            if expressions.around.own(name) is None and (found := [item for item in items if item.name == name]):
                return found[0].typed.sql
        return expressions.of(node).sql

    def _windows(self, node: Node, expressions: Expressions) -> str:
        found = [
            f"{identifier(name_of(one.this))} AS ({window(expressions, _without_name(one))})" for one in node.args.get("windows") or []
        ]
        return f" WINDOW {', '.join(found)}" if found else ""

    def _tail(self, node: Node, columns: Listed, within: tuple[list[_Item], Expressions] | None) -> str:
        """ORDER BY, OFFSET and LIMIT. Without `within` only the result's own columns may be ordered by."""
        parts = []
        if order := node.args.get("order"):
            parts.append(f"ORDER BY {', '.join(self._order(one, columns, within) for one in order.expressions)}")
        if offset := node.args.get("offset"):
            check(offset, "expression", "this")
            if text := _row_count(offset.expression, "OFFSET"):
                parts.append(f"OFFSET {text}")
        if limit := node.args.get("limit"):
            parts.append(_limit(limit))
        return "".join(f" {part}" for part in parts if part)

    def _order(self, node: Node, columns: Listed, within: tuple[list[_Item], Expressions] | None) -> str:
        inner = node.this if isinstance(node, exp.Ordered) else node
        at = _ordinal(inner)
        if at is None and isinstance(inner, exp.Column) and not inner.args.get("table"):
            named = [place for place, (name, _) in enumerate(columns) if name == name_of(inner.this)]
            if within and len({within[0][place].typed.sql for place in named}) > 1:
                raise SqlError(f'ORDER BY "{name_of(inner.this)}" is ambiguous', "42702")
            at = named[0] + 1 if named else None
        if at is not None:
            if not 1 <= at <= len(columns):
                raise SqlError(f"ORDER BY position {at} is not in select list", "42P10")
            if within is None:
                return ordered(Expressions(Scope(self), RULES), node, str(at))
            return ordered(within[1], node, within[0][at - 1].typed.sql)
        if within is None:
            raise SqlError("invalid UNION/INTERSECT/EXCEPT ORDER BY clause", "0A000", "order by the names of the result's columns")
        return ordered(within[1], node)


def _without_name(node: Node) -> Node:
    copy = node.copy()
    copy.set("this", None)
    return copy


def _clauses(node: Node) -> bool:
    return any(node.args.get(one) for one in ("order", "limit", "offset", "with_"))


def _common(one: Kind, other: Kind, word: str) -> Kind:
    if one.open:
        return other
    if other.open or one.family == other.family:
        if one.family == "int":
            return one if one.bits >= other.bits else other
        return one if one.family != "decimal" or one.scale == other.scale else Kind("decimal")
    if one.numeric and other.numeric:
        if "real" in (one.family, other.family):
            raise refuse(f"{word} of real and another type", "cast both to double precision")
        return one if one.family == "double" or (one.family == "decimal" and other.family == "int") else other
    raise SqlError(f"{word} types {one} and {other} cannot be matched", "42804", "cast one of them")


def _ordinal(node: Node) -> int | None:
    return int(node.name) if isinstance(node, exp.Literal) and not node.is_string and node.name.isdecimal() else None


def _numbered(at: int, items: list[_Item], clause: str) -> _Item:
    if not 1 <= at <= len(items):
        raise SqlError(f"{clause} position {at} is not in select list", "42P10")
    return items[at - 1]


def _row_count(node: Node, clause: str) -> str | None:
    """A number of rows; None is no limit."""
    if (
        isinstance(node, exp.Null)
        or (isinstance(node, exp.Column) and node.name.upper() == "ALL")
        or (isinstance(node, exp.Var) and node.name.upper() == "ALL")
    ):
        return None
    inner = node
    while isinstance(inner, exp.Cast | exp.Paren):
        inner = inner.this
    if not (isinstance(inner, exp.Literal) and inner.name.isdecimal()):
        raise refuse(f"{clause} of what isn't a number")
    return str(int(inner.name))


def _limit(node: Node) -> str:
    if isinstance(node, exp.Fetch):
        check(node, "direction", "count", "limit_options")
        options = node.args.get("limit_options")
        if options and options.args.get("percent"):
            raise refuse("FETCH ... PERCENT")
        count = _row_count(node.args["count"], "FETCH") if node.args.get("count") else "1"
        return f"FETCH FIRST {count} ROWS {'WITH TIES' if options and options.args.get('with_ties') else 'ONLY'}"
    check(node, "this", "expression")
    count = _row_count(node.expression, "LIMIT")
    return f"LIMIT {count}" if count is not None else ""

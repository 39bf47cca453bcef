"""FROM: the tables, queries and joins that a query is of, and what names of columns mean there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlglot import exp

from bdc.sql.pgwire.dialect.comparisons import compared
from bdc.sql.pgwire.dialect.expressions import Expressions
from bdc.sql.pgwire.dialect.fragments import Node, Typed, check, name_of, refuse
from bdc.sql.pgwire.dialect.parsing import Columns, Name, Tables, table_name
from bdc.sql.pgwire.dialect.rules import RULES
from bdc.sql.pgwire.dialect.types import TEXT, Kind
from bdc.sql.pgwire.errors import SYNTAX_ERROR, UNDEFINED_TABLE, SqlError
from bdc.sql.quoting import identifier

Listed = list[tuple[str, Kind]]
"""A result's columns in their order."""


class Queries(Protocol):
    """What translates the queries in FROM, and in expressions."""

    tables: Tables
    user: str

    def query(self, node: Node, common: dict[str, Columns], outer: Scope | None) -> tuple[str, Listed]:
        """A query, with the names of its columns and their types. Raises SqlError."""


@dataclass
class TableSource:
    """What stands in FROM: its alias and columns. `whole`: a table's name as it was written, by which it is known too where it has no alias
    of its own; `sql` is its name in Trino's text."""

    alias: str
    columns: Columns
    whole: Name = ()
    sql: str = ""

    def known_by(self, name: Name) -> bool:
        """Whether a column `name.column` may be one of it; the empty name is that of any."""
        return name in ((), (self.alias,)) or (len(name) > 1 and self.whole[-len(name) :] == name)

    def column(self, name: str) -> Typed:
        """A column of it."""
        return Typed(f"{identifier(self.sql or self.alias)}.{identifier(name)}", self.columns[name])


@dataclass
class Scope:
    """Where an expression stands: what its names may mean, there and in the queries around."""

    queries: Queries
    sources: list[TableSource] = field(default_factory=list)
    merged: dict[str, Typed] = field(default_factory=dict)
    """Columns that JOIN ... USING has made one of two."""
    outer: Scope | None = None
    common: dict[str, Columns] = field(default_factory=dict)

    @property
    def user(self) -> str:
        """Who asks."""
        return self.queries.user

    def column(self, name: str, table: Name) -> Typed:
        """A column by its name, of the nearest query that has one."""
        place: Scope | None = self
        while place is not None:
            if found := place.own(name, table):
                return found
            place = place.outer
        whole = ".".join((*table, name))
        raise SqlError(f"column {whole} does not exist" if table else f'column "{name}" does not exist', "42703")

    def own(self, name: str, table: Name = ()) -> Typed | None:
        """A column of this query's FROM."""
        if not table and name in self.merged:
            return self.merged[name]
        found = [one for one in self.sources if name in one.columns and one.known_by(table)]
        if len(found) > 1:
            raise SqlError(f'column reference "{name}" is ambiguous', "42702")
        return found[0].column(name) if found else None

    def subquery(self, node: Node) -> tuple[str, list[Kind]]:
        """A query in an expression."""
        sql, columns = self.queries.query(node, self.common, self)
        return f"({sql})", [kind for _, kind in columns]


def origin(node: Node, place: Scope) -> str:
    """A query's FROM with its joins; what stands there become the place's sources. Raises SqlError."""
    found = node.args.get("from_")
    if not found:
        return ""
    if node.args.get("laterals"):
        raise refuse("this LATERAL")
    text = _joined(found.this, node.args.get("joins") or [], place)
    return f" FROM {text}"


def _joined(first: Node, joins: Sequence[Node], place: Scope) -> str:
    text = _source(first, place)
    for join in joins:
        text = _join(text, join, place)
    return text


def _join(left: str, join: Node, place: Scope) -> str:
    check(join, "this", "on", "using", "side", "kind", "method")
    method, side, kind = (str(join.args.get(one) or "").upper() for one in ("method", "side", "kind"))
    before = len(place.sources)
    right = _source(join.this, place, lateral=place)
    if method == "NATURAL":
        mine = {name for one in place.sources[:before] for name in one.columns}
        using = [name for one in place.sources[before:] for name in one.columns if name in mine]
    else:
        using = [name_of(one) for one in join.args.get("using") or []]
    if method not in ("", "NATURAL") or kind not in ("", "INNER", "OUTER", "CROSS") or side not in ("", "LEFT", "RIGHT", "FULL"):
        raise refuse(f"{method or kind or side} JOIN")
    condition = None
    if using:
        condition = " AND ".join(_same(name, before, side, place) for name in using)
    elif join.args.get("on"):
        condition = Expressions(place, RULES).boolean(join.args["on"])
    if condition is None:
        if side:
            raise SqlError("syntax error: a join without its condition", SYNTAX_ERROR)
        return f"{left} CROSS JOIN {right}"
    return f"{left} {side + ' ' if side else ''}JOIN {right} ON {condition}"


def _same(name: str, before: int, side: str, place: Scope) -> str:
    """The condition of one column of USING, which is one from here on."""
    one = place.merged.get(name) or _only(name, place.sources[:before])
    other = _only(name, place.sources[before:])
    expressions = Expressions(place, RULES)
    left, right = expressions.alike(one, other)
    kept = {"LEFT": one, "RIGHT": other, "FULL": Typed(f"coalesce({one.sql}, {other.sql})", one.kind)}.get(side, one)
    place.merged[name] = kept
    return compared(left, right, "=")


def _source(node: Node, place: Scope, lateral: Scope | None = None) -> str:
    if isinstance(node, exp.Paren):
        return _source(node.this, place, lateral)
    if isinstance(node, exp.Lateral):
        check(node, "this", "alias")
        sql, columns = place.queries.query(_inside(node.this), place.common, lateral)
        alias = node.args["alias"]
        return "LATERAL " + _aliased(place, f"({sql})", columns, alias)
    if isinstance(node, exp.Subquery):
        inner = _inside(node)
        if _is_join(inner) and not node.args.get("alias"):
            check(node, "this", "joins")
            text = _joined(inner, node.args.get("joins") or [], place)
            return f"({text})"
        check(node, "this", "alias", "order", "limit", "offset", "with_", "joins")
        bare = node.copy()
        bare.set("alias", None)
        bare.set("joins", None)
        sql, columns = place.queries.query(bare, place.common, place.outer)
        text = _aliased(place, f"({sql})", columns, node.args.get("alias"))
        for join in node.args.get("joins") or []:
            text = _join(text, join, place)
        return text
    if isinstance(node, exp.Values):
        sql, columns = place.queries.query(node, place.common, place.outer)
        return _aliased(place, f"({sql})", columns, node.args.get("alias"))
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
        return _table(node, place)
    raise refuse(f"{node.sql(dialect='postgres')[:80]} in FROM")


def _table(node: Node, place: Scope) -> str:
    check(node, "this", "db", "catalog", "alias", "joins", "only", "sample")
    parts, alias = table_name(node), node.args.get("alias")
    if len(parts) == 1 and parts[0] in place.common:
        text, columns = identifier(parts[0]), place.common[parts[0]]
    elif parts in place.queries.tables.of:
        text, columns = place.queries.tables.of[parts]
    else:
        raise SqlError(f'relation "{".".join(parts)}" does not exist', UNDEFINED_TABLE)
    text = _aliased(place, text, list(columns.items()), alias, parts) + _sample(node.args.get("sample"))
    joins = node.args.get("joins") or []
    if joins:
        for join in joins:
            text = _join(text, join, place)
        return f"({text})"
    return text


def _sample(node: Node | None) -> str:
    """TABLESAMPLE, which ANALYZE asks for. SYSTEM is another thing in Trino: whole splits, of which many sources have one."""
    if not node:
        return ""
    check(node, "method", "percent")
    method, part = node.args.get("method"), node.args.get("percent")
    if not method or method.name.upper() != "BERNOULLI" or not isinstance(part, exp.Literal) or part.is_string:
        raise refuse(f"{node.sql(dialect='postgres')[:80].strip()}", "TABLESAMPLE BERNOULLI (percent)")
    return f" TABLESAMPLE BERNOULLI ({part.name})"


def _inside(node: Node) -> Node:
    """What is in parentheses."""
    return node.this if isinstance(node, exp.Subquery) else node


def _is_join(inner: Node) -> bool:
    """Whether what FROM has in parentheses is a join, not a query: (a JOIN b), ((a JOIN b) JOIN c), ((SELECT ...) x JOIN c)."""
    if not isinstance(inner, exp.Subquery):
        return isinstance(inner, exp.Table)
    return bool(inner.args.get("alias") or inner.args.get("joins")) or _is_join(inner.this)


def _only(name: str, sources: list[TableSource]) -> Typed:
    found = [one for one in sources if name in one.columns]
    if len(found) != 1:
        raise SqlError(
            f'common column name "{name}" appears more than once' if found else f'column "{name}" specified in USING clause does not exist',
            "42702" if found else "42703",
        )
    return found[0].column(name)


def renamed(columns: Listed, alias: Node | None) -> Listed:
    """Columns by the names that an alias gives them. Raises SqlError."""
    new = [name_of(one) for one in (alias.args.get("columns") or [])] if alias else []
    if len(new) > len(columns):
        raise SqlError(f"there are {len(columns)} columns, and {len(new)} names for them", "42P10")
    return [(new[at] if at < len(new) else name, kind) for at, (name, kind) in enumerate(columns)]


def _aliased(place: Scope, text: str, columns: Listed, alias: Node | None, table: Name = ()) -> str:
    """What stands in FROM, with its name there; it becomes one of the place's sources. `table`: its name, where it is a table."""
    own = name_of(alias.this) if alias and alias.this else ""
    name = own or (table[-1] if table else f"unnamed_{len(place.sources)}")
    whole = table if not own and len(table) > 1 else ()
    same = [one for one in place.sources if one.alias == name]
    if any(not whole or one.whole in ((), whole) for one in same):
        raise SqlError(f'table name "{name}" specified more than once', "42712")
    known = f"{name} {len(place.sources)}" if same else name
    found = renamed(columns, alias)
    if table and found == columns:
        place.sources.append(TableSource(name, dict(columns), whole, known))
        return f"{text} AS {identifier(known)}"
    if not table and len({column for column, _ in found}) < len(found):
        raise refuse("a subquery with two columns of one name", "give them names with AS")
    place.sources.append(TableSource(name, {column: _closed(kind) for column, kind in found}))
    listed = f" ({', '.join(identifier(column) for column, _ in found)})"
    return f"{text} AS {identifier(name)}{listed}"


def _closed(kind: Kind) -> Kind:
    return TEXT if kind.open else kind

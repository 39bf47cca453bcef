"""Tables, queries and APPLY in FROM."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from bdc.sql.polybase.dialects import HINTS
from bdc.sql.polybase.tsql.expressions import Around, Expressions, Listing, Scope, TableSource
from bdc.sql.polybase.tsql.kinds import Kind, kind
from bdc.sql.polybase.tsql.operators import together
from bdc.sql.polybase.tsql.typed import Node, check, refuse, shown

Make = Callable[[Scope], Expressions]


def from_clause(node: Node, around: Around, scope: Scope, make: Make) -> tuple[Node | None, list[Node]]:
    """What stands after FROM, and the joins; their columns are known in the scope from then on."""
    found = node.args.get("from_")
    first = _source(found.this, around, scope, make) if found else None
    joins = [_join(one, around, scope, make) for one in [*(node.args.get("joins") or []), *(node.args.get("laterals") or [])]]
    return exp.From(this=first) if first is not None else None, joins


def _join(node: Node, around: Around, scope: Scope, make: Make) -> Node:
    if isinstance(node, exp.Lateral):
        return _apply(node, around, scope, make)
    check(node, "this", "side", "kind", "on")
    if isinstance(node.this, exp.Lateral):
        return _apply(node.this, around, scope, make)
    kind = str(node.args.get("kind") or "")
    if kind not in ("", "INNER", "OUTER", "CROSS"):
        raise refuse(f"{kind} JOIN", "use INNER, LEFT, RIGHT, FULL or CROSS JOIN")
    joined = _source(node.this, around, scope, make)
    on = node.args.get("on")
    return exp.Join(this=joined, side=node.args.get("side"), kind=kind or None, on=make(scope).of(on).node if on else None)


def _apply(node: Node, around: Around, scope: Scope, make: Make) -> Node:
    """CROSS APPLY and OUTER APPLY of a query."""
    check(node, "this", "alias", "cross_apply")
    if not isinstance(node.this, exp.Subquery):
        raise refuse(f"APPLY of {shown(node.this)}", "APPLY (SELECT ...) AS alias")
    made, listing = _derived(node.this.this, node.args.get("alias"), around, scope, make)
    scope.sources.append(TableSource(node.alias, lambda: named(listing)))
    lateral = exp.Lateral(this=exp.Subquery(this=made), alias=_copy(node.args.get("alias")))
    if node.args.get("cross_apply"):
        return exp.Join(this=lateral, kind="CROSS")
    return exp.Join(this=lateral, side="LEFT", on=exp.Boolean(this=True))


def _source(node: Node, around: Around, scope: Scope, make: Make) -> Node:
    if isinstance(node, exp.Table):
        return _table(node, around, scope)
    if isinstance(node, exp.Subquery | exp.Values):
        _no_pivots(node)
        check(node, "this", "alias", "expressions")
        inner = node.this if isinstance(node, exp.Subquery) else node
        made, listing = _derived(inner, node.args.get("alias"), around, scope.outer, make, scope)
        scope.sources.append(TableSource(node.alias, lambda: named(listing)))
        if isinstance(node, exp.Values):
            made.set("alias", _copy(node.args.get("alias")))
            return made
        return exp.Subquery(this=made, alias=_copy(node.args.get("alias")))
    raise refuse(f"{shown(node)} in FROM", "name a table, or write (SELECT ...) AS alias")


def _derived(
    node: Node, alias: Node | None, around: Around, outer: Scope | None, make: Make, beside: Scope | None = None
) -> tuple[Node, Listing]:
    """A query in FROM, or VALUES. A plain one sees what is around the whole SELECT, one of APPLY also what stands before it."""
    common = beside.common if beside else outer.common if outer else {}
    inner = Scope(outer, common)
    made, listing = values(node, make(inner)) if isinstance(node, exp.Values) else around.query(node, inner)
    return made, renamed(listing, alias)


def renamed(listing: Listing, alias: Node | None) -> Listing:
    """The columns by the names that an alias gives them."""
    names = [one.name for one in alias.args.get("columns") or []] if alias else []

    def found() -> list[tuple[str, Kind]] | None:
        listed = listing()
        return listed and [(names[at] if at < len(names) else name, kind) for at, (name, kind) in enumerate(listed)]

    return found


def named(listing: Listing) -> Mapping[str, Kind] | None:
    """The columns by their names in lower case."""
    listed = listing()
    return None if listed is None else {name.lower(): kind for name, kind in listed if name}


def values(node: Node, expressions: Expressions) -> tuple[Node, Listing]:
    """VALUES, whose columns have no names of their own."""
    rows = [[expressions.of(one) for one in (row.expressions if isinstance(row, exp.Tuple) else [row])] for row in node.expressions]
    made = exp.Values(expressions=[exp.Tuple(expressions=[one.node for one in row]) for row in rows])
    return made, lambda: [("", together(list(column))) for column in zip(*rows, strict=False)]


def _table(node: Node, around: Around, scope: Scope) -> Node:
    made = table(node)
    parts = tuple(part.name for part in node.parts)
    if len(parts) == 1 and parts[0].lower() in scope.common:
        scope.sources.append(TableSource(node.alias_or_name, scope.common[parts[0].lower()]))
        return made

    def columns() -> Mapping[str, Kind] | None:
        found = around.columns(parts)
        return None if found is None else {name: kind(text) for name, text in found.items()}

    scope.sources.append(TableSource(node.alias_or_name, columns))
    return made


def table(node: Node) -> Node:
    """A table's name, without hints about locks. Raises UntranslatableError for all else that may stand there."""
    if not isinstance(node.this, exp.Identifier):
        form = str(node.this.sql(dialect="tsql")).partition("(")[0]
        raise refuse(f"{form}(...) as a table", _TABLES.get(form.upper(), "write the statement in Trino's SQL"))
    if node.this.args.get("temporary"):
        raise refuse(f"#{node.this.name}, a temporary table,", "use WITH name AS (SELECT ...)")
    for hint in node.args.get("hints") or []:
        for one in hint.expressions:
            if one.name.upper() not in HINTS:
                raise refuse(f"the hint {one.sql(dialect='tsql')}", "leave it out")
    _no_pivots(node)
    check(node, "this", "db", "catalog", "alias", "hints")
    return exp.Table(
        this=node.this.copy(), db=_copy(node.args.get("db")), catalog=_copy(node.args.get("catalog")), alias=_copy(node.args.get("alias"))
    )


def _no_pivots(node: Node) -> None:
    if pivots := node.args.get("pivots"):
        form = "UNPIVOT" if pivots[0].args.get("unpivot") else "PIVOT"
        raise refuse(form, "use SUM(CASE WHEN ... THEN x END), or UNION ALL to turn columns into rows")


_TABLES = {
    "STRING_SPLIT": "in a statement of Trino's: FROM UNNEST(split(text, ',')) AS t (value)",
    "OPENJSON": "in a statement of Trino's: json_value and json_query, or UNNEST(CAST(json_parse(text) AS array(json)))",
    "OPENROWSET": "make an external table of the files: CREATE EXTERNAL TABLE",
    "GENERATE_SERIES": "in a statement of Trino's: FROM UNNEST(sequence(1, 10)) AS t (value)",
}


def _copy(node: Node | None) -> Node | None:
    return node.copy() if node is not None else None

"""Statements and the clauses of queries."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlglot import exp

from bdc.sql.polybase.errors import UntranslatableError
from bdc.sql.polybase.tsql.aggregates import AGGREGATES, ordered
from bdc.sql.polybase.tsql.casts import CASTS, data_type
from bdc.sql.polybase.tsql.expressions import Around, Columns, Expressions, Listing, Scope
from bdc.sql.polybase.tsql.kinds import Kind, wider
from bdc.sql.polybase.tsql.moments import MOMENTS
from bdc.sql.polybase.tsql.operators import OPERATORS, alike
from bdc.sql.polybase.tsql.sources import from_clause, named, renamed, table, values
from bdc.sql.polybase.tsql.strings import NUMBERS, STRINGS
from bdc.sql.polybase.tsql.typed import Node, check, refuse, shown

RULES = {**OPERATORS, **CASTS, **MOMENTS, **STRINGS, **NUMBERS, **AGGREGATES}
"""All rules of expressions: what writes a node of sqlglot's, by its class or, of a function that sqlglot doesn't know, its name."""

_SELECT = (
    "expressions",
    "from_",
    "joins",
    "laterals",
    "where",
    "group",
    "having",
    "order",
    "limit",
    "offset",
    "distinct",
    "with_",
    "into",
    "for_",
)


class Translation:
    """One statement's translation. `notes` are what there is to say of it."""

    def __init__(self, columns: Columns) -> None:
        self._around = Around(columns, self.query)

    @property
    def notes(self) -> set[str]:
        """What a user should know of the answer."""
        return self._around.notes

    @property
    def differences(self) -> set[str]:
        """What Trino makes otherwise of the same text."""
        return self._around.differences

    def statement(self, tree: Node) -> Node:
        """A statement of T-SQL as Trino's. Raises UntranslatableError."""
        if tree is None or isinstance(tree, exp.Command):
            raise UntranslatableError("this statement of T-SQL has no translation", "write it in Trino's SQL")
        for kind, rule in _STATEMENTS.items():
            if isinstance(tree, kind):
                return rule(self, tree)
        return self.query(tree, Scope())[0]

    def make(self, scope: Scope) -> Expressions:
        """What writes expressions in a scope."""
        return Expressions(self._around, scope, RULES)

    def query(self, node: Node, outer: Scope) -> tuple[Node, Listing]:
        """A query, with its columns' names and kinds."""
        if isinstance(node, exp.Subquery):
            check(node, "this", "order", "limit", "offset")
            inner, listing = self.query(node.this, outer)
            made = exp.Subquery(this=inner)
            self._tail(node, made, None, self.make(Scope(outer, outer.common)))
            return made, listing
        if isinstance(node, exp.SetOperation):
            return self._set(node, outer)
        if isinstance(node, exp.Values):
            return values(node, self.make(outer))
        if isinstance(node, exp.Select):
            return self._select(node, outer)
        raise refuse(
            shown(node),
            "there are no variables: write their values" if isinstance(node, exp.Declare) else "write the statement in Trino's SQL",
        )

    def _with(self, node: Node, made: Node, outer: Scope) -> Scope:
        """The scope of what follows WITH."""
        found = node.args.get("with_")
        if not found:
            return outer
        common, ctes = dict(outer.common), []
        for one in found.expressions:
            check(one, "this", "alias")
            name = one.alias
            if any(len(used.parts) == 1 and used.name.lower() == name.lower() for used in one.this.find_all(exp.Table)):
                raise refuse(f"WITH {name}, which reads itself,", f"in a statement of Trino's: WITH RECURSIVE {name} (columns) AS (...)")
            inner, listing = self.query(one.this, Scope(None, dict(common)))
            common[name.lower()] = partial(named, renamed(listing, one.args["alias"]))
            ctes.append(exp.CTE(this=inner, alias=one.args["alias"].copy()))
        made.set("with_", exp.With(expressions=ctes))
        return Scope(outer.outer, common, outer.sources)

    def _set(self, node: Node, outer: Scope) -> tuple[Node, Listing]:
        check(node, "this", "expression", "distinct", "order", "limit", "offset", "with_")
        made = type(node)(distinct=bool(node.args.get("distinct")))
        outer = self._with(node, made, outer)
        (one, left), (other, right) = self.query(node.this, outer), self.query(node.expression, outer)
        made.set("this", one)
        made.set("expression", other)
        self._tail(node, made, None, self.make(Scope(outer, outer.common)))

        def listing() -> list[tuple[str, Kind]] | None:
            one_side, other_side = left(), right()
            if one_side is None or other_side is None:
                return None
            return [(name, wider(kind, his)) for (name, kind), (_, his) in zip(one_side, other_side, strict=False)]

        return made, listing

    def _select(self, node: Node, outer: Scope) -> tuple[Node, Listing]:
        check(node, *_SELECT)
        if node.args.get("into"):
            raise refuse("SELECT ... INTO", "use CREATE TABLE ... AS SELECT, or CREATE EXTERNAL TABLE ... AS SELECT")
        if clause := node.args.get("for_"):
            raise refuse(f"FOR {clause.args.get('kind')}", "use STRING_AGG(x, ','), or -o json")
        made = exp.Select()
        outer = self._with(node, made, outer)
        scope = Scope(outer, outer.common)
        first, joins = from_clause(node, self._around, scope, self.make)
        made.set("from_", first)
        made.set("joins", joins)
        expressions = self.make(scope)
        items = [self._item(one, expressions, scope) for one in node.expressions]
        made.set("expressions", [one for one, _ in items])
        if node.args.get("distinct"):
            check(node.args["distinct"])
            made.set("distinct", exp.Distinct())
        for clause_name, kind in (("where", exp.Where), ("having", exp.Having)):
            if found := node.args.get(clause_name):
                made.set(clause_name, kind(this=expressions.of(found.this).node))
        if group := node.args.get("group"):
            made.set("group", self._group(group, expressions))
        self._tail(node, made, {one.alias_or_name.lower() for one in node.expressions if isinstance(one, exp.Alias)}, expressions)

        def listing() -> list[tuple[str, Kind]] | None:
            found: list[tuple[str, Kind]] = []
            for _, columns in items:
                listed = columns()
                if listed is None:
                    return None
                found += listed
            return found

        return made, listing

    def _item(self, node: Node, expressions: Expressions, scope: Scope) -> tuple[Node, Listing]:
        if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
            check(node, "this", "table", "db", "catalog")
            return node.copy(), partial(_all, scope, node.table.lower() if isinstance(node, exp.Column) else "")
        inner = node.this if isinstance(node, exp.Alias) else node
        found = expressions.of(inner)
        made = exp.Alias(this=found.node, alias=node.args["alias"].copy()) if isinstance(node, exp.Alias) else found.node
        return made, lambda: [(node.alias_or_name, found.kind)]

    def _group(self, node: Node, expressions: Expressions) -> Node:
        check(node, "expressions", "rollup", "cube", "grouping_sets")
        made = exp.Group()
        for name in ("expressions", "rollup", "cube", "grouping_sets"):
            if found := node.args.get(name):
                made.set(name, [self._grouped(one, expressions) for one in found])
        return made

    def _grouped(self, node: Node, expressions: Expressions) -> Node:
        if isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple):
            return type(node)(expressions=[self._grouped(one, expressions) for one in node.expressions])
        found = expressions.of(node)
        expressions.text_is_compared(found)
        return found.node

    def _tail(self, node: Node, made: Node, aliases: set[str] | None, expressions: Expressions) -> None:
        """ORDER BY, OFFSET and the number of rows. `aliases` are names of the result; None where there are no others."""
        if order := node.args.get("order"):
            sorts = []
            for one in order.expressions:
                own = (
                    isinstance(one.this, exp.Column)
                    and not one.this.args.get("table")
                    and (aliases is None or one.this.name.lower() in aliases)
                )
                sorts.append(ordered(expressions, one, one.this.copy() if own else None))
            made.set("order", exp.Order(expressions=sorts))
        if offset := node.args.get("offset"):
            check(offset, "expression")
            made.set("offset", exp.Offset(expression=expressions.of(offset.expression).node))
        if limit := node.args.get("limit"):
            made.set("limit", _limit(limit, expressions))

    # --- statements that change something

    def insert(self, node: Node) -> Node:
        """INSERT of a query's rows, or of VALUES."""
        check(node, "this", "expression")
        into = node.this
        listed = isinstance(into, exp.Schema)
        made = table(into.this if listed else into)
        rows, _ = self.query(node.expression, Scope())
        target = exp.Schema(this=made, expressions=[one.copy() for one in into.expressions]) if listed else made
        return exp.Insert(this=target, expression=rows)

    def update(self, node: Node) -> Node:
        """UPDATE of one table."""
        if node.args.get("from_"):
            raise refuse("UPDATE ... FROM", "use MERGE INTO t USING ... ON ... WHEN MATCHED THEN UPDATE SET ...")
        check(node, "this", "expressions", "where")
        scope = Scope()
        made = self._changed(node.this, scope)
        return exp.Update(this=made, expressions=self._assigned(node.expressions, scope), where=self._where(node, scope))

    def delete(self, node: Node) -> Node:
        """DELETE from one table."""
        check(node, "this", "where")
        scope = Scope()
        made = self._changed(node.this, scope)
        return exp.Delete(this=made, where=self._where(node, scope))

    def merge(self, node: Node) -> Node:
        """MERGE by the table's own rows."""
        check(node, "this", "using", "on", "whens")
        scope = Scope()
        made = self._changed(node.this, scope)
        beside = Scope()
        using, _ = from_clause(exp.Select().from_(node.args["using"], copy=False), self._around, beside, self.make)
        assert using is not None  # noqa: S101 it was given
        scope.sources += beside.sources
        on = self.make(scope).of(node.args["on"]).node
        whens = [self._when(one, scope) for one in node.args["whens"].expressions]
        return exp.Merge(this=made, using=using.this, on=on, whens=exp.Whens(expressions=whens))

    def _when(self, node: Node, scope: Scope) -> Node:
        check(node, "matched", "source", "condition", "then")
        if node.args.get("source"):
            raise refuse("WHEN NOT MATCHED BY SOURCE", "use DELETE or UPDATE ... WHERE NOT EXISTS (...) after it")
        condition, then = node.args.get("condition"), node.args["then"]
        if isinstance(then, exp.Update):
            then = exp.Update(expressions=self._assigned(then.expressions, scope))
        elif isinstance(then, exp.Insert):
            check(then, "this", "expression")
            given = [self.make(scope).of(one).node for one in then.expression.expressions]
            then = exp.Insert(this=then.this.copy() if then.this else None, expression=exp.Tuple(expressions=given))
        else:
            then = then.copy()
        found = self.make(scope).of(condition).node if condition else None
        return exp.When(matched=node.args["matched"], source=False, condition=found, then=then)

    def _changed(self, node: Node, scope: Scope) -> Node:
        if not isinstance(node, exp.Table):
            raise refuse(shown(node), "name a table")
        first, _ = from_clause(exp.Select().from_(node), self._around, scope, self.make)
        assert first is not None  # noqa: S101 it was given
        return first.this

    def _assigned(self, nodes: list[Node], scope: Scope) -> list[Node]:
        """What stands after SET: Trino's columns have no table before them."""
        made, expressions = [], self.make(scope)
        for node in nodes:
            if not (isinstance(node, exp.EQ) and isinstance(node.this, exp.Column)):
                raise refuse(shown(node), "SET column = value")
            column = expressions.of(node.this)
            _, value = alike(expressions, column, expressions.of(node.expression))
            made.append(exp.EQ(this=exp.column(node.this.this.copy()), expression=value.node))
        return made

    def _where(self, node: Node, scope: Scope) -> Node | None:
        found = node.args.get("where")
        return exp.Where(this=self.make(scope).of(found.this).node) if found else None

    def create(self, node: Node) -> Node:
        """CREATE TABLE with columns or of a query, and CREATE VIEW."""
        kind = str(node.args.get("kind")).upper()
        if kind not in ("TABLE", "VIEW"):
            raise refuse(f"CREATE {kind}", "write the statement in Trino's SQL, or in PostgreSQL's: --engine master")
        check(node, "this", "kind", "expression", "exists", "replace")
        into = node.this
        listed = isinstance(into, exp.Schema)
        made: Node = table(into.this if listed else into)
        if listed:
            made = exp.Schema(this=made, expressions=[_defined(one) for one in into.expressions])
        rows = self.query(node.args["expression"], Scope())[0] if node.args.get("expression") else None
        return exp.Create(this=made, kind=kind, expression=rows, exists=node.args.get("exists"), replace=node.args.get("replace"))


def _defined(node: Node) -> Node:
    """A column of CREATE TABLE."""
    if not isinstance(node, exp.ColumnDef):
        raise refuse(f"{shown(node)} in CREATE TABLE", "leave it out: tables here have no keys and checks")
    check(node, "this", "kind", "constraints")
    kept = []
    for constraint in node.args.get("constraints") or []:
        if not isinstance(constraint.kind, exp.NotNullColumnConstraint):
            raise refuse(f"{shown(constraint)} of the column {node.name}", "leave it out, and give the value in INSERT")
        if not constraint.kind.args.get("allow_null"):
            kept.append(constraint.copy())
    kind = exp.DataType.build(data_type(node.args["kind"], 1), dialect="trino")
    return exp.ColumnDef(this=node.this.copy(), kind=kind, constraints=kept)


def _as_it_is(_: Translation, node: Node) -> Node:
    for found in node.find_all(exp.Table):
        table(found)
    return node.copy()


_STATEMENTS: dict[type, Callable[[Translation, Node], Node]] = {
    exp.Insert: Translation.insert,
    exp.Update: Translation.update,
    exp.Delete: Translation.delete,
    exp.Merge: Translation.merge,
    exp.Create: Translation.create,
    exp.Drop: _as_it_is,
    exp.TruncateTable: _as_it_is,
}


def _limit(node: Node, expressions: Expressions) -> Node:
    options = node.args.get("limit_options")
    if options and options.args.get("percent"):
        raise refuse("TOP ... PERCENT", "use TOP with a number, or ntile(100)")
    if isinstance(node, exp.Fetch):
        check(node, "direction", "count", "limit_options")
        return node.copy()
    check(node, "this", "expression", "limit_options")
    count = expressions.of(node.expression).node
    count = count.this if isinstance(count, exp.Paren) else count
    if options and options.args.get("with_ties"):
        return exp.Fetch(direction="FIRST", count=count, limit_options=exp.LimitOptions(rows=True, with_ties=True))
    return exp.Limit(expression=count)


def _all(scope: Scope, name: str) -> list[tuple[str, Kind]] | None:
    """The columns of *, or of a table's."""
    found: list[tuple[str, Kind]] = []
    for source in scope.sources:
        if name in ("", source.name.lower()):
            columns = source.columns()
            if columns is None:
                return None
            found += columns.items()
    return found

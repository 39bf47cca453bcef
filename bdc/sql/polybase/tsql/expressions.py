"""What writes expressions: the rule of each node, and where the names in it are looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from bdc.sql.polybase.tsql.kinds import UNKNOWN, Kind
from bdc.sql.polybase.tsql.typed import Node, Typed, refuse, shown

Columns = Callable[[tuple[str, ...]], Mapping[str, str] | None]
"""The columns of a table, by the parts of its name: names in lower case, and types as Trino writes them. None where it isn't known."""

Listing = Callable[[], "list[tuple[str, Kind]] | None"]
"""The columns of a query in order, worked out when they are asked for: names, "" for one without, and kinds. None if they aren't known."""

Rule = Callable[["Expressions", Node], Typed]

CASE_NOTE = (
    "strings are compared with regard to case and to blanks at their end, as with a binary collation; "
    "lower(...) and rtrim(...) on both sides compare without"
)


@dataclass
class TableSource:
    """Something in FROM: the name it goes by, and its columns, which are asked for when they are needed."""

    name: str
    find: Callable[[], Mapping[str, Kind] | None]
    _found: Mapping[str, Kind] | None = None
    _asked: bool = False

    def columns(self) -> Mapping[str, Kind] | None:
        """Its columns; None where they aren't known."""
        if not self._asked:
            self._asked, self._found = True, self.find()
        return self._found


@dataclass
class Scope:
    """Where names mean something: the sources of a SELECT, and those around it."""

    outer: Scope | None = None
    common: Mapping[str, Callable[[], Mapping[str, Kind] | None]] = field(default_factory=dict)
    sources: list[TableSource] = field(default_factory=list)

    def kind(self, table: str, name: str) -> Kind:
        """The kind of a column."""
        for source in self.sources:
            if table in ("", source.name.lower()):
                columns = source.columns()
                if columns is None:
                    if table or len(self.sources) == 1:
                        return UNKNOWN
                elif name in columns:
                    return columns[name]
        return self.outer.kind(table, name) if self.outer else UNKNOWN


class Around:
    """What a translation has for all of its queries."""

    def __init__(self, columns: Columns, query: Callable[[Node, Scope], tuple[Node, Listing]]) -> None:
        self.columns, self.query = columns, query
        self.notes: set[str] = set()
        self.differences: set[str] = set()


class Expressions:
    """Expressions in one scope."""

    def __init__(self, around: Around, scope: Scope, rules: Mapping[type | str, Rule]) -> None:
        self.around, self.scope, self._rules = around, scope, rules

    def of(self, node: Node) -> Typed:
        """An expression, in parentheses where a call became an operator. Raises UntranslatableError for what has no rule."""
        found = self._rule(node)(self, node)
        if (
            isinstance(found.node, exp.Binary | exp.Unary)
            and not isinstance(node, exp.Binary | exp.Unary)
            and not isinstance(found.node, exp.Paren)
        ):
            return Typed(exp.Paren(this=found.node), lambda: found.kind)
        return found

    def _rule(self, node: Node) -> Rule:
        if isinstance(node, exp.Anonymous):
            name = str(node.this).upper()
            if rule := self._rules.get(name):
                return rule
            raise refuse(f"the function {name}", INSTEAD.get(name, "docs/sql.md lists T-SQL's functions that are known here"))
        if rule := self._rules.get(type(node)):
            return rule
        raise refuse(shown(node), INSTEAD.get(node.key.upper(), "write the statement in Trino's SQL"))

    def nodes(self, found: Iterable[Node]) -> list[Node]:
        """Expressions, where only their text is needed."""
        return [self.of(one).node for one in found]

    def query(self, node: Node) -> tuple[Node, Listing]:
        """A query within this one."""
        return self.around.query(node, self.scope)

    def differs(self, text: str) -> None:
        """Remember what Trino makes otherwise of the same words."""
        self.around.differences.add(text)

    def text_is_compared(self, *sides: Typed) -> None:
        """Remember to say how strings are compared, if these are strings."""
        if CASE_NOTE not in self.around.notes and any(side.kind.text for side in sides):
            self.around.notes.add(CASE_NOTE)


_QUANTILE = "approx_percentile(x, 0.5) in a statement of Trino's estimates it; PostgreSQL's percentile_cont is exact: --engine master"

INSTEAD = {
    "COLLATE": "use lower(...) on both sides",
    "CURRENTSCHEMA": "bdc's schemas have names, and no numbers",
    "DATALENGTH": "use length(to_utf8(x)) in a statement of Trino's: strings here have no bytes of their own",
    "DATETIMEFROMPARTS": "use CAST('2026-01-31 10:30:00' AS DATETIME2)",
    "DB_NAME": "there is one database, bdc",
    "FORMAT": "use CONVERT(VARCHAR(n), x, style) for dates, CAST(x AS DECIMAL(p, s)) for numbers",
    "GREATEST": "use CASE WHEN a > b THEN a ELSE b END",
    "ISDATE": "use TRY_CAST(x AS DATE) IS NOT NULL",
    "ISNUMERIC": "use TRY_CAST(x AS FLOAT) IS NOT NULL",
    "LEAST": "use CASE WHEN a < b THEN a ELSE b END",
    "NUMBERTOSTR": "use CAST(x AS DECIMAL(p, s)); FORMAT's patterns aren't known here",
    "PARAMETER": "write its value",
    "PATINDEX": "use CHARINDEX for a string, or regexp_position(...) in a statement of Trino's",
    "PERCENTILECONT": _QUANTILE,
    "PERCENTILEDISC": _QUANTILE,
    "WITHINGROUP": _QUANTILE,
    "TIMETOSTR": "use CONVERT(VARCHAR(n), x, style)",
    "SESSIONPARAMETER": "write its value",
}
"""What to write instead of what has no rule; the keys are names of functions, and sqlglot's of nodes."""

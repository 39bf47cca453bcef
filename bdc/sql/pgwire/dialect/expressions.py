"""Translates expressions: for each node of sqlglot's there is a rule, which gives Trino's text and the type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from sqlglot import exp

from bdc.sql.pgwire.dialect.fragments import Node, Typed, as_text, check, refuse, stripped, widened, wider
from bdc.sql.pgwire.dialect.literals import literal_as
from bdc.sql.pgwire.dialect.types import BOOLEAN, LITERAL, NULL, TEXT, TIMES, Kind
from bdc.sql.pgwire.errors import SqlError


class Around(Protocol):
    """What an expression stands in."""

    def column(self, name: str, table: tuple[str, ...]) -> Typed:
        """A column of a table that is called so; () is any. Raises SqlError."""

    def subquery(self, node: Node) -> tuple[str, list[Kind]]:
        """A query in the expression, in parentheses, and the types of its columns."""

    @property
    def user(self) -> str:
        """Who asks."""


class Expressions:
    """Translates expressions that stand somewhere."""

    def __init__(self, around: Around, rules: Mapping[type | str, Rule]) -> None:
        self.around, self._rules = around, rules

    def of(self, node: Node) -> Typed:
        """An expression."""
        rule = self._rules.get(node.name.lower() if isinstance(node, exp.Anonymous) else type(node))
        if rule is None:
            raise refuse(_named(node), "compute it in the client, or ask in Trino's SQL: bdc sql query")
        try:
            return rule(self, node)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):  # a rule relies on the arguments that there must be
            raise SqlError(f"{_named(node)}: no such form, or it takes other arguments", "42883") from None

    def closed(self, node: Node) -> Typed:
        """An expression with a type of its own: a literal is a string."""
        found = self.of(node)
        return Typed(f"CAST({found.sql} AS varchar)", TEXT) if found.kind is LITERAL else found

    def as_kind(self, found: Typed, wanted: Kind) -> Typed:
        """A literal as what it stands next to has it."""
        if found.kind is NULL:
            return Typed(
                f"CAST(NULL AS {wanted.sql})" if wanted.family not in ("interval", "months", "other", "null", "char") else "NULL", wanted
            )
        if found.kind is not LITERAL or wanted.text or wanted.open:
            return found
        return literal_as(found.sql[1:-1].replace("''", "'"), wanted)

    def alike(self, one: Typed, other: Typed) -> tuple[Typed, Typed]:
        """Both sides of an operator, literals with the other side's type; real meets others as double, as it does in PostgreSQL."""
        one, other = self.as_kind(one, other.kind), self.as_kind(other, one.kind)
        if one.kind.numeric and other.kind.numeric and one.kind.family != other.kind.family:
            one, other = widened(one), widened(other)
        if {one.kind.family, other.kind.family} == {"char", "text"}:  # a char's blanks at its end don't count as a string's
            one, other = stripped(one), stripped(other)
        return one, other

    def boolean(self, node: Node) -> str:
        """A condition."""
        found = self.as_kind(self.of(node), BOOLEAN)
        if found.kind not in (BOOLEAN, NULL):
            raise SqlError(f"argument must be type boolean, not type {found.kind}", "42804")
        return found.sql

    def number(self, node: Node) -> int | None:
        """The value of an expression that is a whole number as it is written, also in a cast or with a minus."""
        node = _bare(node)
        if isinstance(node, exp.Neg):
            inner = self.number(node.this)
            return None if inner is None else -inner
        return int(node.name) if isinstance(node, exp.Literal) and not node.is_string and node.name.isdecimal() else None

    def word(self, node: Node) -> str | None:
        """The text of an expression that is a string literal, also in a cast to text."""
        node = _bare(node)
        return str(node.name) if isinstance(node, exp.Literal) and node.is_string else None


def _bare(node: Node) -> Node:
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return node


def _named(node: Node) -> str:
    if isinstance(node, exp.Anonymous):
        return f"the function {node.name.lower()}"
    return f"{node.sql(dialect='postgres')[:80]}"


def both_sides(self: Expressions, node: Node) -> tuple[Typed, Typed]:
    """Both sides of an operator, with types that go together."""
    check(node, "this", "expression", "typed", "safe", "negate", "ignore_nulls", "coalesce")
    return self.alike(self.of(node.this), self.of(node.expression))


def unified(self: Expressions, found: list[Typed]) -> list[Typed]:
    """Values that are to have one type: that of the first with one, or the widest of numbers."""
    closed = [one.kind for one in found if not one.kind.open]
    if not closed:
        return [Typed(f"CAST({one.sql} AS varchar)", TEXT) for one in found]
    wanted = closed[0]
    for other in closed[1:]:
        if wanted.numeric and other.numeric:
            wanted = wider(wanted, other)
        elif {wanted.family, other.family} == {"text", "char"}:
            wanted = TEXT
        elif wanted.family in TIMES and other.family in TIMES:
            wanted = max(wanted, other, key=lambda one: TIMES.index(one.family))
        elif wanted.family != other.family:
            raise SqlError(f"types {wanted} and {other} cannot be matched", "42804")
    results = []
    for one in found:
        typed = self.as_kind(one, wanted)
        if wanted == TEXT:
            typed = Typed(as_text(typed), TEXT)
        elif wanted.family in ("double", "timestamp", "timestamptz") and typed.kind.family != wanted.family:
            typed = Typed(f"CAST({typed.sql} AS {wanted.sql})", wanted)
        results.append(Typed(typed.sql, wanted))
    return results


Rule = Callable[[Expressions, Node], Typed]

"""Pieces of Trino's SQL with their types, and what all rules need to write and to refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from bdc.sql.polybase.errors import DiffersError, UntranslatableError
from bdc.sql.polybase.tsql.kinds import Kind, decimal

Node = Any

INVALID_FUNCTION_ARGUMENT, DIVISION_BY_ZERO = 7, 8
"""Trino's error codes; https://github.com/trinodb/trino/blob/476/core/trino-spi/src/main/java/io/trino/spi/StandardErrorCode.java"""


class Typed:
    """Trino's expression and its kind. Of a column it is looked up when a rule asks for it, and not before."""

    def __init__(self, node: Node, kind: Kind | Callable[[], Kind]) -> None:
        self.node, self._kind = node, kind

    @property
    def kind(self) -> Kind:
        """Its kind; `UNKNOWN` where nothing tells it."""
        if not isinstance(self._kind, Kind):
            self._kind = self._kind()
        return self._kind


def refuse(form: str, instead: str) -> UntranslatableError:
    """The error for what has no rule, with what to write instead."""
    return UntranslatableError(f"{form} can't be translated", instead)


def shown(node: Node) -> str:
    """An expression as it was written, in short, for an error."""
    text = str(node.sql(dialect="tsql"))
    return text if len(text) <= 60 else f"{text[:59]}…"


def check(node: Node, *known: str) -> None:
    """Refuse a node that has something in it which its rule doesn't know."""
    for name, value in node.args.items():
        if name not in known and value not in (None, False, [], ""):
            raise refuse(f"{name.strip('_').replace('_', ' ').upper()} in {shown(node)}", "leave it out, or write Trino's SQL")


def call(name: str, *arguments: Node) -> Node:
    """A call of one of Trino's functions."""
    return exp.Anonymous(this=name, expressions=[one.copy() for one in arguments])


def integer(value: int) -> Node:
    """An integer."""
    return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))


def string(text: str) -> Node:
    """A string."""
    return exp.Literal.string(text)


def cast(node: Node, to: str) -> Node:
    """A cast to one of Trino's types."""
    if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast) and node.args["to"] == exp.DataType.build(to, dialect="trino"):
        return node.copy()
    return exp.Cast(this=node.copy(), to=exp.DataType.build(to, dialect="trino"))


def infix(kind: type[Any], one: Node, other: Node) -> Node:
    """An operator between two, each in parentheses where it is more than a name, a number or a call."""
    return binary(kind, grouped(one), grouped(other))


def binary(kind: type[Any], one: Node, other: Node) -> Node:
    """An operator between two as they are. Of a quotient sqlglot is told that it is Trino's, where 7 / 2 is 3."""
    made = kind(this=one, expression=other)
    if kind is exp.Div:
        made.set("typed", True)
        made.set("safe", False)
    return made


def grouped(node: Node) -> Node:
    """An operand."""
    return exp.Paren(this=node.copy()) if isinstance(node, exp.Binary | exp.Unary) and not isinstance(node, exp.Paren) else node.copy()


def when(condition: Node, then: Node, otherwise: Node) -> Node:
    """CASE with one condition."""
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=then.copy())], default=otherwise.copy())


def failure(text: str, kind: str, code: int = INVALID_FUNCTION_ARGUMENT) -> Node:
    """An expression that fails when it is computed."""
    return cast(call("fail", integer(code), string(text)), kind)


def number_in(node: Node) -> int | None:
    """The integer that is written there, if there is one."""
    inner = node.this if isinstance(node, exp.Paren) else node
    if isinstance(inner, exp.Neg):
        found = number_in(inner.this)
        return None if found is None else -found
    return int(inner.name) if isinstance(inner, exp.Literal) and not inner.is_string and inner.name.isdecimal() else None


def word_in(node: Node) -> str | None:
    """The string that is written there, if there is one."""
    return str(node.name) if isinstance(node, exp.National) or (isinstance(node, exp.Literal) and node.is_string) else None


def as_text(found: Typed, why: str) -> Node:
    """A value as T-SQL converts it to a string without a style. `why` says in an error who asks."""
    match found.kind.family:
        case "text" | "literal" | "null" | "unknown":
            return found.node
        case "char":
            return padded(found)
        case "int" | "decimal" | "date":
            return cast(found.node, "varchar")
        case "bit":
            return cast(cast(found.node, "integer"), "varchar")
        case "uuid":
            return call("upper", cast(found.node, "varchar"))
        case "double" | "real":
            instead = "cast it to DECIMAL(p, s) first: T-SQL shows six digits of it, Trino all"
            raise DiffersError(f"{found.kind} as a string in {why} can't be translated", instead)
        case "timestamp" | "timestamptz":
            raise DiffersError(
                f"{found.kind} as a string in {why} can't be translated", "use CONVERT(VARCHAR(19), x, 120), or another style"
            )
    raise refuse(f"{found.kind} as a string in {why}", "cast it in Trino's SQL")


def padded(found: Typed) -> Node:
    """A CHAR with the blanks at its end that T-SQL counts as its own."""
    text = cast(found.node, "varchar")
    return call("rpad", text, integer(found.kind.length), string(" ")) if found.kind.length else text


def truncated(found: Typed, why: str) -> Node:
    """A number without what is after its point, as T-SQL makes it an integer; Trino's cast rounds."""
    if found.kind.family in ("decimal", "double", "real"):
        return call("truncate", found.node)
    if found.kind.family == "unknown":
        raise refuse(f"{why} of a value whose type isn't known", "cast it to DECIMAL(p, s), FLOAT or VARCHAR first")
    return found.node


def exact(found: Typed) -> Typed:
    """An int as a decimal, where decimals are calculated with."""
    if found.kind.family != "int":
        return found
    return Typed(cast(found.node, f"decimal({max(found.kind.digits, 1)}, 0)"), decimal(found.kind.digits, 0))

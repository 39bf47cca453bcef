"""Pieces of Trino's SQL with their types, and what all rules need to write and to refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bdc.sql.pgwire.dialect.types import CHAR, DOUBLE, REAL, TEXT, TIMESTAMPTZ, Kind
from bdc.sql.pgwire.errors import NOT_SUPPORTED, SqlError

Node = Any


@dataclass(frozen=True)
class Typed:
    """Trino's text of an expression, and its type. `quotient`: the dividend's and the divisor's, where it is one of numerics; `spread`: a
    variance's or a deviation's name, and the count, the sum and the sum of squares of which it is.
    """

    sql: str
    kind: Kind
    quotient: tuple[str, str] | None = None
    spread: tuple[str, str, str, str] | None = None


def refuse(what: str, hint: str | None = None) -> SqlError:
    """The error for what has no translation."""
    return SqlError(f"{what} can't be translated for the federation with PostgreSQL's meaning", NOT_SUPPORTED, hint)


def check(node: Node, *known: str) -> None:
    """Refuse a node that has something in it which its rule doesn't know."""
    for name, value in node.args.items():
        if name not in known and value not in (None, False, [], ""):
            raise refuse(f"{node.sql(dialect='postgres')[:80]} ({name})")


def widened(found: Typed) -> Typed:
    """A real as a double, as PostgreSQL has it where it meets other numbers."""
    return Typed(f"CAST({found.sql} AS double)", DOUBLE) if found.kind is REAL or found.kind == REAL else found


def stripped(found: Typed) -> Typed:
    """A char without the blanks at its end, which don't count as a string's."""
    return Typed(f"trim(TRAILING ' ' FROM CAST({found.sql} AS varchar))", TEXT) if found.kind == CHAR else found


def wider(one: Kind, other: Kind) -> Kind:
    """The type that an operator of two numbers gives."""
    families = {one.family, other.family}
    if "double" in families or (len(families) > 1 and "real" in families):
        return DOUBLE
    if families == {"real"}:
        return REAL
    if "decimal" in families:
        scales = [side.scale for side in (one, other) if side.family == "decimal"]
        return Kind("decimal", scale=None if None in scales else max(scale for scale in scales if scale is not None))
    return one if one.bits >= other.bits else other


def name_of(node: Node) -> str:
    """An identifier as PostgreSQL reads it: in lower case without quotes."""
    return str(node.name) if node.args.get("quoted") else str(node.name).lower()


def as_text(found: Typed) -> str:
    """A value as PostgreSQL casts it to text."""
    match found.kind.family:
        case "text":
            return found.sql
        case "literal":
            return found.sql
        case "null":
            return "CAST(NULL AS varchar)"
        case "char":
            return stripped(found).sql
        case "int" | "decimal" | "boolean" | "date" | "uuid":
            return f"CAST({found.sql} AS varchar)"
    raise refuse(f"{found.kind} as text", "cast it in the client")


def local(found: Typed) -> Typed:
    """A value as the session's clocks show it: in Trino each has a zone of its own, that of its source."""
    return Typed(f"at_timezone({found.sql}, current_timezone())", TIMESTAMPTZ) if found.kind == TIMESTAMPTZ else found

"""Queries as sqlglot reads them: the tables, parameters and types that they name."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokenizer_core import TokenType

from bdc.sql.gateway.dialect.kinds import (
    BIGINT,
    BOOLEAN,
    BYTES,
    CHAR,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    JSON,
    NUMERIC,
    REAL,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    Kind,
)
from bdc.sql.gateway.dialect.typed import Node, name_of, refuse
from bdc.sql.gateway.errors import SYNTAX_ERROR, SqlError

Name = tuple[str, ...]

Columns = dict[str, Kind]


@dataclass(frozen=True)
class Tables:
    """What tables a query may name: Trino's whole names and their columns, by the names that the query has."""

    of: Mapping[Name, tuple[str, Columns]]


@dataclass(frozen=True)
class Translated:
    """A query for Trino. `quotients` are the places of columns that are ROW(dividend, divisor), for PostgreSQL's division of numerics."""

    sql: str
    names: tuple[str, ...]
    quotients: frozenset[int] = frozenset()


_QUOTED = {"position": "strpos", "extract": "pg_extract"}
"""Functions with a grammar of their own, whose names PostgreSQL quotes where it calls them as functions."""
_PARTS = {"pg_extract": exp.var, "pg_date_part": exp.Literal.string}


def _parsed(sql: str) -> list[Node | None]:
    dialect = Postgres()
    tokens = dialect.tokenize(sql)
    for one, after in itertools.pairwise(tokens):
        if after.token_type == TokenType.L_PAREN:
            if one.token_type == TokenType.IDENTIFIER:
                one.text = _QUOTED.get(one.text, one.text)
            if one.text.lower() == "date_part":
                one.text = "pg_date_part"
    return [tree and tree.transform(_plain, copy=False) for tree in dialect.parser().parse(tokens, sql)]


def _plain(node: Node) -> Node:
    """Strings are strings, however they are written; extract has a word for its field, date_part a string."""
    if isinstance(node, exp.ByteString | exp.National):
        return exp.Literal.string(str(node.this))
    if isinstance(node, exp.Anonymous) and (make := _PARTS.get(node.name)) and len(node.expressions) == 2:
        field = node.expressions[0].this if isinstance(node.expressions[0], exp.Cast) else node.expressions[0]
        if isinstance(field, exp.Literal) and field.is_string:
            return exp.Extract(this=make(field.name), expression=node.expressions[1])
    return node


def read(sql: str) -> Node:
    """A query's tree. Raises SqlError for what isn't PostgreSQL's, as far as the parser sees."""
    try:
        found = _parsed(sql)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        said = str(first.get("description") or "this is no query").partition(" but got <")[0].partition(" for <class")[0].rstrip(".")
        raise SqlError(f"syntax error: {said}", SYNTAX_ERROR, position=_place(sql, first)) from None
    except (TokenError, RecursionError) as error:
        raise SqlError(f"syntax error: {str(error).splitlines()[0] or 'too deep'}", SYNTAX_ERROR) from None
    except SqlglotError as error:
        raise SqlError(str(error).splitlines()[0], SYNTAX_ERROR) from None
    if len(found) != 1 or not isinstance(found[0], exp.Query | exp.Values):
        raise SqlError("this is no query", SYNTAX_ERROR)
    return found[0]


def _place(sql: str, error: Mapping[str, Any]) -> int | None:
    if not error.get("line"):
        return None
    lines = sql.split("\n")
    return sum(len(one) + 1 for one in lines[: int(error["line"]) - 1]) + max(1, int(error.get("col") or 1))


def bound(tree: Node, values: Sequence[str]) -> Node:
    """A query with its parameters' values, literals of PostgreSQL's, in the place of $1 and so on. Raises SqlError."""

    def replaced(node: Node) -> Node:
        if not isinstance(node, exp.Parameter):
            return node
        at = int(node.name) if node.name.isdecimal() else 0
        if not 1 <= at <= len(values):
            raise SqlError(f"there is no parameter ${node.name}", "42P02")
        return _parsed(values[at - 1])[0]

    return tree.transform(replaced)


def parameters(tree: Node) -> int:
    """How many parameters a query has: the largest of $1 and so on."""
    return max((int(one.name) for one in tree.find_all(exp.Parameter) if one.name.isdecimal()), default=0)


def names(tree: Node) -> set[Name]:
    """The tables that a query names, without its common table expressions, as far as names say."""
    common = {name_of(one.args["alias"].this) for one in tree.find_all(exp.CTE)}
    found = {table_name(one) for one in tree.find_all(exp.Table) if isinstance(one.this, exp.Identifier)}
    return {one for one in found if not (len(one) == 1 and one[0] in common)}


def table_name(table: Node) -> Name:
    """The parts of a table's name."""
    return tuple(name_of(part) for part in table.parts)


_TYPES: dict[Any, Kind] = {
    exp.DType.SMALLINT: SMALLINT, exp.DType.INT: INTEGER, exp.DType.BIGINT: BIGINT, exp.DType.FLOAT: REAL, exp.DType.DOUBLE: DOUBLE,
    exp.DType.TEXT: TEXT, exp.DType.VARCHAR: TEXT, exp.DType.NVARCHAR: TEXT, exp.DType.NAME: TEXT, exp.DType.BPCHAR: CHAR,
    exp.DType.CHAR: CHAR, exp.DType.BOOLEAN: BOOLEAN, exp.DType.DATE: DATE, exp.DType.TIME: TIME, exp.DType.TIMESTAMP: TIMESTAMP,
    exp.DType.TIMESTAMPTZ: TIMESTAMPTZ, exp.DType.UUID: UUID, exp.DType.VARBINARY: BYTES, exp.DType.JSON: JSON, exp.DType.JSONB: JSON,
    exp.DType.DECIMAL: NUMERIC, exp.DType.INTERVAL: INTERVAL,
}  # fmt: skip


def data_type(node: Node) -> Kind:
    """The kind of a type that a query names. Raises SqlError."""
    if node.is_type(exp.DType.ARRAY) and node.expressions:
        return Kind("array", of=data_type(node.expressions[0]))
    found = _TYPES.get(node.this)
    if found is None:
        raise refuse(f"the type {node.sql(dialect='postgres')}")
    if found is NUMERIC and node.expressions:
        scale = int(node.expressions[1].name) if len(node.expressions) > 1 else 0
        return Kind("decimal", scale=scale)
    return found

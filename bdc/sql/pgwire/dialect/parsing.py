"""Queries as sqlglot reads them: the tables, parameters and types that they name."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokenizer_core import TokenType

from bdc.sql.master import DATABASE
from bdc.sql.pgwire.dialect.fragments import Node, name_of, refuse
from bdc.sql.pgwire.dialect.types import (
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
from bdc.sql.pgwire.errors import SYNTAX_ERROR, SqlError

Name = tuple[str, ...]

Columns = dict[str, Kind]


@dataclass(frozen=True)
class Tables:
    """What tables a query may name: Trino's whole names and their columns, by the names that the query has."""

    of: Mapping[Name, tuple[str, Columns]]


@dataclass(frozen=True)
class Translated:
    """A query for Trino. `quotients` are the places of columns that are ROW(dividend, divisor), for PostgreSQL's division of numerics,
    or ROW(name, count, sum, sum of squares), for its variances and deviations.
    """

    sql: str
    names: tuple[str, ...]
    quotients: frozenset[int] = frozenset()


_QUOTED = {"position": "strpos", "extract": "pg_extract"}
"""Functions with a grammar of their own, whose names PostgreSQL quotes where it calls them as functions."""
_PARTS = {"pg_extract": exp.var, "pg_date_part": exp.Literal.string}
_OURS = frozenset({"date_part", "to_char", "to_date", "to_timestamp", "date_bin"})
"""Functions that sqlglot reads with a loss, such as the spelling of a format: `pg_` before their names keeps it from that."""


def spelled(name: str) -> str:
    """A function's name as PostgreSQL has it."""
    return name[3:] if name[3:] in _OURS else name


_WHO = ("user", "current_role")
"""Words that are functions in PostgreSQL, and names of columns for sqlglot."""
_MARK = "\x01"
_PARAMETER = re.compile(
    r"""(?<![\w$])[eE]'(?:[^'\\]|\\.)*'|'[^']*'|"[^"]*"|--[^\n]*|/\*.*?\*/
      | (?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$ | (?<![\w$])\$(?P<number>\d+)""",
    re.DOTALL | re.VERBOSE,
)
"""Parameters, and what has no parameter in it."""


class _Dialect(Postgres):
    """PostgreSQL's, with functions' names as they were written. sqlglot 30.30 takes `$1,$2` for a string with the tag `1,`, so that
    parameters have a mark of their own.
    """

    ORIGINAL_NAME_META_KEY = "name"

    class Tokenizer(Postgres.Tokenizer):
        SINGLE_TOKENS = {**Postgres.Tokenizer.SINGLE_TOKENS, _MARK: TokenType.PARAMETER}  # noqa: RUF012 sqlglot's


def _marked(sql: str) -> str:
    """A statement with marks in place of its parameters' $, and nothing moved."""
    return _PARAMETER.sub(lambda found: _MARK + found["number"] if found["number"] else found[0], sql) if "$" in sql else sql


def _parsed(sql: str) -> list[Node | None]:
    dialect = _Dialect()
    tokens = _without_catalog(dialect.tokenize(_marked(sql)))
    for one, after in itertools.pairwise(tokens):
        if after.token_type == TokenType.L_PAREN:
            if one.token_type == TokenType.IDENTIFIER:
                one.text = _QUOTED.get(one.text, one.text)
            if one.text.lower() in _OURS:
                one.text = f"pg_{one.text.lower()}"
    return [tree and tree.transform(_plain, copy=False) for tree in dialect.parser().parse(tokens, sql)]


def _without_catalog(tokens: list[Any]) -> list[Any]:
    """Functions are PostgreSQL's own, with or without pg_catalog before their names."""
    found, at = list[Any](), 0
    while at < len(tokens):
        name = [one.token_type for one in tokens[at + 1 : at + 4]]
        if tokens[at].text.lower() == "pg_catalog" and len(name) == 3 and (name[0], name[2]) == (TokenType.DOT, TokenType.L_PAREN):
            at += 2
        found.append(tokens[at])
        at += 1
    return found


def _plain(node: Node) -> Node:
    """Strings are strings, however they are written; extract has a word for its field, date_part a string."""
    if isinstance(node, exp.ByteString | exp.National):
        return exp.Literal.string(str(node.this))
    if isinstance(node, exp.Column) and not node.args.get("table") and str(node.name).lower() in _WHO and not node.this.args.get("quoted"):
        who = exp.CurrentUser()
        who.meta["name"] = str(node.name)
        return who
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
    """The tables that a query names, without its common table expressions."""
    return {table_name(one) for one in tables_of(tree)}


def tables_of(tree: Node) -> list[Node]:
    """Where a query names tables: what a WITH around it calls so is none."""
    return [one for one in tree.find_all(exp.Table) if isinstance(one.this, exp.Identifier) and not _is_common(one)]


def _is_common(table: Node) -> bool:
    name = table_name(table)
    inside, around = table, table.parent
    while len(name) == 1 and around is not None:
        if with_ := around.args.get("with_"):
            known = [name_of(one.args["alias"].this) for one in with_.expressions]
            if inside is with_:  # it stands in one of them, and sees those before it
                known = known[: next(at for at, one in enumerate(with_.expressions) if any(one is other for other in _path(table)))]
            if name[0] in known:
                return True
        inside, around = around, around.parent
    return False


def _path(node: Node) -> list[Node]:
    found = []
    while node is not None:
        found.append(node)
        node = node.parent
    return found


def table_name(table: Node) -> Name:
    """The parts of a table's name."""
    return tuple(name_of(part) for part in parts_of(table))


def parts_of(named: Node) -> list[Node]:
    """The parts of a table's or a column's name, without that of the database: there is no other."""
    parts = list(named.parts)
    whole = len(parts) == (4 if isinstance(named, exp.Column) else 3)
    return parts[1:] if whole and name_of(parts[0]) == DATABASE else parts


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

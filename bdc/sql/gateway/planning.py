"""Where a query runs: in Trino, translated; in the master, if it asks for nothing but what system catalogs know or needs no table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import TokenType
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Tokenizer

from bdc.sql.gateway import dialect
from bdc.sql.gateway.dialect import Tables, Translated
from bdc.sql.gateway.errors import NOT_SUPPORTED, UNDEFINED_PARAMETER, SqlError

_CATALOGS = ("pg_catalog", "information_schema")
_MENTIONED = re.compile(r"\b(pg_catalog|information_schema|pg_\w+)\b", re.IGNORECASE)
_WHO = frozenset({"current_user", "session_user", "user", "current_role"})


@dataclass(frozen=True)
class Asked:
    """A query that was read. `tree` is None where it is the master's: then `sql` is what it is asked."""

    sql: str
    tree: Any
    names: frozenset[tuple[str, ...]]
    parameters: int


_MOST_PARAMETERS = 65_535
"""As many as Bind can count."""


def plan(sql: str, user: str) -> Asked:
    """Read a query. Raises SqlError."""
    asked = _read(sql, user)
    if asked.parameters > _MOST_PARAMETERS:
        raise SqlError(f"there is no parameter ${asked.parameters}", UNDEFINED_PARAMETER)
    return asked


def _read(sql: str, user: str) -> Asked:
    try:
        tree = dialect.read(sql)
    except SqlError:
        if _MENTIONED.search(sql):  # the master reads what sqlglot can't, and refuses what is no query
            return Asked(_named(sql, user), None, frozenset(), _parameters(sql))
        raise
    names = dialect.names(tree)
    of_catalogs = {name for name in names if _of_catalogs(name)}
    if of_catalogs == names:
        return Asked(_named(sql, user), None, frozenset(), _parameters(sql))
    if of_catalogs:
        raise SqlError("a query of system catalogs and of tables at once isn't supported", NOT_SUPPORTED, "ask one after the other")
    return Asked(sql, tree, frozenset(names), dialect.parameters(tree))


def translate(asked: Asked, tables: Tables, user: str, values: Sequence[str]) -> Translated:
    """A query of tables for Trino, with its parameters' values."""
    tree = dialect.bound(asked.tree, values) if asked.parameters else asked.tree
    return dialect.translate(tree, tables, user)


def _of_catalogs(name: tuple[str, ...]) -> bool:
    if len(name) == 1:
        return name[0].startswith("pg_")
    return name[-2] in _CATALOGS


def _parameters(sql: str) -> int:
    return max((int(found) for found in re.findall(r"\$(\d+)", sql)), default=0)


def _named(sql: str, user: str) -> str:
    """The statement with the user's name in place of current_user and its like: the master is asked by the gateway's role."""
    try:
        tokens = Tokenizer().tokenize(sql)
    except SqlglotError:
        return sql
    quoted = "'" + user.replace("'", "''") + "'::name"
    for before, token in reversed(list(zip([None, *tokens], tokens, strict=False))):
        dotted = before is not None and before.token_type == TokenType.DOT
        if token.text.lower() in _WHO and token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER) and not dotted:
            if token.text.lower() == "user" and before is not None and before.text.upper() == "AS":
                continue
            sql = sql[: token.start] + quoted + sql[token.end + 1 :]
    return sql

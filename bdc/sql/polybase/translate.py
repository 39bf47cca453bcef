"""A plain statement of T-SQL as Trino's SQL: sqlglot reads it, and the rules of `tsql` make each part of it Trino's, or refuse it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError, UnsupportedError

from bdc.sql.polybase.dialects import sign
from bdc.sql.polybase.errors import SqlSyntaxError, UntranslatableError
from bdc.sql.polybase.lexer import Lexed, lexed
from bdc.sql.polybase.tsql.expressions import Columns
from bdc.sql.polybase.tsql.queries import Translation


@dataclass(frozen=True)
class Translated:
    """Trino's SQL, as text and as sqlglot's tree, and what a user should know of its answer. `differences`: what Trino makes otherwise of
    the same text.
    """

    sql: str
    tree: exp.Expr
    notes: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


def to_trino(sql: str | Lexed, columns: Columns = lambda _: None) -> Translated:
    """T-SQL as Trino's SQL. `columns` says which a table has, and is asked where a meaning hangs on a type.

    Raises UntranslatableError for what has no rule, SqlSyntaxError for what isn't T-SQL.
    """
    read = lexed(sql)
    try:
        [tree] = sqlglot.parse(_with_reals(read), read="tsql")
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        told = str(first.get("description") or "this is no T-SQL").rstrip(".")
        raise SqlSyntaxError(told, int(first.get("line") or 1), max(1, int(first.get("col") or 1))) from None
    translation = Translation(columns)
    try:
        made = translation.statement(tree)
        text = made.sql(dialect="trino", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise UntranslatableError(str(error).splitlines()[0], "write it in Trino's SQL") from None
    except UntranslatableError as error:
        if shown := sign(read):
            raise type(error)(error.message, f"{error.hint} (it is read as T-SQL because of {shown})") from None
        raise
    return Translated(text, made, tuple(sorted(translation.notes)), tuple(sorted(translation.differences)))


def _with_reals(read: Lexed) -> str:
    """The type REAL by its other name: sqlglot 30.30 reads both REAL and FLOAT as FLOAT, which is a double."""
    sql, found, made, done = read.text, read.words, [], 0
    creates = sql.lstrip()[:6].upper() == "CREATE"
    for at, word in enumerate(found):
        before = [one.value.upper() for one in found[max(0, at - 2) : at]]
        typed = (
            before[-1:] == ["AS"]
            or before in (["CONVERT", "("], ["TRY_CONVERT", "("])
            or (creates and before[-1:] not in ([","], ["("], ["."]))
        )
        if word.kind == "word" and word.value.upper() == "REAL" and typed:
            made += [sql[done : word.start], "FLOAT(24)"]
            done = word.end
    return "".join([*made, sql[done:]])

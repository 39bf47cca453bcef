"""Which dialect a statement of the federation is in: T-SQL's, Trino's, or one that both have.

What tells them apart stands in the words of the statement, so nobody has to say it. Of a statement that both can read, `differences`
says what T-SQL would answer otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bdc.sql.polybase.lexer import Lexed, Word, lexed

HINTS = frozenset({"NOLOCK", "READUNCOMMITTED", "READCOMMITTED", "HOLDLOCK", "READPAST", "ROWLOCK", "TABLOCK", "PAGLOCK", "SERIALIZABLE"})
"""T-SQL's hints about locks, which mean nothing here."""

# Functions that Trino doesn't know, or knows as something else.
_FUNCTIONS = frozenset({
    "APPROX_COUNT_DISTINCT", "CHARINDEX", "CHOOSE", "CONVERT", "COUNT_BIG", "DATALENGTH", "DATEADD", "DATEDIFF", "DATEDIFF_BIG",
    "DATEFROMPARTS", "DATENAME", "DATEPART", "DB_NAME", "EOMONTH", "GETDATE", "GETUTCDATE", "IIF", "ISDATE", "ISJSON", "ISNULL",
    "ISNUMERIC", "LEFT", "LEN", "NEWID", "OPENJSON", "OPENROWSET", "PATINDEX", "PERCENTILE_CONT", "PERCENTILE_DISC", "PIVOT", "QUOTENAME",
    "REPLICATE", "RIGHT", "SCHEMA_NAME", "SERVERPROPERTY", "SPACE", "SQUARE", "STDEV", "STDEVP", "STRING_AGG", "STRING_SPLIT", "STUFF",
    "SYSDATETIME", "SYSDATETIMEOFFSET", "SYSUTCDATETIME", "TRY_CONVERT", "UNPIVOT", "VAR", "VARP",
})  # fmt: skip

# What T-SQL hasn't: words that can't be names there, and functions and types that are Trino's alone.
_TRINOS = frozenset({
    "ARRAY", "COUNT_IF", "DATE_TRUNC", "DOUBLE", "FILTER", "INTERVAL", "LIMIT", "MAP", "RECURSIVE", "ROW", "SHOW", "UNNEST", "USING",
    "VARBINARY",
})  # fmt: skip
_TYPED_LITERALS = frozenset({"DATE", "TIMESTAMP", "TIME", "DECIMAL", "BIGINT", "REAL", "UUID", "JSON"})
_CATALOGS = frozenset({"lake", "external", "master", "tpch", "tpcds", "system"})

_SUSPICIOUS = re.compile(r"\b(AVG|CAST|TRY_CAST|CONCAT|SUBSTRING)\s*\(|/|\bLIKE\b", re.IGNORECASE)
"""What may mean something else in T-SQL."""


def is_tsql(sql: str | Lexed) -> bool:
    """Whether a statement has something in it that is T-SQL's alone; see `sign`."""
    return sign(sql) is not None


def sign(sql: str | Lexed) -> str | None:
    """What shows that a statement is T-SQL: [name], N'...', TOP, @variable, #table, a hint, AS 'name', a function. Else None."""
    read = lexed(sql)
    found = read.words
    for at, word in enumerate(found):
        text = read.spelled(word)
        if word.kind == "variable" or (word.kind == "name" and text.startswith("[")) or text.startswith("#"):
            return text
        if text[:2] in ("N'", "n'"):
            return "N'...'"
        if word.kind == "word" and (form := _form(found, at)):
            return form
    return None


def _form(found: Sequence[Word], at: int) -> str | None:
    word, following = found[at].value.upper(), found[at + 1] if at + 1 < len(found) else None
    before = found[at - 1].value.upper() if at else ""
    if following is None:
        return None
    after = following.value.upper()
    if word == "TOP":
        return "TOP" if before in ("SELECT", "DISTINCT", "ALL") and (after == "(" or following.kind == "number") else None
    if word == "AS":
        return "AS '...'" if following.kind == "string" else None
    if (word in ("CROSS", "OUTER") and after == "APPLY") or (word == "FOR" and after in ("XML", "JSON")):
        return f"{word} {after}"
    if after != "(":
        return None
    if word == "WITH":
        hint = found[at + 2].value.upper() if at + 2 < len(found) else ""
        return f"WITH ({hint})" if hint in HINTS else None
    return word if word in _FUNCTIONS else None


def is_script_of_tsql(script: str | Lexed) -> bool:
    """Whether a script is one of T-SQL: something in it is T-SQL's alone, GO included."""
    read = lexed(script)
    return any(word.kind == "go" for word in read.words) or is_tsql(read)


def may_differ(sql: str | Lexed) -> bool:
    """Whether a statement without a sign of either dialect has something in it that may mean something else in T-SQL."""
    text = sql if isinstance(sql, str) else sql.text
    return bool(_SUSPICIOUS.search(text)) and not _is_trinos(lexed(sql))


def _is_trinos(sql: Lexed) -> bool:
    found = sql.words
    for at, word in enumerate(found):
        text, after = word.value.upper(), found[at + 1] if at + 1 < len(found) else None
        if word.kind == "word" and text in _TRINOS:
            return True
        if (
            word.kind == "word"
            and after is not None
            and ((text in _TYPED_LITERALS and after.kind == "string") or (word.value.lower() in _CATALOGS and after.value == "."))
        ):
            return True
        if word.kind == "mark" and sql.text[word.start : word.start + 2] in ("::", "||", "->"):
            return True
    return False

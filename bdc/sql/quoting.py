"""Names and strings as SQL quotes them, in Trino and in PostgreSQL alike; names also in T-SQL's brackets."""

from __future__ import annotations


def identifier(*parts: str) -> str:
    """A name in quotes, of one part or several."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def bracketed(name: str) -> str:
    """A name in brackets."""
    return "[" + name.replace("]", "]]") + "]"


def literal(text: str) -> str:
    """A string in quotes."""
    return "'" + text.replace("'", "''") + "'"

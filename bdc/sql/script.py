"""A text's statements as its engine cuts them: the federation also knows GO, brackets, and statements that no semicolon ends."""

from __future__ import annotations

from bdc.sql.connection import Engine
from bdc.sql.statements import Statement, split


def statements(text: str, engine: Engine) -> list[Statement]:
    """The statements of a text, all of them read before any runs. Raises SqlSyntaxError for the federation's."""
    if engine is not Engine.federation:
        return split(text).all
    from bdc.sql.polybase import parse

    return [Statement(placed.text, placed.line) for placed in parse(text)]

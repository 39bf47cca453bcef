from __future__ import annotations

import pytest

from bdc.sql.suggestions import closest, of_syntax

AFTER_TABLE = "Expecting: '(', ',', 'CROSS', 'EXCEPT', 'FETCH', 'FULL', 'GROUP', 'HAVING', 'INNER', 'LIMIT', 'ORDER', 'WHERE', <EOF>"


@pytest.mark.parametrize(
    ("message", "sql", "place", "text", "hint"),
    [
        ("mismatched input 'SELCT'. Expecting: 'ALTER', 'ANALYZE', 'SELECT', 'SET', <query>", "SELCT 1", (1, 1),
         "syntax error at or near 'SELCT'", "did you mean SELECT for SELCT?"),
        (f"mismatched input 'a'. {AFTER_TABLE}", "SELECT 1\nFROM t WEHRE a = 1", (2, 14),
         "syntax error at or near 'a'", "did you mean WHERE for WEHRE?"),
        (f"mismatched input 'by'. {AFTER_TABLE}", "SELECT 1 FROM t gropu by a", (1, 23),
         "syntax error at or near 'by'", "did you mean GROUP for gropu?"),
        ("mismatched input 'EXTERAL'. Expecting: 'CATALOG', 'TABLE', 'VIEW'", "CREATE EXTERAL TABLE t", (1, 8),
         "syntax error at or near 'EXTERAL'", "did you mean EXTERNAL for EXTERAL?"),
        ("mismatched input '<EOF>'. Expecting: <expression>", "SELECT", (1, 7), "the statement ends too early", None),
        ("mismatched input '!'. Expecting: 'AND', 'OR', 'ORDER'", "SELECT 1 FROM t WHERE order_id !< 4", (1, 32),
         "syntax error at or near '!'", None),
        ("mismatched input '%'. Expecting: 'ALTER', 'ANALYZE'", "%", (1, 1), "syntax error at or near '%'", None),
        ("backquoted identifiers are not supported; use double quotes to quote identifiers", "SELECT `a`", (1, 8),
         "backquoted identifiers are not supported; use double quotes to quote identifiers", None),
    ],
)  # fmt: skip
def test_syntax_errors_say_what_was_meant_and_not_all_that_could_stand_there(
    message: str, sql: str, place: tuple[int, int], text: str, hint: str | None
) -> None:
    assert of_syntax(message, sql, place) == (text, hint)


@pytest.mark.parametrize(
    ("word", "found"), [("amout", "Amount"), ("AMOUNT", None), ("regoin", "region"), ("zzz", None), ("amount_", "Amount")]
)
def test_the_closest_name(word: str, found: str | None) -> None:
    assert closest(word, ["Amount", "region", "placed"]) == found

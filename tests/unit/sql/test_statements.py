from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.sql.statements import split


def texts(sql: str) -> list[str]:
    return [statement.text for statement in split(sql).all]


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("", []),
        (" ;; ;\n", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT 'a;b', \"c;d\", 'it''s;'; x", ["SELECT 'a;b', \"c;d\", 'it''s;'", "x"]),
        (r"SELECT E'\';', e'\\'; x", [r"SELECT E'\';', e'\\'", "x"]),
        ("SELECT 'back\\'; x", ["SELECT 'back\\'", "x"]),
        ("-- a; b\nSELECT 1 -- c; d\n; -- e", ["SELECT 1 -- c; d"]),
        ("/* a; /* b; */ c; */ SELECT /* ; */ 1; x", ["SELECT /* ; */ 1", "x"]),
        ("DO $$ BEGIN x; END $$; y", ["DO $$ BEGIN x; END $$", "y"]),
        ("SELECT $a$ ; $$ ; $b$ ; $a$; y", ["SELECT $a$ ; $$ ; $b$ ; $a$", "y"]),
        ("SELECT $1; SELECT a$b$; y", ["SELECT $1", "SELECT a$b$", "y"]),
        ("BEGIN; SELECT 1; END; y", ["BEGIN", "SELECT 1", "END", "y"]),
        ("SELECT CASE WHEN a THEN 1 END; y", ["SELECT CASE WHEN a THEN 1 END", "y"]),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END; y",
            ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END", "y"],
        ),
        (
            "CREATE OR REPLACE FUNCTION g(a int) RETURNS int BEGIN IF a > 1 THEN RETURN 1; END IF; "
            "CASE a WHEN 1 THEN RETURN 2; END CASE; WHILE a > 0 DO SET a = 0; END WHILE; RETURN 3; END; y",
            [
                "CREATE OR REPLACE FUNCTION g(a int) RETURNS int BEGIN IF a > 1 THEN RETURN 1; END IF; "
                "CASE a WHEN 1 THEN RETURN 2; END CASE; WHILE a > 0 DO SET a = 0; END WHILE; RETURN 3; END",
                "y",
            ],
        ),
        ("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); y", ["CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "y"]),
        ("SELECT 'open; x", ["SELECT 'open; x"]),
        ("SELECT /* open; x", ["SELECT /* open; x"]),
        ("SELECT $$ open; x", ["SELECT $$ open; x"]),
    ],
)
def test_split(sql: str, statements: list[str]) -> None:
    assert texts(sql) == statements


def test_lines_count_from_the_text() -> None:
    assert [statement.line for statement in split("\n-- c\nSELECT\n1;\n\n  x; y").all] == [3, 6, 6]


@pytest.mark.parametrize(
    ("sql", "rest"), [("SELECT 1;", ""), ("SELECT 1; SEL", " SEL"), ("SELECT 'a;", "SELECT 'a;"), ("a; -- c", " -- c"), ("a;\n", "\n")]
)
def test_what_is_unfinished(sql: str, rest: str) -> None:
    assert split(sql).rest == rest


pieces = st.one_of(
    st.from_regex(r"\A[a-z]{1,5}\Z"),
    st.sampled_from([" ", "\n", ",", "+", "1.5", "::int", "$1", "\\", "é", "?", "%"]),
    st.text("ab;'\n-/*$", max_size=5).map(lambda text: "'" + text.replace("'", "''") + "'"),
    st.text('ab;"\n-/*$', max_size=5).map(lambda text: '"' + text.replace('"', '""') + '"'),
    st.text("ab;'\"-", max_size=5).map(lambda text: f"/*{text}*/"),
    st.text("ab;'\"", max_size=5).map(lambda text: f"--{text}\n"),
    st.text("ab;'\"-\n", max_size=5).map(lambda text: f"$q${text}$q$"),
    st.text("ab;", max_size=5).map(lambda text: f"({text})"),
)
one = st.lists(pieces, min_size=1, max_size=8).map(lambda parts: "x " + " ".join(parts))


@given(st.lists(one, max_size=5))
def test_statements_are_found_again(statements: list[str]) -> None:
    assert texts(";".join(statements)) == [statement.rstrip() for statement in statements]


@given(st.text("abc;'\"-/*$() \nE\\", max_size=60))
def test_nothing_but_separators_is_lost(sql: str) -> None:
    script = split(sql)
    assert sql.endswith(script.rest)
    at = 0
    for statement in script.all:
        at = sql.index(statement.text, at) + len(statement.text)

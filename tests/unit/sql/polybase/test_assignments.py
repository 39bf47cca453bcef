"""Where the values of an UPDATE or a MERGE stand."""

from __future__ import annotations

import pytest

from bdc.sql.polybase.assignments import assignments


@pytest.mark.parametrize(
    ("rest", "values"),
    [
        (" SET a = 1", {"a": "1"}),
        (" SET a = f(1, 2), \"b c\" = ARRAY[1, 2] WHERE a IN (1, 2)", {"a": "f(1, 2)", "b c": "ARRAY[1, 2]"}),
        (" SET a = CASE WHEN x THEN 1 ELSE (SELECT max(y) FROM u WHERE z = 1) END, b = 2", {
            "a": "CASE WHEN x THEN 1 ELSE (SELECT max(y) FROM u WHERE z = 1) END", "b": "2"}),
        (" SET a = 'SET b = 1, c' || d;", {"a": "'SET b = 1, c' || d"}),
        (" USING u ON x = CASE WHEN y THEN 1 END WHEN MATCHED AND z THEN UPDATE SET a = 1, b = 2 WHEN MATCHED THEN DELETE",
         {"a": "1", "b": "2"}),
        (" USING u ON x WHEN NOT MATCHED THEN INSERT (a, b) VALUES (ROW(1, 2), (3))", {"a": "ROW(1, 2)", "b": "(3)"}),
        (" USING u ON x WHEN NOT MATCHED THEN INSERT VALUES (1, u.b)", {0: "1", 1: "u.b"}),
        (" WHERE a = 1", {}),
        (" SET", {}),
        (" SET a =", {}),
        (" SET a = 'x", {}),
        (" USING u ON x WHEN NOT MATCHED THEN INSERT", {}),
        (" USING u ON x WHEN NOT MATCHED THEN INSERT (a", {}),
    ],
)  # fmt: skip
def test_values_are_found_where_they_stand(rest: str, values: dict[str | int, str]) -> None:
    found = assignments(rest)
    assert {one.column: rest[one.start : one.end] for one in found.values} == values


def test_a_merge_is_joined_with_what_it_uses() -> None:
    rest = " AS t USING (SELECT 1 AS id) AS s ON t.id = s.id WHEN MATCHED THEN DELETE"
    assert assignments(rest).beside == " AS t JOIN (SELECT 1 AS id) AS s ON t.id = s.id "
    assert assignments(" SET a = 1").beside == ""

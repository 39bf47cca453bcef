"""The master's tables in Spark: each value as it is, or an error that names the column and what it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.external.asked import rows
from tests.e2e.support.commands import bdc
from tests.e2e.support.host import TestHost

# type, value there, type and text in Spark
KEPT = (
    ("numeric", "123456789012345678.12345678901234567890", "decimal(38,20)", "123456789012345678.12345678901234567890"),
    ("numeric(50,10)", "1234567890123456789012345678.1234567891", "decimal(38,10)", "1234567890123456789012345678.1234567891"),
    ("numeric(5,-2)", "12300", "decimal(7,0)", "12300"),
    ("numeric(3,5)", "0.00123", "decimal(5,5)", "0.00123"),
    ("kept.price", "2.25", "decimal(10,2)", "2.25"),
    ("numeric[]", "{1.12345678901234567890,NULL}", "array<decimal(38,20)>", "[1.12345678901234567890, null]"),
    ("int[]", "{1,NULL}", "array<int>", "[1, null]"),
    ("int[][]", "{{1,2},{3,4}}", "array<array<int>>", "[[1, 2], [3, 4]]"),
    ("text[][]", "{{a,b},{c,d}}", "string", "{{a,b},{c,d}}"),
    ("money[]", "{1.5}", "array<string>", "[$1.50]"),
    ("date[]", "{2020-01-01,NULL}", "array<date>", "[2020-01-01, null]"),
    ("bit(1)", "1", "string", "1"),
    ("bit(8)", "10101010", "string", "10101010"),
    ("bit(8)[]", "{10101010}", "array<string>", "[10101010]"),
    ("money", "1234.5", "string", "$1,234.50"),
    ("interval", "1 day 02:03:04.5", "string", "1 day 02:03:04.5"),
    ("int4range", "[1,5]", "string", "[1,6)"),
    ("uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "string", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("jsonb", '{"a":1}', "string", '{"a": 1}'),
    ("time", "24:00", "string", "24:00:00"),
    ("time", "12:34:56.123456", "string", "12:34:56.123456"),
    ("timetz", "12:34:56.123456+02", "string", "12:34:56.123456+02"),
    ("timestamp", "0001-01-01 00:00:00.123456", "timestamp_ntz", "0001-01-01 00:00:00.123456"),
    ("timestamptz", "1500-02-28 12:34:56.123456+00", "timestamp", "1500-02-28 12:34:56.123456"),
    ("date", "0044-03-15 BC", "date", "-0043-03-15"),
    ("date", "5874897-12-31", "date", "+5874897-12-31"),
    ("real", "0.1", "float", "0.1"),
)
REFUSED = (
    ("numeric", "0.123456789012345678901"), ("numeric", "NaN"), ("numeric", "Infinity"), ("numeric", "1e18"), ("numeric(50,0)", "1e45"),
    ("numeric[]", "{0.123456789012345678901}"), ("numeric[]", "{NaN}"), ("date", "infinity"), ("date", "1582-10-10"),
    ("date[]", "{infinity}"), ("timestamp", "-infinity"), ("timestamp", "0044-03-15 12:00:00 BC"), ("timestamptz", "infinity"),
    ("text[]", "{{a,b},{c,d}}"), ("int[]", "{{1,2},{3,4}}"),
)  # fmt: skip
QUOTED = "', '"
# Which rows of FACTS there are, however Spark asks for them
CONDITIONS = {
    "CAST(n AS INT) = 2": 1,
    "n / 3 > 0.899999": 1,
    "r = CAST(0.1 AS FLOAT)": 1,
    "u LIKE 'a0%'": 1,
    "u = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'": 0,
    "span = '[1,5]'": 0,
    "pause > '9'": 0,
    "at > TIMESTAMP'2026-01-01 12:59:59'": 1,
    "hour(at) = 13": 1,
}
FACTS = (
    "CREATE TABLE kept.facts (n numeric, r real, u uuid, span int4range, pause interval, at timestamptz); "
    "INSERT INTO kept.facts VALUES (2.7, 0.1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '[1,5]', '10 days', '2026-01-01 12:00+00'), "
    "(1, 0.2, NULL, NULL, NULL, '2026-01-01 11:00+00');"
)
PROGRAM = """
import json

spark.conf.set("spark.sql.session.timeZone", "UTC")
kept, unfit, facts = (spark.table(f"master.kept.{name}") for name in ("kinds", "unfit", "facts"))
said = {}
for column in unfit.columns:
    try:
        said[column] = str(unfit.select(column).collect())
    except Exception as error:
        said[column] = str(error)
seen = kept.selectExpr(*[f"string({column}) AS {column}" for column in kept.columns]).first().asDict()
spark.conf.set("spark.sql.session.timeZone", "Europe/Paris")
ways = [spark.read.option("pushDownPredicate", handed).table("master.kept.facts") for handed in ("true", "false")]
counts = {condition: [way.where(condition).count() for way in ways] for condition in CONDITIONS}
sums = [str(facts.selectExpr("sum(n)").first()[0]), facts.where("n < 2").selectExpr("sum(r)").first()[0]]
spark.sql("INSERT INTO master.kept.facts SELECT n, r, replace(u, 'a0', 'b0'), span, pause, at FROM master.kept.facts WHERE n = 2.7")
print("found", json.dumps({"types": dict(kept.dtypes), "seen": seen, "said": said, "counts": counts, "sums": sums}))
"""


@pytest.fixture(scope="module")
def found(host: TestHost) -> Iterator[dict[str, Any]]:
    """What one session of Spark's sees of all of it."""
    tables = [
        f"CREATE TABLE kept.{table} ({', '.join(f'c{place} {one[0]}' for place, one in enumerate(kinds))}); "
        f"INSERT INTO kept.{table} VALUES ('{QUOTED.join(one[1] for one in kinds)}');"
        for table, kinds in (("kinds", KEPT), ("unfit", REFUSED))
    ]
    made = [
        "CREATE SCHEMA kept; CREATE DOMAIN kept.any_price AS numeric(10,2); CREATE DOMAIN kept.price AS kept.any_price;",
        *tables,
        FACTS,
    ]
    bdc(host, "sql", "run", "-e", "master", "-", stdin="".join(made))
    told = bdc(host, "spark", "shell", stdin=PROGRAM.replace("CONDITIONS", repr(list(CONDITIONS))), timeout_seconds=300).stdout
    [line] = [line for line in told.splitlines() if line.startswith("found ")]
    yield json.loads(line.removeprefix("found "))
    bdc(host, "sql", "run", "-e", "master", "-", stdin="DROP SCHEMA kept CASCADE")


def test_spark_has_the_masters_values(found: dict[str, Any]) -> None:
    wanted = {f"c{place}": (one[0], *one[2:]) for place, one in enumerate(KEPT)}
    assert {name: (wanted[name][0], found["types"][name], found["seen"][name]) for name in wanted} == wanted


def test_what_spark_cannot_have_is_refused_by_name(found: dict[str, Any]) -> None:
    for place, (kind, value) in enumerate(REFUSED):
        told = found["said"][f"c{place}"]
        assert f"the column c{place} has " in told, (kind, value, told)
        assert "a view in the master that casts it" in told, (kind, value, told)


def test_what_spark_hands_to_the_master_means_the_same_there(found: dict[str, Any]) -> None:
    assert found["counts"] == {condition: [rows, rows] for condition, rows in CONDITIONS.items()}
    assert found["sums"] == ["3.70000000000000000000", 0.20000000298023224], "a real is a double in sums"


def test_text_of_spark_is_whatever_the_column_is(host: TestHost, found: dict[str, Any]) -> None:
    asked = "SELECT CAST(u AS text) AS u, CAST(span AS text) AS span, pause = '10 days' AS same FROM kept.facts WHERE n = 2.7 ORDER BY u"
    copied = rows(host, asked, "-e", "master")
    assert copied[1] == {"u": "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "span": "[1,6)", "same": True}

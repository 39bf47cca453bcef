"""Delta tables before two engines: what Spark writes SQL reads and changes, and the other way, to the last digit."""

from __future__ import annotations

from tests.e2e.external.asked import rows
from tests.e2e.support.commands import bdc
from tests.e2e.support.host import TestHost

WRITTEN = """
CREATE SCHEMA IF NOT EXISTS both;
CREATE TABLE both.moments (id INT, moment TIMESTAMP, more ARRAY<TIMESTAMP>) USING delta;
INSERT INTO both.moments SELECT id, CAST(text AS TIMESTAMP), array(CAST(text AS TIMESTAMP)) FROM VALUES
  (1, '2026-01-01 00:00:00.123456Z'), (2, '2026-01-01 00:00:00.123999Z'), (3, '1969-12-31 23:59:59.999999Z'), (4, NULL) AS v(id, text);
CREATE TABLE both.wider (a INT, b SMALLINT, c DECIMAL(5, 2)) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true');
INSERT INTO both.wider VALUES (1, 2, 1.25);
ALTER TABLE both.wider CHANGE COLUMN a TYPE BIGINT;
ALTER TABLE both.wider CHANGE COLUMN b TYPE INT;
ALTER TABLE both.wider CHANGE COLUMN c TYPE DECIMAL(20, 4);
INSERT INTO both.wider VALUES (5000000000, 70000, 12345678.1234);
CREATE TABLE both.doubled (id INT, whole INT) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true');
INSERT INTO both.doubled VALUES (1, 1);
ALTER TABLE both.doubled CHANGE COLUMN whole TYPE DOUBLE;
CREATE TABLE both.marked (id INT, moment TIMESTAMP) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true');
INSERT INTO both.marked SELECT id, TIMESTAMP '2026-01-01 00:00:00.123456Z' FROM range(4);
"""
MOMENTS = [(1, 1767225600123456), (3, -1), (4, None), (5, 1767225600123457)]
PARTS = "SELECT id, part, part = '' AS empty FROM lake.both.parts ORDER BY id"


def test_the_same_expression_is_what_asks_the_same(host: TestHost) -> None:
    found = rows(host, "SELECT count(b) AS c, count(*) FILTER (WHERE b) AS f FROM (VALUES (true), (false), (CAST(NULL AS boolean))) v(b)")
    assert found == [{"c": 2, "f": 1}]
    pairs = "(VALUES (1, 2)) t(a, b) JOIN (VALUES (1, 3)) u(a, b)"
    joined = f"(SELECT count(*) FROM {pairs} USING (a)) AS a, (SELECT count(*) FROM {pairs} USING (b)) AS b"
    none = "(SELECT count(*) FROM (VALUES 1) t(x) WHERE 1 = 0) AS w, (SELECT count(*) FROM (VALUES 1) t(x) HAVING 1 = 0) AS h"
    found = rows(host, f"SELECT {joined}, {none}")
    assert found == [{"a": 1, "b": 0, "w": 0, "h": None}]


def test_two_engines_read_the_same_of_delta_tables_and_change_nothing_else(host: TestHost) -> None:
    bdc(host, "sql", "run", "-e", "spark", "-", stdin=WRITTEN)
    rows(host, "DELETE FROM lake.both.moments WHERE moment > TIMESTAMP '2026-01-01 00:00:00.123900 UTC'")
    rows(host, "UPDATE lake.both.moments SET id = id WHERE id = 1")
    rows(host, "INSERT INTO lake.both.moments (id, moment) VALUES (5, TIMESTAMP '2026-01-01 00:00:00.123457 UTC')")
    rows(host, "ALTER TABLE lake.both.moments EXECUTE optimize")
    found = rows(
        host, "SELECT id, CAST(moment AT TIME ZONE 'UTC' AS varchar) AS t FROM lake.both.moments WHERE moment IS NOT NULL ORDER BY id"
    )
    assert [row["t"] for row in found] == [
        "2026-01-01 00:00:00.123456 UTC", "1969-12-31 23:59:59.999999 UTC", "2026-01-01 00:00:00.123457 UTC"
    ]  # fmt: skip
    found = rows(host, "SELECT id, unix_micros(moment) AS m, unix_micros(more[0]) AS more FROM both.moments ORDER BY id", "-e", "spark")
    assert [(row["id"], row["m"]) for row in found] == MOMENTS
    assert [row["more"] for row in found] == [1767225600123456, -1, None, None]

    refused = bdc(host, "sql", "query", "UPDATE lake.both.wider SET b = b + 1 WHERE a < 3", code=1)
    assert "Unsupported writer features: [typeWidening]" in refused.stderr
    wanted = [(1, 2, "1.2500"), (5000000000, 70000, "12345678.1234")]
    for engine, text in (("federation", "varchar"), ("spark", "string")):
        found = rows(host, f"SELECT a, b, CAST(c AS {text}) AS c FROM both.wider ORDER BY a", "-e", engine)
        assert [(row["a"], row["b"], row["c"]) for row in found] == wanted, engine
    assert (
        "Column 'whole' was widened from integer to double" in bdc(host, "sql", "query", "SELECT * FROM lake.both.doubled", code=1).stderr
    )

    rows(host, "DELETE FROM lake.both.marked WHERE id = 2")  # by a deletion vector
    found = rows(host, "SELECT id, unix_micros(moment) AS m FROM both.marked ORDER BY id", "-e", "spark")
    assert [(row["id"], row["m"]) for row in found] == [(one, 1767225600123456) for one in (0, 1, 3)]

    rows(host, "CREATE TABLE lake.both.parts WITH (partitioned_by = ARRAY['part']) AS "
               "SELECT * FROM (VALUES (1, ''), (2, NULL), (3, 'x')) v(id, part)")  # fmt: skip
    wanted_parts = [(1, "", True), (2, None, None), (3, "x", False)]
    for engine, text in (("federation", PARTS), ("spark", PARTS.replace("lake.", ""))):
        assert [(row["id"], row["part"], row["empty"]) for row in rows(host, text, "-e", engine)] == wanted_parts, engine
    bdc(host, "sql", "run", "-e", "spark", "-", stdin="DROP SCHEMA both CASCADE;")

"""What the master sends to the federation means the same there: each function of the list that federation_fdw goes by, conditions of
all types, and the queries in sent.sql. Arguments: how to reach the master, and the list. dbo.facts is an external table, public.facts
the same in the master."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg

HERE, THERE = "public.facts", "dbo.facts"
COLUMNS = {
    "int2": "small", "int4": "id", "int8": "big", "numeric": "price", "float8": "rate", "float4": "share", "text": "note",
    "varchar": "name", "bpchar": "code", "bool": "ok", "date": "day", "timestamp": "seen", "timestamptz": "zoned",
    "uuid": "mark", "bytea": "raw", "any": "id",
    "interval": "interval '26 hours'",
}  # fmt: skip
VALUES = {
    "small": ["1::int2", "(-3)::int2"],
    "id": ["1", "2147483647"],
    "big": ["5000000001", "9223372036854775807"],
    "price": ["2.50", "'NaN'::numeric", "1e50::numeric", "0.000001"],
    "rate": ["0.25::float8", "'NaN'::float8", "'Infinity'::float8", "1e308::float8", "1e-300::float8"],
    "share": ["0.5::float4", "'NaN'::float4", "'-Infinity'::float4"],
    "name": ["'name 1'", "'ä ''quote\"'", "''", "'100%_\\'", "E'a\\nb'"],
    "note": ["'x'", "E'\\\\'"],
    "code": ["'ab'", "'ab '::char(3)"],
    "ok": ["true", "false"],
    "day": ["'2024-01-05'::date", "'infinity'::date", "'0044-03-15 BC'::date", "'10000-01-01'::date"],
    "seen": ["'2024-01-05 10:11:12.123456'::timestamp", "'-infinity'::timestamp", "'0001-01-01 BC'::timestamp"],
    "zoned": ["'2024-01-05 10:11:12.5+03'::timestamptz", "'infinity'::timestamptz", "'1900-01-01'::timestamptz"],
    "mark": ["'00000000-0000-0000-0000-000000000003'::uuid", "'ffffffff-0000-0000-0000-000000000003'::uuid"],
    "raw": ["'\\x01'::bytea", "''::bytea"],
}
PARTS = {
    "extract({} FROM day)": "year month day quarter doy dow isodow week isoyear century epoch decade julian",
    "extract({} FROM seen)": "year month day quarter doy dow isodow week isoyear hour minute second epoch millennium",
    "date_part('{}', seen)": "year dow hour milliseconds",
    "date_trunc('{}', seen)": "second minute hour day week month quarter year decade century",
}
CONDITIONS = r"""
name LIKE 'name _'
name LIKE 'na%\%'
name LIKE 'n\ame%'
name NOT LIKE '%1'
name LIKE note
name ILIKE 'NAME%'
name ~ '^n.*1$'
position('e' in name) = 4
strpos(name, 'e') = 4
name || note = 'name 1x'
-id % 3 = -1
price * price > 6.25
price / 3 > 1
day + 1 = '2024-01-06'
day - '2024-01-01'::date > 3
day = seen
day < zoned
id = price
price = rate
rate = share
(id, name) IN ((1, 'name 1'), (2, 'x'))
EXISTS (SELECT 1 FROM dbo.facts o WHERE o.id = facts.small)
id NOT IN (SELECT small FROM dbo.facts WHERE small IS NOT NULL)
ok IS NOT TRUE
name COLLATE "und-x-icu" < 'name 3'
id > (SELECT min(id) + 60 FROM public.facts)
"""
FUNCTIONS = """
WITH named AS (
  SELECT oid, proname, prokind::text, count(*) OVER (PARTITION BY proname) AS many,
    ARRAY(SELECT t.typname::text FROM unnest(proargtypes) WITH ORDINALITY a(type, place)
          JOIN pg_type t ON t.oid = a.type ORDER BY place) AS types
  FROM pg_proc WHERE oid < 16384)
SELECT 'F_' || upper(proname || CASE WHEN many > 1 THEN '_' || array_to_string(types, '_') ELSE '' END), proname, prokind, types,
  ARRAY(SELECT o.oprname::text FROM pg_operator o WHERE o.oprcode = named.oid),
  ARRAY(SELECT c.casttarget::regtype::text FROM pg_cast c
        WHERE c.castfunc = named.oid AND c.casttarget::regtype::text !~ '^(reg|oid|xid)')
FROM named
"""


def calls(name: str, kind: str, types: list[str], operators: list[str], casts: list[str]) -> Iterator[str]:
    """Queries with a function in the forms that it has: it is computed there, since they group by it."""
    columns = [COLUMNS[one] for one in types]
    if kind == "a":
        yield f"SELECT ok, {name}({', '.join(columns) or '*'}) FROM {{0}} GROUP BY ok"
        if len(columns) == 1:
            yield f"SELECT ok, {name}(DISTINCT {columns[0]}), {name}({columns[0]}) FILTER (WHERE id > 10) FROM {{0}} GROUP BY ok"
        return
    forms = [f"{columns[0]} {one} {columns[1]}" if len(columns) > 1 else f"{one} {columns[0]}" for one in operators]
    forms += [f"({columns[0]})::{one}" for one in casts]
    for form in forms or [f"{name}({', '.join(columns)})"]:
        yield f"SELECT {form}, count(*) FROM {{0}} GROUP BY 1"


def conditions() -> Iterator[str]:
    for column, values in VALUES.items():
        for value in values:
            yield from (f"{column} {operator} {value}" for operator in ("=", "<>", "<", ">=", "IS DISTINCT FROM"))
        first, second = values[:2]
        yield f"{column} IN ({', '.join(values)})"
        yield f"{column} NOT IN ({first}, {second})"
        yield f"{column} = ANY (ARRAY[{first}, NULL])"
        yield f"{column} BETWEEN {first} AND {second}"
        yield f"{column} = (SELECT {column} FROM public.facts WHERE id = 3)"
        yield f"{column} IS NULL OR NOT ({column} = {first})"
        yield f"CASE WHEN {column} = {first} THEN {column} ELSE {second} END = {second}"
    for form, words in PARTS.items():
        yield from (f"{form.format(word)} IS NOT NULL AND {form.format(word)} <> {form.format(word).replace('seen', 'day::timestamp')}"
                    for word in words.split())  # fmt: skip
    yield from CONDITIONS.split("\n")[1:-1]


def answer(master: psycopg.Connection, sql: str) -> list[str] | None:
    """The rows, in some order; None where it has an error that PostgreSQL has as well."""
    try:
        return sorted(map(repr, master.execute(sql).fetchall()))
    except psycopg.errors.FeatureNotSupported as error:
        return [f"refused: {error}"]
    except psycopg.Error:
        return None


def main() -> None:
    listed = re.findall(r"^(F_\w+),", Path(sys.argv[2]).read_text(), re.MULTILINE)
    master = psycopg.connect(sys.argv[1], autocommit=True)
    master.execute("SET timezone = 'Europe/Berlin'")
    known = {row[0]: row[1:] for row in master.execute(FUNCTIONS)}
    known["F_COUNT_"] = ("count", "a", [], [], [])
    wrong, sent = [], 0
    grammar = ("F_EXTRACT", "F_DATE_PART", "F_DATE_TRUNC", "F_POSITION")  # called by what they must be called by, among the conditions
    queries = [(one, sql) for one in listed if not one.startswith(grammar) for sql in calls(*known[one])]
    queries += [("", f"SELECT id FROM {{0}} AS facts WHERE {condition}") for condition in conditions()]
    queries += [("", line) for line in Path(__file__).with_suffix(".sql").read_text().splitlines() if not line.startswith("--")]
    for function, sql in queries:
        plan = "\n".join(line for (line,) in master.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {sql.format(THERE)}"))
        if function and "Aggregate on" not in plan:
            wrong.append(f"{sql}\n  isn't sent")
        sent += "Aggregate on" in plan or not re.search("Filter|Join|SubPlan|InitPlan", plan)
        here, there = (answer(master, sql.format(table)) for table in (HERE, THERE))
        if here != there:
            wrong.append(f"{sql}\n  master     {here}\n  federation {there}")
    sys.stdout.write("\n".join([*wrong, f"{sent} of {len(queries)} are sent, {len(wrong)} are wrong"]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

"""PostgreSQL's queries for Trino: what they become, and what is refused because it would mean something else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdc.sql.pgwire.dialect import Kind, Tables, Translated, bound, kind, names, parameters, read, translate
from bdc.sql.pgwire.errors import SqlError
from tests.e2e.clients.gateway import QUERIES

TYPES = {
    "id": "integer", "small": "smallint", "big": "bigint", "price": "decimal(12,2)", "rate": "double", "share": "real", "ok": "boolean",
    "name": "varchar(20)", "note": "varchar", "code": "char(3)", "day": "date", "seen": "timestamp(6)", "mark": "uuid", "doc": "json",
    "zoned": "timestamp(6) with time zone", "raw": "varbinary", "tags": "array(varchar)",
}  # fmt: skip
FACTS = {name: kind(text) for name, text in TYPES.items()}
TABLES = Tables(
    {
        ("facts",): ("facts", FACTS),
        ("dbo", "facts"): ("external.dbo.facts", FACTS),
        ("other",): ("other", {"id": kind("bigint")}),
        ("lake", "facts"): ("lake.facts", FACTS),
    }
)


def said(sql: str) -> Translated:
    return translate(read(sql), TABLES, "ann")


def expression(sql: str) -> str:
    """What an expression of facts' columns becomes, without their table's name."""
    text = said(f"SELECT count(*) FROM facts WHERE ({sql}) IS NULL").sql.replace('"facts".', "").replace('"', "")
    return text.partition(" WHERE ((")[2].removesuffix(") IS NULL)")


@pytest.mark.parametrize(
    ("postgresql", "trino"),
    [
        ("id / 7", "(id / 7)"),
        ("price / 3", "(CAST(price AS decimal(38, 20)) / 3)"),
        ("rate / id", "(CASE WHEN id = 0 THEN CAST(fail(8, 'division by zero') AS double) ELSE rate / id END)"),
        ("share = 1.1", "(CAST(share AS double) = DECIMAL '1.1')"),
        ("rate < 5", "(rate < 5)"),
        ("rate > '5'::double precision", "(rate > CAST('5' AS double) OR is_nan(rate))"),
        ("rate = rate", "(rate = rate OR (is_nan(rate) AND is_nan(rate)))"),
        ("rate BETWEEN 1 AND 2", "((rate >= 1 OR is_nan(rate)) AND (rate <= 2))"),
        ("1e3", "DECIMAL '1000'"),
        ("5::numeric", "DECIMAL '5'"),
        ("day > '2026-01-01'", "(day > DATE '2026-01-01')"),
        ("seen < '2026-01-01 10:00'", "(seen < CAST(TIMESTAMP '2026-01-01 10:00' AS timestamp(6)))"),
        ("ok = 'yes'", "(ok = true)"),
        ("id = '5'", "(id = CAST(5 AS integer))"),
        ("day + 1", "date_add('day', (1), day)"),
        ("day - day", "CAST(date_diff('day', day, day) AS integer)"),
        ("name LIKE 'a%'", "(name LIKE 'a%')"),
        ("""name = 'a' COLLATE "C\"""", "(name = 'a')"),
        ("""name COLLATE pg_catalog."default" < note""", "(name < note)"),
        (r"name LIKE '100\%'", r"(name LIKE '100\%' ESCAPE '\')"),
        ("name LIKE note", r"(name LIKE note ESCAPE '\')"),
        ("name NOT LIKE 'a#%' ESCAPE '#'", "(NOT (name LIKE 'a#%' ESCAPE '#'))"),
        ("ok IS NOT TRUE", "(NOT coalesce(ok, false))"),
        ("trim(name)", "trim(BOTH ' ' FROM name)"),
        ("greatest(id, 3)", "array_max(filter(ARRAY[id, 3], one -> one IS NOT NULL))"),
        ("split_part(name, ',', 2)", "if(name IS NULL, NULL, coalesce(split_part(name, ',', 2), ''))"),
        ("name || id", "(name || CAST(id AS varchar))"),
        ("code || name", "(trim(TRAILING ' ' FROM CAST(code AS varchar)) || name)"),
        ("id = ANY ('{1,2,NULL}'::integer[])", "(id IN (CAST(1 AS integer), CAST(2 AS integer), CAST(NULL AS integer)))"),
        ("id <> ALL (ARRAY[1, 2])", "(id NOT IN (1, 2))"),
        ("extract(dow from day)", "CAST((day_of_week(day) % 7) AS decimal(10, 0))"),
        ("extract(hour from zoned)", "CAST(hour(at_timezone(zoned, current_timezone())) AS decimal(10, 0))"),
        ("date_trunc('day', zoned)", "date_trunc('day', at_timezone(zoned, current_timezone()))"),
        ("zoned::date", "CAST(at_timezone(zoned, current_timezone()) AS date)"),
        ("interval '1 day 2 hours'", "INTERVAL '93600' SECOND"),
        ("interval '-1 year 2 mons'", "(- INTERVAL '10' MONTH)"),
        ("concat(name, note)", "concat(coalesce(name, ''), coalesce(note, ''), coalesce('', ''))"),
        ("current_user", "CAST('ann' AS varchar)"),
        (r"raw = '\x00ff'", "(raw = X'00ff')"),
        (r"raw = E'\\x00ff'::bytea", "(raw = X'00ff')"),
        (r"""name = ANY (E'{a,"b\\\\c"}'::text[])""", "(name IN ('a', 'b\\c'))"),
        ("position('e' in name)", "CAST(strpos(name, 'e') AS integer)"),
        ("\"position\"(name, 'e'::text)", "CAST(strpos(name, 'e') AS integer)"),
        ("\"extract\"('year'::text, day)", "CAST(year(day) AS decimal(10, 0))"),
        ("date_part('year'::text, day)", "CAST(year(day) AS double)"),
        (r"name LIKE 'a\b\%'", "(name LIKE 'ab\\%' ESCAPE '\\')"),
        ("trunc(price)", "truncate(price)"),
        ("trunc(id)", "truncate(CAST(id AS double))"),
        ("trunc(price, 1)", "CAST(truncate(price, 1) AS decimal(38, 1))"),
        ("trunc(extract(year from day))::int", "CAST(truncate(CAST(year(day) AS decimal(10, 0))) AS integer)"),
        ("floor(share)", "floor(CAST(share AS double))"),
        ("pg_catalog.lower(name)", "lower(name)"),
        (r"name ~ '^a.\d$'", r"regexp_like(name, '\Aa[\s\S][0-9]\z')"),
        ("name !~* 'ä1'", "(NOT regexp_like(name, '[Ää]1'))"),
        (r"name ~* '[a-c\-]{2}'", r"regexp_like(name, '[a-cABC\x2d]{2}')"),
        ("regexp_replace(name, 'a+', '$1', 'g')", r"regexp_replace(name, 'a+', '\$\1')"),
        (r"regexp_replace(name, '(a)', '\1\&2')", r"regexp_replace(name, '\A([\s\S]*?)((a))', '$1$3$2\2')"),
        ("substring(name from 'a(.)')", r"regexp_extract(name, 'a([\s\S])', 1)"),
        ("'a' = ANY (tags)", "any_match(tags, item -> ('a' = item))"),
        ("name <> ALL (tags)", "all_match(tags, item -> (name <> item))"),
        (
            "rate < ALL (array_agg(share))",
            "all_match(array_agg(share), item -> (rate < CAST(item AS double) OR (is_nan(CAST(item AS double)) AND NOT is_nan(rate))))",
        ),
        ("id > ANY (ARRAY[1, small])", "((id > 1) OR (id > small))"),
        ("id <= ALL ('{1,NULL}')", "((id <= CAST(1 AS integer)) AND (id <= CAST(NULL AS integer)))"),
        (
            "to_char(day, 'YYYY FMMon')",
            "if(CAST(day AS timestamp(6)) IS NULL, CAST(NULL AS varchar), concat(format('%04d', if(year(CAST(day AS timestamp(6))) > 0, "
            "year(CAST(day AS timestamp(6))), 1 - year(CAST(day AS timestamp(6))))), ' ', element_at(ARRAY['Jan', 'Feb', 'Mar', 'Apr', "
            "'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'], CAST(month(CAST(day AS timestamp(6))) AS integer)), ''))",
        ),
        (
            "date_bin('1 hour', seen, '2026-01-01')",
            "date_add('second', transform(ARRAY[date_diff('second', CAST(TIMESTAMP '2026-01-01 00:00:00' AS timestamp(6)), "
            "date_trunc('second', seen))], d -> d - ((d % 3600) + 3600) % 3600)[1], CAST(TIMESTAMP '2026-01-01 00:00:00' AS timestamp(6)))",
        ),
        (
            "percentile_disc(0.5) WITHIN GROUP (ORDER BY id)",
            "transform(ARRAY[array_agg(id ORDER BY id ASC) FILTER (WHERE id IS NOT NULL)], "
            "v -> element_at(v, greatest(CAST(ceiling(CAST('0.5' AS double) * cardinality(v)) AS integer), 1)))[1]",
        ),
        ("rate IN (1, 'NaN')", "((rate = 1) OR (rate = CAST(nan() AS double) OR (is_nan(rate) AND is_nan(CAST(nan() AS double)))))"),
    ],
)
def test_expressions_keep_postgresqls_meaning(postgresql: str, trino: str) -> None:
    assert expression(postgresql) == trino


@pytest.mark.parametrize(
    "sql",
    [
        "name ~ note", r"name ~ '\w+'", "name ~ 'a(?=b)'", "code ~ 'a'", "name SIMILAR TO 'x'", "regexp_replace(name, 'a|ab', 'x')",
        "regexp_replace(name, 'x*', 'y', 'g')", "regexp_replace(name, 'a?b?', 'x')", "substring(name from '(a|b)')",
        "regexp_matches(name, 'a')", r"name ~* '[à-ü]'", "name ~ '***=a'", "name ~ '[[:alpha:]]'", "to_char(price, '999')",
        "to_char(day, 'SSSS')", "to_char(day, 'DDth')", "to_char(day, 'J')", "to_char(day, note)", "to_date(name, 'DD.MM')",
        "to_date(name, 'DDD YYYY')", "to_timestamp(name, 'YYYY-MM-DDTHH24')", "date_bin('1 month', seen, '2026-01-01')",
        "date_bin('1 day', seen, seen)", "width_bucket(price, 1, 9, small)", "trunc(price, small)",
        "percentile_cont(rate) WITHIN GROUP (ORDER BY id)",
        "percentile_disc(0.5) WITHIN GROUP (ORDER BY ok)", "mode() WITHIN GROUP (ORDER BY id)",
        "rate::int", "rate::text", "seen::text", "rate::numeric(10,2)", "round(rate)", "sqrt(rate)",
        "zoned + interval '1 day'", "seen - seen", "interval '1 month 1 day'", "substr(name, 0)", "substr(name, id)", "left(name, -1)",
        "replace(name, '', 'x')", "split_part(name, ',', -1)", "random()", "doc -> 'a'", "tags[1]", "pg_sleep(1)",
        "ARRAY[1] || 2", "facts", "name COLLATE \"de\"",
        "stddev(price) OVER ()", "corr(price, rate)", "generate_series(1, 2)", "day > 'tomorrow'", "id::money",
        "(id, big) < (1, 2)", "extract(century from day)", "age(seen)", "id & 1", "id ^ 2", "x'1f'::int", "doc = doc",
    ],
)  # fmt: skip
def test_what_has_no_translation_is_refused(sql: str) -> None:
    with pytest.raises(SqlError) as raised:
        said(f"SELECT {sql} FROM facts")
    assert raised.value.state in ("0A000", "42703", "42883", "42601"), raised.value.state


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("SELECT nope FROM facts", "42703"),
        ("SELECT id FROM facts, other", "42702"),
        ("SELECT * FROM missing", "42P01"),
        ("SELECT id FROM facts facts, other facts", "42712"),
        ("SELECT id = name FROM facts", "42883"),
        ("SELECT id + ok FROM facts", "42883"),
        ("SELECT id FROM facts WHERE id", "42804"),
        ("SELECT id FROM facts WHERE id = 'x'", "22P02"),
        ("SELECT id FROM facts WHERE name ~ '(a'", "2201B"),
        ("SELECT id FROM facts WHERE name ~ 'a**'", "2201B"),
        ("SELECT id FROM facts WHERE name ~ '[b-a]'", "2201B"),
        ("SELECT id FROM facts WHERE name ~ 'a{1000}'", "2201B"),
        ("SELECT id FROM facts WHERE id ~ '1'", "42883"),
        ("SELECT percentile_cont(2) WITHIN GROUP (ORDER BY id) FROM facts", "22003"),
        ("SELECT date_bin('-1 day', seen, '2026-01-01') FROM facts", "22008"),
        ("SELECT trunc(rate, 1) FROM facts", "42883"),
        ("SELECT id FROM facts ORDER BY 3", "42P10"),
        ("SELECT id FROM facts UNION SELECT id, name FROM facts", "42601"),
        ("SELECT id FROM facts UNION SELECT name FROM facts", "42804"),
        ("SELECT DISTINCT ON (id) id FROM facts", "0A000"),
        ("WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", "0A000"),
        ("SELECT FROM WHERE", "42601"),
        ("SELECT 1; SELECT 2", "42601"),
        ("SELECT 'unfinished", "42601"),
        ("DELETE FROM facts", "42601"),
        ("SELECT " + "(" * 3000 + "1" + ")" * 3000, ""),
    ],
)
def test_errors_have_postgresqls_states(sql: str, state: str) -> None:
    with pytest.raises(SqlError) as raised:
        said(sql)
    assert not state or raised.value.state == state


def test_names_are_those_of_the_query_and_columns_have_postgresqls() -> None:
    tree = read("WITH a AS (SELECT * FROM dbo.facts) SELECT count(*), x.id::text, price + 1, CASE WHEN ok THEN 1 END FROM a x, other")
    assert names(tree) == {("dbo", "facts"), ("other",)}
    assert said('SELECT count(*), f.id::text, price + 1, "id" AS "Id" FROM facts f').names == ("count", "id", "?column?", "Id")


def test_statements_that_name_the_database_are_of_its_tables() -> None:
    """There is one database, called bdc."""
    assert names(read("SELECT bdc.dbo.facts.id FROM bdc.dbo.facts JOIN bdc.other ON true")) == {("dbo", "facts"), ("bdc", "other")}
    assert said("SELECT bdc.dbo.facts.id FROM bdc.dbo.facts").sql == 'SELECT "facts"."id" AS "id" FROM external.dbo.facts AS "facts"'


def test_a_common_table_expression_hides_a_table_from_where_it_is_known() -> None:
    sql = "WITH other AS (SELECT id FROM other), b AS (SELECT id FROM other) SELECT id FROM other, (SELECT small FROM facts) x"
    assert names(read(sql)) == {("other",), ("facts",)}
    assert names(read("WITH a AS (SELECT id FROM b), b AS (SELECT 1) SELECT * FROM a, b")) == {("b",)}
    assert names(read("SELECT (WITH a AS (SELECT 1) SELECT * FROM a) FROM a")) == {("a",)}


def test_columns_are_named_by_their_tables_whole_names() -> None:
    """As SQLAlchemy and BI tools write them."""
    assert said("SELECT dbo.facts.id, dbo.facts.* FROM dbo.facts WHERE dbo.facts.id > 1").sql.endswith('WHERE ("facts"."id" > 1)')
    both = said("SELECT dbo.facts.id, lake.facts.id FROM dbo.facts JOIN lake.facts ON lake.facts.id = dbo.facts.id").sql
    assert both == (
        'SELECT "facts"."id" AS "id", "facts 1"."id" AS "id" FROM external.dbo.facts AS "facts" '
        'JOIN lake.facts AS "facts 1" ON ("facts 1"."id" = "facts"."id")'
    )
    for sql, state in (
        ("SELECT facts.id FROM dbo.facts, lake.facts", "42702"),
        ("SELECT lake.facts.id FROM dbo.facts", "42703"),
        ("SELECT dbo.facts.id FROM dbo.facts f", "42703"),
        ("SELECT lake.facts.* FROM dbo.facts", "42P01"),
        ("SELECT 1 FROM dbo.facts, dbo.facts", "42712"),
        ("SELECT 1 FROM dbo.facts, other AS facts", "42712"),
    ):
        with pytest.raises(SqlError) as raised:
            said(sql)
        assert raised.value.state == state, sql


@pytest.mark.parametrize(
    "source",
    [
        "((facts a JOIN other b ON a.id = b.id) JOIN other c ON b.id = c.id)",
        "(facts a JOIN (other b JOIN other c ON b.id = c.id) ON a.id = b.id)",
        "((SELECT id FROM facts) a JOIN (other b JOIN other c ON b.id = c.id) ON a.id = b.id)",
        "(((facts a JOIN other b ON a.id = b.id)) JOIN other c ON b.id = c.id) JOIN other d ON d.id = a.id",
    ],
)
def test_joins_in_parentheses_keep_their_names(source: str) -> None:
    """As postgres_fdw writes them."""
    assert said(f"SELECT a.id, b.id, c.id FROM {source} ORDER BY 1").names == ("id", "id", "id")
    assert len(said(f"SELECT * FROM {source}").names) >= 3


def test_queries_in_parentheses_are_queries() -> None:
    assert said("SELECT id FROM ((SELECT id FROM other))").names == ("id",)
    assert said("SELECT x.id FROM (((SELECT id FROM other) UNION SELECT id FROM other)) x").names == ("id",)


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT TRUE AS "_" FROM "dbo"."facts" WHERE 1 <> 1 LIMIT 0',  # Metabase, whether a table may be read
        'SELECT * FROM "facts" LIMIT 1',  # Django 5.2.19, inspectdb
        'select "$Table"."id" as "id", "$Table"."name" as "name" from "dbo"."facts" "$Table" limit 1000',  # Power BI, a preview
    ],
)
def test_tools_look_at_a_tables_rows(sql: str) -> None:
    assert said(sql).names


def test_quotients_of_numerics_are_left_to_the_gateway_where_it_sees_them() -> None:
    assert said("SELECT avg(id), id / 2, price / 3, avg(rate) FROM facts GROUP BY id, price").quotients == {0, 2}
    inner = said("SELECT x FROM (SELECT avg(id) AS x FROM facts) a")
    assert (inner.quotients, "decimal(38, 20)" in inner.sql) == (frozenset(), True)
    assert said("SELECT price / 3 FROM facts GROUP BY price / 3").quotients == frozenset()


def test_deviations_of_numerics_are_made_by_the_gateway() -> None:
    found = said("SELECT name, stddev(price) FILTER (WHERE ok), var_pop(rate) FROM facts GROUP BY name")
    assert found.quotients == {1}
    of = 'FILTER (WHERE "facts"."ok") AS varchar)'
    assert (
        f'ROW(CAST(\'stddev_samp\' AS varchar), CAST(count("facts"."price") {of}, CAST(sum("facts"."price") {of}, '
        f'CAST(sum("facts"."price" * "facts"."price") {of})'
    ) in found.sql
    assert (
        "fail('stddev_samp of numbers that aren''t double precision is for the outermost SELECT"
        in said("SELECT s FROM (SELECT stddev(id) AS s FROM facts) x").sql
    )


def test_aggregates_of_strings_keep_their_filter() -> None:
    sql = said("SELECT string_agg(name, ' IS NOT NULL), ' ORDER BY id) FILTER (WHERE ok) FROM facts").sql
    assert """FILTER (WHERE "facts"."name" IS NOT NULL AND "facts"."ok"), ' IS NOT NULL), ')""" in sql


def test_nulls_are_the_largest_values() -> None:
    assert said("SELECT id FROM facts ORDER BY id DESC, name, day NULLS FIRST").sql.endswith(
        'ORDER BY "facts"."id" DESC NULLS FIRST, "facts"."name" ASC NULLS LAST, "facts"."day" ASC NULLS FIRST'
    )


def test_parameters_become_literals() -> None:
    tree = read("SELECT id FROM facts WHERE name = $2 AND id = $1")
    assert parameters(tree) == 2
    assert """("facts"."name" = 'a''b')""" in translate(bound(tree, ["5", "'a''b'"]), TABLES, "ann").sql
    with pytest.raises(SqlError, match=r"there is no parameter \$2"):
        bound(tree, ["5"])


def test_kinds_of_trinos_types() -> None:
    assert kind("array(decimal(5,2))") == Kind("array", of=Kind("decimal", scale=2))
    assert {kind(text).family for text in ("row(a integer)", "map(varchar, bigint)", "time(3) with time zone", "HyperLogLog")} == {"other"}


WORDS = st.sampled_from(
    [
        "SELECT",
        "FROM",
        "WHERE",
        "facts",
        "id",
        "name",
        "(",
        ")",
        ",",
        "*",
        "+",
        "-",
        "/",
        "=",
        "<",
        "'",
        '"',
        "$1",
        "1",
        "2.5",
        "'x'",
        "NULL",
        "AND",
        "OR",
        "NOT",
        "IN",
        "LIKE",
        "BETWEEN",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "AS",
        "JOIN",
        "ON",
        "GROUP",
        "BY",
        "ORDER",
        "LIMIT",
        "OFFSET",
        "count",
        "sum",
        "avg",
        "OVER",
        "PARTITION",
        "DISTINCT",
        "UNION",
        "EXISTS",
        "ANY",
        "::",
        "int",
        "text",
        "date",
        "interval",
        "[",
        "]",
        ";",
        "--",
        "/*",
        "*/",
        "E'a\\'",
        "$$",
    ]
)


@settings(max_examples=1000, deadline=None)
@given(st.one_of(st.sampled_from(QUERIES), st.lists(WORDS, max_size=25).map(" ".join)), st.data())
def test_whatever_is_asked_is_translated_or_refused(sql: str, data: st.DataObject) -> None:
    """No other error than ours, and in time: of queries that lost a piece, too."""
    words = sql.split(" ")
    at = data.draw(st.integers(0, len(words)))
    text = " ".join(words[:at] + words[at + data.draw(st.integers(0, 2)) :])
    error = None
    try:
        assert said(text).sql
    except SqlError as raised:
        error = raised
    if error is not None:
        assert len(error.state) == 5
        assert "<" not in error.message or "<" in text

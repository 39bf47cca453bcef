"""What statements take and give: types of parameters that clients leave open, names of columns. A real PostgreSQL says what is right."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bdc.kube.connection import Credentials, EndpointConnection
from bdc.sql.pgwire.dialect import read, translate, without_tables
from bdc.sql.pgwire.oids import NAMES
from bdc.sql.pgwire.parameters import example, literal
from tests.unit.sql.pgwire.test_dialect import TABLES, TYPES, said

KINDS = {"double": "double precision", "varbinary": "bytea", "array(varchar)": "text[]"}
INT2, INT4, INT8, TEXT, NUMERIC, DATE, TIMESTAMP, TIMESTAMPTZ, FLOAT8, BOOL, UUID = 21, 23, 20, 25, 1700, 1082, 1114, 1184, 701, 16, 2950


@pytest.fixture(scope="module")
def master(postgresql: EndpointConnection, access: Credentials) -> Iterator[psycopg.Connection]:
    password = access.password.get_secret_value()
    where = f"host=localhost hostaddr={postgresql.host} port={postgresql.port} sslmode=verify-full sslrootcert={postgresql.ca_file}"
    with psycopg.connect(f"{where} user=bdc password={password} dbname=postgres", autocommit=True) as connection:
        yield connection


def found(master: psycopg.Connection, sql: str) -> tuple[int, ...]:
    query = without_tables(sql, read(sql), TABLES)
    prepared = master.pgconn.prepare(b"", query.encode())
    assert prepared.status == psycopg.pq.ExecStatus.COMMAND_OK, f"{prepared.error_message.decode()} {query}"
    described = master.pgconn.describe_prepared(b"")
    return tuple(described.param_type(at) for at in range(described.nparams))


@pytest.mark.parametrize(
    ("sql", "types"),
    [
        ("SELECT id FROM facts WHERE id = $1", (INT4,)),
        ("SELECT $1::int + 1, $2 FROM dbo.facts WHERE price > $3 LIMIT $4", (INT4, TEXT, NUMERIC, INT8)),
        ("SELECT id FROM facts WHERE id = ANY($1) AND name = ANY($2) AND big <> ALL($3)", (1007, 1009, 1016)),
        ("SELECT id FROM facts WHERE small IN ($1,$2) OR day BETWEEN $3 AND $4 OR ok = $5", (INT2, INT2, DATE, DATE, BOOL)),
        ("SELECT CASE WHEN ok THEN $1 ELSE rate END, coalesce(mark, $2), nullif(seen, $3) FROM facts", (FLOAT8, UUID, TIMESTAMP)),
        ("SELECT left(name, $1), round(price, $2), date_trunc($3, zoned), zoned > $4 FROM facts OFFSET $5", (INT4, INT4, TEXT, 1184, INT8)),
        ("SELECT dbo.facts.id, lake.facts.id FROM dbo.facts, lake.facts f WHERE dbo.facts.small = $1 AND f.name LIKE $2", (INT2, TEXT)),
        ("SELECT bdc.dbo.facts.id FROM bdc.dbo.facts WHERE bdc.dbo.facts.big = $1", (INT8,)),
        ("WITH facts AS (SELECT big AS id FROM facts) SELECT * FROM facts WHERE id = $1 -- one", (INT8,)),
        ("SELECT id FROM other WHERE id > (SELECT max(f.price) + $1 FROM facts f WHERE f.code = $2)", (NUMERIC, 1042)),
        ("VALUES (1, $1), ($2, 'x')", (TEXT, INT4)),
        ("SELECT * FROM (SELECT $2 AS a, day FROM facts WHERE tags = $1) x UNION SELECT 'y', $3", (1009, TEXT, DATE)),
        ("SELECT '$1', $$ $2 $$, E'\\' $3', \"id\" /* $4 */ FROM facts WHERE id IN ($1,$2)", (INT4, INT4)),
    ],
)  # fmt: skip
def test_parameters_get_their_types_from_where_they_stand(master: psycopg.Connection, sql: str, types: tuple[int, ...]) -> None:
    assert found(master, sql) == types


def test_a_parameter_that_may_be_anything_is_an_error(master: psycopg.Connection) -> None:
    query = without_tables(sql := "SELECT id FROM facts WHERE $1 IS NULL", read(sql), TABLES)
    prepared = master.pgconn.prepare(b"", query.encode())
    assert prepared.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"42P18"


@pytest.mark.parametrize("oid", sorted(NAMES))
def test_every_type_has_an_example_and_a_null(oid: int) -> None:
    """What stands for a parameter while it has no value."""
    for sql in (example(oid), literal(None, oid, 0)):
        assert translate(read(f"SELECT {sql} AS x FROM facts"), TABLES, "ann").names == ("x",)


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("current_user", "current_user"), ("session_user", "session_user"), ("user", "user"), ("current_role", "current_role"),
        ("now()", "now"), ("current_timestamp", "current_timestamp"), ("localtimestamp", "localtimestamp"),
        ("substr(name, 2)", "substr"), ("substring(name from 2)", "substring"), ("char_length(name)", "char_length"),
        ("ceiling(price)", "ceiling"), ("ceil(price)", "ceil"), ("ltrim(name)", "ltrim"), ("trim(name)", "btrim"),
        ("trim(leading 'x' from name)", "ltrim"), ("position('a' in name)", "position"), ("strpos(name, 'a')", "strpos"),
        ("stddev(rate)", "stddev"), ("stddev_samp(rate)", "stddev_samp"), ("variance(rate)", "variance"), ("every(ok)", "every"),
        ("count(*) FILTER (WHERE ok)", "count"), ("sum(id) OVER ()", "sum"), ("date_part('day', day)", "date_part"),
        ("extract(day from day)", "extract"), ("pg_catalog.lower(name)", "lower"), ("(id)", "id"), ("-id", "?column?"), ("1::int", "int4"),
        ("'x'::char(3)", "bpchar"), ("'{a}'::text[]", "text"), ("id::text", "id"), ("(CASE WHEN ok THEN 1 END)::bigint", "int8"),
        ("CASE WHEN ok THEN 1 ELSE 2::int END", "case"), ("CASE WHEN ok THEN 1 ELSE abs(2) END", "abs"), ("id = 1", "?column?"),
        ("name LIKE 'a'", "?column?"), ("id IN (1)", "?column?"), ("true", "?column?"), ("interval '1 day'", "interval"),
        ("date '2026-01-01'", "date"), ("coalesce(id, 1)", "coalesce"), ("(SELECT 1)", "?column?"), ("(SELECT 1)::text", "?column?"),
        ("(SELECT * FROM (SELECT 5 AS five) x)", "five"), ("(VALUES (1))", "column1"), ("EXISTS (SELECT 1)", "exists"),
        ("ARRAY[1, 2]", "array"), ("greatest(1, 2)", "greatest"), ("'a'::name", "name"), ("round(price)", "round"),
    ],
)  # fmt: skip
def test_columns_have_the_names_that_postgresql_gives_them(master: psycopg.Connection, expression: str, name: str) -> None:
    columns = ", ".join(f"CAST(NULL AS {KINDS.get(text, text)}) AS {column}" for column, text in TYPES.items())
    described = master.execute(f"WITH facts AS (SELECT {columns}) SELECT {expression} FROM facts").description
    assert described
    assert described[0].name == name, "that of a real one"
    assert said(f"SELECT {expression} FROM facts").names == (name,)

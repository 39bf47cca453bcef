"""What the SQL gateway is asked: the same table in an outside database and in the master, and queries that must agree on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
from psycopg import pq

TABLE = """
CREATE TABLE facts (
    id int, small smallint, big bigint, price numeric(12,2), rate double precision, share real, name varchar(20), note text, code char(3),
    ok boolean, day date, seen timestamp, zoned timestamptz, mark uuid, raw bytea
);
INSERT INTO facts SELECT
    i, i % 100, 5000000000 + i, i * 1.25, i / 8.0, i / 4.0, 'name ' || i % 7, CASE WHEN i % 5 > 0 THEN repeat('x', i % 4) || ' ' END,
    (ARRAY['a', 'bb', 'ccc'])[1 + i % 3], i % 2 = 0, date '2026-01-31' + i, timestamp '2026-01-31 10:20:30.123456' + i * interval '1 hour',
    timestamptz '2026-03-29 00:30:00+00' + i * interval '1 hour', ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid,
    decode(lpad(to_hex(i), 4, '0'), 'hex')
FROM generate_series(1, 60) i;
INSERT INTO facts (id, name) VALUES (61, 'ä ''quote"'), (62, NULL), (63, '100% \\_');
INSERT INTO facts (id, price, rate, note, day) VALUES (64, -0.05, -1.5, '', '1066-10-14'), (65, 9999999999.99, 1e-7, 'ÄÖ ß', '9999-12-31');
INSERT INTO facts (id, rate, share) VALUES (66, 'NaN', 'Infinity'), (67, '-Infinity', 'NaN');
"""

COLUMNS = (
    "id int, small smallint, big bigint, price decimal(12,2), rate float, share real, name nvarchar(20), note nvarchar(max), code char(3), "
    "ok bit, day date, seen datetime2(6), zoned datetimeoffset(6), mark uniqueidentifier, raw varbinary(16)"
)

QUERIES = tuple(line.removesuffix(";") for line in Path(__file__).with_suffix(".sql").read_text().splitlines() if not line.startswith("--"))
"""Their columns' names and their rows must be equal on the gateway and on a PostgreSQL with the table, as `comparable` has them."""

_TEXTS, _NUMERIC = (19, 25, 1043), 1700


def comparable(found: pq.abc.PGresult) -> tuple[list[str], list[list[object]]]:
    """A result's columns and rows: values as they are written, numerics by value, since a column has one scale in Trino. Strings are of
    one type, text or varchar.
    """
    kinds = [found.ftype(at) for at in range(found.nfields)]
    names = [f"{(found.fname(at) or b'').decode()} {_kind(kind)}" for at, kind in enumerate(kinds)]
    return names, [[_value(found.get_value(row, at), kinds[at]) for at in range(found.nfields)] for row in range(found.ntuples)]


def _kind(oid: int) -> str:
    return "text" if oid in _TEXTS else "numeric" if oid == _NUMERIC else str(oid)


def _value(value: bytes | None, kind: int) -> object:
    if value is None:
        return None
    return Decimal(value.decode()) if kind == _NUMERIC else value.decode()


def differences(master: str, gateway: str) -> Iterator[str]:
    """What the gateway answers otherwise than the master, on the table dbo.facts there and facts here."""
    with psycopg.connect(master, autocommit=True) as one, psycopg.connect(gateway, autocommit=True) as other:
        one.execute("SET TimeZone TO 'Europe/Berlin'")
        other.execute("SET TimeZone TO 'Europe/Berlin'")
        for query in QUERIES:
            wanted, found = _ask(one, query), _ask(other, query.replace(" facts", " dbo.facts"))
            if wanted != found:
                yield f"{query}\n  master  {str(wanted)[:2000]}\n  gateway {str(found)[:2000]}"


def _ask(connection: psycopg.Connection, query: str) -> object:
    try:
        cursor = connection.execute(query)
    except psycopg.Error as error:
        return str(error)
    assert cursor.pgresult
    return comparable(cursor.pgresult)


def main(arguments: list[str]) -> int:
    """`python gateway.py MASTER GATEWAY`, libpq's settings each; the password is in PGPASSWORD."""
    found = list(differences(*arguments))
    sys.stdout.write("\n".join([*found, f"{len(QUERIES) - len(found)} of {len(QUERIES)} are equal\n"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

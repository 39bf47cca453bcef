from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.errors import UsageError
from bdc.sql.external.definitions import Rejects
from bdc.sql.external.delimited_text import characters, options, pattern
from bdc.sql.external.loop import ReconcileLoop
from bdc.sql.polybase.ddl import CreateFormat
from tests.unit.sql.external.conftest import Desk
from tests.unit.sql.external.test_files import pool, relation, store
from tests.unit.sql.external.test_loop import clock, rounds

__all__ = ["clock", "pool", "rounds", "store"]
CSV = CreateFormat("csv", "DELIMITEDTEXT")
FORMAT = (
    "CREATE EXTERNAL FILE FORMAT csv WITH (FORMAT_TYPE = DELIMITEDTEXT, FORMAT_OPTIONS (FIELD_TERMINATOR = '0x2c', "
    "STRING_DELIMITER = '\"', FIRST_ROW = 2, DATE_FORMAT = 'MM/dd/yyyy', USE_TYPE_DEFAULT = TRUE, ENCODING = 'UTF16'), "
    "DATA_COMPRESSION = 'org.apache.hadoop.io.compress.GzipCodec')"
)
TABLE = (
    "CREATE EXTERNAL TABLE clicks (Id INT, page NVARCHAR(9)) WITH (DATA_SOURCE = SqlStoragePool, LOCATION = '/data/Clicks', "
    "FILE_FORMAT = csv, REJECT_TYPE = PERCENTAGE, REJECT_VALUE = 12.5, REJECT_SAMPLE_VALUE = 100, REJECTED_ROW_LOCATION = 'bad//Rows/')"
)


@pytest.fixture
def clicks(pool: Desk) -> Desk:
    """A folder of text; what it is asked for has all that is defined."""
    columns = {"id": "integer", "page": "varchar(9)"}
    pool.engine.sources["hdfs://bdc"].schemas["delimitedtext"] = {"/data/%43licks": columns}
    return pool


def test_a_view_says_how_its_text_is_written(clicks: Desk) -> None:
    clicks.run(FORMAT, TABLE)
    (catalog,) = clicks.engine.catalogs.values()
    assert (catalog.connector, catalog.properties["root"]) == ("text_files", "hdfs://bdc")
    assert relation(clicks, "dbo.clicks") == (
        '""."delimitedtext"."/data/%43licks?id=integer;page=varchar%289%29?terminator=%2c;quote=%22;first=2;date=%4d%4d/dd/yyyy;'
        'defaults=true;utf16=true;packed=true;percentage=12.5000;sample=100;rejected=/bad/%52ows"'
    )


def test_what_was_defined_is_shown_again(clicks: Desk) -> None:
    clicks.run(FORMAT, TABLE)
    [table] = clicks.external.lookups.definitions().tables
    assert table.format == CreateFormat(
        "csv", "DELIMITEDTEXT", "0x2c", '"', 2, "MM/dd/yyyy", use_type_default=True, encoding="UTF16",
        compression="org.apache.hadoop.io.compress.GzipCodec",
    )  # fmt: skip
    assert table.rejects == Rejects("PERCENTAGE", Decimal("12.5"), 100, "bad//Rows/")


def test_procedures_define_text(clicks: Desk, rounds: ReconcileLoop) -> None:
    clicks.connection.execute("CALL polybase.create_external_file_format('csv', 'DelimitedText', field_terminator => ',', first_row => 2)")
    clicks.connection.execute(
        "CALL polybase.create_external_table('clicks', 'SqlStoragePool', '/data/Clicks', ARRAY['id int'], 'csv', 'value', 3, NULL, '/bad')"
    )
    rounds.look(clicks.connection)
    assert relation(clicks, "dbo.clicks").endswith('?id=integer?terminator=%2c;first=2;value=3;rejected=/bad"')


def test_a_format_that_cant_be_isnt_kept(pool: Desk) -> None:
    before = pool.count("formats")
    with pytest.raises(UsageError, match="the file format csv: FIELD_TERMINATOR and STRING_DELIMITER are the same"):
        pool.run(FORMAT.replace("0x2c", "0x22"))
    assert pool.count("formats") == before


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("|", "|"),
        ("^^|^^", "^^|^^"),
        ("\\t", "\t"),
        ("0x22", '"'),
        ("0x0102", "\x01\x02"),
        ("0xC2A7", "\xa7"),
        ("0x", "0x"),
        ("0x2", "0x2"),
    ],
)  # fmt: skip
def test_characters(written: str, meant: str) -> None:
    assert characters(CSV, "FIELD_TERMINATOR", written) == meant


@pytest.mark.parametrize(
    ("said", "java"),
    [
        ("MM/dd/yyyy", "MM/dd/yyyy"), ("yyyy-MM-ddTHH:mm:ss.fffffff", "yyyy-MM-dd'T'HH:mm:ss.SSSSSSS"), ("hh:mm:ss tt", "hh:mm:ss a"),
        ("yyyy-MM-dd HH:mm zzz", "yyyy-MM-dd HH:mm XXX"), ("d. MMM 'of' yyyy", "d. MMM 'of' yyyy"), ("[yyyy]", "'['yyyy']'"),
    ],
)  # fmt: skip
def test_patterns(said: str, java: str) -> None:
    assert pattern(replace(CSV, date_format=said)) == java


@pytest.mark.parametrize(
    ("form", "rejects", "told"),
    [
        (replace(CSV, field_terminator=""), Rejects(), "FIELD_TERMINATOR can't be ''"),
        (replace(CSV, field_terminator="0x0d0a"), Rejects(), "can't be '0x0d0a'"),
        (replace(CSV, string_delimiter="0xff"), Rejects(), "STRING_DELIMITER 0xff is no UTF-8"),
        (replace(CSV, first_row=0), Rejects(), "FIRST_ROW is 1 or more"),
        (replace(CSV, date_format="yyyy-qq"), Rejects(), "has qq"),
        (replace(CSV, date_format="yyyy 'x"), Rejects(), "a quote that isn't closed"),
        (replace(CSV, encoding="EBCDIC"), Rejects(), "ENCODING is UTF8 or UTF16"),
        (replace(CSV, compression="org.apache.hadoop.io.compress.SnappyCodec"), Rejects(), "SnappyCodec can't be read"),
        (CSV, Rejects("PERCENTAGE", Decimal(101), 10), "0 to 100 percent"),
        (CSV, Rejects("PERCENTAGE", Decimal(10)), "needs REJECT_SAMPLE_VALUE"),
        (CSV, Rejects("VALUE", Decimal("1.5")), "a number of rows"),
        (CSV, Rejects(None, Decimal(-1)), "a number of rows"),
    ],
)
def test_what_cant_be(form: CreateFormat, rejects: Rejects, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        dict(options(form, rejects, str))


@given(st.text())
def test_patterns_can_always_be_written_or_are_refused(said: str) -> None:
    try:
        made = pattern(replace(CSV, date_format=said))
    except UsageError:
        return
    assert made.count("'") % 2 == 0

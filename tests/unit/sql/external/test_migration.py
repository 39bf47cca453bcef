from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bdc.sql.external.definition_store import CHANNEL, Connection
from tests.unit.sql.external.conftest import BASES, Desk

VIEWS = {
    "database_scoped_credentials": {"name", "credential_id", "credential_identity", "create_date", "modify_date"},
    "external_data_sources": {"data_source_id", "name", "location", "type_desc", "type", "credential_id", "connection_options", "pushdown"},
    "external_file_formats": {"file_format_id", "name", "format_type", "field_terminator", "string_delimiter", "first_row"},
    "external_tables": {"name", "object_id", "schema_name", "data_source_id", "file_format_id", "location", "reject_type"},
    "external_table_columns": {"object_id", "column_id", "name", "type_name", "collation_name", "is_nullable"},
}
FILL = """
INSERT INTO polybase.credentials (name, identity, secret_key) VALUES ('Reader', 'anna', 'k1');
INSERT INTO polybase.sources (name, location, credential_id) SELECT 'Sales', 'postgresql://db/x', credential_id FROM polybase.credentials;
INSERT INTO polybase.formats (name, format_type) VALUES ('Csv', 'DELIMITEDTEXT');
INSERT INTO polybase.tables (schema_name, name, location, data_source_id)
SELECT 'dbo', 'Orders', 'a.b', data_source_id FROM polybase.sources;
INSERT INTO polybase.columns (object_id, column_id, name, type) SELECT object_id, 1, 'id', 'int' FROM polybase.tables;
INSERT INTO polybase.source_errors (data_source_id, error) SELECT data_source_id, 'away' FROM polybase.sources;
INSERT INTO polybase.table_errors (object_id, error) SELECT object_id, 'away' FROM polybase.tables;
"""


@pytest.fixture
def filled(connection: Connection) -> Connection:
    connection.execute(FILL)
    return connection


@pytest.fixture
def ordinary(filled: Connection, other: Connection) -> Iterator[Connection]:
    """A connection of a role that may read and write all data, as Spark's applications may."""
    filled.execute("CREATE ROLE everybody")
    filled.execute("GRANT pg_read_all_data, pg_write_all_data TO everybody")
    other.execute("SET ROLE everybody")
    yield other
    other.execute("RESET ROLE")
    filled.execute("DROP ROLE everybody")


@pytest.mark.parametrize("view", VIEWS)
def test_everybody_reads_sys(ordinary: Connection, view: str) -> None:
    cursor = ordinary.execute(f"SELECT * FROM sys.{view}".encode())
    assert len(cursor.fetchall()) == 1
    assert {column.name for column in cursor.description or ()} >= VIEWS[view]


def test_sys_has_no_key_of_a_password(ordinary: Connection) -> None:
    assert not any("k1" in str(ordinary.execute(f"SELECT * FROM sys.{view}".encode()).fetchall()) for view in VIEWS)


@pytest.mark.parametrize("base", BASES)
def test_definitions_give_nothing_to_who_may_read_all(ordinary: Connection, filled: Connection, base: str) -> None:
    assert ordinary.execute(f"SELECT * FROM polybase.{base}".encode()).fetchall() == []
    assert len(filled.execute(f"SELECT * FROM polybase.{base}".encode()).fetchall()) == 1


@pytest.mark.parametrize("statement", [line for line in FILL.splitlines() if "VALUES" in line])
def test_definitions_take_nothing_from_who_may_write_all(ordinary: Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        ordinary.execute(statement.replace("'Reader'", "'x'").replace("'Csv'", "'x'").replace("'k1'", "'k2'").encode())


@pytest.mark.parametrize("base", BASES)
def test_definitions_cant_be_removed_by_who_may_write_all(ordinary: Connection, filled: Connection, base: str) -> None:
    assert ordinary.execute(f"DELETE FROM polybase.{base}".encode()).rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ordinary.execute(f"TRUNCATE polybase.{base} CASCADE".encode())
    assert len(filled.execute(f"SELECT * FROM polybase.{base}".encode()).fetchall()) == 1


def test_a_source_cant_be_moved_by_who_may_write_all(ordinary: Connection, filled: Connection) -> None:
    assert ordinary.execute("UPDATE polybase.sources SET location = 'postgresql://evil/x'").rowcount == 0
    for view in ("external_data_sources", "external_tables"):
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="cannot update view"):
            ordinary.execute(f"UPDATE sys.{view} SET location = 'postgresql://evil/x'".encode())
    assert filled.execute("SELECT location FROM polybase.sources").fetchall() == [("postgresql://db/x",)]


def test_the_federations_role_reads_and_writes_definitions(filled: Connection, other: Connection) -> None:
    other.execute("SET ROLE trino")
    assert other.execute("UPDATE polybase.source_errors SET error = 'back'").rowcount == 1
    for base in BASES:
        assert len(other.execute(f"SELECT * FROM polybase.{base}".encode()).fetchall()) == 1
    assert other.execute("DELETE FROM polybase.tables").rowcount == 1
    assert filled.execute("SELECT * FROM polybase.columns").fetchall() == []


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO polybase.credentials (name, identity) VALUES ('READER', 'x')",
        "INSERT INTO polybase.credentials (name, identity, secret_key) VALUES ('x', 'x', 'k1')",
        "INSERT INTO polybase.sources (name, location) VALUES ('sALES', 'x')",
        "INSERT INTO polybase.formats (name, format_type) VALUES ('csv', 'ORC')",
        "INSERT INTO polybase.tables (schema_name, name, data_source_id, location) "
        "SELECT 'DBO', 'ORDERS', data_source_id, 'x' FROM polybase.sources",
    ],
)
def test_names_are_unique_whatever_their_case(filled: Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        filled.execute(statement.encode())


@pytest.mark.parametrize("base", ["credentials", "sources"])
def test_what_is_in_use_stays(filled: Connection, base: str) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        filled.execute(f"DELETE FROM polybase.{base}".encode())


def test_types_of_sources_are_numbered_as_sql_server_numbers_them(connection: Connection) -> None:
    for kind in ("HADOOP", "BLOB_STORAGE", None):
        connection.execute("INSERT INTO polybase.sources (name, location, type) VALUES (%s, 'x', %s)", (kind or "any", kind))
    found = connection.execute("SELECT type_desc, type, pushdown FROM sys.external_data_sources ORDER BY type").fetchall()
    assert found == [("HADOOP", 0, "ON"), ("BLOB_STORAGE", 5, "ON"), ("EXTERNAL_GENERICS", 6, "ON")]


@pytest.mark.parametrize(
    ("statement", "heard"),
    [
        ("UPDATE polybase.credentials SET identity = 'bob'", 1),
        ("UPDATE polybase.sources SET pushdown = false", 1),
        ("INSERT INTO polybase.formats (name, format_type) VALUES ('orc', 'ORC')", 1),
        ("UPDATE polybase.columns SET type = 'bigint'", 1),
        ("UPDATE polybase.source_errors SET error = 'x'", 0),
        ("DELETE FROM polybase.table_errors", 0),
    ],
)
def test_changes_of_definitions_are_told_and_what_the_reconciler_finds_isnt(
    filled: Connection, other: Connection, statement: str, heard: int
) -> None:
    other.execute(f"LISTEN {CHANNEL}".encode())
    filled.execute(statement.encode())
    assert len(list(other.notifies(timeout=0.2, stop_after=1))) == heard


def test_formats_are_shown_as_they_were_defined(desk: Desk) -> None:
    desk.run(
        "CREATE EXTERNAL FILE FORMAT csv WITH (FORMAT_TYPE = DELIMITEDTEXT, DATA_COMPRESSION = 'gzip', "
        "FORMAT_OPTIONS (FIELD_TERMINATOR = '|', STRING_DELIMITER = '0x22', FIRST_ROW = 2, USE_TYPE_DEFAULT = TRUE))"
    )
    found = desk.rows(
        "SELECT name, field_terminator, string_delimiter, first_row, use_type_default, data_compression FROM sys.external_file_formats"
    )
    assert found == [("csv", "|", "0x22", 2, True, "gzip")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sys.database_scoped_credentials SET credential_identity = 'evil'",
        "DELETE FROM sys.external_table_columns",
        "DELETE FROM sys.external_file_formats",
        "INSERT INTO sys.database_scoped_credentials (name, credential_identity) VALUES ('a', 'b')",
    ],
)
def test_nobody_writes_through_the_views_of_sys(ordinary: Connection, statement: str) -> None:
    with pytest.raises(psycopg.Error, match=r"cannot (update|delete from|insert into) view"):
        ordinary.execute(statement.encode())

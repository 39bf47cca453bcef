"""Changes of the definitions; each is part of its caller's transaction (`store.changing`)."""

from __future__ import annotations

from collections.abc import Mapping

from bdc.errors import NotFoundError, UsageError
from bdc.sql.external.definition_store import Connection, read
from bdc.sql.external.definitions import ColumnDefinition, DataSource, Table
from bdc.sql.polybase.ddl import CreateFormat, CreateTable, DropKind, ObjectName, SetCredential, SetReaders, SetSource

DEFAULT_SCHEMA = "dbo"
EVERYBODY = "public"
"""Whom rights are given to that everybody has, as in SQL Server and PostgreSQL."""

_KINDS: Mapping[DropKind, tuple[str, str]] = {
    "DATABASE SCOPED CREDENTIAL": ("credentials", "credential"),
    "EXTERNAL DATA SOURCE": ("sources", "external data source"),
    "EXTERNAL FILE FORMAT": ("formats", "external file format"),
}
_USERS = {
    "credentials": "SELECT s.name FROM polybase.sources s JOIN polybase.credentials o USING (credential_id) "
    "WHERE lower(o.name) = lower(%s)",
    "sources": "SELECT t.schema_name || '.' || t.name FROM polybase.tables t JOIN polybase.sources o USING (data_source_id) "
    "WHERE lower(o.name) = lower(%s)",
    "formats": "SELECT t.schema_name || '.' || t.name FROM polybase.tables t JOIN polybase.formats o USING (file_format_id) "
    "WHERE lower(o.name) = lower(%s)",
}
_USER_KIND = {"credentials": "external data source", "sources": "external table", "formats": "external table"}


def set_credential(connection: Connection, wanted: SetCredential, key: str | None) -> None:
    """Make or change one. Raises UsageError where it is there already, NotFoundError where it isn't."""
    known = _number(connection, "credentials", wanted.name)
    if wanted.verb == "CREATE":
        _absent(known, "credential", wanted.name)
        statement = "INSERT INTO polybase.credentials (identity, secret_key, name) VALUES (%s, %s, %s)"
    else:
        _present(known, "credential", wanted.name)
        statement = "UPDATE polybase.credentials SET identity = %s, secret_key = %s, modify_date = now() WHERE lower(name) = lower(%s)"
    connection.execute(statement, (wanted.identity, key, wanted.name))


def set_source(connection: Connection, wanted: SetSource) -> DataSource:
    """Make or change one; what ALTER doesn't say stays. Raises UsageError, NotFoundError."""
    known = _number(connection, "sources", wanted.name)
    said = {
        "location": wanted.location,
        "connection_options": wanted.connection_options,
        "pushdown": wanted.pushdown,
        "type": wanted.type,
        "resource_manager_location": wanted.resource_manager_location,
    }
    values: dict[str, str | bool | int] = {name: value for name, value in said.items() if value is not None}
    if wanted.credential:
        values["credential_id"] = _present(_number(connection, "credentials", wanted.credential), "credential", wanted.credential)
    names = list(values)
    if wanted.verb == "CREATE":
        _absent(known, "external data source", wanted.name)
        marks = ", ".join(["%s"] * (len(names) + 1))
        statement = f"INSERT INTO polybase.sources ({', '.join([*names, 'name'])}) VALUES ({marks})"  # noqa: S608 names of columns
    else:
        _present(known, "external data source", wanted.name)
        changes = ", ".join(f"{name} = %s" for name in names)
        statement = f"UPDATE polybase.sources SET {changes} WHERE lower(name) = lower(%s)"  # noqa: S608 names of columns
    connection.execute(statement, (*values.values(), wanted.name))
    return read(connection).sources[wanted.name.lower()]


def create_format(connection: Connection, wanted: CreateFormat) -> CreateFormat:
    """Make one. Raises UsageError where it is there already."""
    _absent(_number(connection, "formats", wanted.name), "external file format", wanted.name)
    connection.execute(
        "INSERT INTO polybase.formats (name, format_type, field_terminator, string_delimiter, first_row, date_format, use_type_default, "
        "encoding, data_compression) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            wanted.name, wanted.format_type, wanted.field_terminator, wanted.string_delimiter, wanted.first_row, wanted.date_format,
            wanted.use_type_default, wanted.encoding, wanted.compression,
        ),
    )  # fmt: skip
    return next(one for one in read(connection).formats if one.name == wanted.name)


def create_table(connection: Connection, wanted: CreateTable) -> Table:
    """Make one. Raises UsageError where it is there already, NotFoundError where its source or format isn't."""
    schema, name = table_name(wanted.name)
    taken = _table(connection, schema, name)
    if taken is not None:
        raise UsageError(f"there is an external table {schema}.{name} already", f"DROP EXTERNAL TABLE {schema}.{name}")
    source = _present(_number(connection, "sources", wanted.source), "external data source", wanted.source)
    formatted = None
    if wanted.file_format:
        formatted = _present(_number(connection, "formats", wanted.file_format), "external file format", wanted.file_format)
    row = connection.execute(
        "INSERT INTO polybase.tables (schema_name, name, data_source_id, file_format_id, location, reject_type, reject_value, "
        "reject_sample_value, rejected_row_location, distribution) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING object_id",
        (
            schema, name, source, formatted, wanted.location, wanted.reject_type, wanted.reject_value, wanted.reject_sample_value,
            wanted.rejected_row_location, wanted.distribution,
        ),
    ).fetchone()  # fmt: skip
    number = row[0] if row else None
    connection.cursor().executemany(
        "INSERT INTO polybase.columns (object_id, column_id, name, type, collation_name, is_nullable) VALUES (%s, %s, %s, %s, %s, %s)",
        [
            (number, place, column.name, str(column.type), column.collation, column.nullable is not False)
            for place, column in enumerate(wanted.columns, 1)
        ],
    )
    columns = tuple(ColumnDefinition(column.name, str(column.type)) for column in wanted.columns)
    return Table(schema, name, wanted.source, str(wanted.location), columns)


def set_readers(connection: Connection, wanted: SetReaders) -> str:
    """Let people read a table, or no more; schema.name. Raises NotFoundError without such a table, UsageError where everybody reads it."""
    schema, name = table_name(wanted.table)
    number, whole = _table(connection, schema, name), f"{schema}.{name}"
    if number is None:
        raise NotFoundError(
            f"there is no external table {whole}",
            f"rights in the master are the master's: bdc sql query -e master '{wanted.verb} SELECT ON ...'",
        )
    everybody = EVERYBODY in map(str.lower, wanted.people)
    names = [one.lower() for one in wanted.people if one.lower() != EVERYBODY]
    for one in names if wanted.verb == "GRANT" else ():
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (one,)).fetchone():
            raise NotFoundError(f"there is no user {one}", "bdc context users lists them; Spark's applications are spark, or spark-POOL")
    row = connection.execute("SELECT readers FROM polybase.tables WHERE object_id = %s", (number,)).fetchone()
    before: list[str] | None = row[0] if row else None
    if wanted.verb == "REVOKE" and names and before is None and not everybody:
        raise UsageError(
            f"everybody may read {whole}, so that nobody can lose the right alone",
            f"REVOKE SELECT ON {whole} FROM public, then GRANT it to those that may",  # noqa: S608 words for a user
        )
    if wanted.verb == "GRANT":
        after = None if everybody or before is None else sorted({*before, *names})
    else:
        after = sorted({*(before or ())} - {*names})
    connection.execute("UPDATE polybase.tables SET readers = %s WHERE object_id = %s", (after, number))
    return whole


def drop(connection: Connection, kind: DropKind, name: ObjectName, *, if_exists: bool) -> bool:
    """Remove one, and whether it was there. Raises NotFoundError where it isn't, UsageError where it is in use."""
    if kind == "EXTERNAL TABLE":
        schema, table = table_name(name)
        number = _table(connection, schema, table)
        if number is None and not if_exists:
            raise NotFoundError(f"there is no external table {schema}.{table}", "sys.external_tables lists them")
        connection.execute("DELETE FROM polybase.tables WHERE object_id = %s", (number,))
        return number is not None
    where, title = _KINDS[kind]
    one = ".".join(name.parts)
    if _number(connection, where, one) is None:
        if if_exists:
            return False
        raise NotFoundError(f"there is no {title} {one}", f"{_VIEWS[where]} lists them")
    users = [str(row[0]) for row in connection.execute(_USERS[where], (one,)).fetchall()]
    if users:
        what = _USER_KIND[where] + ("s" if len(users) > 1 else "")
        raise UsageError(f"the {title} {one} is in use by the {what} {', '.join(users)}", "drop those first")
    connection.execute(f"DELETE FROM polybase.{where} WHERE lower(name) = lower(%s)", (one,))  # noqa: S608 one of _KINDS
    return True


def table_name(name: ObjectName) -> tuple[str, str]:
    """Schema and name; one part is in dbo. Raises UsageError for another database than bdc."""
    parts = name.parts
    if len(parts) == 3 and parts[0].lower() != "bdc":
        raise UsageError(f"there is one database, bdc, and no {parts[0]}", f"write {'.'.join(parts[1:])}")
    schema = parts[-2] if len(parts) > 1 and parts[-2] else DEFAULT_SCHEMA
    if "." in schema or schema.lower() == "information_schema":
        raise UsageError(f"{schema} can't be the schema of an external table", "dbo is where they are unless they say otherwise")
    return schema, parts[-1]


_VIEWS = {"credentials": "sys.database_scoped_credentials", "sources": "sys.external_data_sources", "formats": "sys.external_file_formats"}
_KEYS = {"credentials": "credential_id", "sources": "data_source_id", "formats": "file_format_id"}


def _number(connection: Connection, where: str, name: str) -> int | None:
    row = connection.execute(f"SELECT {_KEYS[where]} FROM polybase.{where} WHERE lower(name) = lower(%s)", (name,)).fetchone()  # noqa: S608
    return int(row[0]) if row else None


def _table(connection: Connection, schema: str, name: str) -> int | None:
    row = connection.execute(
        "SELECT object_id FROM polybase.tables WHERE lower(schema_name) = lower(%s) AND lower(name) = lower(%s)", (schema, name)
    ).fetchone()
    return int(row[0]) if row else None


def _absent(number: int | None, title: str, name: str) -> None:
    if number is not None:
        remedy = "DROP removes it" if title.endswith("format") else "ALTER changes it, DROP removes it"
        raise UsageError(f"there is {'an' if title[0] in 'aeiou' else 'a'} {title} {name} already", remedy)


def _present(number: int | None, title: str, name: str) -> int:
    if number is None:
        raise NotFoundError(f"there is no {title} {name}", f"CREATE {title.upper()} makes it")
    return number

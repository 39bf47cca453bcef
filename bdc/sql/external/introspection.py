"""What sources say of their objects, by Trino: the columns of a table, or of a folder of files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from bdc.errors import UnhealthyError, UsageError
from bdc.sql.errors import QueryError
from bdc.sql.external.catalogs import Catalog, Relation
from bdc.sql.external.files import Folder, Readable, readable
from bdc.sql.result import Result, Row

_NO_OBJECT = frozenset({"TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "NOT_FOUND"})
_LISTING = re.compile(r"^Error listing \w+ for catalog \S+: ")


class NoObjectError(UsageError):
    """A source has no such object."""


class NoTableError(UsageError):
    """What is there isn't a table of that kind."""


_REFUSED: Mapping[str, type[UsageError]] = {"INVALID_ARGUMENTS": NoTableError, "PERMISSION_DENIED": UsageError}
"""What the connectors of files say of a folder that can't be a table (images/trino, FolderMetastore)."""


class TrinoSession(Protocol):
    """A session with Trino that may do everything."""

    def query(self, sql: str) -> Result:
        """Run one statement. Raises QueryError."""


def open_catalog(engine: TrinoSession, of: Catalog) -> None:
    """Make a catalog, where it isn't there."""
    if of.made:
        engine.query(of.create())


def object_columns(engine: TrinoSession, source: str, where: Relation, location: str) -> dict[str, str]:
    """Trino's types of an object's columns by their names.

    Raises UnhealthyError where the source doesn't answer, NoObjectError where it has no such object, NoTableError where that is no table,
    UsageError where it may not be looked at.
    """
    return {str(row[0]).lower(): str(row[1]) for row in _shown(engine, source, where, where.relation, location)}


def object_relation(engine: TrinoSession, source: str, where: Relation, location: str, wanted: Mapping[str, str]) -> Readable:
    """What a view of an object reads. `wanted`: Trino's types of the view's columns.

    Raises as `object_columns`.
    """
    if isinstance(where, Folder):
        return readable(where, _shown(engine, source, where, where.seen(wanted), location), wanted)
    return Readable(where.relation, object_columns(engine, source, where, location))


def _shown(engine: TrinoSession, source: str, where: Relation, relation: str, location: str) -> list[Row]:
    try:
        return list(engine.query(f"SHOW COLUMNS FROM {relation}").rows)
    except QueryError as error:
        files = where if isinstance(where, Folder) else None
        if error.code in _NO_OBJECT:
            remedy = f"bdc sql objects {source} lists what it has"
            if files:
                remedy = f"bdc hdfs ls, or bdc hdfs mkdir {location}" if files.url.startswith("hdfs:") else "write a file there first"
            raise NoObjectError(f"the source {source} has no {location}", remedy) from error
        if files and error.code in _REFUSED:
            raise _REFUSED[str(error.code)](f"the source {source}: {error.text}") from error
        raise silent(source, error) from error


def silent(source: str, error: QueryError) -> UnhealthyError:
    """A source that can't be asked."""
    cause = _LISTING.sub("", " ".join(error.text.split()))[:300]
    return UnhealthyError(
        f"the source {source} doesn't answer: {cause}", f"check its LOCATION, and what its credential says: bdc sql source show {source}"
    )

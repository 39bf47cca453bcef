"""The data pool: tables of the lake that the definitions make and remove.

A table dbo.t of SqlDataPool is the Delta table lake.dbo.t, which the view external.dbo.t reads and Spark knows as dbo.t: the metastore is
theirs together. Its LOCATION, which nobody writes, is the name that it has there.
"""

from __future__ import annotations

import re

from bdc.errors import UsageError
from bdc.sql.external.catalogs import Catalog, Relation
from bdc.sql.external.definitions import DataSource
from bdc.sql.external.introspection import TrinoSession
from bdc.sql.polybase.ddl import Column
from bdc.sql.polybase.types import trino_type
from bdc.sql.quoting import identifier, literal

PREFIX = "sqldatapool"
DATA_POOL = "SqlDataPool"
"""The source that every cluster has."""

LAKE = Catalog("lake", "", {}, made=False)

COMMENT = "made by the data pool"
"""What the lake says of a table that is removed with its definition. A definition may name any other: psql's procedures take a LOCATION."""

_TIMED = re.compile(r"timestamp\(\d+\)(?P<zone> with time zone)?")
_NO_TYPE = {"uuid": "NVARCHAR(36)", "json": "NVARCHAR(MAX)", "time": "NVARCHAR(16)"}


def is_pool(source: DataSource) -> bool:
    """Whether a source's tables are the lake's."""
    return source.location.lower().startswith(f"{PREFIX}://")


def check(source: DataSource) -> None:
    """Raises UsageError for what the data pool doesn't take."""
    if source.options or source.credential:
        raise UsageError(f"source {source.name}: the data pool takes neither CONNECTION_OPTIONS nor CREDENTIAL")


def kept(kind: str) -> str:
    """The lake's type for one of Trino's, https://trino.io/docs/476/connector/delta-lake.html#type-mapping. Raises ValueError.

    Times with a zone have six digits in our build of the connector (docs/adr/0027), and three in Trino's own.
    """
    if timed := _TIMED.fullmatch(kind):
        return f"timestamp(6){timed['zone'] or ''}"
    name = kind.partition("(")[0]
    if name in _NO_TYPE:
        raise ValueError(f"files have no type {kind}; write {_NO_TYPE[name]}")
    return kind.replace("char", "varchar") if name == "char" else kind


def make(engine: TrinoSession, at: Relation, columns: tuple[Column, ...]) -> None:
    """Make the table, in its schema. Raises UsageError where a column has no type there, QueryError."""
    listed = []
    for column in columns:
        try:
            kind = kept(trino_type(column.type))
        except ValueError as error:
            raise UsageError(f"the column {column.name}: {error}") from error
        listed.append(f"{identifier(column.name.lower())} {kind}" + (" NOT NULL" if column.nullable is False else ""))
    make_schema(engine, at)
    engine.query(f"CREATE TABLE {at.relation} ({', '.join(listed)}) COMMENT {literal(COMMENT)}")


def make_schema(engine: TrinoSession, at: Relation) -> None:
    """Make the schema of a table, where there is none."""
    engine.query(f"CREATE SCHEMA IF NOT EXISTS {at.catalog.name}.{identifier(at.schema.lower())}")


def remove(engine: TrinoSession, at: Relation) -> bool:
    """Remove the table with its rows, if it is there; False where it isn't the data pool's, and stays. Raises QueryError."""
    named = f"catalog_name = '{at.catalog.name}' AND schema_name = {literal(at.schema.lower())} AND table_name = {literal(at.name.lower())}"
    for (comment,) in engine.query(f"SELECT comment FROM system.metadata.table_comments WHERE {named}").rows:  # noqa: S608 quoted
        if comment != COMMENT:
            return False
        engine.query(f"DROP TABLE IF EXISTS {at.relation}")
    return True

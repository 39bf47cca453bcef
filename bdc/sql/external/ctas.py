"""CREATE EXTERNAL TABLE AS SELECT: a query's rows become files, or a table of the data pool.

They are written before the table is defined, without a lock, as it may take long. Trino writes files beside their place and moves them at
the end, and commits to Delta tables at the end, so that a statement that fails, or whose client is gone, leaves nothing to be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bdc.errors import UsageError
from bdc.sql.errors import QueryError
from bdc.sql.external import delimited_text, pool
from bdc.sql.external.catalogs import Relation
from bdc.sql.external.columns import INTEGERS, suggestion, within_byte
from bdc.sql.external.files import Folder, readable
from bdc.sql.external.introspection import NoObjectError, NoTableError, TrinoSession, object_columns, open_catalog
from bdc.sql.polybase.assignments import assignments
from bdc.sql.polybase.ddl import Column
from bdc.sql.polybase.types import parse_type, trino_type
from bdc.sql.quoting import identifier, literal
from bdc.sql.result import Column as ResultColumn

_UNNAMED = re.compile(r"_col\d+")
_STRINGS = ("varchar", "char")
_FRACTIONAL = ("decimal", "double", "real")
_NESTED = ("array(", "map(", "row(")
_ZONED = "with time zone"
_GONE, _TRIES = "CATALOG_NOT_FOUND", 3


def described(engine: TrinoSession, query: str) -> dict[str, str]:
    """Trino's types of a query's columns by their names. Raises UsageError where one has no name, or another's; QueryError."""
    found: dict[str, str] = {}
    for number, column in enumerate(_columns(engine, query), 1):
        if _UNNAMED.fullmatch(column.name):
            raise UsageError(f"the column {number} of the query has no name", "give it one: expression AS name")
        if column.name.lower() in found:
            raise UsageError(f"the query has two columns {column.name}", "give one another name: expression AS name")
        found[column.name.lower()] = column.type
    return found


def _columns(engine: TrinoSession, query: str) -> list[ResultColumn]:
    result = engine.query(f"SELECT * FROM ({query}) WHERE false")  # noqa: S608 the user's own
    result.close()
    return result.columns


def columns(said: Sequence[Column], found: Mapping[str, str]) -> tuple[Column, ...]:
    """The columns that a table of a query has: those that the statement lists, or the query's, by T-SQL's types. Raises UsageError."""
    if said and len(said) != len(found):
        raise UsageError(f"the table has {len(said)} column{'s' if len(said) > 1 else ''}, and the query {len(found)}")
    made = []
    for name, kind in () if said else found.items():
        if (typed := suggestion(kind)) is None:
            raise UsageError(f"the column {name} is {kind}, which T-SQL has no type for", f"CAST({name} AS ...) AS {name}")
        made.append(Column(name, parse_type(typed)))
    return tuple(said) or tuple(made)


def check(engine: TrinoSession, source: str, where: Relation, location: str) -> None:
    """Raises UsageError where such a source isn't written to, or has files there already; UnhealthyError where it is silent."""
    if not isinstance(where, Folder):
        if where.catalog.made:
            raise UsageError(f"tables of databases are only read, and {source} is one", "DATA_SOURCE = SqlDataPool, or one with files")
        return
    if where.schema.upper() in delimited_text.FORMATS:
        return  # whose connector looks when it begins
    open_catalog(engine, where.catalog)
    try:
        there = bool(object_columns(engine, source, where, location))
    except NoObjectError:
        there = False
    except NoTableError:
        there = True
    if there:
        raise UsageError(f"there are files in {location} already", "name another LOCATION, or remove them first")


def write(engine: TrinoSession, where: Relation, said: Sequence[Column], found: Mapping[str, str], query: str) -> int:
    """Write a query's rows; how many there are.

    `said`: the columns that the statement lists, if it does; `found`: the query's. Raises UsageError where a column can't be kept so, and
    where there are files already; QueryError.
    """
    kinds = [_kind(where, one.name, trino_type(one.type)) for one in said] or [_kind(where, *one) for one in found.items()]
    names = [one.name.lower() for one in said] or list(found)
    inner = [identifier(f"c{number}") for number in range(len(names))]
    bytes_ = {one.name.lower(): "the table" for one in said if one.type.name == "tinyint"}
    chosen = ", ".join(
        f"{_limited(name, _converted(before, was, kind), kind, bytes_)} AS {identifier(name)}"
        for name, kind, was, before in zip(names, kinds, found.values(), inner, strict=True)
    )
    rows = f"SELECT {chosen} FROM ({query}) AS q ({', '.join(inner)})"  # noqa: S608 the user's own
    if isinstance(where, Folder):
        return _files(engine, where, dict(zip(names, kinds, strict=True)), rows)
    pool.make_schema(engine, where)
    return engine.query(f"CREATE TABLE {where.relation} COMMENT {literal(pool.COMMENT)} AS {rows}").affected or 0


def _files(engine: TrinoSession, where: Folder, kinds: Mapping[str, str], rows: str) -> int:
    """A Delta table is one statement, and text. Other files are added to a folder that is made before, as Trino stages those of INSERT."""
    relation = where.new(kinds)
    if where.schema not in ("parquet", "orc"):
        shape = f" WITH (location = {literal(where.url)})" if where.schema == "delta" else ""
        return _made(engine, where, f"CREATE TABLE {relation}{shape} AS {rows}")
    columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in kinds.items())
    shape = f"format = {literal(where.schema.upper())}, external_location = {literal(where.url)}"
    _made(engine, where, f"CREATE TABLE {relation} ({columns}) WITH ({shape})")
    return _made(engine, where, f"INSERT INTO {readable(where, (), kinds).relation} {rows}")


def _made(engine: TrinoSession, where: Folder, statement: str) -> int:
    """Run a statement of a catalog that nothing defines yet, so that the reconciler may remove it; how many rows it wrote."""
    for tried in range(_TRIES):
        open_catalog(engine, where.catalog)
        try:
            return engine.query(statement).affected or 0
        except QueryError as error:
            if error.code != _GONE or tried + 1 == _TRIES:
                raise
    return 0


def insert(
    engine: TrinoSession,
    relation: str,
    types: Mapping[str, str],
    said: Sequence[str],
    query: str,
    bytes_: Mapping[str, str],
) -> str:
    """The statement that inserts a query's rows, whose values become the columns' types as T-SQL converts them.

    `types` are all columns', by their names; `said`: those that the statement names; `bytes_`: the table by the names of its columns that
    are T-SQL's TINYINT. What doesn't fit is left for Trino to say. Raises QueryError.
    """
    names = [one.lower() for one in said] or list(types)
    into = f"INSERT INTO {relation} ({', '.join(map(identifier, names))})"
    found = [one.type for one in _columns(engine, query)]
    if len(found) != len(names) or not types.keys() >= set(names):
        return f"{into} {query}"
    inner = [identifier(f"c{number}") for number in range(len(names))]
    values = [
        _limited(name, _converted(value, was, types[name]), types[name], bytes_)
        for value, was, name in zip(inner, found, names, strict=True)
    ]
    if values == inner:
        return f"{into} {query}"
    return f"{into} SELECT {', '.join(values)} FROM ({query}) AS q ({', '.join(inner)})"  # noqa: S608 the user's own


def assigned(engine: TrinoSession, relation: str, types: Mapping[str, str], rest: str, bytes_: Mapping[str, str]) -> str:
    """What follows the table in an UPDATE or MERGE, with values that become the columns' types as those of `insert` do.

    Each value is written once, as it may be random() or a query. What can't be asked for its types is left for Trino to say.
    """
    found = assignments(rest)
    names = list(types)
    values = [
        (one, name)
        for one in found.values
        for name in ([one.column.lower()] if isinstance(one.column, str) else names[one.column : one.column + 1])
        if name in types
    ]
    listed = ", ".join(f"({rest[one.start : one.end]}) AS {identifier(f'c{number}')}" for number, (one, _) in enumerate(values))
    try:
        was = [one.type for one in _columns(engine, f"SELECT {listed} FROM {relation}{found.beside}")] if values else []  # noqa: S608 as above
    except QueryError:
        return rest
    for (one, name), kind in reversed(list(zip(values, was, strict=True))):
        value = rest[one.start : one.end]
        made = _converted(value, kind, types[name])
        if name in bytes_:
            made = f"transform(ARRAY[{made}], b -> {_limited(name, 'b', types[name], bytes_)})[1]"
        rest = rest[: one.start] + made + rest[one.end :]
    return rest


def _limited(name: str, value: str, kind: str, bytes_: Mapping[str, str]) -> str:
    """A value of a column; of one that is T-SQL's TINYINT it is 0 to 255, or fails."""
    return within_byte(value, kind, f"{bytes_[name]}: the column {name}") if name in bytes_ else value


def _converted(value: str, was: str, kind: str) -> str:
    """A value of one type as another's. Strings keep their lengths: a CAST would cut them off unseen."""
    if was == kind:
        return value
    if was.startswith("varchar") and kind.startswith(_STRINGS):
        return value
    if was.startswith(_FRACTIONAL) and kind in INTEGERS:
        value = f"truncate({value})"  # T-SQL cuts a fraction off, and Trino's CAST rounds it
    return f"CAST({value} AS {'varchar' if was.startswith('char') and kind.startswith(_STRINGS) else kind})"


def _kind(where: Relation, name: str, kind: str) -> str:
    """The type that a column is written by. Raises UsageError."""
    try:
        found = pool.kept(kind)
    except ValueError as error:
        raise UsageError(f"the column {name}: {error}", f"CAST({name} AS ...) AS {name}") from error
    if not isinstance(where, Folder) or where.schema == "delta":
        return found
    if where.schema.upper() in delimited_text.FORMATS:
        if kind.startswith(_NESTED):
            raise UsageError(f"the column {name}: text has no values of {kind}", f"json_format(CAST({name} AS json)) AS {name}")
        return kind
    if found.endswith(_ZONED):
        raise UsageError(f"the column {name}: files of {where.schema.upper()} have no time zones", f"CAST({name} AS DATETIME2) AS {name}")
    return kind if kind.startswith("char(") else found

"""Stores of files as catalogs of Trino: a folder is a table, whose name says where it is and which columns it has.

The connectors `files` and `delta_files` (images/trino, FolderMetastore) remember nothing: the name of a table is
PATH[?COLUMN=TYPE;...?KEY=TYPE;...], the path below the store's root, the columns of the files, and the keys that folders are named by
(KEY=VALUE), from the outermost. Without columns, they are those of the newest file. Text has no columns but those that are defined: names
of `text_files` are PATH?COLUMN=TYPE;...?OPTION=VALUE;... What is no small letter, digit, _, ., - or / is percent-encoded, as Trino's names
are in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bdc.errors import UsageError
from bdc.sql.external import delimited_text
from bdc.sql.external.catalogs import Relation, named
from bdc.sql.external.definitions import DataSource, Rejects
from bdc.sql.external.object_stores import path, store
from bdc.sql.polybase.ddl import CreateFormat, FormatType
from bdc.sql.quoting import identifier, literal

STORAGE_POOL = "SqlStoragePool"
"""The source that every cluster has: its own HDFS."""

FORMATS: tuple[FormatType, ...] = ("DELTA", "PARQUET", "ORC")
"""The FORMAT_TYPEs that know their columns, in the order in which a folder is tried for them."""

_CONNECTORS = {"DELTA": "delta_files", "PARQUET": "files", "ORC": "files", **dict.fromkeys(delimited_text.FORMATS, "text_files")}

_HIVE = {
    "hive.recursive-directories": "true", "hive.timestamp-precision": "MICROSECONDS", "hive.orc.use-column-names": "true",
    "hive.non-managed-table-writes-enabled": "true",
}  # fmt: skip
_PLAIN = re.compile(r"[a-z0-9_./-]")
_KEY, _ONE_FILE = "partition key", "one file"
BYTE = "tinyint"
"""What T-SQL's TINYINT, a smallint of 0 to 255, is in the names of text, whose rows are rejected that have another value."""


@dataclass(frozen=True)
class Folder(Relation):
    """A folder, or one file, as a table; `url` is where it is. `options` say how its text is written."""

    url: str = ""
    options: Mapping[str, str] | None = None

    def new(self, kinds: Mapping[str, str]) -> str:
        """The table as it is made, with columns of these types: no connector has one of that name. Text is told how it is written."""
        if self.options is None:
            return replace(self, name=f"{self.name}?new").relation
        return _of_text(replace(self, options={**self.options, "new": "true"}), kinds)

    def seen(self, wanted: Mapping[str, str]) -> str:
        """What is asked for the columns that it has. Text has those that are wanted, and is asked by one of them whether it is there: Trino
        repeats the table's whole name for each."""
        if self.options is None:
            return self.relation
        name, kind = next(iter(wanted.items()))
        return _of_text(self, {name.lower(): kind})


def folder(source: DataSource, location: str, form: CreateFormat, rejects: Rejects | None = None) -> Folder:
    """Where a table's files are. Raises UsageError."""
    if form.format_type not in _CONNECTORS:
        raise UsageError(f"files of the format {form.format_type} are understood, but not run yet", f"there are {', '.join(_CONNECTORS)}")
    connector, at, whole = _CONNECTORS[form.format_type], store(source), path(source, location)
    properties = {"root": at.root, **at.properties}
    if connector == "files":
        properties |= _HIVE | ({"hive.fs.new-directory-permissions": "0755"} if "fs.hadoop.enabled" in at.properties else {})
    made = Folder(named(source.name, connector, properties), form.format_type.lower(), encoded(whole), at.root + whole)
    if form.format_type not in delimited_text.FORMATS:
        return made
    return replace(made, options=dict(delimited_text.options(form, rejects or Rejects(), lambda one: path(source, one))))


def encoded(plain: str) -> str:
    """A text as it stands in a table's name."""
    return "".join(chr(byte) if _PLAIN.fullmatch(chr(byte)) else f"%{byte:02x}" for byte in plain.encode())


@dataclass(frozen=True)
class Readable:
    """What a view reads, and Trino's types of its columns by their names. `settled`: whether those are the object's own; a folder without a
    file has none yet. `file`: whether it is one file."""

    relation: str
    columns: dict[str, str]
    settled: bool = True
    file: bool = False


def readable(where: Folder, seen: Iterable[Sequence[object]], wanted: Mapping[str, str]) -> Readable:
    """What a view of a folder reads.

    `seen`: name, type, extra and comment of each column, as SHOW COLUMNS has them; none where the folder has no file, which has the columns
    that are `wanted` until then. A comment is the type where names of fields have capitals. Names of folders have no type: their columns
    are of that which is wanted.
    """
    types = {name.lower(): kind for name, kind in wanted.items()}
    if where.options is not None:
        return Readable(_of_text(where, types), {name: "smallint" if kind == BYTE else kind for name, kind in types.items()})
    rows = [tuple(str(one or "") for one in row) for row in seen]
    if where.schema == "delta":
        return Readable(where.relation, {row[0]: row[1] for row in rows})
    keys = {row[0]: types.get(row[0], row[1]) for row in rows if row[2] == _KEY}
    columns = {row[0]: row[1] for row in rows if row[0] not in keys} if rows else types
    spelled = {row[0]: said for row in rows if (said := row[3].removeprefix(_ONE_FILE).strip())}
    told = "?".join(_told(some) for some in ({name: kind for name, kind in columns.items() if name in types}, keys))
    file = any(row[3].startswith(_ONE_FILE) for row in rows)
    if file:
        above = replace(where, name=f"{where.name.rpartition('/')[0]}?{told}")
        relation = f'(SELECT * FROM {above.relation} WHERE "$path" = {literal(where.url)})'  # noqa: S608 quoted
    else:
        relation = replace(where, name=f"{where.name}?{told}").relation
    return Readable(relation, columns | spelled | keys, settled=bool(rows), file=file)


def _of_text(where: Folder, columns: Mapping[str, str]) -> str:
    return replace(where, name=f"{where.name}?{_told(columns)}?{_told(where.options or {})}").relation


def _told(columns: Mapping[str, str]) -> str:
    return ";".join(f"{encoded(name)}={encoded(kind)}" for name, kind in columns.items())


def listing(source: DataSource) -> tuple[Relation, str]:
    """A catalog of a store, and a statement that asks it whether it is there, and answers with no row. Raises UsageError."""
    if not store(source).whole:
        raise UsageError(f"source {source.name}: its LOCATION names no bucket, so that only its tables can be asked")
    where = folder(source, "/", CreateFormat("", "PARQUET"))
    return where, f"SHOW TABLES FROM {identifier(where.catalog.name)}.{identifier(where.schema)}"

"""One table of all types that each engine writes and each other reads: the statements for it, and how their cells are compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet

from tests.e2e.external.edges import KINDS, MASTER, ROWS, SPARK, TRINO, Dialect, Kind, cell, wanted

FOLDER = "/data/cells"
TEXTS = ("csv", "json")
_CSV = "header 'true', quote '\"', escape '\"', ignoreLeadingWhiteSpace 'false', ignoreTrailingWhiteSpace 'false', multiLine 'true'"
_TIMES = "timestampFormat \"yyyy-MM-dd' 'HH:mm:ss.SSSSSSXXX\", timestampNTZFormat \"yyyy-MM-dd' 'HH:mm:ss.SSSSSS\""
WRITING = {"csv": f"{_CSV}, {_TIMES}", "json": f"{_TIMES}, ignoreNullFields 'false'"}
READING = {"csv": f"{_CSV}, nullValue '\\u0001'", "json": "multiLine 'false'"}
"""Spark's options for text, as docs/comparison.md says them."""


@dataclass(frozen=True)
class Table:
    """What one engine wrote in one form."""

    writer: str
    form: str

    @property
    def name(self) -> str:
        return f"{self.writer}_{self.form}"

    @property
    def folder(self) -> str:
        return f"{FOLDER}/{self.writer}/{self.form}"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Of the columns that it has: some forms, and some writers, lack a type."""
        return tuple(kind for kind in KINDS if not _lacking(self, kind))

    def outside(self) -> tuple[Kind, ...]:
        """Of the columns that its external table has. Spark's TIMESTAMP_NTZ is a number of microseconds in ORC; lists of binaries, and of
        times with a zone, have no JSON."""
        lacking = {"Raws"} | ({"Local"} if self == Table("spark", "orc") else set()) | ({"Moments"} if self.form == "delta" else set())
        return tuple(kind for kind in self.kinds if kind.column not in lacking)


def _lacking(table: Table, kind: Kind) -> bool:
    if table.form == "master":
        return not kind.master or (table.writer != "master" and kind.nested) or (table.writer == "trino" and kind.column == "Fixed")
    if table.form in TEXTS and (kind.column == "Raws" or (table.form == "csv" and (kind.nested or kind.column == "Raw"))):
        return True
    if table.writer == "trino":
        return kind.column == "Fixed" if table.form == "delta" else kind.nested
    times = kind.column in ("Moment", "Local", "Moments")
    return table.writer in ("pyarrow", "deltalake") and (kind.column == "Fixed" or (table.form == "orc" and times))


def typed(table: Table, kind: Kind) -> str:
    """The T-SQL type of an external table's column. Parquet and ORC say of a time neither zone nor none that is T-SQL's."""
    return "DATETIME2(6)" if kind.column == "Moment" and table.form in ("parquet", "orc") else kind.external


def columns(kinds: Iterable[Kind], of: Callable[[Kind], str]) -> str:
    return ", ".join(["Id INT", *(f"{kind.column} {of(kind)}" for kind in kinds)])


def names(kinds: Iterable[Kind]) -> str:
    return ", ".join(["Id", *(kind.column for kind in kinds)])


def values(dialect: Dialect, kinds: Sequence[Kind], of: Callable[[Kind], str]) -> str:
    lines = [[str(row), *(kind.family.write(dialect, cell(kind, row), of(kind)) for kind in kinds)] for row in range(ROWS)]
    return "VALUES " + ",\n".join(f"({', '.join(line)})" for line in lines)


def spark_writes(tables: Iterable[Table]) -> str:
    lines = [
        "CREATE SCHEMA IF NOT EXISTS cells;\nCREATE TEMPORARY VIEW edges AS SELECT * FROM "
        f"{values(SPARK, KINDS, lambda kind: kind.spark)} AS v({names(KINDS)});"
    ]
    for table in tables:
        target = "master.public.spark_master" if table.form == "master" else f"cells.{table.name}"
        how = f"OPTIONS ({WRITING[table.form]})" if table.form in TEXTS else ""
        where = "" if table.form == "master" else f" USING {table.form} {how} LOCATION 'hdfs://bdc{table.folder}'"
        lines.append(f"CREATE TABLE {target} ({columns(table.kinds, lambda kind: kind.spark)}){where};")
        lines.append(f"INSERT INTO {target} SELECT {names(table.kinds)} FROM edges;")
    return "\n".join(lines)


def viewed(table: Table) -> str:
    """A view of Spark's of text. SQL writes JSON's names in lower case, and Spark reads them as they are spelled."""
    named = columns(table.kinds, lambda kind: "STRING" if kind.column in ("Short", "Fixed") else kind.spark)
    named = named.lower() if table == Table("trino", "json") else named
    return f"CREATE TEMPORARY VIEW {table.name}_text ({named}) USING {table.form} OPTIONS ({READING[table.form]}, path 'hdfs://bdc{table.folder}')"


def external(table: Table) -> str:
    """The definition of an external table of its files; a format is called after its form."""
    where = f"LOCATION = '{table.folder}', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = Cells{table.form}"
    return f"CREATE EXTERNAL TABLE dbo.{table.name} ({columns(table.outside(), lambda kind: typed(table, kind))}) WITH ({where})"


def trino_writes(table: Table) -> str:
    rows = values(TRINO, table.kinds, lambda kind: kind.lake)
    if table.form in ("delta", "master"):
        where = f" WITH (location = 'hdfs://bdc{table.folder}')" if table.form == "delta" else ""
        target = "lake.cells.trino_delta" if table.form == "delta" else "master.public.trino_master"
        return f"CREATE TABLE {target}{where} AS SELECT * FROM ({rows}) AS v({names(table.kinds)})"
    given = [f"CAST({kind.column} AT TIME ZONE 'UTC' AS timestamp(6))" if typed(table, kind) != kind.external else kind.column
             for kind in table.kinds]  # fmt: skip
    return f"INSERT INTO dbo.{table.name} ({names(table.kinds)}) SELECT Id, {', '.join(given)} FROM ({rows}) AS v({names(table.kinds)})"


def master_writes(table: Table) -> str:
    rows = values(MASTER, table.kinds, lambda kind: kind.master)
    named = columns(table.kinds, lambda kind: kind.master)
    return f"CREATE TABLE public.{table.name} ({named});\nINSERT INTO public.{table.name} {rows};"


def arrow_writes(table: Table, folder: Path) -> None:
    folder.mkdir(parents=True)
    made = {kind.column: pa.array([cell(kind, row) for row in range(ROWS)], kind.arrow) for kind in table.kinds}
    whole = pa.table({"Id": pa.array(range(ROWS), pa.int32())} | made)
    if table.form == "delta":
        deltalake.write_deltalake(str(folder), whole)
    elif table.form == "parquet":
        pyarrow.parquet.write_table(whole, folder / "a.parquet")
    else:
        pyarrow.orc.write_table(whole, folder / "a.orc")


def arrow_reads(table: Table, folder: Path, kinds: Iterable[Kind]) -> pa.Table:
    """The columns of those kinds, in the order of the rows. Names are those that the file has."""
    files = [one for one in sorted(folder.iterdir()) if not one.name.startswith(("_", "."))]
    if table.form == "delta":
        made = deltalake.DeltaTable(str(folder))
        spelled = {one.name.lower(): one.name for one in made.schema().fields}
    elif table.form == "parquet":
        spelled = {one.lower(): one for one in pyarrow.parquet.read_schema(files[0]).names}
    else:
        spelled = {one.lower(): one for one in pyarrow.orc.ORCFile(files[0]).schema.names}
    wanted_names = [spelled[name.lower()] for name in ("Id", *(kind.column for kind in kinds))]
    if table.form == "delta":
        return made.to_pyarrow_table(columns=wanted_names)
    read = pyarrow.parquet.read_table if table.form == "parquet" else pyarrow.orc.read_table
    return pa.concat_tables([read(one, columns=wanted_names) for one in files])


def asks(dialect: Dialect, table: Table, source: str, *, outside: bool = False) -> str:
    """The query for all cells as text; `outside`: of its external table, where what is nested is JSON already. Spark makes columns in the
    master with the names as they are spelled."""
    name = '"{}"' if dialect is MASTER and table == Table("spark", "master") else "{}"
    read = []
    for kind in table.outside() if outside else table.kinds:
        plain = outside and (kind.nested or typed(table, kind) != kind.external)
        column = name.format(kind.column)
        read.append(f"{dialect.text.format(column) if plain else kind.family.read(dialect, column)} AS {kind.column}")
    return f"SELECT {', '.join([name.format('Id'), *read])} FROM {source} ORDER BY 1"


Cells = dict[tuple[str, int], Any]


def cells(kinds: Iterable[Kind], found: Sequence[dict[str, Any]]) -> Cells:
    """Of an engine's answer, by column and row."""
    lines = [{key.lower(): value for key, value in line.items()} for line in found]
    return {(kind.column, int(line["id"])): None if line[kind.column.lower()] is None else kind.family.parse(str(line[kind.column.lower()]))
            for kind in kinds for line in lines}  # fmt: skip


def arrow_cells(kinds: Iterable[Kind], found: pa.Table) -> Cells:
    lines = {key.lower(): found.column(key) for key in found.column_names}
    rows = lines["id"].to_pylist()
    return {(kind.column, row): None if value is None else _plain(kind, value)
            for kind in kinds for row, value in zip(rows, lines[kind.column.lower()].to_pylist(), strict=True)}  # fmt: skip


def _plain(kind: Kind, value: Any) -> Any:
    return value if kind.column == "Fixed" else kind.family.of(value)


def differences(kinds: Iterable[Kind], found: Cells) -> Cells:
    """What was found instead of what was written."""
    places = [(kind, row) for kind in kinds for row in range(ROWS)]
    return {(kind.column, row): found.get((kind.column, row), "no row") for kind, row in places
            if found.get((kind.column, row), "no row") != wanted(kind, row)}  # fmt: skip


def answers(text: str) -> list[list[dict[str, Any]]]:
    """All results of a script."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text.rstrip()):
        one, at = decoder.raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
        found.append(one)
    return found

"""One table before all engines: what each writes is what each other reads, cell by cell, but for what docs/comparison.md says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.orc
import pytest

from tests.e2e.external import compared
from tests.e2e.external.asked import rows
from tests.e2e.external.compared import FOLDER, TEXTS, Cells, Table, answers
from tests.e2e.external.differing import DIFFERENCES, PAGE, UNREADABLE, expected
from tests.e2e.external.edges import KINDS, MASTER, SPARK, TRINO, Kind, cell
from tests.e2e.support.commands import bdc
from tests.e2e.support.host import TestHost

SPARKS = tuple(Table("spark", form) for form in ("delta", "parquet", "orc", "master"))
ARROWS = (Table("pyarrow", "parquet"), Table("pyarrow", "orc"), Table("deltalake", "delta"))
MASTERS = (Table("master", "master"),)
TRINOS = tuple(Table("trino", form) for form in ("delta", "parquet", "orc", "csv", "json", "master"))
TEXTUAL = (Table("spark", "csv"), Table("spark", "json"))
FORMATS = {
    "delta": "FORMAT_TYPE = DELTA", "parquet": "FORMAT_TYPE = PARQUET", "orc": "FORMAT_TYPE = ORC", "json": "FORMAT_TYPE = JSON",
    "csv": "FORMAT_TYPE = DELIMITEDTEXT, FORMAT_OPTIONS (FIELD_TERMINATOR = ',', STRING_DELIMITER = '\"', FIRST_ROW = 2)",
}  # fmt: skip


@pytest.fixture(scope="module")
def written(host: TestHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What Spark, the master, pyarrow and deltalake write, and external tables of what is files; a folder for copies of them."""
    folder = tmp_path_factory.mktemp("cells")
    for table in ARROWS:
        compared.arrow_writes(table, folder / "cells" / table.writer / table.form)
    bdc(host, "hdfs", "put", str(folder / "cells"), FOLDER)
    bdc(host, "sql", "run", "-e", "spark", "-", stdin=compared.spark_writes(SPARKS))
    bdc(host, "sql", "run", "-e", "master", "-", stdin="\n".join(map(compared.master_writes, MASTERS)))
    formats = [f"CREATE EXTERNAL FILE FORMAT Cells{form} WITH ({how})" for form, how in FORMATS.items()]
    bdc(host, "sql", "run", "-", stdin="\nGO\n".join([*formats, *map(compared.external, filter(_outside, (*SPARKS, *ARROWS)))]))
    yield folder
    forget(host)


def forget(host: TestHost) -> None:
    tables = [one["name"] for one in rows(host, "SELECT name FROM sys.external_tables", "-e", "master") if "_" in one["name"]]
    lines = [f"DROP EXTERNAL TABLE dbo.{name}" for name in tables if name.rpartition("_")[2] in FORMATS]
    bdc(host, "sql", "run", "-", stdin="\nGO\n".join([*lines, *(f"DROP EXTERNAL FILE FORMAT Cells{form}" for form in FORMATS)]))
    bdc(host, "sql", "run", "-e", "master", "-",
        stdin="DROP TABLE IF EXISTS public.spark_master, public.master_master, public.trino_master;")  # fmt: skip
    bdc(host, "sql", "run", "-e", "spark", "-", stdin="DROP SCHEMA cells CASCADE;")
    bdc(host, "hdfs", "rm", "-r", FOLDER)


def _outside(table: Table) -> bool:
    return table.form != "master"


def _in_lake(table: Table) -> bool:
    return table.form == "delta" and table.writer != "deltalake"


def source(table: Table, reader: str) -> str:
    """Where an engine finds the table."""
    if table.form == "master":
        return f"{'' if reader == 'master' else 'master.'}public.{table.name}"
    if reader == "spark" and table.form in TEXTS:
        return f"{table.name}_text"
    if reader == "spark" and table.writer in ("pyarrow", "trino"):
        return f"{table.form}.`hdfs://bdc{table.folder}`"
    if reader == "spark":
        return f"delta.`hdfs://bdc{table.folder}`" if table.writer == "deltalake" else f"cells.{table.name}"
    return f"lake.cells.{table.name}" if reader == "trino" and _in_lake(table) else f"dbo.{table.name}"


def kinds(table: Table, reader: str) -> tuple[Kind, ...]:
    return table.outside() if source(table, reader).startswith("dbo.") else table.kinds


def reads(host: TestHost, reader: str, tables: Sequence[Table]) -> dict[Table, Cells]:
    """All of the tables, by one session of an engine."""
    dialect, *options = {"trino": (TRINO, "--dialect", "trino"), "spark": (SPARK, "-e", "spark"), "master": (MASTER, "-e", "master")}[
        reader
    ]
    asked = [compared.viewed(table) for table in tables if reader == "spark" and table.form in TEXTS]
    for table in tables:
        where = source(table, reader)
        asked.append(compared.asks(dialect, table, where, outside=where.startswith("dbo.")))
    done = bdc(host, "-q", "sql", "run", "-o", "json", *options, "-", stdin=";\n".join(asked))
    found = [one for one in answers(done.stdout) if one]
    return {table: compared.cells(kinds(table, reader), one) for table, one in zip(tables, found, strict=True)}


def agree(reader: str, found: dict[Table, Cells], *without: str) -> None:
    """What was found is what was written, but for what is said to differ; `without`: lines of it that don't hold."""
    for table, each in found.items():
        there = {kind.column for kind in kinds(table, reader)} - set(UNREADABLE.get((table.name, reader), ()))
        said = {place: value for place, value in expected(table, reader, without).items() if place[0] in there}
        some = [kind for kind in table.kinds if kind.column in there]
        assert compared.differences(some, each) == said, f"{table.name} as {reader} reads it"


def copied(host: TestHost, tables: Sequence[Table], folder: Path, *, whole: bool = False) -> dict[Table, Cells]:
    """All of the tables, as pyarrow and deltalake read copies of the files; `whole`: with columns that they can't give."""
    found = {}
    for table in tables:
        local = folder / "copies" / table.name
        local.parent.mkdir(parents=True, exist_ok=True)
        bdc(host, "hdfs", "get", table.folder, str(local))
        without = () if whole else UNREADABLE.get((table.name, "arrow"), ())
        some = [kind for kind in table.kinds if kind.column not in without]
        found[table] = compared.arrow_cells(some, compared.arrow_reads(table, local, some))
    return found


def test_what_is_said_to_differ_is_in_the_docs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [one.line for one in DIFFERENCES if f"| {one.line}" not in page] == []


@pytest.mark.parametrize("reader", ["trino", "master", "spark"])
def test_engines_read_what_others_wrote(host: TestHost, written: Path, reader: str) -> None:
    own = reader == "spark"  # which takes longest
    agree(reader, reads(host, reader, (*(() if own else SPARKS), *ARROWS, *MASTERS)))


def test_pyarrow_and_deltalake_read_what_spark_wrote(host: TestHost, written: Path) -> None:
    agree("arrow", copied(host, [table for table in SPARKS if _outside(table)], written))


@pytest.fixture(scope="module")
def more(host: TestHost, written: Path) -> None:
    """What Trino writes, and Spark's text."""
    for table in filter(_outside, TRINOS):
        bdc(host, "hdfs", "mkdir", "-p", table.folder)
    bdc(host, "sql", "run", "-e", "spark", "-", stdin=compared.spark_writes(TEXTUAL))
    definitions = [compared.external(table) for table in (*TRINOS, *TEXTUAL) if _outside(table) and not _in_lake(table)]
    bdc(host, "sql", "run", "-", stdin="\nGO\n".join(definitions))
    bdc(host, "sql", "run", "--dialect", "trino", "-", stdin=";\n".join(map(compared.trino_writes, TRINOS)))
    bdc(host, "sql", "run", "-", stdin=compared.external(Table("trino", "delta")))


@pytest.mark.full
@pytest.mark.parametrize("reader", ["trino", "master", "spark"])
def test_engines_read_what_sql_wrote_and_text(host: TestHost, more: None, reader: str) -> None:
    agree(reader, reads(host, reader, (*(SPARKS if reader == "spark" else ()), *TRINOS, *TEXTUAL)))


@pytest.mark.full
def test_pyarrow_and_deltalake_read_what_sql_wrote(host: TestHost, written: Path, more: None) -> None:
    agree("arrow", copied(host, [table for table in TRINOS if table.form in ("delta", "parquet", "orc")], written))


@pytest.mark.full
def test_what_engines_refuse(host: TestHost, written: Path) -> None:
    orc = Table("spark", "orc")
    definition = compared.external(orc).replace("dbo.spark_orc", "dbo.ntz_orc").replace(" (Id INT", " (Local DATETIME2(6), Id INT")
    assert "the column Local is defined as timestamp(6), and is bigint" in rows(host, definition, code=2)
    with pytest.raises((OverflowError, pa.ArrowInvalid)):
        copied(host, [Table("spark", "orc")], written / "whole", whole=True)
    times = pa.table({"Local": pa.array([cell(next(kind for kind in KINDS if kind.column == "Local"), 4)], pa.timestamp("us"))})
    folder = written / "times" / "orc"
    folder.mkdir(parents=True)
    pyarrow.orc.write_table(times, folder / "a.orc")
    bdc(host, "hdfs", "put", str(folder), f"{FOLDER}/times")
    rows(host, f"CREATE EXTERNAL TABLE dbo.times_orc (Local DATETIME2(6)) WITH (LOCATION = '{FOLDER}/times', "
               "DATA_SOURCE = SqlStoragePool, FILE_FORMAT = Cellsorc)")  # fmt: skip
    assert "Nanos field of timestamp is out of range" in rows(host, "SELECT * FROM dbo.times_orc", code=1)
    bdc(host, "sql", "query", "-e", "spark", f"SELECT * FROM orc.`hdfs://bdc{FOLDER}/times`", code=1)
    for column in ("VARIANT", "VOID"):
        rows(host, f"CREATE TABLE cells.{column.lower()} (id INT, x {column}) USING delta", "-e", "spark")
    rows(host, "INSERT INTO cells.variant SELECT 1, parse_json('[1]')", "-e", "spark")
    for table in ("variant", "void"):
        refused = rows(host, f"SELECT id FROM lake.cells.{table}", code=1)
        assert f"Column 'x' is, or has in it, a {table.upper()}, which SQL can't read" in refused


@pytest.mark.full
def test_a_statement_changes_nothing_else(host: TestHost, written: Path, more: None) -> None:
    """Rows that a statement only copies are what they were, for each engine that changes a table of each other."""
    deltas = Table("spark", "delta"), Table("trino", "delta")
    for table in deltas:
        rows(host, f"UPDATE lake.cells.{table.name} SET whole = whole WHERE id = 1")
        rows(host, f"ALTER TABLE lake.cells.{table.name} EXECUTE optimize")
        rows(host, f"UPDATE cells.{table.name} SET Whole = Whole WHERE Id = 2", "-e", "spark")
        rows(host, f"MERGE INTO lake.cells.{table.name} t USING (VALUES 3) s(id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET big = t.big")
    rows(host, "UPDATE dbo.deltalake_delta SET whole = whole WHERE id = 1")
    changed = (*deltas, Table("deltalake", "delta"))
    for reader in ("trino", "spark"):
        agree(reader, reads(host, reader, changed), "CHAR(n) of a Delta table")  # which Spark fills up where it copies a row

"""What engines answer otherwise than it was written: each is a line of docs/comparison.md, and what no line says is a failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.external.compared import Cells, Table
from tests.e2e.external.edges import KINDS, Kind, cell, wanted

PAGE = Path(__file__).parents[3] / "docs" / "comparison.md"
ARROW, SQL, SPARK = ("arrow",), ("trino", "master"), ("spark",)
ALL = (*ARROW, *SQL, *SPARK)


@dataclass(frozen=True)
class Difference:
    """`line` begins a line of the docs' table; `cells` has what is found instead, by column and row."""

    line: str
    tables: tuple[str, ...]
    readers: tuple[str, ...]
    cells: Mapping[tuple[str, int], Any]


def _kind(column: str) -> Kind:
    return next(kind for kind in KINDS if kind.column == column)


def _unfilled() -> Cells:
    return {("Fixed", 1): "a", ("Fixed", 2): ""}


def _lower() -> Cells:
    return {("Deep", row): _lowered(cell(_kind("Deep"), row)) for row in range(3)}


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.lower(): _lowered(one) for key, one in value.items()}
    return [_lowered(one) for one in value] if isinstance(value, list) else value


def _of(columns: tuple[str, ...], instead: Mapping[int, str]) -> Cells:
    """Times of these columns that are others, by their place among all times; a list of them has all in its first row."""
    found: Cells = {(column, row): text for column in columns if column != "Moments" for row, text in instead.items()}
    if "Moments" in columns:
        found["Moments", 0] = [instead.get(at, text) for at, text in enumerate(wanted(_kind("Moments"), 0))]
    return found


JULIAN: Cells = {("Day", 0): "0001-01-03", ("Day", 1): "0999-12-26", ("Day", 2): "1582-09-24"}
EPOCH, LATE, EARLY = "1970-01-01 00:00:00.999999", "1582-10-15 00:00:01.000001", "1582-10-04 23:59:59.000001"
ZERO, MINUS = float.hex(0.0), float.hex(-0.0)

DIFFERENCES = (
    Difference("CHAR(n) of a Delta table", ("spark_delta",), ("trino", *ARROW), _unfilled()),
    Difference("CHAR(n) that SQL writes into text", ("trino_csv", "trino_json"), SPARK, _unfilled()),
    Difference("CHAR(n) that SQL writes into Parquet", ("trino_parquet",), ("trino", *ARROW, *SPARK), _unfilled()),
    Difference("CHAR(n) that SQL writes into Parquet", ("trino_orc",), ARROW, _unfilled()),
    Difference("names of a struct's fields, Delta", ("spark_delta", "trino_delta", "deltalake_delta"), SQL, _lower()),
    Difference("ORC, the last second before 1970", ("spark_orc",), SPARK, _of(("Moment", "Moments"), {4: EPOCH})),
    Difference("ORC, the last second before 1970", ("trino_orc",), SQL, _of(("Moment", "Local"), {4: EPOCH})),
    Difference("ORC of Spark, times before 1970", ("spark_orc",), SQL, _of(("Moment", "Moments"), {2: EARLY, 4: EPOCH})),
    Difference("ORC of SQL, times before 1970", ("trino_orc",), SPARK, _of(("Moment", "Local"), {2: LATE, 4: EPOCH})),
    Difference("ORC of pyarrow, days before 15 October 1582", ("pyarrow_orc",), SPARK,
               JULIAN | {("Marks", 1): wanted(_kind("Marks"), 1) | {"": "0001-01-03"}}),
    Difference("JSON, -0.0", ("spark_json", "trino_json"), SQL, {("Single", 3): ZERO, ("Twice", 3): ZERO}),
    Difference("JSON, -0.0", ("spark_json",), SQL,
               {("Doubles", 1): [ZERO if one == MINUS else one for one in wanted(_kind("Doubles"), 1)]}),
)  # fmt: skip

UNREADABLE = {
    ("spark_orc", "arrow"): ("Day", "Marks", "Moment", "Moments", "Local"),
    ("trino_orc", "arrow"): ("Moment", "Local"),
}
"""Columns of tables that a reader can't give at all, or gives as another type, as the docs say."""


def expected(table: Table, reader: str, without: tuple[str, ...] = ()) -> Cells:
    """What a reader finds in a table that isn't what was written; `without`: lines that don't hold."""
    found: Cells = {}
    for one in DIFFERENCES:
        if table.name in one.tables and reader in one.readers and one.line not in without:
            found |= one.cells
    return found

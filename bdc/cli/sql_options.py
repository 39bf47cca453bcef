"""The options of the commands that show rows: `bdc sql query`, `bdc sql run` and `bdc spark sql`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class SqlFormat(StrEnum):
    """How a result is written."""

    table = "table"
    json = "json"
    csv = "csv"


OutputOption = Annotated[SqlFormat, typer.Option("--output", "-o", help="Format of the result.")]
ChartOption = Annotated[bool, typer.Option("--chart", help="On a terminal, draw a label and a number as a bar chart.")]

"""How the rows of a statement are shown: the options that `bdc sql` and `bdc spark sql` share."""

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

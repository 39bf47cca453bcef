"""What commands print: results on stdout in one of three formats, everything else on stderr.

With `-o json` or `-o yaml` stdout holds the document and nothing else. Where there is no terminal or NO_COLOR is set there are no escape
codes at all; tables are never cut to a width that a pipe doesn't have.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from bdc.cli.cells import cell_len
from bdc.cli.streams import styled
from bdc.errors import UsageError

WIDEST = 10_000
_GAP = "  "


class Format(StrEnum):
    """How a result is written."""

    table = "table"
    json = "json"
    yaml = "yaml"


FormatOption = Annotated[Format, typer.Option("--output", "-o", help="Format of the result.")]
"""The type of a command's parameter `output: FormatOption = Format.table`."""

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
NoInputOption = Annotated[bool, typer.Option("--no-input", help="Never ask; fail where an answer is needed.")]


class Output:
    """Writes a command's result in the format asked for, and its progress."""

    def __init__(self, format: Format = Format.table, *, quiet: bool = False) -> None:  # noqa: A002  - it is the field's word
        self.format = format
        self.quiet = quiet

    def emit(self, data: Any, *, columns: Mapping[str, str] | None = None, text: str | None = None) -> None:
        """Write a result: `data` as JSON or YAML, or for people `text` when given, else a table.

        A sequence of mappings is a table with a row each, a mapping one with two columns. `columns` chooses and titles the keys.
        """
        if self.format is Format.json:
            sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")
        elif self.format is Format.yaml:
            sys.stdout.write(_yaml(data))
        elif text is not None:
            sys.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")
        elif isinstance(data, Mapping):
            sys.stdout.write(table([[key, value] for key, value in data.items()]))
        else:
            titles = columns or {key: key for row in data for key in row}
            sys.stdout.write(table([[row.get(key) for key in titles] for row in data], list(titles.values())))

    def progress(self, line: str) -> None:
        """Say on stderr what is going on, unless --quiet."""
        if not self.quiet:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


def table(rows: Sequence[Sequence[object]], titles: Sequence[str] = ()) -> str:
    """Rows as aligned columns; an empty text when there are none and no titles. What a terminal has no room for is folded."""
    if not rows and not titles:
        return ""
    cells = [[_cell(value) for value in row] for row in rows]
    return _aligned(cells, titles) or _folded(cells, titles)


def _aligned(rows: Sequence[Sequence[str]], titles: Sequence[str]) -> str | None:
    """The table where each row is a line; None where one has to be folded, or a cell isn't plain text of a line."""
    lines = [list(titles), *rows] if titles else list(rows)
    if len({len(line) for line in lines}) > 1 or not all(cell.isprintable() for line in lines for cell in line):
        return None
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > (shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDEST):
        return None
    padded = [_GAP.join(cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)) for line in lines]
    if titles and styled(sys.stdout):
        padded[0] = f"\x1b[1m{padded[0]}\x1b[0m"
    return "".join(f"{line.rstrip()}\n" for line in padded)


def _folded(rows: Sequence[Sequence[str]], titles: Sequence[str]) -> str:
    """The table by rich, which takes longer to import than most commands to run."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, show_header=bool(titles), header_style="bold")
    for title in titles or [""] * max(map(len, rows), default=0):
        grid.add_column(Text(title), overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    buffer = io.StringIO()
    width = None if sys.stdout.isatty() else WIDEST
    console = Console(file=buffer, force_terminal=styled(sys.stdout), width=width, highlight=False)
    console.print(grid)
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def confirm(question: str, *, yes: bool, no_input: bool) -> bool:
    """Ask on the terminal; `yes` answers already. Raises UsageError when nobody can answer."""
    if yes:
        return True
    if no_input or not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody is there to answer", "add --yes to go on without asking")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def error(message: str, hint: str | None = None) -> None:
    """Print an error and its remedy on stderr; further lines are indented below the first."""
    for label, text in (("error:", message), ("hint: ", hint)):
        if text:
            sys.stderr.write(f"{label} " + text.strip().replace("\n", "\n       ") + "\n")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _yaml(data: Any) -> str:
    import yaml

    plain = json.loads(json.dumps(data, default=str))
    return str(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=WIDEST))

"""Runs statements for a terminal or a pipe: results on stdout, what there is to say of them on stderr."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import closing

from bdc.cli.output import Output
from bdc.cli.sql.render import chart, is_chartable, render
from bdc.cli.sql_options import SqlFormat
from bdc.sql import Result, Session, Statement


class Printer:
    """Runs statements and shows their results on stdout, and what there is to say of them on stderr."""

    def __init__(self, output: SqlFormat, *, draw: bool = False, quiet: bool = False) -> None:
        self._output, self._draw = output, draw
        self._say = Output(quiet=quiet).progress
        self.timing = True

    def run(self, session: Session, statement: Statement) -> None:
        """One statement, from start to last row."""
        started = time.monotonic()
        with closing(session.query(statement)) as result:
            if result.columns or self._output is SqlFormat.json:
                rows = self._show(result)
                said = f"{rows:,} row{'' if rows == 1 else 's'}" if result.columns else str(result.command)
            else:
                said = str(result.command or "done")
                for _ in result.rows:
                    continue
            if result.affected is not None and str(result.affected) not in said:
                said += f" {result.affected:,}"
        sys.stdout.flush()
        self._say(f"({said}, {time.monotonic() - started:.1f} s)" if self.timing else f"({said})")

    def _show(self, result: Result) -> int:
        if self._draw and self._output is SqlFormat.table and sys.stdout.isatty():
            if not is_chartable(result.columns):
                self._say("a chart needs two columns: a label and a number")
            else:
                return self._chart(result)
        return render(result, self._output, sys.stdout.write)

    def _chart(self, result: Result) -> int:
        rows = list(result.rows)
        drawing = chart(rows, shutil.get_terminal_size().columns)
        if drawing is None:
            self._say("a chart needs numbers in the second column")
            return render(Result(result.columns, iter(rows)), self._output, sys.stdout.write)
        sys.stdout.write(drawing)
        return len(rows)

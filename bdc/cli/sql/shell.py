"""The shell of `bdc sql`: lines are gathered until a semicolon ends a statement; backslash commands are psql's.

The history is a file of the user's own (mode 600) and leaves out statements that speak of passwords or secrets.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bdc.cli.output import error as print_error
from bdc.cli.streams import styled
from bdc.errors import BdcError
from bdc.sql import Engine, Statement, split, statements
from bdc.sql.quoting import literal

if TYPE_CHECKING:
    from bdc.cli.sql.printer import Printer
    from bdc.sql import Session

_SECRET = re.compile(r"password|secret|identity|credential", re.IGNORECASE)
_HISTORY = 5000
_LEAVING = ("exit", "quit")
_HELP = """\
statements end with a semicolon, on the federation also with GO, and may take several lines
Ctrl-C drops what was typed, or cancels what runs
\\d [NAME]   tables here, or the columns of one
\\timing     show times, or don't
\\?          this
\\q          leave (also exit, quit, Ctrl-D)
"""
_MASTER_TABLES = (
    "SELECT table_schema AS schema, table_name AS name, lower(table_type) AS type FROM information_schema.tables "
    "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
)
_MASTER_COLUMNS = (
    "SELECT attname AS column, format_type(atttypid, atttypmod) AS type, CASE WHEN attnotnull THEN 'not null' END AS null "
    "FROM pg_attribute WHERE attrelid = {}::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)


class Lines(Protocol):
    """Where lines come from: raises EOFError at the end and KeyboardInterrupt for Ctrl-C, as `input` does."""

    def __call__(self, prompt: str, /) -> str:
        """The next line, without its end."""


class Shell:
    """One session at the keyboard, or with statements on stdin."""

    def __init__(self, session: Session, engine: Engine, printer: Printer, history: Path, lines: Lines | None = None) -> None:
        self._session, self._engine, self._printer = session, engine, printer
        self._terminal = sys.stdin.isatty() and lines is None
        self._history = history
        self._lines: Lines = lines or (input if self._terminal else _stdin)
        self._failed: BdcError | None = None

    def run(self) -> None:
        """Until \\q or the end. Without a terminal, the first error ends it and is raised."""
        remember = self._remembering() if self._terminal else _forget
        typed = ""
        while True:
            try:
                line = self._lines(self._prompt(typed))
            except EOFError:
                if self._terminal:
                    sys.stderr.write("\n")
                break
            except KeyboardInterrupt:
                sys.stderr.write("\ncancelled\n" if typed.strip() else "\n")
                typed = ""
                continue
            if not typed.strip() and line.strip().rstrip("; ").lower() in _LEAVING:
                return
            if not typed.strip() and line.strip().startswith("\\"):
                remember(line)
                if not self._command(line.strip()):
                    return
                continue
            ends = self._engine is Engine.federation and line.strip().upper() == "GO"
            typed = self._take(f"{typed};" if ends else f"{typed}{line}\n", remember)
        self._take(f"{typed};", remember)

    def _take(self, typed: str, remember: Callable[[str], None]) -> str:
        """Run what is complete; what is left."""
        script = split(typed)
        if script.statements:
            remember(typed[: len(typed) - len(script.rest)].strip())
        for piece in script.statements:
            for statement in self._read(piece):
                self._do(statement)
        return script.rest if script.rest.strip() else ""

    def _read(self, piece: Statement) -> list[Statement]:
        try:
            return statements(piece.text, self._engine)
        except BdcError as failure:
            self._tell(failure)
            return []

    def _do(self, statement: Statement) -> None:
        try:
            self._printer.run(self._session, statement)
        except KeyboardInterrupt:
            sys.stderr.write("cancelled\n")
        except BdcError as failure:
            self._tell(failure)

    def _tell(self, failure: BdcError) -> None:
        if not self._terminal:
            raise failure
        print_error(failure.message, failure.hint)

    def _command(self, line: str) -> bool:
        name, _, argument = line.removesuffix(";").partition(" ")
        if name == "\\q":
            return False
        if name == "\\d":
            self._do(Statement(self._describe(argument.strip()), 1))
        elif name == "\\timing":
            self._printer.timing = not self._printer.timing
            sys.stderr.write(f"timing is {'on' if self._printer.timing else 'off'}\n")
        else:
            sys.stderr.write(_HELP if name == "\\?" else f"there is no {name}\n{_HELP}")
        return True

    def _describe(self, name: str) -> str:
        if self._engine is Engine.federation:
            return f"DESCRIBE {name}" if name else "SHOW TABLES" if "." in self._session.schema else "SHOW CATALOGS"
        if self._engine is Engine.spark:
            return f"DESCRIBE TABLE {name}" if name else "SHOW TABLES"
        if not name:
            return _MASTER_TABLES
        return _MASTER_COLUMNS.format(literal(name))

    def _prompt(self, typed: str) -> str:
        if not self._terminal:
            return ""
        where = self._session.schema or self._engine.value
        return f"{' ' * (len(where) - 1)}-> " if typed.strip() else f"{where}=> "

    def _remembering(self) -> Callable[[str], None]:
        """Readline with the history file; what to call with each statement that was typed."""
        import atexit
        import readline

        if not styled(sys.stdout):
            readline.parse_and_bind("set enable-bracketed-paste off")  # which is an escape code before and after each line
        readline.set_auto_history(False)
        readline.set_history_length(_HISTORY)
        try:
            self._history.parent.mkdir(parents=True, exist_ok=True)
            self._history.touch(mode=0o600)
            readline.read_history_file(self._history)
        except OSError as error:
            sys.stderr.write(f"there is no history: {self._history}: {error.strerror}\n")
            return _forget
        atexit.register(readline.write_history_file, self._history)

        def remember(statement: str) -> None:
            if not _SECRET.search(statement):
                readline.add_history(" ".join(statement.splitlines()))

        return remember


def _forget(_: str) -> None:
    return None


def _stdin(_: str) -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")

"""What is wrong in a script, and where."""

from __future__ import annotations

from bdc.errors import UsageError


class SqlSyntaxError(UsageError):
    """A script that can't be read. `line` and `column` count from 1 in the script; `expected` is what could have stood there."""

    def __init__(
        self, text: str, line: int, column: int, expected: tuple[str, ...] = (), file: str | None = None, hint: str | None = None
    ) -> None:
        self.text, self.line, self.column, self.expected = text, line, column, expected
        where = f"{file}:{line}:{column}" if file else f"line {line}, column {column}"
        super().__init__(f"{where}: {text}", hint)

    def inside(self, file: str) -> SqlSyntaxError:
        """The same error with the file's name."""
        return SqlSyntaxError(self.text, self.line, self.column, self.expected, file, self.hint)


class UntranslatableError(UsageError):
    """A form of T-SQL that has no translation, or none that means the same."""


class DiffersError(UntranslatableError):
    """A form that Trino has, too, and answers otherwise."""

"""What a failed run says: which resources failed, why, and what to do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bdc.errors import BdcError, DeadlineError, UnhealthyError
from bdc.plugin.wording import read


@dataclass(frozen=True)
class Failure:
    """One resource that failed. `message` may have several lines, such as the end of a log. `exit_code` is that of bdc.errors."""

    part: str | None
    kind: str
    name: str
    message: str
    hint: str | None = None
    exit_code: int = 1


class EngineError(BdcError):
    """A run failed. `exit_code` is 5 when something can't work, 4 when something was late, else 1."""

    def __init__(self, message: str, failures: tuple[Failure, ...] = (), hint: str | None = None, exit_codes: Collection[int] = ()) -> None:
        hints = dict.fromkeys(failure.hint for failure in failures if failure.hint)
        super().__init__(message, hint or "; ".join(hints) or None)
        self.failures = failures
        codes = {*exit_codes, *(failure.exit_code for failure in failures)}
        self.exit_code = next((code for code in (UnhealthyError.exit_code, DeadlineError.exit_code) if code in codes), self.exit_code)


def engine_error(failures: tuple[Failure, ...], said: tuple[str, ...], output: str) -> EngineError:
    """The error for a failed operation: resources' own failures first, else what Pulumi said, else its output."""
    if failures:
        return EngineError("\n".join(map(_line, failures)), failures)
    told = [read(text) for text in said]
    text = "\n".join(one.message for one in told) or "\n".join(output.strip().splitlines()[-15:]) or "pulumi failed without output"
    return EngineError(text, hint="the next bdc up goes on from here", exit_codes=[one.exit_code for one in told])


def _line(failure: Failure) -> str:
    where = f"{failure.part}: " if failure.part else ""
    named = failure.name in failure.message
    return f"{where}{failure.message}" if named else f"{where}{failure.kind} {failure.name}: {failure.message}"

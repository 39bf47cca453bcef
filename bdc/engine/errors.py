"""What a failed run says: which resources failed, why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from bdc.errors import BdcError, DeadlineError, UnhealthyError
from bdc.plugin.awaits import TIMED_OUT, UNHEALTHY


@dataclass(frozen=True)
class Failure:
    """One resource that failed. `message` may have several lines, such as the end of a log."""

    part: str | None
    kind: str
    name: str
    message: str
    hint: str | None = None


class EngineError(BdcError):
    """A run failed. `exit_code` is 5 when something can't work, 4 when something was late, else 1."""

    def __init__(self, message: str, failures: tuple[Failure, ...] = (), hint: str | None = None) -> None:
        hints = dict.fromkeys(failure.hint for failure in failures if failure.hint)
        super().__init__(message, hint or "; ".join(hints) or None)
        self.failures = failures
        if UNHEALTHY in message:
            self.exit_code = UnhealthyError.exit_code
        elif TIMED_OUT in message:
            self.exit_code = DeadlineError.exit_code


def engine_error(failures: tuple[Failure, ...], said: tuple[str, ...], output: str) -> EngineError:
    """The error for a failed operation: resources' own failures first, else what Pulumi said, else its output."""
    if failures:
        return EngineError("\n".join(map(_line, failures)), failures)
    text = "\n".join(said) or "\n".join(line for line in output.strip().splitlines()[-15:]) or "pulumi failed without a word"
    return EngineError(text, hint="the next bdc up goes on from here")


def _line(failure: Failure) -> str:
    where = f"{failure.part}: " if failure.part else ""
    named = failure.name in failure.message
    return f"{where}{failure.message}" if named else f"{where}{failure.kind} {failure.name}: {failure.message}"

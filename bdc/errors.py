"""The errors that bdc raises on purpose.

Every error that a user can meet is a `BdcError`: one sentence that says what is wrong and a hint that says what to do.
A subclass exists only where somebody catches it or where the exit code differs:

* `BdcError` (exit 1): the command failed.
* `UsageError` (exit 2): the command line, bdc.yaml or another input is wrong.
* `NotFoundError` (exit 3): what was named does not exist.
* `DeadlineError` (exit 4): a part was not ready in time.
* `UnhealthyError` (exit 5): a part can't work, and waiting won't help.
"""

from __future__ import annotations


class BdcError(Exception):
    """A failure with its remedy; the CLI prints `error: message` and `hint: hint` on stderr and exits with `exit_code`."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(BdcError):
    """An input is wrong: bdc.yaml, an option, an argument."""

    exit_code = 2


class NotFoundError(BdcError):
    """What was named does not exist."""

    exit_code = 3


class DeadlineError(BdcError):
    """Something was not ready before its deadline."""

    exit_code = 4


class UnhealthyError(BdcError):
    """Something can't become ready, and waiting won't help."""

    exit_code = 5


class UnreachableError(BdcError):
    """The Kubernetes API does not answer. `server`: its address, a URL."""

    def __init__(self, server: str, cause: str) -> None:
        super().__init__(
            f"the Kubernetes API at {server} does not answer: {cause}",
            f"check that the cluster runs and that this machine reaches it: curl -k {server}/livez",
        )
        self.server = server

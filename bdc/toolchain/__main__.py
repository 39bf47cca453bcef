"""`python -m bdc.toolchain [NAME...]`: get the named programs, or all of them, and print where each one is."""

from __future__ import annotations

import sys

from bdc.errors import BdcError
from bdc.toolchain import ensure, programs


def main(names: list[str]) -> int:
    """Get programs; progress on stderr, one line `name version source path` a program on stdout. Gives the exit code."""
    wanted = names or [program.name for program in programs()]
    for place, name in enumerate(wanted, 1):
        try:
            program = ensure(name, more=place < len(wanted), on_progress=_say)
        except BdcError as error:
            _say(f"error: {error.message}")
            if error.hint:
                _say(f"hint: {error.hint}")
            return error.exit_code
        sys.stdout.write(f"{program.name} {program.version} {program.source} {program.path}\n")
        sys.stdout.flush()
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

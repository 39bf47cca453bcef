"""`python -m bdc.images build|list [NAME ...]`: what the Makefile uses."""

from __future__ import annotations

import argparse
import sys

from bdc.errors import BdcError
from bdc.images import build, images, layout, missing, references


def main() -> int:
    """Builds the missing images, or lists all with their sizes."""
    parser = argparse.ArgumentParser(prog="python -m bdc.images", description=main.__doc__)
    parser.add_argument("command", choices=("build", "list"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="images; all unless told")
    arguments = parser.parse_args()
    try:
        if arguments.command == "build":
            build(arguments.names or None, on_progress=lambda line: print(line, flush=True))  # noqa: T201  this is a command
        else:
            _list()
    except BdcError as error:
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _list() -> None:
    reference, absent = references(), set(missing())
    for spec in images():
        if not spec.intermediate:
            state = "not built" if spec.name in absent else f"{layout().size_bytes(reference[spec.name]) / 1e6:.0f} MB"
            print(f"{reference[spec.name]}  {state}")  # noqa: T201


sys.exit(main())

"""Which stacks an engine runs: what each is called, the program that makes it, and the stacks that come up before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from bdc.errors import BdcError


@dataclass(frozen=True)
class StackProgram:
    """A stack and its program. `name` is bdc's name for it, `stack` the one in Pulumi's state, which has those of other clusters, too.

    `needs`: names of the stacks that come up before it and go after it. `kept`: `down` leaves it, unless the data is to be deleted.
    `inputs`: all that the program is made from, its own code too, as JSON can say it; None, or an answer of None, where nobody knows. Then
    it is run each time (see settled.py).
    """

    name: str
    stack: str
    program: Callable[[], None]
    needs: tuple[str, ...] = ()
    kept: bool = False
    inputs: Callable[[], object] | None = None


def in_order(stacks: Iterable[StackProgram]) -> dict[str, StackProgram]:
    """Stacks by name in the order in which they come up. Raises BdcError for a need that no stack meets."""
    known = {stack.name: stack for stack in stacks}
    for stack in known.values():
        if missing := [name for name in stack.needs if name not in known]:
            raise BdcError(f"the stack {stack.name} needs {', '.join(missing)}; there are: {', '.join(known)}")
    try:
        order = list(TopologicalSorter({name: stack.needs for name, stack in known.items()}).static_order())
    except CycleError as error:
        raise BdcError(f"stacks need each other: {', '.join(error.args[1])}") from error
    return {name: known[name] for name in order}

"""`-o` may stand anywhere on the command line: before the command's name it is moved behind it, where the command takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_SHORT, _LONG = "-o", "--output"


def gathered(root: Any, arguments: Sequence[str]) -> list[str]:
    """The arguments with each -o that stands before the last of the command's names behind it; what follows that is left alone.

    `root` is the group of all commands. An -o of the command's own comes later, and counts.
    """
    front: list[str] = []
    moved: list[str] = []
    rest, group = list(arguments), root
    while rest and group is not None and hasattr(group, "commands"):
        word = rest.pop(0)
        if word == "--":
            return list(arguments)
        if word in (_SHORT, _LONG):
            moved += [word, *rest[:1]]
            del rest[:1]
        elif word.startswith((f"{_LONG}=", _SHORT)):
            moved.append(word)
        elif word.startswith("-"):
            front.append(word)
            if _wants_value(group, word):
                front += rest[:1]
                del rest[:1]
        else:
            front.append(word)
            group = group.get_command(None, word)
    return [*front, *moved, *rest]


def _wants_value(group: Any, word: str) -> bool:
    """Whether the value of an option of this group is the next word; -qc NAME is -q -c NAME."""
    takes = {name for one in group.params if not getattr(one, "is_flag", True) for name in one.opts}
    if word.startswith("--"):
        return word in takes
    first = next((at for at, letter in enumerate(word[1:], 1) if f"-{letter}" in takes), 0)
    return first == len(word) - 1 and first > 0

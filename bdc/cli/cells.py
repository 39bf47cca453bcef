"""How many cells of a terminal a text takes."""

from __future__ import annotations

_COMBINING = "\u0300"
"""The first character that takes no cell of its own; what is printable before it takes one."""


def cell_len(text: str) -> int:
    """The cells of a text; rich knows those of all characters, and isn't loaded where they are the usual ones."""
    if text.isprintable() and max(text, default="") < _COMBINING:
        return len(text)
    from rich.cells import cell_len as measured

    return measured(text)

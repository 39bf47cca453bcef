"""Versions as tuples, and the ranges that programs.toml accepts from PATH.

Only releases compare: a version with a suffix ("1.37.0-rc.1", "1.36.3-gke.100") is taken for a different program.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

Version = tuple[int, ...]

_IN_TEXT = re.compile(r"(?<![\w.])(?:v|go|CoreDNS-)?(\d+\.\d+(?:\.\d+)?)(-[0-9A-Za-z.]+)?(?![\w.]*\d)")
_CLAUSE = re.compile(r"(>=|<=|==|>|<)(\d+(?:\.\d+)*)")
_OPERATORS: dict[str, Callable[[Version, Version], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


def version_in(text: str) -> str | None:
    """The first version that a program's `--version` output names, without a leading v; None if it names no release."""
    found = _IN_TEXT.search(text)
    return found.group(1) if found and not found.group(2) else None


def satisfies(version: str, accepted: str) -> bool:
    """Whether "1.36.3" lies in a range such as ">=1.36,<1.37". Raises ValueError for a range that can't be read."""
    own = parsed(version)
    return all(_OPERATORS[sign](own, bound) for sign, bound in clauses(accepted))


def clauses(accepted: str) -> list[tuple[str, Version]]:
    """The parts of a range: ">=1.36,<1.37" -> [(">=", (1, 36, 0)), ("<", (1, 37, 0))]."""
    found = [_CLAUSE.fullmatch(part.strip()) for part in accepted.split(",")]
    if None in found:
        raise ValueError(f"not a version range: {accepted!r}")
    return [(match.group(1), parsed(match.group(2))) for match in found if match]


def parsed(version: str) -> Version:
    """ "1.36.3" as (1, 36, 3); missing parts are 0."""
    numbers = [int(part) for part in version.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))

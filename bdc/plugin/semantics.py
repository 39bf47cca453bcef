"""Compares what a program declares with what there is: differences by path, drift, and what to take off again.

Drift means: a field that the program declares has another value, is gone, or a list that it declares has more elements (but for
Pods, where admission adds some). Fields, labels and annotations that the program doesn't mention belong to others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

Difference = Literal["ADD", "DELETE", "UPDATE"]

_QUANTITY = re.compile(r"^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$")
_SUFFIX = {
    None: Decimal(1), "m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9),
    "T": Decimal(10**12), "P": Decimal(10**15), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30),
    "Ti": Decimal(2**40), "Pi": Decimal(2**50),
}  # fmt: skip
_NAME = re.compile(r"^[A-Za-z_]\w*$")


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Difference]]:
    """Paths (`spec.ports[0].port`, `data["a.xml"]`) at which two plain values differ, and how."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            below = _join(path, key)
            if key not in old:
                yield below, "ADD"
            elif key not in new:
                yield below, "DELETE"
            else:
                yield from differences(old[key], new[key], below)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            below = f"{path}[{index}]"
            if index >= len(old):
                yield below, "ADD"
            elif index >= len(new):
                yield below, "DELETE"
            else:
                yield from differences(old[index], new[index], below)
    elif old != new:
        yield path, "UPDATE"


def _join(path: str, key: str) -> str:
    if not path:
        return key
    return f"{path}.{key}" if _NAME.match(key) else f'{path}["{key}"]'


def same(one: Any, other: Any) -> bool:
    """Whether two scalars mean the same to Kubernetes: 1 and "1", "1024Mi" and "1Gi", "0.5" and "500m"."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if one == other or str(one) == str(other):
        return True
    left, right = _QUANTITY.match(str(one)), _QUANTITY.match(str(other))
    return bool(left and right) and _amount(left) == _amount(right)


def _amount(match: re.Match[str] | None) -> Decimal | None:
    return Decimal(match[1]) * _SUFFIX[match[2]] if match else None


def prune(live: Any, inputs: Any, *, surplus: bool = True) -> Any:
    """The part of the live object that the inputs speak of, in the inputs' spelling where it means the same.

    `surplus`: also the elements that a declared list has beyond the inputs' own.
    """
    if isinstance(inputs, dict) and isinstance(live, dict):
        return {key: prune(live[key], value, surplus=surplus) for key, value in inputs.items() if key in live}
    if isinstance(inputs, list) and isinstance(live, list):
        pairs = [(live[index] if index is not None else None, value) for index, value in _pairs(live, inputs)]
        known = [prune(one, value, surplus=surplus) for one, value in pairs if one is not None]
        return known + ([live[index] for index in _unpaired(live, inputs)] if surplus else [])
    return inputs if same(live, inputs) else live


def _pairs(live: list[Any], inputs: list[Any]) -> list[tuple[int | None, Any]]:
    """For each input element the index of its live counterpart: by name where both lists have unique ones, else by position."""
    if _named(live) and _named(inputs):
        index = {element["name"]: position for position, element in enumerate(live)}
        return [(index.get(element["name"]), element) for element in inputs]
    if not any(isinstance(element, dict) for element in inputs):  # such as arguments: their order is what they mean
        return [(i if i < len(live) else None, element) for i, element in enumerate(inputs)]
    # A position whose live element has every declared value comes first, so that an inserted one doesn't shift the rest.
    taken: set[int] = set()
    found: list[int | None] = []
    for element in inputs:
        exact = next((i for i, one in enumerate(live) if i not in taken and prune(one, element) == element), None)
        found.append(exact)
        taken |= {exact} if exact is not None else set()
    free = iter([i for i in range(len(live)) if i not in taken])
    return [(i if i is not None else next(free, None), element) for i, element in zip(found, inputs, strict=True)]


def _unpaired(live: list[Any], inputs: list[Any]) -> list[int]:
    paired = {index for index, _ in _pairs(live, inputs)}
    return [index for index in range(len(live)) if index not in paired]


def _named(elements: list[Any]) -> bool:
    names = [element.get("name") for element in elements if isinstance(element, dict)]
    return len(names) == len(elements) and None not in names and len(set(names)) == len(names)


def without_surplus(live: Any, inputs: Any) -> dict[str, Any] | None:
    """A JSON merge patch that takes off what others added to lists that the inputs declare; None when there is nothing.

    Server-side apply, even with force, leaves a list's elements that another manager owns.
    """
    if not isinstance(live, dict) or not isinstance(inputs, dict):
        return None
    patch: dict[str, Any] = {}
    for key, value in inputs.items():
        one = live.get(key)
        if isinstance(one, dict) and isinstance(value, dict):
            if below := without_surplus(one, value):
                patch[key] = below
        elif isinstance(one, list) and isinstance(value, list) and (kept := _kept(one, value)) != one:
            patch[key] = kept
    return patch or None


def _kept(live: list[Any], inputs: list[Any]) -> list[Any]:
    kept = []
    for index, element in _pairs(live, inputs):
        if index is not None:
            below = without_surplus(live[index], element)
            kept.append(_merged(live[index], below) if below else live[index])
    return kept if len(kept) == len(inputs) else live


def _merged(value: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(value)
    for key, item in patch.items():
        result[key] = _merged(result[key], item) if isinstance(item, dict) else item
    return result

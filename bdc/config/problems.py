"""Turns what pydantic says into one sentence that names the place, the key, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bdc.config.schema import field
from bdc.config.tree import shown
from bdc.errors import UsageError

_HINTS = {
    "storage.datanodes": "set storage.replication to {storage.datanodes} or less, or storage.datanodes to {storage.replication} or more",
    "master.synchronous": "set master.replicas to 3, or master.synchronous to false",
    "storage.namenodes": "set storage.namenodes to 1",
    "name": "choose another name, such as bdc",
}


def usage_error(error: ValidationError, values: Mapping[str, Any], sources: Mapping[str, str]) -> UsageError:
    """The first problem of `error` as a UsageError; `values` and `sources` are by dotted key."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    if where.endswith(".[key]"):
        return _bad_name(where.removesuffix(".[key]"), sources)
    if known := field(where):
        message = _message(first["type"], values.get(where), first["msg"], known.takes)
        return UsageError(f"{_place(sources[where])}{where}: {message}", f"{where} takes {known.takes}")
    return _across(where, first["msg"].removeprefix("Value error, "), values, sources)


def _bad_name(key: str, sources: Mapping[str, str]) -> UsageError:
    place = next((source for name, source in sources.items() if name.startswith(f"{key}.")), "default")
    name = shown(key.rpartition(".")[2])
    return UsageError(
        f"{_place(place)}{key}: {name} can't be a name here", "use at most 16 lower-case letters, digits and dashes, a letter first"
    )


def _across(section: str, message: str, values: Mapping[str, Any], sources: Mapping[str, str]) -> UsageError:
    """A problem between fields: the validator's message begins with one field and may mention others of its section."""
    prefix = f"{section}." if section else ""
    words = re.findall(r"[a-z_]+", message)
    named = [prefix + word for word in words if field(prefix + word)]
    key = named[0] if named else section
    written = [name for name in named if sources.get(name, "default") != "default" and not sources[name].startswith("profile ")]
    place = _place(sources.get((written or [key])[0], "default"))
    text = re.sub(rf"^{re.escape(key.rpartition('.')[2])}(?:: | \((.*?)\))", r"\1", message)
    for other in named[1:]:
        text = re.sub(rf"(?<![.\w]){other.rpartition('.')[2]}(?= \()", other, text)
    hint = _HINTS.get(key) or (f"set {' or '.join(dict.fromkeys(named))}" if named else None)
    if hint:
        hint = re.sub(r"\{([a-z_.]+)\}", lambda match: str(values[match[1]]), hint)
    return UsageError(f"{place}{key}: {text}", hint)


def _place(source: str) -> str:
    return "" if source == "default" else f"{source}: "


def _message(kind: str, value: Any, otherwise: str, takes: str) -> str:
    got = "nothing" if value is None else shown(str(value)) or "an empty text"
    if kind == "value_error":
        return shown(otherwise.removeprefix("Value error, "))
    if kind in {"greater_than_equal", "less_than_equal"}:
        return f"{got} is too {'small' if kind.startswith('greater') else 'large'}"
    if kind == "string_pattern_mismatch":
        return f"{got} is not a name that Kubernetes accepts"
    return f"{got} is not {takes.partition(' from ')[0]}"

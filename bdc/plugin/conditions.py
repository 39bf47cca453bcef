"""Reads status conditions, and the annotation pulumi.com/waitFor: `condition=Ready`, `jsonpath={.status.phase}=Running`, or a list."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bdc.errors import UsageError

_STEP = re.compile(r"\.([A-Za-z0-9_\-]+)|\[(\*|\d+)\]|\[\?\(@\.(\w+)==[\"']([^\"']+)[\"']\)\]")


def condition(obj: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The status condition of that type, or an empty mapping."""
    conditions = (obj.get("status") or {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == name), {})


def waited_for(obj: Mapping[str, Any], expressions: str) -> str:
    """The first of the annotation's expressions that does not hold; empty when all do. UsageError for one that is none."""
    try:
        parsed = json.loads(expressions)
    except ValueError:
        parsed = expressions
    for expression in parsed if isinstance(parsed, list) else [parsed]:
        if not _holds(obj, str(expression)):
            return str(expression)
    return ""


def _holds(obj: Mapping[str, Any], expression: str) -> bool:
    how, _, what = expression.partition("=")
    if how == "condition":
        name, _, wanted = what.partition("=")
        return str(condition(obj, name).get("status", "")).lower() == (wanted or "True").lower()
    if how == "jsonpath" and (match := re.match(r"(\{[^}]*\}|[^=]*)=?(.*)$", what)):
        found = _at(obj, match[1])
        return bool(found) and (not match[2] or str(found[0]) == match[2])
    raise UsageError(f"pulumi.com/waitFor: {expression!r} starts with neither condition= nor jsonpath=")


def _at(obj: Mapping[str, Any], path: str) -> list[Any]:
    """What a JSONPath (fields, indexes, [*], one filter by equality) points at."""
    current: list[Any] = [obj]
    for field, index, key, value in _STEP.findall(path):
        lists = [one for one in current if isinstance(one, list)]
        if field:
            current = [one[field] for one in current if isinstance(one, dict) and field in one]
        elif index == "*":
            current = [item for one in lists for item in one]
        elif index:
            current = [one[int(index)] for one in lists if int(index) < len(one)]
        else:
            current = [item for one in lists for item in one if str(item.get(key)) == value]
    return current

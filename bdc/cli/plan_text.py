"""What `bdc plan` prints: fields of bdc.yaml first, then objects, then one line that sums up and says what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bdc.engine import Change
    from bdc.lifecycle import Plan, Restart

_VERBS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
_NOT_READY = ("status",)
_PATHS = 3


def data(plan: Plan | None) -> dict[str, object]:
    """The plan as JSON has it; `changes`, the number of objects, is null where there is no Kubernetes yet."""
    if plan is None:
        return {"changes": None, "configuration": [], "resources": [], "restarts": []}
    return {
        "changes": len(plan.changes),
        "configuration": [{"key": one.key, "now": one.now, "wanted": one.wanted} for one in plan.settings],
        "resources": [
            {"op": one.op, "kind": one.kind, "name": one.name, "part": one.part, "paths": list(one.paths)} for one in plan.changes
        ],
        "restarts": [{"workload": one.workload, "interrupted": one.interrupted} for one in plan.restarts],
    }


def text(plan: Plan | None) -> str:
    """The plan for people."""
    if plan is None:
        return "There is no Kubernetes yet: `bdc up` makes this host a node and creates the whole cluster.\n"
    if not plan.changes:
        return "\n".join([*_settings(plan), "No changes: the cluster is what bdc.yaml says.", ""])
    return "\n".join([*_settings(plan), *map(_object, plan.changes), _summary(plan), ""])


def _settings(plan: Plan) -> Iterator[str]:
    width = max((len(one.key) for one in plan.settings), default=0)
    for one in plan.settings:
        yield f"~ {one.key:<{width}}  {_value(one.now)} -> {_value(one.wanted)}"


def _value(value: object) -> str:
    return "not set" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _object(change: Change) -> str:
    return f"  {_VERBS[change.op]} {change.kind} {change.name}{_paths(change)}"


def _paths(change: Change) -> str:
    if (change.op, change.kind) == ("delete", "Namespace"):
        return ", with all that is in it"
    if not change.paths:
        return ""
    if change.paths == _NOT_READY:
        return ": not ready"
    more = len(change.paths) - _PATHS
    return f": {', '.join(change.paths[:_PATHS])}{f' and {more} more' if more > 0 else ''}"


def _summary(plan: Plan) -> str:
    count = {op: sum(one.op == op for one in plan.changes) for op in _VERBS}
    replaced = f"{count['replace']} to replace, " if count["replace"] else ""
    sums = f"{count['create']} to create, {count['update']} to change, {replaced}{count['delete']} to delete."
    return f"{sums} {_cost(plan.restarts)} `bdc up` to apply."


def _cost(restarts: Sequence[Restart]) -> str:
    away = [one.title for one in restarts if one.interrupted]
    rolling = [one.title for one in restarts if not one.interrupted]
    rolls = f"{_and(rolling)} {'restarts' if len(rolling) == 1 else 'restart'} pod after pod." if rolling else ""
    if not away:
        return f"No outage expected{': ' if rolls else '.'}{rolls}"
    return " ".join(filter(None, [f"{_and(away)} {'restarts, and is' if len(away) == 1 else 'restart, and are'} away meanwhile.", rolls]))


def _and(titles: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(titles[:-1]), titles[-1]]))

"""What the cluster in Kubernetes was made with, and which of the wanted settings can't be had of it in place.

Two sources, each for what it knows best. The volumes themselves say what can't change: they are there from the first moment of the first
`up`, whether it finished or not. `bdc.kube.configuration` says what the last finished `up` applied, so that `plan` speaks in the words of
bdc.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bdc.config import workloads
from bdc.config.dotted import Plain, flat
from bdc.config.names import COMPONENT, INSTANCE
from bdc.config.quantity import cores, size
from bdc.errors import UsageError
from bdc.kube import Kube
from bdc.kube.configuration import applied, keep
from bdc.kube.selector import label_selector

if TYPE_CHECKING:
    from bdc.config.model import Config
    from bdc.config.schema import Field

_NOT_THE_CLUSTERS = ("name", "profile", "cluster.substrate", "cluster.kubeconfig", "cluster.context", "engine.plugin")
"""How this machine names and reaches the cluster; another machine's answer is no change of it."""


@dataclass(frozen=True)
class Difference:
    """A field of bdc.yaml whose value in the cluster is another than the wanted one."""

    key: str
    now: Plain
    wanted: Plain


def settings(config: Config) -> dict[str, Plain]:
    """The configuration by dotted key, as far as it is the cluster's."""
    return {key: value for key, value in flat(config.model_dump()).items() if key not in _NOT_THE_CLUSTERS}


def remember(config: Config, kube: Kube) -> None:
    """Keep what was applied in the cluster."""
    keep(kube, config.name, settings(config))


def differences(config: Config, kube: Kube) -> list[Difference]:
    """What `config` has other than what was applied last, in the schema's order; nothing where no `up` has finished yet."""
    if not (kept := applied(kube, config.name)):
        return []
    wanted = settings(config)
    gone = {key: known.default for key in kept if key not in wanted and (known := _field(key)) and key != known.key}
    return [Difference(key, _now(kept, key), value) for key, value in (wanted | gone).items() if not _same(key, _now(kept, key), value)]


def _now(kept: dict[str, Plain], key: str) -> Plain:
    """The value that was applied; a field that a newer bdc knows, or one below a new name, is as if it had had its default."""
    if key in kept:
        return kept[key]
    known = _field(key)
    return known.default if known else None


def refuse_fixed(config: Config, kube: Kube, storage_class: str | None) -> None:
    """Raises UsageError naming each field that can't change in place, its value in the cluster, the wanted one, and the remedy."""
    if found := fixed(config, kube, storage_class):
        raise UsageError(
            "\n".join(f"{one.key} {_rule(one.key)}: {one.now} now, {one.wanted} wanted" for one in found),
            f"put it back: bdc config set {' '.join(f'{one.key}={one.now}' for one in found)}; for another value save the data, "
            "then bdc down --delete-data and bdc up; nothing was changed",
        )


def fixed(config: Config, kube: Kube, storage_class: str | None) -> list[Difference]:
    """Fields that the volumes there forbid to have their wanted value."""
    wanted = flat(config.model_dump()) | {"cluster.storage_class": storage_class}
    query = {"labelSelector": label_selector({INSTANCE: config.name})}
    claims = kube.request("GET", f"/api/v1/namespaces/{config.name}/persistentvolumeclaims", query=query)["items"]
    now: dict[str, Plain] = {}
    for one in workloads.WORKLOADS:
        mine = [claim["spec"] for claim in claims if (claim["metadata"].get("labels") or {}).get(COMPONENT) == one.name]
        if one.volume and mine:
            now[one.volume] = _other([spec["resources"]["requests"]["storage"] for spec in mine], one.volume, wanted)
            if one.count:
                now[one.count] = len(mine)
            if storage_class:
                now["cluster.storage_class"] = _other([spec.get("storageClassName") for spec in mine], "cluster.storage_class", wanted)
    return [Difference(key, value, wanted[key]) for key, value in now.items() if not _allowed(key, value, wanted[key])]


def _other(found: Sequence[Plain], key: str, wanted: dict[str, Plain]) -> Plain:
    """The first value that isn't the wanted one, if any."""
    return next((value for value in found if not _same(key, value, wanted[key])), found[0])


def _allowed(key: str, now: Plain, wanted: Plain) -> bool:
    if now == wanted:
        return True
    known = _field(key)
    change = known.change if known else "any"
    if change == "grows":
        return isinstance(now, int) and isinstance(wanted, int) and wanted >= now
    return change == "any" or _same(key, now, wanted)


def _rule(key: str) -> str:
    return "can be raised, not lowered" if (known := _field(key)) and known.change == "grows" else "can't change in place"


def _same(key: str, one: Plain, other: Plain) -> bool:
    if one == other:
        return True
    known = _field(key)
    measure = {"size": size, "CPU": cores}.get(known.type if known else "")
    if measure and isinstance(one, str) and isinstance(other, str):
        return measure(one) == measure(other)
    return False


def _field(key: str) -> Field | None:
    """What the schema says of a key. It takes a while to load, and isn't needed where all is as it was."""
    from bdc.config.schema import field

    return field(key)

"""Answers Pulumi's Diff: which paths changed, whether that takes a new object, and whether the old one must go first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bdc.plugin.codec import UNKNOWN
from bdc.plugin.kinds import annotation, replaces
from bdc.plugin.semantics import Difference, differences


@dataclass(frozen=True)
class Verdict:
    """The changed paths, those that ask for a new object, and whether both can't exist at once."""

    changed: Mapping[str, Difference]
    replacing: tuple[str, ...]
    delete_first: bool

    @property
    def fields(self) -> list[str]:
        """The top-level fields that changed."""
        return sorted({re.split(r"[.\[]", path)[0] for path in self.changed})


def compare(token: str, old: Mapping[str, Any], new: Mapping[str, Any], live: Mapping[str, Any], ignore: Iterable[str] = ()) -> Verdict:
    """Compare plain inputs. `live` is the object in the state."""
    ignored = tuple(ignore)
    changed = {
        path: how
        for path, how in differences(_without_default_namespace(old), _without_default_namespace(new))
        if not any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in ignored)
    }
    replacing = tuple(path for path in changed if replaces(token, path, new))
    return Verdict(changed, replacing, bool(replacing) and _same_place(new, live))


def _same_place(new: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    there, here = live["metadata"], new.get("metadata")
    if not isinstance(here, dict) or here.get("name") in (None, UNKNOWN) or annotation(new, "autonamed") == "true":
        return False
    return bool(here["name"] == there["name"] and (here.get("namespace") or "default") == (there.get("namespace") or "default"))


def _without_default_namespace(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("namespace") != "default":
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "namespace"}}

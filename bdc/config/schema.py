"""What bdc.yaml may contain, as a flat table of dotted keys: for checking keys, for hints and for the reference.

A section whose parts have names of the user's own (`spark.pools.etl.max_cpu`) is there once, under NAME (`spark.pools.NAME.max_cpu`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bdc.config.dotted import Plain, flat
from bdc.config.measures import Cpu, CpuBound, Size
from bdc.config.model import Config

NAME = "NAME"
"""Stands in a key for a name that the user chooses."""

Change = Literal["any", "grows", "fixed"]
"""What may become of a field's value in a cluster that has volumes."""


@dataclass(frozen=True)
class Field:
    """One field of bdc.yaml."""

    key: str
    default: Plain
    description: str
    type: str
    unit: str
    takes: str
    change: Change


@cache
def fields() -> Mapping[str, Field]:
    """Every field by its dotted key, in the schema's order."""
    defaults = flat(Config().model_dump())
    return {key: _field(key, info, defaults[key]) for key, info in _leaves(Config, "") if NAME not in key.split(".")}


@cache
def named_fields() -> Mapping[str, Field]:
    """Every field below a name of the user's own, with NAME for it."""
    return {key: _field(key, info, info.default) for key, info in _leaves(Config, "") if NAME in key.split(".")}


def field(key: str) -> Field | None:
    """The field that a dotted key means, if there is one."""
    return fields().get(key) or named_fields().get(_with_placeholder(key))


@cache
def sections() -> Mapping[str, str]:
    """Every section by its dotted key with its description; those with a name of the user's own have NAME for it."""
    return dict(_sections(Config, ""))


def is_section(key: str) -> bool:
    """Whether a dotted key means a section."""
    return key in sections() or _with_placeholder(key) in sections()


def example(section: str) -> str:
    """A field of a section, for hints."""
    found = next(key for key in (*fields(), *named_fields()) if key.startswith(f"{_with_placeholder(section)}."))
    return found.replace(f".{NAME}.", ".etl.")


def _with_placeholder(key: str) -> str:
    """`spark.pools.NAME.max_cpu` for `spark.pools.etl.max_cpu`; other keys as they are."""
    for above in named_sections():
        if match := re.fullmatch(rf"{re.escape(above)}\.(?!{NAME}(?:\.|$))[^.]+(\..+)?", key):
            return f"{above}.{NAME}{match[1] or ''}"
    return key


@cache
def named_sections() -> tuple[str, ...]:
    """The keys of the sections whose parts have names of the user's own."""
    return tuple(key.removesuffix(f".{NAME}") for key in sections() if key.endswith(f".{NAME}"))


def suggestion(key: str) -> str | None:
    """The key that was probably meant, if one is close."""
    known = [*fields(), *(name for name in sections() if NAME not in name)]
    if close := get_close_matches(key, known, 1, 0.75):
        return close[0]
    same = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    return same[0] if len(same) == 1 else None


def _leaves(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        if inner := _section_of(info):
            yield from _leaves(inner, f"{prefix}{name}.")
        elif inner := _named_of(info):
            yield from _leaves(inner, f"{prefix}{name}.{NAME}.")
        else:
            yield f"{prefix}{name}", info


def _sections(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str]]:
    for name, info in model.model_fields.items():
        if inner := _section_of(info):
            yield f"{prefix}{name}", info.description or (inner.__doc__ or "").strip().splitlines()[0]
            yield from _sections(inner, f"{prefix}{name}.")
        elif inner := _named_of(info):
            yield f"{prefix}{name}", info.description or ""
            yield f"{prefix}{name}.{NAME}", (inner.__doc__ or "").strip().splitlines()[0]


def _section_of(info: FieldInfo) -> type[BaseModel] | None:
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _named_of(info: FieldInfo) -> type[BaseModel] | None:
    """The section that stands below each name, where a field is a mapping of names."""
    return get_args(info.annotation)[1] if get_origin(info.annotation) is dict else None


def _field(key: str, info: FieldInfo, default: Plain) -> Field:
    kind, unit, takes = _kind(info)
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    change = {"fixed": "fixed", "grows": "grows"}.get(str(extra.get("x-change")), "any")
    return Field(key, default, info.description or "", kind, unit, takes, cast("Change", change))


def _kind(info: FieldInfo) -> tuple[str, str, str]:
    """Type, unit, and what a hint says that the field takes."""
    if get_origin(info.annotation) is Literal:
        choices = ", ".join(map(str, get_args(info.annotation)))
        return choices.replace(", ", " | "), "", f"one of {choices}"
    if info.annotation is bool:
        return "true | false", "", "true or false"
    if info.annotation is int or int in get_args(info.annotation):
        least, most = _bound(info, "ge"), _bound(info, "le")
        return f"integer, {least} to {most}", "", f"a whole number from {least} to {most}"
    if _marked(info, Size):
        return "size", "bytes", "a size like 512Mi or 10Gi"
    if _marked(info, Cpu) or _marked(info, CpuBound):
        return "CPU", "cores", "cores (0.5) or millicores (500m)"
    if _bound(info, "pattern"):
        return "text", "", "at most 40 lower-case letters, digits and dashes, a letter first, no dash last"
    return ("text or null" if type(None) in get_args(info.annotation) else "text"), "", "text"


def _marked(info: FieldInfo, quantity: Any) -> bool:
    """Whether a field is a quantity of this type, or that or nothing."""
    return quantity in get_args(info.annotation) or any(mark in info.metadata for mark in get_args(quantity)[1:])


def _bound(info: FieldInfo, name: str) -> Any:
    return next((getattr(mark, name) for mark in info.metadata if getattr(mark, name, None) is not None), None)

"""What runs where, as Trino's plan of a statement says: EXPLAIN (TYPE LOGICAL, FORMAT JSON).

https://trino.io/docs/476/sql/explain.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bdc.sql.external.catalogs import PREFIX

TRINO = "Trino"

_CATALOG = re.compile(rf"{PREFIX}(?P<source>.+)_[0-9a-f]{{10}}")
_QUERY = re.compile(r"Query\[(?P<sql>.*?)\](?: columns=\[.*\])?", re.DOTALL)
_KINDS = (("Filter", "filter"), ("Aggregate", "aggregate"), ("Join", "join"), ("TopN", "top"), ("Limit", "top"), ("Distinct", "aggregate"))
_WORDS = {"filterPredicate": "where", "orderBy": "order", "criteria": "on"}
_SAID = ("filterPredicate", "keys", "criteria", "orderBy", "count")


@dataclass(frozen=True)
class Operator:
    """One operator: `where` is a source's name, or Trino. `kind` is query, scan, filter, aggregate, join or top.

    `source` is the one source that all its rows come from; an operator in Trino that has one might have run there.
    """

    where: str
    kind: str
    detail: str
    source: str | None = None


def operators(plan: str) -> list[Operator]:
    """The operators of a plan in JSON, the last ones first; those that move rows within Trino are left out."""
    return list(dict.fromkeys(_walk(json.loads(plan))))


def stayed(found: list[Operator]) -> list[Operator]:
    """Those in Trino whose rows all come from one source."""
    return [one for one in found if one.where == TRINO and one.source]


def _walk(node: Mapping[str, Any]) -> Iterator[Operator]:
    places = set(_places(node))
    only = next(iter(places)) if len(places) == 1 else None
    descriptor = node.get("descriptor") or {}
    if kind := _kind(node["name"], descriptor):
        yield Operator(TRINO, kind, _detail(descriptor), only if only != TRINO else None)
    if table := descriptor.get("table"):
        yield _scan(str(table))
    for child in node.get("children") or []:
        yield from _walk(child)


def _kind(name: str, descriptor: Mapping[str, Any]) -> str | None:
    if "Filter" in name and not descriptor.get("filterPredicate"):
        return None
    return next((kind for part, kind in _KINDS if part in name), None)


def _detail(descriptor: Mapping[str, Any]) -> str:
    return ", ".join(f"{_WORDS.get(key, key)} {descriptor[key]}" for key in _SAID if descriptor.get(key))


def _places(node: Mapping[str, Any]) -> Iterator[str]:
    """Where the rows of a node come from: sources' names, and Trino for all else."""
    if table := (node.get("descriptor") or {}).get("table"):
        source = _source(str(table))
        yield source or TRINO
    for child in node.get("children") or []:
        yield from _places(child)


def _source(table: str) -> str | None:
    catalog = _CATALOG.fullmatch(table.partition(":")[0])
    return catalog["source"] if catalog else None


def _scan(table: str) -> Operator:
    source, text = _source(table), table.partition(":")[2]
    if source and (query := _QUERY.fullmatch(text)):
        return Operator(source, "query", query["sql"], source)
    if source:
        return Operator(source, "scan", text, source)
    return Operator(TRINO, "scan", table)

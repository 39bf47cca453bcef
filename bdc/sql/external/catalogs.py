"""Catalogs of Trino that stand for sources, and objects in them, as Trino names them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bdc.sql.quoting import identifier, literal

PREFIX = "ext_"
"""What names of sources' catalogs begin with."""


@dataclass(frozen=True)
class Catalog:
    """A catalog of Trino that stands for a source, or for a part of it: one database, or the files of some formats.

    `made`: whether the definitions make it; the lake is there without them.
    """

    name: str
    connector: str
    properties: Mapping[str, str]
    made: bool = True

    def create(self) -> str:
        """The statement that makes it; Trino logs it whole, and it has no secret."""
        inside = ", ".join(f'"{key}" = {literal(value)}' for key, value in self.properties.items())
        return f'CREATE CATALOG IF NOT EXISTS "{self.name}" USING {self.connector} WITH ({inside})'


@dataclass(frozen=True)
class Relation:
    """Where an object is: its source's catalog, and schema and name in it."""

    catalog: Catalog
    schema: str
    name: str

    @property
    def relation(self) -> str:
        """The object as Trino names it."""
        return f'"{self.catalog.name}".{identifier(self.schema.lower())}.{identifier(self.name.lower())}'


def named(source: str, connector: str, properties: Mapping[str, str]) -> Catalog:
    """A catalog of a source; its name has a hash of all that is in it, so that what changes is another."""
    text = json.dumps([connector, properties], sort_keys=True)
    slug = re.sub(r"[^a-z0-9]+", "_", source.lower()).strip("_")[:32]
    return Catalog(f"{PREFIX}{slug}_{hashlib.sha256(text.encode()).hexdigest()[:10]}", connector, properties)

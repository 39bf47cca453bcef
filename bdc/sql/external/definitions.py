"""What is defined of external data: the shapes that the master's schema `polybase` keeps, and that the federation is made to match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from bdc.sql.polybase.ddl import CreateFormat, Distribution


@dataclass(frozen=True)
class Credential:
    """Whom to be at a source. `key` names the password in the Secret external-credentials; a key's value never changes."""

    name: str
    identity: str
    key: str | None = None


@dataclass(frozen=True)
class DataSource:
    """An external data source. `location` is prefix://host[:port][/path]; `options` its CONNECTION_OPTIONS, k=v;..."""

    name: str
    location: str
    options: str | None = None
    credential: Credential | None = None
    pushdown: bool = True


@dataclass(frozen=True)
class Rejects:
    """How many rows of text may be rejected: REJECT_VALUE of them, or percent; `sample` is how many are looked at before percents count.
    `location`: where they are kept."""

    type: Literal["VALUE", "PERCENTAGE"] | None = None
    value: Decimal | None = None
    sample: int | None = None
    location: str | None = None


@dataclass(frozen=True)
class ColumnDefinition:
    """A column as it was defined; `type` as T-SQL writes it, such as nvarchar(10)."""

    name: str
    type: str


@dataclass(frozen=True)
class Table:
    """An external table `schema.name` of an object of a source; `location` is that object's name there, or the path of files of a `format`.
    `readers`: the users that may read it; None: everybody.
    """

    schema: str
    name: str
    source: str
    location: str
    columns: tuple[ColumnDefinition, ...]
    readers: tuple[str, ...] | None = None
    format: CreateFormat | None = None
    rejects: Rejects = field(default=Rejects())
    distribution: Distribution | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Troubles:
    """What the reconciler could not make, and why: by sources' names, and tables' schema.name, in lower case."""

    sources: Mapping[str, str]
    tables: Mapping[str, str]


@dataclass(frozen=True)
class Definitions:
    """All of it; sources by their names in lower case."""

    sources: Mapping[str, DataSource] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    credentials: tuple[Credential, ...] = ()
    formats: tuple[CreateFormat, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the Secret that credentials name."""
        return frozenset(one.key for one in self.credentials if one.key)

    def named(self, name: str) -> Table | None:
        """The table of that name, schema.name in any case."""
        return next((one for one in self.tables if str(one).lower() == name.lower()), None)

    def of(self, table: Table) -> DataSource:
        """The source of a table."""
        return self.sources[table.source.lower()]

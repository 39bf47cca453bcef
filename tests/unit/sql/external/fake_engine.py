"""Trino in memory, as far as sources' catalogs and views of them go."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bdc.sql.errors import QueryError
from bdc.sql.result import Result, Row

_ID = r'("(?:[^"]|"")+"|\w+)'
_TEXT = r"'((?:[^']|'')*)'"
_RELATION = rf"{_ID}\.{_ID}\.{_ID}"
_QUERY = f"(SELECT .*? FROM {_RELATION}(?: WHERE .*)?)"


@dataclass
class FakeSource:
    """Types of columns by schema, table and column. A source that is `down` answers nothing."""

    schemas: dict[str, dict[str, dict[str, str]]]
    down: bool = False
    asked: int = 0


@dataclass(frozen=True)
class FakeCatalog:
    """A catalog of a source."""

    connector: str
    properties: dict[str, str]

    @property
    def url(self) -> str:
        return next(value for key, value in self.properties.items() if key.endswith("connection-url"))


@dataclass(frozen=True)
class FakeView:
    """A view of a source's object."""

    text: str
    comment: str

    @property
    def catalog(self) -> str:
        found = re.search(rf"FROM {_RELATION}(?: WHERE |$)", self.text)
        assert found
        return _name(found[1])


@dataclass
class FakeEngine:
    """Sources by a part of the URL that leads to them. `refused`: what it says of each new catalog, if it makes none."""

    sources: dict[str, FakeSource]
    refused: str | None = None
    catalogs: dict[str, FakeCatalog] = field(default_factory=dict)
    views: dict[str, FakeView] = field(default_factory=dict)
    schemas: set[str] = field(default_factory=lambda: {"default"})
    seen: list[str] = field(default_factory=list)
    lake: set[tuple[str, ...]] = field(default_factory=set)

    def query(self, sql: str) -> Result:
        self.seen.append(sql)
        for pattern, answer in self._answers().items():
            if found := re.fullmatch(pattern, sql, re.DOTALL):
                return Result([], iter(answer(*found.groups())))
        raise AssertionError(f"not known to the fake: {sql}")

    def restart(self) -> None:
        """All is lost."""
        self.catalogs, self.views, self.schemas = {}, {}, {"default"}

    def readable(self, view: str) -> bool:
        """Whether a view is there, and its catalog."""
        return view in self.views and self.views[view].catalog in self.catalogs

    def catalog_of(self, url: str) -> str:
        """The name of the one catalog with that in its URL."""
        (found,) = [name for name, one in self.catalogs.items() if url in one.url]
        return found

    def _answers(self) -> dict[str, Callable[..., Sequence[Row]]]:
        return {
            "SELECT catalog_name FROM system.metadata.catalogs": self._catalogs,
            "SELECT schema_name, table_name, comment FROM system.metadata.table_comments WHERE catalog_name = 'external'": self._comments,
            rf"CREATE CATALOG IF NOT EXISTS {_ID} USING (\w+) WITH \((.*)\)": self._create_catalog,
            f"DROP CATALOG IF EXISTS {_ID}": lambda name: self._forget(self.catalogs, _name(name)),
            f"CREATE SCHEMA IF NOT EXISTS external.{_ID}": self._create_schema,
            f"DROP SCHEMA IF EXISTS external.{_ID}": self._drop_schema,
            rf"CREATE OR REPLACE VIEW external\.{_ID}\.{_ID} COMMENT {_TEXT} SECURITY DEFINER AS {_QUERY}": self._view,
            rf"DROP VIEW IF EXISTS external\.{_ID}\.{_ID}": lambda *names: self._forget(self.views, ".".join(map(_name, names))),
            rf"SELECT 1 FROM system.jdbc.tables WHERE table_cat = 'lake' AND table_schem = {_TEXT} AND table_name = {_TEXT}": self._lake,
            f"SHOW SCHEMAS FROM {_ID}": self._show_schemas,
            rf"SHOW TABLES FROM {_ID}\.{_ID}": lambda *names: [(one,) for one in self._schema(*map(_name, names))],
            f"SHOW COLUMNS FROM {_RELATION}": lambda *names: [(*one, "", "") for one in self._table(*map(_name, names)).items()],
        }

    def _catalogs(self) -> Sequence[Row]:
        return [(one,) for one in ("external", "lake", "master", "system", *self.catalogs)]

    def _lake(self, *names: str) -> Sequence[Row]:
        return [(1,)] if names in self.lake else []

    def _comments(self) -> Sequence[Row]:
        return [("information_schema", "tables", None), *((*name.split(".", 1), one.comment) for name, one in self.views.items())]

    def _create_catalog(self, name: str, connector: str, properties: str) -> Sequence[Row]:
        if self.refused:
            raise QueryError(self.refused, "CATALOG_NOT_AVAILABLE")
        found = {key: value.replace("''", "'") for key, value in re.findall(rf'"([^"]+)" = {_TEXT}', properties)}
        self.catalogs.setdefault(_name(name), FakeCatalog(connector, found))
        return []

    def _create_schema(self, name: str) -> Sequence[Row]:
        self.schemas.add(_name(name))
        return []

    def _drop_schema(self, name: str) -> Sequence[Row]:
        if any(view.startswith(f"{_name(name)}.") for view in self.views):
            raise QueryError(f"schema {name} is not empty", "SCHEMA_NOT_EMPTY")
        self.schemas.discard(_name(name))
        return []

    def _view(self, schema: str, view: str, comment: str, text: str, *relation: str) -> Sequence[Row]:
        if _name(schema) not in self.schemas:
            raise QueryError(f"there is no schema {schema}", "SCHEMA_NOT_FOUND")
        self._table(*map(_name, relation))
        self.views[f"{_name(schema)}.{_name(view)}"] = FakeView(text, comment)
        return []

    def _show_schemas(self, name: str) -> Sequence[Row]:
        if name == "external":
            return [(one,) for one in sorted({*self.schemas, "information_schema"})]
        return [(one,) for one in self._source(_name(name)).schemas]

    def _source(self, catalog: str) -> FakeSource:
        if catalog not in self.catalogs:
            raise QueryError(f"Catalog '{catalog}' not found", "CATALOG_NOT_FOUND")
        url = self.catalogs[catalog].url
        found = next((one for part, one in self.sources.items() if part in url), None)
        if found:
            found.asked += 1
        if found is None or found.down:
            raise QueryError(f"Connection to {url}\n refused", "JDBC_ERROR")
        return found

    def _schema(self, catalog: str, schema: str) -> dict[str, dict[str, str]]:
        schemas = self._source(catalog).schemas
        if schema not in schemas:
            raise QueryError(f"Schema '{schema}' does not exist", "SCHEMA_NOT_FOUND")
        return schemas[schema]

    def _table(self, catalog: str, schema: str, table: str) -> dict[str, str]:
        tables = self._schema(catalog, schema)
        if table not in tables:
            raise QueryError(f"Table '{schema}.{table}' does not exist", "TABLE_NOT_FOUND")
        return tables[table]

    @staticmethod
    def _forget(things: dict[str, FakeCatalog] | dict[str, FakeView], name: str) -> Sequence[Row]:
        things.pop(name, None)
        return []


def _name(written: str) -> str:
    return written[1:-1].replace('""', '"') if written.startswith('"') else written

"""Trino in memory, as far as sources' catalogs and views of them go."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bdc.sql.errors import QueryError
from bdc.sql.result import Column, Result, Row

_ID = r'("(?:[^"]|"")+"|\w+)'
_TEXT = r"'((?:[^']|'')*)'"
_RELATION = rf"{_ID}\.{_ID}\.{_ID}"
_FILL = r"(SELECT .* FROM \((.*)\) AS q \(.*\))"
_QUERY = rf"(SELECT .*? FROM (?:\(SELECT \* FROM )?{_RELATION}(?: WHERE .*)?)"


@dataclass
class FakeSource:
    """Types of columns by schema, table and column. A source that is `down` answers nothing. Of a store schemas are formats, and tables are
    paths; `extra` and `comment` are of columns, as SHOW COLUMNS has them, and `refusals` of paths.
    """

    schemas: dict[str, dict[str, dict[str, str]]]
    down: bool = False
    asked: int = 0
    extra: dict[str, str] = field(default_factory=dict)
    comment: str = ""
    refusals: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class FakeCatalog:
    """A catalog of a source."""

    connector: str
    properties: dict[str, str]

    @property
    def url(self) -> str:
        return next(value for key, value in self.properties.items() if key.endswith("connection-url") or key == "root")


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
    """Sources by a part of the URL that leads to them. `refused`: what it says of each new catalog, if it makes none. `queries`: columns by
    queries that tables are made of; `written`: the relations that were, and what of; `running`: statements that others' sessions run."""

    sources: dict[str, FakeSource]
    refused: str | None = None
    catalogs: dict[str, FakeCatalog] = field(default_factory=dict)
    views: dict[str, FakeView] = field(default_factory=dict)
    schemas: set[str] = field(default_factory=lambda: {"default"})
    seen: list[str] = field(default_factory=list)
    lake: FakeSource = field(default_factory=lambda: FakeSource({"default": {}}))
    queries: dict[str, list[Column]] = field(default_factory=dict)
    written: list[tuple[str, str]] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    affected: int = 7
    comments: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def query(self, sql: str) -> Result:
        self.seen.append(sql)
        for pattern, answer in self._answers().items():
            if found := re.fullmatch(pattern, sql, re.DOTALL):
                rows = answer(*found.groups())
                return rows if isinstance(rows, Result) else Result([], iter(rows))
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

    def _answers(self) -> dict[str, Callable[..., Sequence[Row] | Result]]:
        return {
            "SELECT catalog_name FROM system.metadata.catalogs": self._catalogs,
            "SELECT schema_name, table_name, comment FROM system.metadata.table_comments WHERE catalog_name = 'external'": self._comments,
            r"SELECT query FROM system.runtime.queries WHERE state NOT IN \('FINISHED', 'FAILED'\)": lambda: [
                (one,) for one in self.running
            ],
            rf"CREATE CATALOG IF NOT EXISTS {_ID} USING (\w+) WITH \((.*)\)": self._create_catalog,
            f"DROP CATALOG IF EXISTS {_ID}": lambda name: self._forget(self.catalogs, _name(name)),
            f"CREATE SCHEMA IF NOT EXISTS external.{_ID}": self._create_schema,
            f"DROP SCHEMA IF EXISTS external.{_ID}": self._drop_schema,
            rf"CREATE OR REPLACE VIEW external\.{_ID}\.{_ID} COMMENT {_TEXT} SECURITY DEFINER AS {_QUERY}": self._view,
            rf"DROP VIEW IF EXISTS external\.{_ID}\.{_ID}": lambda *names: self._forget(self.views, ".".join(map(_name, names))),
            rf"SELECT 1 FROM system.jdbc.tables WHERE table_cat = 'lake' AND table_schem = {_TEXT} AND table_name = {_TEXT}": self._lake,
            f"CREATE SCHEMA IF NOT EXISTS lake.{_ID}": self._lake_schema,
            rf"CREATE TABLE {_RELATION} \((.*?)\)(?: WITH \([^)]*\)| COMMENT {_TEXT})?": self._create_table,
            rf"CREATE TABLE ({_RELATION}(?: WITH \([^)]*\)| COMMENT {_TEXT})?) AS {_FILL}": self._create_table_as,
            rf"INSERT INTO ({_RELATION}) {_FILL}": self._insert,
            r"SELECT \* FROM \((.*)\) WHERE false": lambda query: Result(self.queries[query]),
            "SELECT comment FROM system.metadata.table_comments WHERE catalog_name = 'lake' "
            rf"AND schema_name = {_TEXT} AND table_name = {_TEXT}": self._lake_comment,
            rf"DROP TABLE IF EXISTS {_RELATION}": self._drop_table,
            f"SHOW SCHEMAS FROM {_ID}": self._show_schemas,
            rf"SHOW TABLES FROM {_ID}\.{_ID}": lambda *names: [(one,) for one in self._schema(*map(_name, names))],
            f"SHOW COLUMNS FROM {_RELATION}": lambda *names: self._columns(*map(_name, names)),
        }

    def _columns(self, catalog: str, schema: str, table: str) -> Sequence[Row]:
        source = self._source(catalog)
        if table in source.refusals:
            raise QueryError(*source.refusals[table])
        return [(name, kind, source.extra.get(name), source.comment) for name, kind in self._table(catalog, schema, table).items()]

    def _catalogs(self) -> Sequence[Row]:
        return [(one,) for one in ("external", "lake", "master", "system", *self.catalogs)]

    def _lake(self, *names: str) -> Sequence[Row]:
        schema, table = names
        return [(1,)] if table in self.lake.schemas.get(schema, {}) else []

    def _lake_comment(self, schema: str, table: str) -> Sequence[Row]:
        return [(self.comments.get((schema, table)),)] if table in self.lake.schemas.get(schema, {}) else []

    def _lake_schema(self, name: str) -> Sequence[Row]:
        self.lake.schemas.setdefault(_name(name), {})
        return []

    def _create_table(self, catalog: str, schema: str, table: str, columns: str, comment: str | None) -> Sequence[Row]:
        self.comments[_name(schema), _name(table)] = comment
        named = re.findall(rf"{_ID} (.*?)(?: NOT NULL)?(?:, (?=\")|$)", columns)
        self._schema(_name(catalog), _name(schema))[_name(table).partition("?")[0]] = {_name(name): kind for name, kind in named}
        return []

    def _create_table_as(self, written: str, catalog: str, schema: str, table: str, comment: str | None, rows: str, query: str) -> Result:
        self.comments[_name(schema), _name(table)] = comment
        kinds = [re.match(r"CAST\(.* AS (.*)\) AS ", one) for one in rows.removeprefix("SELECT ").partition(" FROM (")[0].split(", ")]
        names = re.findall(r' AS ("[^"]+")(?:, | FROM \()', rows)
        found = zip(names, kinds, self.queries[query], strict=True)
        self._schema(_name(catalog), _name(schema))[_name(table).partition("?")[0]] = {
            _name(name): kind[1] if kind else column.type for name, kind, column in found
        }
        self.written.append((written.removeprefix(catalog), rows))
        return Result([], command="CREATE TABLE", affected=self.affected)

    def _insert(self, written: str, catalog: str, schema: str, table: str, rows: str, _: str) -> Result:
        self._table(_name(catalog), _name(schema), _name(table))
        self.written.append((written.removeprefix(catalog), rows))
        return Result([], command="INSERT", affected=self.affected)

    def _drop_table(self, catalog: str, schema: str, table: str) -> Sequence[Row]:
        self._schema(_name(catalog), _name(schema)).pop(_name(table), None)
        return []

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
        if catalog == "lake":
            return self.lake
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
        tables, table = self._schema(catalog, schema), table.partition("?")[0]
        if table not in tables:
            raise QueryError(f"Table '{schema}.{table}' does not exist", "TABLE_NOT_FOUND")
        return tables[table]

    @staticmethod
    def _forget(things: dict[str, FakeCatalog] | dict[str, FakeView], name: str) -> Sequence[Row]:
        things.pop(name, None)
        return []


def _name(written: str) -> str:
    return written[1:-1].replace('""', '"') if written.startswith('"') else written

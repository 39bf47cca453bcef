"""A master with the migrations, a Trino in memory that has catalogs of sources and views, and what runs statements on both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bdc.config.names import COMPONENT, EXTERNAL_CREDENTIALS, INSTANCE
from bdc.kube.connection import Credentials, EndpointConnection
from bdc.sql.external.ddl import Definer
from bdc.sql.external.definition_store import Connection
from bdc.sql.master import open_connection
from bdc.sql.polybase import parse
from bdc.sql.polybase.statements import Guarded, Plain
from bdc.sql.result import Result
from tests.unit.fake_kube import FakeKube, Json
from tests.unit.sql.external.fake_engine import FakeEngine, FakeSource

CLUSTER = "demo"
DATABASE = "external_tables"
SECRET = "kept-0ut-of-sight"
BASES = ("credentials", "sources", "formats", "tables", "columns", "source_errors", "table_errors")
MIGRATIONS = Path(__file__).parents[4] / "manifests" / "master" / "migrations"

CREDENTIAL = f"CREATE DATABASE SCOPED CREDENTIAL reader WITH IDENTITY = 'anna', SECRET = '{SECRET}'"
SOURCE = "CREATE EXTERNAL DATA SOURCE Sales WITH (LOCATION = 'postgresql://db/sales', CREDENTIAL = reader)"
TABLE = "CREATE EXTERNAL TABLE Orders (Id INT NOT NULL, customer NVARCHAR(20)) WITH (DATA_SOURCE = sales, LOCATION = 'public.orders')"
STORY = (CREDENTIAL, SOURCE, TABLE)


class Cluster(FakeKube):
    """Merge patches with null remove keys, and pods are found by a selector with `in`."""

    pods = f"/api/v1/namespaces/{CLUSTER}/pods"
    secret = f"/api/v1/namespaces/{CLUSTER}/secrets/{EXTERNAL_CREDENTIALS}"

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Json:
        if (method, path) == ("GET", self.pods):
            wanted = f"{INSTANCE}={CLUSTER},{COMPONENT} in (trino-coordinator,trino-worker)"
            assert options["query"] == {"labelSelector": wanted}
            found = [one for where, one in self.objects.items() if where.startswith(f"{path}/trino-")]
            return {"items": found}
        answer = super().request(method, path, body, **options)
        if method == "PATCH" and "data" in body:
            stored = self.objects[path]["data"]
            self.objects[path]["data"] = {key: value for key, value in stored.items() if value is not None}
        return answer

    @property
    def keys(self) -> set[str]:
        """The keys of the Secret with the sources' passwords."""
        return set(self.objects[self.secret]["data"]) if self.secret in self.objects else set()


class Desk:
    """Where statements are run, and all that they may change."""

    def __init__(self, external: Definer, connection: Connection, engine: FakeEngine, kube: Cluster, said: list[str]) -> None:
        self.external, self.connection, self.engine, self.kube, self.said = external, connection, engine, kube, said

    def run(self, *statements: str) -> Result:
        """Run statements; the last one's result."""
        result = Result([])
        for text in statements:
            (placed,) = parse(text)
            assert not isinstance(placed.statement, Plain | Guarded)
            result = self.external.run(placed.statement)
        return result

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the master answers."""
        return self.connection.execute(sql.encode()).fetchall()

    def count(self, base: str) -> int:
        """How many rows there are in a table of polybase."""
        return int(self.rows(f"SELECT count(*) FROM polybase.{base}")[0][0])


@pytest.fixture(scope="session")
def migrated(postgresql: EndpointConnection, access: Credentials) -> EndpointConnection:
    with closing(open_connection(postgresql, access)) as connection:
        for role in ("trino", "gateway"):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
                connection.execute(f"CREATE ROLE {role}".encode())
        connection.execute(f"CREATE DATABASE {DATABASE}".encode())
    with closing(open_connection(postgresql, access, DATABASE)) as connection:
        connection.execute("CREATE SCHEMA polybase")
        connection.execute("CREATE TABLE polybase.migrations (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())")
        for file in sorted(MIGRATIONS.glob("[0-9]*.sql")):
            with connection.transaction():
                connection.execute(file.read_bytes())
    return postgresql


@pytest.fixture
def connection(migrated: EndpointConnection, access: Credentials) -> Iterator[Connection]:
    with closing(open_connection(migrated, access, DATABASE)) as opened:
        opened.execute(f"TRUNCATE {', '.join(f'polybase.{base}' for base in BASES)}".encode())
        yield opened


@pytest.fixture
def other(migrated: EndpointConnection, access: Credentials) -> Iterator[Connection]:
    """A second connection."""
    with closing(open_connection(migrated, access, DATABASE)) as opened:
        yield opened


@pytest.fixture
def kube() -> Cluster:
    made = Cluster()
    for pod in ("trino-coordinator-0", "trino-worker-0", "master-0"):
        made.put(f"{made.pods}/{pod}", {})
    return made


@pytest.fixture
def sales() -> FakeSource:
    return FakeSource(
        {
            "public": {"orders": {"id": "integer", "customer": "varchar(40)", "total": "decimal(10,2)"}, "my list": {"n": "bigint"}},
            "archive": {"orders": {"id": "bigint", "key": "uuid"}},
            "information_schema": {"tables": {"table_name": "varchar"}},
        }
    )


@pytest.fixture
def engine(sales: FakeSource) -> FakeEngine:
    lists = FakeSource({"public": {"lists": {"name": "varchar", "age": "smallint"}}})
    return FakeEngine({"//db:5432/sales": sales, "//db:5432/lists": lists, "//other:5432/sales": sales})


@pytest.fixture
def desk(connection: Connection, engine: FakeEngine, kube: Cluster) -> Desk:
    said: list[str] = []
    return Desk(Definer(kube, CLUSTER, lambda: connection, engine, said.append), connection, engine, kube, said)

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.errors import BdcError, NotFoundError, UsageError
from bdc.sql.external.definitions import DataSource
from bdc.sql.external.files import encoded, folder, readable
from bdc.sql.external.loop import ReconcileLoop
from bdc.sql.external.reconcile import Found
from bdc.sql.polybase.ddl import CreateFormat, ObjectName
from bdc.sql.result import Column
from tests.unit.sql.external.conftest import SOURCE, STORY, Desk
from tests.unit.sql.external.fake_engine import FakeSource
from tests.unit.sql.external.test_loop import clock, rounds

ORC = CreateFormat("o", "ORC")
__all__ = ["clock", "rounds"]
POOL = "CREATE EXTERNAL DATA SOURCE SqlStoragePool WITH (LOCATION = 'sqlhdfs://controller-svc/default')"
FORMATS = tuple(f"CREATE EXTERNAL FILE FORMAT my{one} WITH (FORMAT_TYPE = {one})" for one in ("PARQUET", "ORC", "DELTA", "RCFILE"))


@pytest.fixture
def store(desk: Desk) -> FakeSource:
    """A folder of each format, of which that of Parquet files is divided by year; one without a file, and one file."""
    made = FakeSource(
        {
            "parquet": {
                "/data/%54rips": {"id": "bigint", "who": "varchar", "year": "bigint"},
                "/data/empty": {},
                "/data": {"id": "bigint"},
            },
            "orc": {"/data/orc": {"id": "integer"}},
            "delta": {"/data/delta": {"id": "integer"}},
        },
        extra={"year": "partition key"},
    )
    desk.engine.sources["hdfs://bdc"] = made
    return made


@pytest.fixture
def pool(desk: Desk, store: FakeSource) -> Desk:
    desk.run(POOL, *FORMATS)
    return desk


def table(name: str, columns: str, location: str, form: str = "myparquet") -> str:
    return f"CREATE EXTERNAL TABLE {name} ({columns}) WITH (DATA_SOURCE = SqlStoragePool, LOCATION = '{location}', FILE_FORMAT = {form})"


def relation(desk: Desk, view: str) -> str:
    """What a view reads, less the catalog."""
    return desk.engine.views[view].text.partition(" FROM ")[2].replace(desk.engine.catalog_of("hdfs://bdc"), "")


def test_a_view_names_its_folder_its_columns_and_its_keys(pool: Desk) -> None:
    pool.run(table("trips", "Id BIGINT, Year INT", "/data//Trips/"))
    assert relation(pool, "dbo.trips") == '""."parquet"."/data/%54rips?id=bigint?year=integer"'
    (catalog,) = pool.engine.catalogs.values()
    assert catalog.connector == "files"
    assert catalog.properties["hive.recursive-directories"] == "true"


def test_an_empty_folder_has_the_columns_that_were_defined(pool: Desk) -> None:
    pool.run(table("empty", "Id BIGINT, who NVARCHAR(5)", "data/empty"))
    assert relation(pool, "dbo.empty") == '""."parquet"."/data/empty?id=bigint;who=varchar%285%29?"'


def test_an_empty_folder_is_looked_at_until_it_has_files(pool: Desk, store: FakeSource, rounds: ReconcileLoop) -> None:
    pool.run(table("empty", "Id BIGINT, Year INT", "data/empty"))
    rounds.look(pool.connection)
    store.schemas["parquet"]["/data/empty"] = {"id": "bigint", "year": "bigint"}
    assert rounds.look(pool.connection) == Found()
    assert relation(pool, "dbo.empty") == '""."parquet"."/data/empty?id=bigint?year=integer"'
    pool.engine.seen.clear()
    rounds.look(pool.connection)
    assert [one for one in pool.engine.seen if one.startswith(("CREATE", "SHOW COLUMNS"))] == []


def test_first_files_that_are_others_are_no_table(pool: Desk, store: FakeSource, rounds: ReconcileLoop) -> None:
    pool.run(table("empty", "Id BIGINT", "data/empty"))
    store.schemas["parquet"]["/data/empty"] = {"name": "varchar"}
    assert "has no column Id" in rounds.look(pool.connection).tables["dbo.empty"].message
    assert pool.engine.views == {}


def test_one_file_is_its_folder_where_the_path_is_that_files(pool: Desk, store: FakeSource) -> None:
    store.schemas["parquet"]["/data/one.parquet"], store.comment = {"id": "bigint"}, "one file"
    pool.run(table("one", "id BIGINT", "/data/one.parquet"), "REVOKE SELECT ON one FROM public")
    whole = relation(pool, "dbo.one")
    assert whole.startswith('(SELECT * FROM ""."parquet"."/data?id=bigint?" WHERE "$path" = \'hdfs://bdc/data/one.parquet\') WHERE ')


def test_delta_knows_its_own_columns(pool: Desk) -> None:
    pool.run(table("d", "id INT", "/data/delta", "mydelta"))
    assert relation(pool, "dbo.d") == '""."delta"."/data/delta"'
    assert [one.connector for one in pool.engine.catalogs.values()] == ["delta_files"]


@pytest.mark.parametrize(
    ("statement", "error", "told"),
    [
        (table("x", "id BIGINT", "/nix"), UsageError, "the source SqlStoragePool has no /nix"),
        (table("x", "nix BIGINT", "/data/Trips"), UsageError, "/data/Trips has no column nix"),
        (table("x", "id INT", "/data/Trips"), UsageError, "id is defined as integer, and is bigint"),
        (table("x", "id INT", "/data/../etc"), UsageError, "may not stand in the LOCATION"),
        (table("x", "id INT", "/data/Trips", "nix"), NotFoundError, "there is no external file format nix"),
        (table("x", "id INT", "/data/Trips", "myrcfile"), UsageError, "files of the format RCFILE are understood, but not run yet"),
        (table("x", "id INT", "/shut"), UsageError, "the source SqlStoragePool: hdfs://bdc/shut: Permission denied"),
        (table("x", "id INT", "/data/Trips").replace(", FILE_FORMAT = myparquet", ""), UsageError, "needs a FILE_FORMAT"),
        (table("x", "id INT", "a.b").replace("SqlStoragePool", "Sales"), UsageError, "Sales is a database: its tables have no FILE_FORMAT"),
        ("EXEC sp_data_source_objects 'SqlStoragePool'", UsageError, "SqlStoragePool has files"),
    ],
)
def test_what_is_refused_leaves_nothing(pool: Desk, store: FakeSource, statement: str, error: type[BdcError], told: str) -> None:
    pool.run(SOURCE.replace(", CREDENTIAL = reader", ""))
    store.schemas["parquet"]["/shut"], store.refusals = {}, {"/shut": ("hdfs://bdc/shut: Permission denied", "PERMISSION_DENIED")}
    with pytest.raises(error, match=told):
        pool.run(statement)
    assert (pool.count("tables"), pool.engine.views) == (0, {})


def test_the_storage_pool_may_be_made_where_it_is(pool: Desk) -> None:
    assert pool.run(POOL).command == "CREATE EXTERNAL DATA SOURCE"
    assert pool.said == ["SqlStoragePool is there already, as in every cluster"]
    with pytest.raises(UsageError, match="there is an external data source SqlStoragePool already"):
        pool.run(POOL.replace("sqlhdfs://controller-svc/default", "hdfs://other"))


def test_a_statement_is_made_of_what_a_folder_has(pool: Desk) -> None:
    assert str(pool.external.lookups.proposal("sqlstoragepool", "/data/orc", ObjectName(("o",)))).endswith("FILE_FORMAT = [myORC])")
    assert pool.external.lookups.columns("SqlStoragePool", "/data/Trips")[1] == {"id": "bigint", "who": "varchar", "year": "bigint"}
    pool.run("DROP EXTERNAL FILE FORMAT mydelta")
    with pytest.raises(UsageError, match="there is no external file format of the type DELTA") as caught:
        pool.external.lookups.proposal("SqlStoragePool", "/data/delta", ObjectName(("o",)))
    assert caught.value.hint == "CREATE EXTERNAL FILE FORMAT delta WITH (FORMAT_TYPE = DELTA)"
    with pytest.raises(UsageError, match="the source SqlStoragePool has no /nix; and neither is it of DELTA, PARQUET"):
        pool.external.lookups.columns("SqlStoragePool", "/nix")


def test_what_is_written_to_is_the_folder(pool: Desk) -> None:
    pool.run(table("trips", "Id BIGINT, Year INT", "/data/Trips"), table("d", "id INT", "/data/delta", "mydelta"))
    pool.engine.queries["SELECT 1, 2"] = [Column("_col0", "integer"), Column("_col1", "varchar(3)")]
    into = pool.external.inserted("DBO", "Trips", (), "SELECT 1, 2")
    assert into.partition('."parquet".')[2] == (
        '"/data/%54rips?id=bigint?year=integer" ("id", "year") '
        'SELECT CAST("c0" AS bigint), CAST("c1" AS integer) FROM (SELECT 1, 2) AS q ("c0", "c1")'
    )
    assert pool.external.inserted("dbo", "trips", ["nix", "id"], "SELECT 1, 2").endswith('("nix", "id") SELECT 1, 2')
    assert pool.external.inserted("dbo", "trips", ["id"], "SELECT 1, 2").endswith('("id") SELECT 1, 2')
    assert pool.external.changed("dbo", "d", "MERGE", " USING x").endswith('."delta"."/data/delta" USING x')


@pytest.mark.parametrize("one_file", ["", "one file "])
def test_fields_are_spelled_as_the_file_spells_them(one_file: str) -> None:
    where = folder(DataSource("s", "hdfs://a"), "/data/t", CreateFormat("p", "PARQUET"))
    seen = [("s", "row(innername integer)", "", one_file + 'row("InnerName" integer)'), ("id", "integer", "", one_file.strip())]
    found = readable(where, seen, {"S": "varchar", "id": "integer"})
    assert found.columns == {"s": 'row("InnerName" integer)', "id": "integer"}
    assert "?s=row%28innername%20integer%29;id=integer?" in found.relation
    assert found.file == bool(one_file)


def test_what_is_written_as_tinyint_is_0_to_255(pool: Desk) -> None:
    pool.run(table("trips", "Id BIGINT, Year TINYINT", "/data/Trips"))
    [view] = pool.engine.views.values()
    assert view.text.partition(" WHERE ")[2].startswith('CASE WHEN "year" NOT BETWEEN 0 AND 255 THEN CAST(fail(19, ')
    pool.engine.queries["SELECT 1, 2"] = [Column("_col0", "bigint"), Column("_col1", "integer")]
    into = pool.external.inserted("DBO", "Trips", (), "SELECT 1, 2")
    assert """CASE WHEN CAST("c1" AS smallint) NOT BETWEEN 0 AND 255 THEN CAST(fail(19, 'dbo.trips: the column year has '""" in into


@pytest.mark.parametrize(
    ("rest", "asked", "types", "told"),
    [
        (
            " SET age = 5, ID = 2.7 WHERE id = 1",
            'SELECT (5) AS "c0", (2.7) AS "c1" FROM {}',
            ("integer", "decimal(2,1)"),
            " SET age = transform(ARRAY[CAST(5 AS smallint)], b -> {byte})[1], ID = CAST(truncate(2.7) AS bigint) WHERE id = 1",
        ),
        (
            " AS t USING u ON t.id = u.id WHEN MATCHED THEN UPDATE SET name = u.x WHEN NOT MATCHED THEN INSERT VALUES (u.id, u.x, '')",
            'SELECT (u.x) AS "c0", (u.id) AS "c1", (u.x) AS "c2", (\'\') AS "c3" FROM {} AS t JOIN u ON t.id = u.id ',
            ("double", "bigint", "double", "varchar(0)"),
            " AS t USING u ON t.id = u.id WHEN MATCHED THEN UPDATE SET name = CAST(u.x AS varchar) WHEN NOT MATCHED THEN "
            "INSERT VALUES (u.id, transform(ARRAY[CAST(truncate(u.x) AS smallint)], b -> {byte})[1], '')",
        ),
        (" SET nix = 1", "", (), " SET nix = 1"),
    ],
)
def test_what_is_assigned_becomes_the_columns_type(
    pool: Desk, store: FakeSource, rest: str, asked: str, types: Sequence[str], told: str
) -> None:
    """As T-SQL converts it: to INT a fraction is cut off, and a TINYINT is 0 to 255."""
    store.schemas["delta"]["/data/delta"] = {"id": "bigint", "age": "smallint", "name": "varchar"}
    pool.run(table("d", "id BIGINT, age TINYINT, name NVARCHAR(MAX)", "/data/delta", "mydelta"))
    relation = pool.external.changed("dbo", "d", "DELETE", "")
    pool.engine.queries[asked.format(relation)] = [Column(f"c{number}", kind) for number, kind in enumerate(types)]
    fails = "fail(19, 'dbo.d: the column age has ' || CAST(b AS varchar) || ', which is no TINYINT')"
    byte = f"CASE WHEN b NOT BETWEEN 0 AND 255 THEN CAST({fails} AS smallint) ELSE b END"
    assert pool.external.changed("dbo", "d", "UPDATE", rest) == relation + told.format(byte=byte)


def test_what_cant_be_written_to(pool: Desk, store: FakeSource) -> None:
    pool.run(SOURCE.replace(", CREDENTIAL = reader", ""), STORY[2])
    store.schemas["parquet"]["/data/one.parquet"], store.comment = {"id": "bigint"}, "one file"
    pool.run(table("one", "id BIGINT", "/data/one.parquet"))
    for name, told in (("orders", "of Sales, and tables of databases are only read"), ("one", "is one file")):
        with pytest.raises(UsageError, match=told):
            pool.external.inserted("dbo", name, (), "SELECT 1")
    with pytest.raises(NotFoundError, match=r"there is no external table dbo\.nix that you may write to"):
        pool.external.changed("dbo", "nix", "UPDATE", "")


def test_a_store_is_asked_without_a_table(pool: Desk) -> None:
    assert pool.external.lookups.test("SqlStoragePool") == 3


def test_a_store_that_no_table_is_of_costs_no_round(pool: Desk, rounds: ReconcileLoop) -> None:
    rounds.look(pool.connection)
    pool.engine.seen.clear()
    assert (rounds.look(pool.connection), pool.engine.seen) == (Found(), [])


def test_procedures_define_tables_of_files(pool: Desk, rounds: ReconcileLoop) -> None:
    pool.connection.execute("CALL polybase.create_external_file_format('Columns', 'parquet')")
    pool.connection.execute("CALL polybase.create_external_table('trips', 'SqlStoragePool', '/data/Trips', ARRAY['id bigint'], 'columns')")
    assert rounds.look(pool.connection) == Found()
    assert list(pool.engine.views) == ["dbo.trips"]
    pool.connection.execute("CALL polybase.drop_external_table('trips')")
    pool.connection.execute("CALL polybase.drop_external_file_format('COLUMNS')")
    assert pool.rows("SELECT name FROM sys.external_file_formats WHERE name = 'Columns'") == []


@given(st.sampled_from(["hdfs", "sqlhdfs"]), st.text(), st.text())
def test_locations_can_always_be_read_or_are_refused(prefix: str, text: str, path: str) -> None:
    with suppress(UsageError):
        assert folder(DataSource("s", f"{prefix}://{text}"), path, ORC).url.startswith("hdfs://")


@given(st.text())
def test_names_are_in_lower_case_and_come_back(text: str) -> None:
    written = encoded(text.encode(errors="replace").decode())
    assert (written, unquote(written)) == (written.lower(), text.encode(errors="replace").decode())

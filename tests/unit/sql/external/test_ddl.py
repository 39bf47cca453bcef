from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator

import pytest

from bdc.errors import BdcError, NotFoundError, UnhealthyError, UsageError
from bdc.kube.connection import Credentials, EndpointConnection
from bdc.sql.external.ddl import Definer
from bdc.sql.external.definition_writes import table_name
from bdc.sql.master import open_connection
from bdc.sql.polybase.ddl import DropMasterKey, ObjectName, Use
from tests.unit.sql.external.conftest import BASES, CLUSTER, CREDENTIAL, SECRET, SOURCE, STORY, TABLE, Cluster, Desk
from tests.unit.sql.external.fake_engine import FakeEngine, FakeSource

ALTERED = "ALTER DATABASE SCOPED CREDENTIAL READER WITH IDENTITY = 'bob', SECRET = 'an0ther'"


def table(name: str, location: str, columns: str = "id INT") -> str:
    return f"CREATE EXTERNAL TABLE {name} ({columns}) WITH (DATA_SOURCE = Sales, LOCATION = '{location}')"


def test_a_credential_a_source_and_a_table_are_a_row_a_catalog_and_a_view(desk: Desk) -> None:
    assert [desk.run(one).command for one in STORY] == [
        "CREATE DATABASE SCOPED CREDENTIAL",
        "CREATE EXTERNAL DATA SOURCE",
        "CREATE EXTERNAL TABLE",
    ]
    name = desk.engine.catalog_of("//db:5432/sales")
    (key,) = desk.kube.keys
    assert list(desk.engine.catalogs) == [name]
    assert desk.engine.catalogs[name].properties["connection-password"] == f"${{external:{key}}}"
    assert list(desk.engine.views) == ["dbo.orders"]
    assert desk.engine.views["dbo.orders"].text == f'SELECT "id" AS "id", "customer" AS "customer" FROM "{name}"."public"."orders"'
    assert desk.rows("SELECT schema_name, name, location, error FROM sys.external_tables") == [("dbo", "Orders", "public.orders", None)]
    assert desk.rows("SELECT name, type_name, is_nullable FROM sys.external_table_columns ORDER BY column_id") == [
        ("Id", "int", False),
        ("customer", "nvarchar(20)", True),
    ]
    assert desk.said == []


def test_what_is_dropped_leaves_nothing(desk: Desk) -> None:
    desk.run(*STORY)
    assert desk.run("DROP EXTERNAL TABLE orders").command == "DROP EXTERNAL TABLE"
    assert (desk.engine.views, desk.engine.schemas) == ({}, {"default"})
    desk.run("DROP EXTERNAL DATA SOURCE SALES")
    assert desk.engine.catalogs == {}
    desk.run("DROP DATABASE SCOPED CREDENTIAL Reader")
    assert desk.kube.keys == set()
    assert [desk.count(base) for base in BASES] == [0] * len(BASES)


def test_a_table_of_a_source_that_is_down_leaves_neither_row_nor_view(desk: Desk, sales: FakeSource) -> None:
    desk.run(CREDENTIAL, SOURCE)
    sales.down = True
    with pytest.raises(UnhealthyError, match=r"the source Sales doesn't answer: Connection to .* refused") as caught:
        desk.run(TABLE)
    assert (caught.value.exit_code, "\n" in caught.value.message) == (5, False)
    assert (desk.count("tables"), desk.count("columns"), desk.engine.views) == (0, 0, {})
    sales.down = False
    desk.run(TABLE)
    assert desk.engine.readable("dbo.orders")


@pytest.mark.parametrize(
    ("statement", "error", "told"),
    [
        (table("x", "public.orders", "customer INT"), UsageError, r"customer is defined as integer, and is varchar\(40\)"),
        (table("x", "public.orders", "color INT"), UsageError, "has no column color"),
        (table("x", "public.nix"), UsageError, "the source Sales has no public.nix"),
        (table("x", "nix.orders"), UsageError, "the source Sales has no nix.orders"),
        (table("x", "a.b.c.d"), UsageError, r"isn't \[database.\]\[schema.\]table"),
        (table("x", "nix.public.orders"), UnhealthyError, "doesn't answer"),
        (table("master.dbo.x", "public.orders"), UsageError, "one database, bdc, and no master"),
        (table("[a.b].x", "public.orders"), UsageError, "a.b can't be the schema"),
        (table("polybase.Tables", "public.orders"), UsageError, "a table polybase.Tables in the master already"),
        (table("x", "public.orders").replace("Sales", "nix"), NotFoundError, "there is no external data source nix"),
        (table("x", "public.orders").replace("LOCATION", "FILE_FORMAT = csv, LOCATION"), NotFoundError, "no external file format csv"),
        ("CREATE EXTERNAL TABLE x (id INT) WITH (DATA_SOURCE = Sales)", UsageError, "needs columns and a LOCATION"),
        (
            "CREATE EXTERNAL DATA SOURCE x WITH (LOCATION = 'postgresql://db/x', CREDENTIAL = nix)",
            NotFoundError,
            "there is no credential nix",
        ),
        ("CREATE EXTERNAL DATA SOURCE x WITH (LOCATION = 'https://x')", UsageError, "https:// is recognized but not supported yet"),
        ("ALTER EXTERNAL DATA SOURCE nix SET PUSHDOWN = OFF", NotFoundError, "there is no external data source nix"),
        ("ALTER EXTERNAL DATA SOURCE Sales SET LOCATION = 'sybase://x'", UsageError, "begins with none of"),
        ("ALTER DATABASE SCOPED CREDENTIAL nix WITH IDENTITY = 'x'", NotFoundError, "there is no credential nix"),
        ("EXEC sp_help 'x'", UsageError, "there is no procedure"),
    ],
)
def test_what_fails_changes_nothing(desk: Desk, statement: str, error: type[BdcError], told: str) -> None:
    desk.run(*STORY)
    before = everything(desk), dict(desk.engine.views), desk.kube.keys
    with pytest.raises(error, match=told):
        desk.run(statement)
    assert (everything(desk), desk.engine.views, desk.kube.keys) == before
    assert desk.engine.readable("dbo.orders")


def everything(desk: Desk) -> str:
    return str([desk.rows(f"SELECT * FROM polybase.{base} ORDER BY 1") for base in BASES])


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (CREDENTIAL.replace("reader", "READER"), "there is a credential READER already"),
        (SOURCE, "there is an external data source Sales already"),
        (TABLE.replace("Orders", "dbo.ORDERS"), "there is an external table dbo.ORDERS already"),
        ("CREATE EXTERNAL FILE FORMAT CSV WITH (FORMAT_TYPE = PARQUET)", "there is an external file format CSV already"),
    ],
)
def test_nothing_is_made_twice(desk: Desk, statement: str, told: str) -> None:
    desk.run(*STORY, "CREATE EXTERNAL FILE FORMAT csv WITH (FORMAT_TYPE = PARQUET)")
    before = everything(desk)
    with pytest.raises(UsageError, match=told):
        desk.run(statement)
    assert everything(desk) == before


def test_a_source_that_trino_refuses_isnt_kept(desk: Desk) -> None:
    desk.engine.refused = "the property is invalid"
    with pytest.raises(BdcError, match="source Sales: the property is invalid"):
        desk.run(CREDENTIAL, SOURCE)
    assert (desk.count("sources"), desk.engine.catalogs) == (0, {})


def test_a_source_need_not_answer_when_it_is_defined(desk: Desk, sales: FakeSource) -> None:
    sales.down = True
    desk.run(CREDENTIAL, SOURCE)
    with pytest.raises(UnhealthyError, match="the source Sales doesn't answer"):
        desk.external.lookups.test("sales")
    sales.down = False
    assert desk.external.lookups.test("SALES") == 2


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DROP DATABASE SCOPED CREDENTIAL Reader", "credential Reader is in use by the external data source Sales"),
        ("DROP EXTERNAL DATA SOURCE sales", r"external data source sales is in use by the external tables dbo\.Orders, b\.Second"),
    ],
)
def test_what_is_in_use_isnt_dropped(desk: Desk, statement: str, told: str) -> None:
    desk.run(*STORY, table("b.Second", "archive.orders", "id BIGINT"))
    with pytest.raises(UsageError, match=told) as caught:
        desk.run(statement)
    assert caught.value.hint == "drop those first"
    assert (desk.count("sources"), desk.count("credentials"), len(desk.kube.keys), len(desk.engine.views)) == (1, 1, 1, 2)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("DATABASE SCOPED CREDENTIAL", "there is no credential nix"),
        ("EXTERNAL DATA SOURCE", "there is no external data source nix"),
        ("EXTERNAL FILE FORMAT", "there is no external file format nix"),
        ("EXTERNAL TABLE", r"there is no external table dbo\.nix"),
    ],
)
def test_what_isnt_there_is_dropped_only_if_it_exists(desk: Desk, what: str, told: str) -> None:
    with pytest.raises(NotFoundError, match=told):
        desk.run(f"DROP {what} nix")
    assert desk.run(f"DROP {what} IF EXISTS nix").command == f"DROP {what}"
    assert desk.engine.seen == []


@pytest.mark.parametrize("statement", ["ALTER EXTERNAL DATA SOURCE sales SET LOCATION = 'postgresql://other/sales'", ALTERED])
def test_what_is_altered_moves_its_views_to_another_catalog(desk: Desk, statement: str) -> None:
    desk.run(*STORY, table("arch.orders", "archive.orders", "id BIGINT"))
    (before,) = desk.engine.catalogs
    assert desk.run(statement).command == " ".join(statement.split()[:4])
    (after,) = desk.engine.catalogs
    assert after != before
    assert {view.catalog for view in desk.engine.views.values()} == {after}
    assert len(desk.engine.views) == 2
    dropped = desk.engine.seen.index(f'DROP CATALOG IF EXISTS "{before}"')
    assert dropped > max(at for at, one in enumerate(desk.engine.seen) if one.startswith("CREATE OR REPLACE VIEW"))
    assert desk.said == []


def test_what_alter_doesnt_say_stays(desk: Desk) -> None:
    desk.run(*STORY, "ALTER EXTERNAL DATA SOURCE sales SET PUSHDOWN = OFF")
    (made,) = desk.engine.catalogs.values()
    assert (made.url, made.properties["connection-user"]) == ("jdbc:postgresql://db:5432/sales", "anna")
    assert made.properties["join-pushdown.enabled"] == "false"
    assert desk.rows("SELECT pushdown FROM sys.external_data_sources") == [("OFF",)]


def test_views_of_another_database_move_too(desk: Desk) -> None:
    desk.run(CREDENTIAL, SOURCE, table("people", "lists.public.lists", "age INT"))
    assert desk.engine.views["dbo.people"].catalog == desk.engine.catalog_of("//db:5432/lists")
    before = set(desk.engine.catalogs)
    desk.run(ALTERED)
    assert len(desk.engine.catalogs) == len(before) == 2
    assert not set(desk.engine.catalogs) & before
    assert desk.engine.readable("dbo.people")
    desk.run("DROP EXTERNAL TABLE people")
    assert list(desk.engine.catalogs) == [desk.engine.catalog_of("//db:5432/sales")]


def test_a_source_moved_to_where_nobody_answers_says_which_tables_are_gone(desk: Desk) -> None:
    desk.run(*STORY, "ALTER EXTERNAL DATA SOURCE sales SET LOCATION = 'postgresql://nowhere/sales'")
    (said,) = desk.said
    assert said.startswith("the external table dbo.orders can't be read now: the source Sales doesn't answer")
    assert (desk.engine.views, len(desk.engine.catalogs)) == ({}, 1)
    desk.run("ALTER EXTERNAL DATA SOURCE sales SET LOCATION = 'postgresql://other/sales'")
    assert desk.engine.readable("dbo.orders")


def test_passwords_are_only_in_the_secret(desk: Desk) -> None:
    desk.run(*STORY)
    (first,) = desk.kube.keys
    kept = desk.kube.objects[desk.kube.secret]["data"]
    assert b64decode(kept[first]).decode() == SECRET
    desk.run(ALTERED)
    (second,) = desk.kube.keys
    assert second != first
    assert b64decode(desk.kube.objects[desk.kube.secret]["data"][second]).decode() == "an0ther"
    assert desk.rows("SELECT identity, secret_key FROM polybase.credentials") == [("bob", second)]
    told = everything(desk) + "".join(desk.engine.seen) + "".join(desk.said)
    for word in (SECRET, "an0ther", kept[first]):
        assert word not in told


def test_the_secret_says_whose_it_is(desk: Desk) -> None:
    desk.run(CREDENTIAL)
    metadata = desk.kube.objects[desk.kube.secret]["metadata"]
    assert metadata["labels"]["app.kubernetes.io/instance"] == CLUSTER


def test_trinos_pods_are_touched_so_that_they_get_a_new_key_at_once(desk: Desk) -> None:
    desk.run(CREDENTIAL)
    (key,) = desk.kube.keys
    touched = {path.rsplit("/", 1)[-1]: one["metadata"].get("annotations") for path, one in desk.kube.objects.items() if "/pods/" in path}
    seen = {"bdc.dev/external-credentials": key}
    assert touched == {"trino-coordinator-0": seen, "trino-worker-0": seen, "master-0": None}


def test_a_credential_altered_without_a_secret_has_none(desk: Desk) -> None:
    desk.run(*STORY, "ALTER DATABASE SCOPED CREDENTIAL reader WITH IDENTITY = 'bob'")
    (made,) = desk.engine.catalogs.values()
    assert made.properties["connection-user"] == "bob"
    assert "connection-password" not in made.properties
    assert desk.kube.keys == set()
    assert desk.engine.readable("dbo.orders")


def test_a_credential_of_one_source_leaves_those_of_others(desk: Desk) -> None:
    desk.run(CREDENTIAL, CREDENTIAL.replace("reader", "writer"))
    assert len(desk.kube.keys) == 2
    desk.run("DROP DATABASE SCOPED CREDENTIAL writer")
    assert desk.rows("SELECT secret_key FROM polybase.credentials") == [(next(iter(desk.kube.keys)),)]


def test_statements_that_mean_nothing_here_say_so(desk: Desk) -> None:
    desk.run(*STORY)
    asked = len(desk.engine.seen)
    assert desk.run("CREATE MASTER KEY ENCRYPTION BY PASSWORD = 'x1'").command == "CREATE MASTER KEY"
    assert desk.external.run(DropMasterKey()).command == "DROP MASTER KEY"
    assert desk.run("CREATE STATISTICS s ON orders (id)").command == "CREATE STATISTICS"
    assert desk.run("DROP STATISTICS dbo.orders.s").command == "DROP STATISTICS"
    assert (len(desk.said), len(desk.engine.seen)) == (3, asked)
    assert not any("x1" in one for one in desk.said)
    with pytest.raises(NotFoundError, match=r"there is no external table dbo\.nix"):
        desk.run("CREATE STATISTICS s ON nix (id)")
    with pytest.raises(UsageError, match="Use is recognized but not supported here"):
        desk.external.run(Use("bdc"))


def test_resource_managers_are_kept_and_not_used(desk: Desk) -> None:
    desk.run("CREATE EXTERNAL DATA SOURCE x WITH (LOCATION = 'postgresql://db/sales', RESOURCE_MANAGER_LOCATION = 'rm:8050')")
    assert desk.rows("SELECT resource_manager_location FROM sys.external_data_sources") == [("rm:8050",)]
    assert desk.said == ["RESOURCE_MANAGER_LOCATION is kept and not used: queries are pushed down by Trino"]


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        ("'Sales'", [("SCHEMA", "public", "public", None), ("SCHEMA", "archive", "archive", None)]),
        (
            "@data_source = 'SALES', @object_root_name = 'public'",
            [
                ("TABLE", "public.orders", "orders", "public.orders"),
                ("TABLE", "public.[my list]", "my list", "public.[my list]"),
            ],
        ),
        (
            "'sales', NULL, 2",
            [
                ("SCHEMA", "public", "public", None),
                ("TABLE", "public.orders", "orders", "public.orders"),
                ("TABLE", "public.[my list]", "my list", "public.[my list]"),
                ("SCHEMA", "archive", "archive", None),
                ("TABLE", "archive.orders", "orders", "archive.orders"),
            ],
        ),
        ("'sales', 'lists.public'", [("TABLE", "lists.public.lists", "lists", "lists.public.lists")]),
    ],
)
def test_objects_of_a_source_are_listed(desk: Desk, arguments: str, rows: list[object]) -> None:
    desk.run(CREDENTIAL, SOURCE)
    result = desk.run(f"EXEC sp_data_source_objects {arguments}")
    assert [column.name for column in result.columns] == ["OBJECT_TYPE", "OBJECT_NAME", "OBJECT_LEAF_NAME", "TABLE_LOCATION"]
    assert list(result.rows) == rows


def test_what_is_listed_can_be_made_a_table(desk: Desk) -> None:
    desk.run(CREDENTIAL, SOURCE)
    for number, row in enumerate(list(desk.run("EXEC sp_data_source_objects 'sales', NULL, 2").rows)):
        if row[0] == "TABLE":
            desk.external.run(desk.external.lookups.proposal("sales", str(row[3]), ObjectName((f"t{number}",))))
    assert len(desk.engine.views) == 3


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        ("sp_data_source_objects 'nix'", NotFoundError, "there is no external data source nix"),
        ("sp_data_source_objects 'sales', 'nix'", NotFoundError, "the source Sales has no nix"),
        ("sp_data_source_objects 'sales', 'a..b'", UsageError, "'a..b' is no name of an object"),
        ("sp_data_source_objects", UsageError, "needs @data_source"),
        ("sp_data_source_objects 'sales', NULL, 1, 2", UsageError, "and no more"),
        ("sp_data_source_objects @source = 'sales'", UsageError, "takes @data_source, @object_root_name, .*and no source"),
        ("sp_data_source_table_columns 'sales'", UsageError, "needs @table_location"),
        ("sp_data_source_table_columns 'sales', 'public.nix'", UsageError, "the source Sales has no public.nix"),
    ],
)
def test_questions_that_have_no_answer(desk: Desk, call: str, error: type[BdcError], told: str) -> None:
    desk.run(CREDENTIAL, SOURCE)
    with pytest.raises(error, match=told):
        desk.run(f"EXEC {call}")


def test_columns_of_an_object_are_listed(desk: Desk) -> None:
    desk.run(CREDENTIAL, SOURCE)
    result = desk.run("EXEC sp_data_source_table_columns @table_location = 'public.orders', @data_source = 'sales'")
    assert [column.name for column in result.columns] == ["name", "type"]
    assert list(result.rows) == [("id", "integer"), ("customer", "varchar(40)"), ("total", "decimal(10,2)")]


@pytest.mark.parametrize("call", ["sp_data_source_objects 'sales'", "sp_data_source_table_columns 'sales', 'public.orders'"])
def test_a_source_that_is_down_isnt_listed(desk: Desk, sales: FakeSource, call: str) -> None:
    desk.run(CREDENTIAL, SOURCE)
    sales.down = True
    with pytest.raises(UnhealthyError, match="the source Sales doesn't answer"):
        desk.run(f"EXEC {call}")


def test_a_proposal_is_a_statement_with_all_columns(desk: Desk) -> None:
    desk.run(CREDENTIAL, SOURCE)
    proposed = desk.external.lookups.proposal("SALES", "archive.orders", ObjectName(("arch", "o")))
    assert str(proposed) == (
        "CREATE EXTERNAL TABLE [arch].[o] ([id] bigint, [key] uniqueidentifier) WITH (LOCATION = 'archive.orders', DATA_SOURCE = [Sales])"
    )
    desk.run(str(proposed))
    assert desk.engine.readable("arch.o")


def test_definitions_are_told_with_their_troubles(desk: Desk) -> None:
    desk.run(*STORY)
    (made,) = desk.external.lookups.definitions().tables
    assert (str(made), made.source, [column.type for column in made.columns]) == ("dbo.Orders", "Sales", ["int", "nvarchar(20)"])
    assert desk.external.trouble("DBO", "ORDERS") == "it is being made"
    assert desk.external.trouble("dbo", "nix") is None
    desk.connection.execute("INSERT INTO polybase.table_errors (object_id, error) SELECT object_id, 'away' FROM polybase.tables")
    assert desk.external.trouble("dbo", "orders") == "away"
    assert desk.external.lookups.troubles().tables == {"dbo.orders": "away"}
    with pytest.raises(NotFoundError) as caught:
        desk.external.lookups.source("nix")
    assert caught.value.hint == "there are: Sales"


@pytest.mark.parametrize(
    ("parts", "found"),
    [(("t",), ("dbo", "t")), (("a", "t"), ("a", "t")), (("BDC", "a", "t"), ("a", "t")), (("bdc", "", "t"), ("dbo", "t"))],
)
def test_tables_without_a_schema_are_dbos(parts: tuple[str, ...], found: tuple[str, str]) -> None:
    assert table_name(ObjectName(parts)) == found


def test_a_master_without_the_migrations_says_what_brings_them(
    postgresql: EndpointConnection, access: Credentials, kube: Cluster, engine: FakeEngine
) -> None:
    with open_connection(postgresql, access) as connection, pytest.raises(BdcError, match="was set up before this version") as caught:
        Definer(kube, CLUSTER, lambda: connection, engine, lambda _: None).lookups.definitions()
    assert caught.value.hint == "bdc up brings it up to date"


def test_who_isnt_the_administrator_changes_nothing(desk: Desk) -> None:
    desk.connection.execute("CREATE ROLE anybody")
    desk.connection.execute("SET ROLE anybody")
    try:
        with pytest.raises(BdcError, match="only the cluster's administrator"):
            desk.run("CREATE EXTERNAL DATA SOURCE x WITH (LOCATION = 'postgresql://db/sales')")
    finally:
        desk.connection.execute("RESET ROLE")
        desk.connection.execute("DROP ROLE anybody")
    assert desk.engine.catalogs == {}


def test_an_alter_that_trino_refuses_takes_nothing_away(desk: Desk) -> None:
    desk.run(*STORY)
    before = (dict(desk.engine.views), dict(desk.engine.catalogs))
    desk.engine.refused = "the property is invalid"
    with pytest.raises(BdcError, match="the property is invalid"):
        desk.run("ALTER EXTERNAL DATA SOURCE sales SET PUSHDOWN = OFF")
    assert (desk.engine.views, desk.engine.catalogs) == before


def test_an_identity_isnt_a_reference(desk: Desk) -> None:
    desk.run(*STORY)
    with pytest.raises(UsageError, match="may not stand in IDENTITY"):
        desk.run("ALTER DATABASE SCOPED CREDENTIAL reader WITH IDENTITY = '${external:abc}', SECRET = 'x'")
    assert len(desk.kube.keys) == 1


def test_a_name_that_the_lake_has_is_refused(desk: Desk) -> None:
    desk.run(CREDENTIAL, SOURCE)
    desk.engine.lake.schemas["dbo"] = {"orders": {}}
    with pytest.raises(UsageError, match=r"there is a table dbo\.Orders in the lake already"):
        desk.run(TABLE)
    assert desk.engine.views == {}


def test_a_root_has_no_more_names_than_its_source(desk: Desk) -> None:
    desk.run(CREDENTIAL, SOURCE, "CREATE EXTERNAL DATA SOURCE shop WITH (LOCATION = 'mysql://db')")
    for source, root in (("shop", "foo.public"), ("Sales", "sales.public.orders")):
        with pytest.raises(UsageError, match="too many names"):
            desk.external.lookups.objects(source, root)


def test_columns_without_a_type_in_tsql_are_left_out_of_a_proposal(desk: Desk, sales: FakeSource) -> None:
    desk.run(CREDENTIAL, SOURCE)
    sales.schemas["public"]["odd"] = {"a": "integer", "b": "interval day to second"}
    statement = desk.external.lookups.proposal("Sales", "public.odd", ObjectName(("odd",)))
    assert [column.name for column in statement.columns] == ["a"]
    assert desk.said == ["left out, as T-SQL has no type for them: b (interval day to second)"]


def readers(desk: Desk) -> list[str]:
    return [row[0] for row in desk.rows("SELECT grantee FROM sys.database_permissions ORDER BY 1")]


@pytest.fixture
def people(desk: Desk) -> Iterator[Desk]:
    """With users that the master knows."""
    desk.connection.execute("CREATE ROLE ann; CREATE ROLE bob")
    yield desk
    desk.connection.execute("DROP ROLE ann; DROP ROLE bob")


def test_everybody_reads_until_the_right_is_given_to_some(people: Desk) -> None:
    people.run(*STORY)
    everybodys = people.engine.views["dbo.orders"]
    assert readers(people) == ["public"]
    people.run("GRANT SELECT ON dbo.orders TO Ann")
    assert (readers(people), people.said) == (
        ["public"],
        ["everybody may read dbo.orders already, until REVOKE SELECT ON dbo.orders FROM public"],
    )
    assert people.engine.views["dbo.orders"] == everybodys
    assert people.run("REVOKE SELECT ON OBJECT::dbo.Orders FROM public").command == "REVOKE"
    assert readers(people) == []
    assert "current_user IN ('bdc') UNION ALL" in people.engine.views["dbo.orders"].text
    people.run("GRANT SELECT ON orders TO Ann, [bob]")
    assert readers(people) == ["ann", "bob"]
    assert people.engine.views["dbo.orders"].text.startswith(f"{everybodys.text} WHERE current_user IN ('ann', 'bdc', 'bob') UNION ALL ")
    people.run("REVOKE SELECT ON orders FROM ann")
    assert readers(people) == ["bob"]
    people.run("GRANT SELECT ON orders TO public")
    assert readers(people) == ["public"]
    assert people.engine.views["dbo.orders"] == everybodys


def test_who_may_not_read_gets_failures_in_the_place_of_rows(people: Desk) -> None:
    people.run(*STORY, "REVOKE SELECT ON orders FROM public")
    _, others = people.engine.views["dbo.orders"].text.split(" UNION ALL ")
    refusal = "fail(4, 'you may not read dbo.Orders')"
    assert others == (
        f"""SELECT CAST({refusal} AS integer) AS "id", CAST({refusal} AS varchar(20)) AS "customer" """
        f"WHERE NOT current_user IN ('bdc') AND {refusal}"
    )


@pytest.mark.parametrize(
    ("statement", "error", "told"),
    [
        ("GRANT SELECT ON public.customers TO ann", NotFoundError, "there is no external table public.customers"),
        ("GRANT SELECT ON orders TO nobody", NotFoundError, "there is no user nobody"),
        ("REVOKE SELECT ON orders FROM ann", UsageError, "everybody may read dbo.orders"),
    ],
)
def test_rights_that_cant_be_given(people: Desk, statement: str, error: type[BdcError], told: str) -> None:
    people.run(*STORY)
    with pytest.raises(error, match=told):
        people.run(statement)
    assert readers(people) == ["public"]


def test_a_master_that_is_failing_over_says_so(desk: Desk) -> None:
    """A server that has lost the leader's part takes connections for some seconds, and no change."""
    desk.connection.execute("SET default_transaction_read_only = on")
    try:
        with pytest.raises(UnhealthyError, match="the SQL master has no leader just now") as caught:
            desk.run(CREDENTIAL)
    finally:
        desk.connection.execute("SET default_transaction_read_only = off")
    assert "try again" in str(caught.value.hint)
    desk.run(CREDENTIAL)
